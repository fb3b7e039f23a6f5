//! What holds for every row.

use std::collections::BTreeSet;

use connect::{Format, Home, Os, clients, one_line};
use serde_json::Value;

use crate::{open, with_key};

#[test]
fn rows_are_complete() {
    let mut names = BTreeSet::new();
    for client in clients() {
        let name = client.name;
        assert!(names.insert(name), "{name} stands there twice");
        assert!(!client.title.is_empty(), "{name}");
        assert!(client.source.starts_with("https://"), "{name}");
        let is_day = |day: &str| day.len() == 10 && day.starts_with("20");
        assert!(client.read_on.is_none_or(is_day), "{name}");
        let ways = [client.file.is_some(), client.command.is_some(), client.code.is_some()];
        assert!(ways.contains(&true), "{name} is set up by nothing");
    }
    assert!(names.len() >= 22, "{} clients", names.len());
}

#[test]
fn files_are_described_in_full() {
    for client in clients() {
        let Some(file) = &client.file else { continue };
        let entry: Value = serde_json::from_str(file.entry)
            .unwrap_or_else(|cause| panic!("{}: {cause}", client.name));
        assert!(entry.is_object(), "{}", client.name);
        assert!(file.entry.contains("{{url}}"), "{}", client.name);
        for os in [Os::Linux, Os::Macos, Os::Windows] {
            assert!(!file.paths(os).is_empty(), "{} on {os:?}", client.name);
            for path in file.paths(os) {
                assert!(path.starts_with("~/"), "{}: {path}", client.name);
                assert!(!path.contains("  "), "{}: {path}", client.name);
            }
        }
        let ending = match file.format {
            Format::Json => "json",
            Format::Toml => "toml",
            Format::Yaml => "yaml",
        };
        assert!(file.paths(Os::Linux)[0].ends_with(ending), "{}", client.name);
    }
}

#[test]
fn nothing_is_left_to_fill_in() {
    for client in clients() {
        for endpoint in [with_key(), open()] {
            let text = connect::render(client, &endpoint, None);
            assert!(!text.contains("{{") && !text.contains("}}}"), "{text}");
            assert!(text.contains(endpoint.url()), "{text}");
            assert_eq!(one_line(client, &endpoint, None).lines().count(), 1, "{}", client.name);
        }
    }
}

#[test]
fn no_key_is_ever_shown_and_none_is_asked_for_without_need() {
    for client in clients() {
        let text = connect::render(client, &with_key(), None);
        assert!(!text.contains("0123456789abcdef"), "{text}");
        assert!(text.contains("DREMIO_MCP_KEY") || text.contains("<a key of /srv/keys>"), "{text}");
        let text = connect::render(client, &open(), None);
        for word in ["DREMIO_MCP_KEY", "Authorization", "Bearer", "the key"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[test]
fn a_row_whose_source_was_not_read_says_so() {
    for client in clients() {
        let said = connect::render(client, &open(), None).contains("\nNot read: https://");
        assert_eq!(said, client.read_on.is_none(), "{}", client.name);
    }
}

#[test]
fn in_short_there_is_the_key_and_what_most_people_have() {
    let titles = |endpoint| {
        let lines = connect::in_short(&endpoint).into_iter();
        lines
            .map(|(title, line)| {
                assert!(!line.contains('\n') && !line.contains("0123456789abcdef"), "{line}");
                title
            })
            .collect::<Vec<_>>()
    };
    let clients = ["Claude Code", "Codex CLI", "Cursor", "VS Code with Copilot"];
    assert_eq!(titles(open()), clients);
    assert_eq!(titles(with_key()), [&["The key"][..], &clients].concat());
}

#[test]
fn the_list_has_a_line_for_each() {
    let list = connect::list();
    assert_eq!(list.lines().count(), clients().count());
    for (line, client) in list.lines().zip(clients()) {
        assert!(line.starts_with(client.name) && line.contains(client.title), "{line}");
    }
}

#[test]
fn a_variable_moves_a_clients_folder() {
    let at = |name: &str, home: Home| {
        let file = crate::client(name).file.as_ref().unwrap();
        home.file(file).display().to_string()
    };
    let home = || Home::at("/home/ada");
    assert_eq!(at("codex", home()), "/home/ada/.codex/config.toml");
    let moved = home().with_variable("CODEX_HOME", "/srv/codex");
    assert_eq!(at("codex", moved), "/srv/codex/config.toml");
    let moved = home().with_variable("XDG_CONFIG_HOME", "/srv/config");
    assert_eq!(at("goose", moved), "/srv/config/goose/config.yaml");
    let moved = home().with_variable("CLAUDE_CONFIG_DIR", "/srv/claude");
    assert_eq!(at("claude-code", moved), "/srv/claude/.claude.json");
}

#[test]
fn a_folder_tells_its_system() {
    let folder = tempfile::tempdir().unwrap();
    let path = || {
        let file = crate::client("vscode").file.as_ref().unwrap();
        let path = Home::at(folder.path()).file(file);
        path.strip_prefix(folder.path()).unwrap().display().to_string()
    };
    if !cfg!(target_os = "macos") {
        assert_eq!(path(), ".config/Code/User/mcp.json");
    }
    std::fs::create_dir_all(folder.path().join("Library/Preferences")).unwrap();
    assert_eq!(path(), "Library/Application Support/Code/User/mcp.json");
}

#[test]
fn there_is_no_home_where_nothing_stays() {
    let home = |value: Option<&str>| {
        let value = value.map(std::ffi::OsString::from);
        Home::of_this_user(|name| (name == "HOME").then(|| value.clone()).flatten())
    };
    for value in [None, Some(""), Some("/"), Some("/nonexistent"), Some("relative")] {
        assert!(home(value).is_none(), "{value:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(home(folder.path().to_str()).is_some());
}
