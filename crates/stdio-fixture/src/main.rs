//! A small MCP server over stdio, for tests and benchmarks: as fast as such a server can be, and
//! able to misbehave in every way that a bridge must survive. It is not part of any image. It
//! introduces itself by the name that its first argument gives. With the arguments of Dremio's own
//! server it serves HTTP (`http`), unless its name is `stdio-only`.
//!
//! Tools (arguments in brackets):
//! - `echo` (`text`): gives the text back
//! - `delay` (`ms`, `text`): the same, later; other calls go on meanwhile
//! - `progress` (`steps`, `ms`): reports progress, if the caller asked for it, then answers
//! - `dremio` (`path`): GETs the path at `$DREMIOAI_DREMIO__URI` with `$DREMIOAI_DREMIO__PAT`:
//!   status and body
//! - `query` (`sql`, `ms`): runs SQL as the official server does, asks about it after that time,
//!   and drops its question to Dremio when it is cancelled: the job's status
//! - `run` (`argv`): runs a program, as a server that has turned bad would: its exit code and
//!   output
//! - `fault` (`kind`): `exit`, `garbage`, `flood` (5 MB of standard error), `large` (a 20 MB
//!   answer), `hang` (stops reading), `silent` (never answers), `grandchild` (leaves a process
//!   behind and exits), `ask` (sends requests of its own), `others` (answers and reports progress
//!   for other calls, then answers); over HTTP, `break` (ends the stream without an answer), `late`
//!   (answers, and asks Dremio when the call has ended), `status` and `refuse` (HTTP errors,
//!   without JSON-RPC and with it)
//! - `notify` (`method`, `params`): sends that notification, then answers
//! - `seen`: what this process has seen: its pid, environment, number of calls, and the requests
//!   that were cancelled, what is subscribed, and what "Dremio" said to `late`
//!
//! By the name `Dremio` it has, besides, the tools of Dremio's own server (`dremio`).
//!
//! A call with `task` becomes a task that never ends, which any client may list and read. Any
//! resource but `fixture://missing` can be subscribed to. `notify` says that one of either has
//! changed.

mod dremio;
mod fault;
mod http;
mod out;

use std::io::{BufRead, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use self::out::Out;

const TOOLS: [&str; 9] =
    ["echo", "delay", "progress", "notify", "dremio", "query", "run", "fault", "seen"];

fn main() {
    let out = Out::default();
    if let Some(port) = http::port() {
        return http::serve(&out, port);
    }
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        handle(&out, &message);
    }
}

fn handle(out: &Out, message: &Value) {
    let (id, params) = (&message["id"], &message["params"]);
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => out.result(
            id,
            &json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {
                    "tools": { "listChanged": true },
                    "prompts": { "listChanged": false },
                    "resources": { "subscribe": true, "listChanged": true },
                    "x-vendor": 1,
                },
                "serverInfo": {
                    "name": name(),
                    "version": "0",
                },
                "instructions": "for tests",
            }),
        ),
        "tools/list" if is_dremios_own() && params["cursor"].is_string() => {
            out.error(id, -32602, "unknown cursor");
        }
        "tools/list" => {
            let schema = json!({ "type": "object" });
            let tool =
                |name: &&str| json!({ "name": name, "inputSchema": schema, "x-vendor": 1.5 });
            let mut tools: Vec<_> = TOOLS.iter().map(tool).collect();
            if is_dremios_own() {
                tools.extend(dremio::tools());
            }
            out.result(id, &json!({ "tools": tools }));
        }
        "prompts/list" => out.result(id, &json!({ "prompts": [] })),
        "resources/list" => {
            let resource = json!({ "uri": "fixture://one", "name": "one" });
            out.result(id, &json!({ "resources": [resource] }));
        }
        "resources/subscribe" | "resources/unsubscribe" => subscription(out, message),
        "tools/call" if params["task"].is_object() => {
            let number = {
                let mut seen = out.seen();
                seen.tasks += 1;
                seen.tasks
            };
            out.result(id, &json!({ "task": task(number) }));
        }
        "tasks/list" => {
            let number = out.seen().tasks;
            out.result(id, &json!({ "tasks": (1..=number).map(task).collect::<Vec<_>>() }));
        }
        "tasks/get" => out.result(id, &json!({ "taskId": params["taskId"], "status": "working" })),
        "tools/call" => call(out, id, params),
        "ping" => out.result(id, &json!({})),
        "notifications/cancelled" => cancel(out, params["requestId"].as_u64().unwrap_or_default()),
        // Tests look at what arrived here byte for byte.
        "x/reflect" => {
            out.last_line(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{params}}}"#));
        }
        _ if id.is_null() => {}
        _ => out.error(id, -32601, "Method not found"),
    }
}

/// The name that the first argument gives.
fn name() -> String {
    let first = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    first.unwrap_or("stdio-fixture".into())
}

fn is_dremios_own() -> bool {
    name() == "Dremio"
}

fn task(number: u64) -> Value {
    json!({
        "taskId": format!("task-{number}"),
        "status": "working",
        "createdAt": "2026-01-01T00:00:00Z",
        "ttl": null,
    })
}

