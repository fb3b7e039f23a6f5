//! What the programs that are measured have in common: the answers of an MCP server that does as
//! little as one can.

use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

const TOOLS: &str = concat!(
    r#"{"tools":[{"name":"echo","description":"Gives the text back","inputSchema":"#,
    r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}]}"#,
);

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

/// Appends the answer to `line`, one JSON-RPC message, and a line end, if it asks for one.
/// `tools/call` is answered with the `text` of the call.
///
/// # Errors
/// Never for a `Vec`.
pub fn answer(line: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
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
