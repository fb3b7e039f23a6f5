//! The ways in which the fixture misbehaves.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::out::Out;
use super::{ask, in_background, shown};

/// Misbehaves in the way `kind`, on request `id`.
pub(crate) fn fault(out: &Out, id: &Value, kind: &str) {
    match kind {
        "exit" => std::process::exit(3),
        "garbage" => {
            out.line("this is not JSON");
            out.line(r#"{"json":"but not JSON-RPC"}"#);
            out.line(r#"{"jsonrpc":"2.0","id":999999999,"result":{"for":"nobody"}}"#);
            out.line(concat!(
                r#"{"jsonrpc":"2.0","method":"notifications/message","#,
                r#""params":{"level":"info","data":"whose?"}}"#,
            ));
            out.text(id, "after garbage");
        }
        "flood" => {
            let line = format!("{}\n", "e".repeat(100_000));
            for _ in 0..50 {
                let _ = std::io::stderr().write_all(line.as_bytes());
            }
            out.text(id, "after the flood");
        }
        "large" => out.text(id, &"x".repeat(20_000_000)),
        "hang" => {
            let _all_wait = out.seen();
            loop {
                std::thread::park();
            }
        }
        "grandchild" => {
            let spawned = std::process::Command::new("sleep").arg("600").spawn();
            drop(spawned);
            std::process::exit(3);
        }
        "ask" => {
            out.line(
                r#"{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{}}"#,
            );
            out.line(r#"{"jsonrpc":"2.0","id":"s2","method":"ping"}"#);
            out.text(id, "asked");
        }
        "others" => {
            for other in (1..2000).filter(|other| *id != *other) {
                let params = json!({ "progressToken": other, "progress": 1, "message": "stray" });
                out.notification(&json!("notifications/progress"), &params);
                let result = json!({ "content": [{ "type": "text", "text": "stray" }] });
                out.line(&json!({ "jsonrpc": "2.0", "id": other, "result": result }).to_string());
            }
            out.text(id, "own");
        }
        "break" => out.end(),
        "late" => {
            out.text(id, "answered");
            let (out, id) = (out.clone(), id.clone());
            in_background(move || {
                while !out.has_left() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let said = shown(ask(&out, &id, "GET", "/api/v3/catalog", ""));
                out.seen().late.push(said);
            });
        }
        // `silent`: no answer, ever.
        _ => {}
    }
}
