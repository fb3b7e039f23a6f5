//! An MCP server over stdio that does as little as one can: it answers `tools/call` with the `text`
//! of the call. Whatever stands in front of it is what a benchmark measures. One thread, one buffer
//! each way, one write for all that was read at once.

use std::io::{Read, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

/// One read takes what a pipe holds.
const READ_BYTES: usize = 64 * 1024;

const TOOLS: &str = r#"{"tools":[{"name":"echo","description":"Gives the text back","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}]}"#;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a str>,
    #[serde(borrow, default)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    arguments: Arguments<'a>,
    #[serde(borrow, rename = "protocolVersion")]
    protocol_version: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

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

/// Appends the answer to `line`, if it asks for one.
fn answer(line: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    let Ok(Request { id: Some(id), method: Some(method), params }) = serde_json::from_slice(line)
    else {
        return Ok(());
    };
    write!(out, r#"{{"jsonrpc":"2.0","id":{},"#, id.get())?;
    match method {
        "tools/call" => {
            let text = params.arguments.text.map_or("\"\"", RawValue::get);
            write!(
                out,
                r#""result":{{"content":[{{"type":"text","text":{text}}}],"isError":false}}}}"#
            )?;
        }
        "initialize" => {
            let version = params.protocol_version.map_or(r#""2025-11-25""#, RawValue::get);
            let introduction =
                r#""capabilities":{"tools":{}},"serverInfo":{"name":"echo-child","version":"0"}"#;
            write!(out, r#""result":{{"protocolVersion":{version},{introduction}}}}}"#)?;
        }
        "tools/list" => write!(out, r#""result":{TOOLS}}}"#)?,
        "ping" => out.extend_from_slice(br#""result":{}}"#),
        _ => out.extend_from_slice(br#""error":{"code":-32601,"message":"Method not found"}}"#),
    }
    out.push(b'\n');
    Ok(())
}
