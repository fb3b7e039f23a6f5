//! An MCP server over stdio that does as little as one can: it answers `tools/call` with the `text`
//! of the call. Whatever stands in front of it is what a benchmark measures. One thread, one buffer
//! each way, one write for all that was read at once.

use std::io::{Read, Write};

use bench::answer;

/// One read takes what a pipe holds.
const READ_BYTES: usize = 64 * 1024;

fn main() -> std::io::Result<()> {
    let (mut stdin, mut stdout) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut read, mut answers) = (Vec::with_capacity(READ_BYTES), Vec::with_capacity(READ_BYTES));
    let mut chunk = vec![0; READ_BYTES];
    loop {
        let count = stdin.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        read.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let whole = read.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        for line in read.get(..whole).unwrap_or_default().split(|&byte| byte == b'\n') {
            answer(line, &mut answers)?;
        }
        read.drain(..whole);
        stdout.write_all(&answers)?;
        stdout.flush()?;
        answers.clear();
    }
}
