//! The same child without anything in front of it: what a call costs when client and server share
//! two pipes. What a bridge takes more than that is what it adds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::samples::Samples;

/// Calls `program` over its standard input and output for `length`, one call at a time.
///
/// # Errors
/// When it does not answer as it should.
pub(crate) fn run(program: &Path, length: Duration) -> anyhow::Result<Samples> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    let mut stdout = BufReader::new(child.stdout.take().context("no pipe")?);
    let mut samples = Samples::default();
    let begin = Instant::now();
    let (mut request, mut answer) = (String::new(), String::new());
    for id in 1_u64.. {
        if begin.elapsed() > length {
            break;
        }
        request.clear();
        answer.clear();
        let params =
            format!(r#"{{"name":"echo","arguments":{{"text":"direct call {id}"}},"_meta":{{}}}}"#);
        let sent = Instant::now();
        request.push_str(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#
        ));
        request.push('\n');
        stdin.write_all(request.as_bytes())?;
        stdout.read_line(&mut answer)?;
        let took = sent.elapsed();
        ensure!(
            answer.contains(&format!(r#""id":{id},"#))
                && answer.contains(&format!("direct call {id}\"")),
            "wrong: {answer}"
        );
        samples.add(took);
    }
    drop(stdin);
    child.wait()?;
    Ok(samples)
}
