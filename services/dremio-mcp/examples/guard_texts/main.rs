//! Generates SQL texts, and shows what the guard would send of them. `scripts/prove/calcite/run`
//! compares both with Calcite.
//!
//! ```text
//! guard_texts generate SEED COUNT   writes COUNT texts in base64, one per line; the same seed
//!                                   gives the same texts
//! guard_texts filter                reads such lines and writes three columns, separated by tabs:
//!                                   the text, what the guard sends instead, and a digest of the
//!                                   tokens that it reads; "-" in both if it refuses
//! ```

mod generator;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dremio_mcp::guard::{Guard, lex};

use self::generator::Generator;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", seed, count] => generate(seed, count),
        ["filter"] => filter(),
        _ => Err(anyhow::anyhow!("use: guard_texts generate SEED COUNT | guard_texts filter")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            let _unwritable = writeln!(std::io::stderr(), "{cause:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate(seed: &str, count: &str) -> anyhow::Result<()> {
    let mut generator = Generator::new(seed.parse().context("SEED")?);
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..count.parse::<u64>().context("COUNT")? {
        writeln!(output, "{}", STANDARD.encode(generator.text()))?;
    }
    Ok(output.flush()?)
}

fn filter() -> anyhow::Result<()> {
    let guard = Guard { allow_job_history: true, ..Guard::default() };
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let text = String::from_utf8(STANDARD.decode(&line)?)?;
        match guard.check(&text) {
            Ok(statement) => {
                writeln!(
                    output,
                    "{line}\t{}\t{:08x}",
                    STANDARD.encode(statement.as_str()),
                    lex(statement.as_str())?.digest()
                )?;
            }
            Err(_) => writeln!(output, "{line}\t-\t-")?,
        }
    }
    Ok(output.flush()?)
}
