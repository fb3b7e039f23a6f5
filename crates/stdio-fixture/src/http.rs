//! The fixture over HTTP, as Dremio's own server serves it: without sessions, any bearer is taken,
//! each request has a stream of its own, and a client that goes away cancels its request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::Value;

use super::out::Out;
use super::{cancel, handle, in_background, name};

/// The port, if the arguments ask for HTTP and the fixture knows them.
pub(crate) fn port() -> Option<u16> {
    let arguments: Vec<String> = std::env::args().collect();
    let knows =
        name() != "stdio-only" && arguments.iter().any(|it| it == "--enable-streaming-http");
    let at = arguments.iter().position(|argument| argument == "--port")?;
    arguments.get(at + 1)?.parse().ok().filter(|_| knows)
}

/// Serves there until the process ends.
pub(crate) fn serve(out: &Out, port: u16) {
    let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
        std::process::exit(1);
    };
    for connection in listener.incoming().flatten() {
        let out = out.clone();
        in_background(move || {
            let _gone = answer(&out, connection);
        });
    }
}

/// Answers the one request of a connection.
fn answer(out: &Out, mut connection: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let (mut first, mut bearer, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                value.trim_start_matches("Bearer").trim().clone_into(&mut bearer);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap_or_default();
            }
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // A process that hangs answers nobody.
    drop(out.seen());
    let mut head = |status: &str, rest: &str| {
        connection.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{rest}").as_bytes())
    };
    if bearer.is_empty() || !first.starts_with("POST /mcp ") {
        return head("401 Unauthorized", "Content-Length: 0\r\n\r\n");
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = message.get("id").and_then(Value::as_u64);
    match message.pointer("/params/arguments/kind").and_then(Value::as_str) {
        Some("status") => return head("500 Internal Server Error", "Content-Length: 0\r\n\r\n"),
        Some("refuse") => {
            let body = concat!(
                r#"{"jsonrpc":"2.0","id":"server-error","#,
                r#""error":{"code":-32602,"message":"Validation error"}}"#,
            );
            let length = body.len();
            let rest =
                format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
            return head("400 Bad Request", &rest);
        }
        _ => {}
    }
    let Some(id) = id else {
        head("202 Accepted", "Content-Length: 0\r\n\r\n")?;
        handle(out, &message);
        return Ok(());
    };
    head("200 OK", "Content-Type: text/event-stream\r\n\r\n: here\r\n\r\n")?;
    let out = out.to(connection, bearer);
    handle(&out, &message);
    let _end = reader.read(&mut [0; 1]);
    if out.leave() {
        cancel(&out, id);
    }
    Ok(())
}
