//! The command, as the programs have it.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use connect::{Arguments, CommandError, Outcome, Surroundings, run};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    connect: Arguments,
}

/// What `connect` says with these arguments, in this home folder.
async fn connect(line: &str, home: Option<&Path>, key: Option<&str>) -> Outcome {
    let words = std::iter::once("connect").chain(line.split_whitespace());
    let program = Program::try_parse_from(words).unwrap_or_else(|cause| panic!("{cause}"));
    let variable = |name: &str| match name {
        "HOME" => home.map(|home| home.as_os_str().to_owned()),
        "DREMIO_MCP_KEY" => key.map(OsString::from),
        _ => None,
    };
    let http = |_: &str| Err("no network".to_owned());
    let surroundings = Surroundings {
        url: "http://127.0.0.1:8000/mcp",
        wants_key: true,
        key_file: None,
        variable: &variable,
        http: &http,
    };
    run(&program.connect, &surroundings).await
}

#[tokio::test]
async fn all_clients_are_listed() {
    let said = connect("", None, None).await;
    assert!(said.problem.is_none());
    assert!(said.text.contains("claude-code ") && said.text.contains("agno "), "{}", said.text);
}

#[tokio::test]
async fn a_slip_is_recognised() {
    for (name, part) in [
        ("claude", "did you mean claude-code?"),
        ("vscod", "did you mean vscode?"),
        ("xyz", "`connect` alone lists all"),
    ] {
        let problem = connect(name, None, None).await.problem.unwrap();
        assert!(problem.is_usage());
        assert!(problem.to_string().contains(part), "{problem}");
    }
}

#[tokio::test]
async fn without_a_home_it_shows_what_it_does_not_write() {
    let said = connect("cursor --write", None, None).await;
    assert!(matches!(said.problem, Some(CommandError::NoHome)));
    assert!(said.text.contains("~/.cursor/mcp.json"), "{}", said.text);
}

#[tokio::test]
async fn it_writes_and_says_what_is_left_to_do() {
    let home = tempfile::tempdir().unwrap();
    let said = connect("cursor --write", Some(home.path()), None).await;
    assert!(said.problem.is_none(), "{:?}", said.problem);
    assert!(said.text.contains("export DREMIO_MCP_KEY="), "{}", said.text);
    let said = connect("cursor --write", Some(home.path()), None).await;
    assert!(said.text.contains("nothing was written"), "{}", said.text);
    let said = connect("cursor --write --no-key", Some(home.path()), None).await;
    assert!(said.text.contains("mcp.json.backup"), "{}", said.text);
    assert!(!said.text.contains("export"), "{}", said.text);
}

#[tokio::test]
async fn the_key_comes_from_a_file_or_a_variable() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let line = format!("zed --write --key-file {}", keys.display());
    let problem = connect(&line, Some(home.path()), None).await.problem.unwrap();
    assert!(problem.is_usage(), "{problem}");
    std::fs::write(&keys, "# team\n").unwrap();
    let problem = connect(&line, Some(home.path()), None).await.problem.unwrap();
    assert!(problem.to_string().contains("holds no key"), "{problem}");
    std::fs::write(&keys, "# team\nfrom-the-file\n").unwrap();
    let settings = home.path().join(".config/zed/settings.json");
    for (line, key) in [(line.as_str(), "from-the-file"), ("zed --write", "from-the-environment")] {
        let said = connect(line, Some(home.path()), Some("from-the-environment")).await;
        assert!(said.problem.is_none(), "{:?}", said.problem);
        assert!(!said.text.contains(key), "{}", said.text);
        assert!(crate::read(&settings).contains(&format!("Bearer {key}")));
    }
}