fn subscription(out: &Out, message: &Value) {
    let uri = message.pointer("/params/uri").and_then(Value::as_str).unwrap_or_default().to_owned();
    if uri == "fixture://missing" {
        return out.error(&message["id"], -32002, "Resource not found");
    }
    if message["method"] == "resources/subscribe" {
        out.seen().subscribed.insert(uri);
    } else {
        out.seen().subscribed.remove(&uri);
    }
    out.result(&message["id"], &json!({}));
}

fn call(out: &Out, id: &Value, params: &Value) {
    let arguments = &params["arguments"];
    let text = arguments["text"].as_str().unwrap_or_default().to_owned();
    let pause = Duration::from_millis(arguments["ms"].as_u64().unwrap_or_default());
    let (id, out) = (id.clone(), out.clone());
    out.seen().calls += 1;
    match params["name"].as_str().unwrap_or_default() {
        "echo" => out.text(&id, &text),
        "delay" => in_background(move || {
            std::thread::sleep(pause);
            out.text(&id, &text);
        }),
        "progress" => {
            let (steps, token) = (
                arguments["steps"].as_u64().unwrap_or(1),
                params.pointer("/_meta/progressToken").cloned().unwrap_or_default(),
            );
            in_background(move || {
                for step in 1..=steps {
                    std::thread::sleep(pause);
                    if !token.is_null() {
                        let params =
                            json!({ "progressToken": token, "progress": step, "total": steps });
                        out.notification(&json!("notifications/progress"), &params);
                    }
                }
                out.text(&id, "done");
            });
        }
        "notify" => {
            out.notification(&arguments["method"], &arguments["params"]);
            out.text(&id, "done");
        }
        "dremio" => {
            let path = arguments["path"].as_str().unwrap_or("/").to_owned();
            in_background(move || {
                out.text(&id, &shown(ask(&out, &id, "GET", &path, "")));
            });
        }
        "query" => {
            let body = json!({ "sql": arguments["sql"] }).to_string();
            in_background(move || {
                let answer = ask(&out, &id, "POST", "/api/v3/sql", &body).and_then(|submitted| {
                    if !submitted.status_line.starts_with("HTTP/1.1 200") {
                        return Ok(submitted);
                    }
                    let job: Value = serde_json::from_str(&submitted.body).unwrap_or_default();
                    let job = job.get("id").and_then(Value::as_str).unwrap_or_default();
                    std::thread::sleep(pause);
                    ask(&out, &id, "GET", &format!("/api/v3/job/{job}"), "")
                });
                out.text(&id, &shown(answer));
            });
        }
        "seen" => {
            let environment: Vec<String> = std::env::vars_os()
                .map(|(name, value)| format!("{}={}", name.display(), value.display()))
                .collect();
            let report = {
                let seen = out.seen();
                json!({
                    "pid": std::process::id(),
                    "environment": environment,
                    "calls": seen.calls,
                    "cancelled": seen.cancelled,
                    "subscribed": seen.subscribed,
                    "late": seen.late,
                })
            };
            out.text(&id, &report.to_string());
        }
        "run" => {
            let arguments = arguments.clone();
            in_background(move || out.text(&id, &run(&arguments)));
        }
        "fault" => fault::fault(&out, &id, arguments["kind"].as_str().unwrap_or_default()),
        tool if is_dremios_own() && dremio::call(&out, &id, tool, arguments) => {}
        _ => out.error(&id, -32602, "Unknown tool"),
    }
}

fn run(arguments: &Value) -> String {
    let argv: Vec<&str> =
        arguments["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some((program, rest)) = argv.split_first() else { return "error no program".to_owned() };
    match std::process::Command::new(program).args(rest).output() {
        Ok(output) => {
            let (stdout, stderr) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            format!("exit {}\n{stdout}{stderr}", output.status.code().unwrap_or(-1))
        }
        Err(cause) => format!("error {cause}"),
    }
}

fn in_background(task: impl FnOnce() + Send + 'static) {
    drop(std::thread::spawn(task));
}

fn cancel(out: &Out, id: u64) {
    let mut seen = out.seen();
    seen.cancelled.insert(id);
    if let Some(connection) = seen.open.remove(&id) {
        // Already closed is as good.
        let _ = connection.shutdown(Shutdown::Both);
    }
}

/// What "Dremio" answers.
struct Answer {
    status_line: String,
    body: String,
}

/// Status line, blank line, body.
fn shown(answer: std::io::Result<Answer>) -> String {
    match answer {
        Ok(Answer { status_line, body }) => format!("{status_line}\n\n{body}"),
        Err(cause) => format!("error {cause}"),
    }
}

fn variable(name: &str) -> String {
    std::env::var_os(name).and_then(|value| value.into_string().ok()).unwrap_or_default()
}

/// One call to "Dremio" with the credentials that the environment or the request names. `id` is the
/// request that it is made for, whose cancellation closes the connection.
fn ask(out: &Out, id: &Value, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
    let (uri, pat) = (variable("DREMIOAI_DREMIO__URI"), out.bearer());
    let address = uri.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    let id = id.as_u64().unwrap_or_default();
    out.seen().open.insert(id, stream.try_clone()?);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {pat}\r\n\
         Content-Type: application/json\r\n"
    );
    stream.write_all(
        format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    out.seen().open.remove(&id);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status_line = head.lines().next().unwrap_or_default().to_owned();
    Ok(Answer { status_line, body: body.to_owned() })
}
