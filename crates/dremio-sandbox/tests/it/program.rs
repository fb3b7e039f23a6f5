//! The program: its ready line, its health check, its signals, its exit codes.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dremio-sandbox"))
}

#[test]
fn it_says_ready_and_stops_on_sigterm() {
    let mut child =
        program().args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let uri = ready["uri"].as_str().unwrap();
    let healthy =
        |uri: &str| program().args(["healthcheck", "--uri", uri]).status().unwrap().code();
    assert_eq!(healthy(uri), Some(0));
    let term = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(term.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(healthy(uri), Some(1));
}

#[test]
fn exit_codes() {
    let code = |arguments: &[&str]| program().args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["--nonsense"]), Some(64));
    assert_eq!(code(&["--token-lifetime", "30"]), Some(64));
    assert_eq!(code(&["--token-lifetime", "0s"]), Some(64));
    assert_eq!(code(&["--listen", "127.0.0.1:0", "--password-file", "/does/not/exist"]), Some(78));
}
