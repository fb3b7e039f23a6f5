//! A file that is there already stays as it is, but for our entry.

use connect::{Change, Home, WriteError, write};

use crate::{client, open, read, with_key};

/// What `name`'s file is after `--write`, and again after it. The second time must change nothing.
fn after(name: &str, before: &str) -> Result<String, WriteError> {
    written(name, before, &with_key())
}

fn written(name: &str, before: &str, endpoint: &connect::Endpoint) -> Result<String, WriteError> {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let path = home.file(client(name).file.as_ref().unwrap());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, before).unwrap();
    let done = match write(client(name), endpoint, &home) {
        Ok(done) => done,
        Err(cause) => {
            assert_eq!(read(&path), before, "a refused file was changed");
            assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
            return Err(cause);
        }
    };
    if done.change == Change::Merged {
        assert_eq!(read(done.backup.as_ref().unwrap()), before);
    }
    let once = read(&path);
    let again = write(client(name), endpoint, &home).unwrap();
    assert_eq!((again.change, again.backup), (Change::None, None), "{once}");
    assert_eq!(read(&path), once);
    Ok(once)
}

#[test]
fn json_keeps_comments_order_and_commas() {
    let before = r#"// My settings
{
    "theme": "dark", // not light
    "mcpServers": {
        /* the tracker */
        "tracker": {"command": "npx", "args": ["a",  "b"]},
    },
    "last": [1,2,   3],
}
"#;
    let expected = r#"// My settings
{
    "theme": "dark", // not light
    "mcpServers": {
        /* the tracker */
        "tracker": {"command": "npx", "args": ["a",  "b"]},
        "dremio": {
            "url": "http://127.0.0.1:8000/mcp",
            "headers": {
                "Authorization": "Bearer ${env:DREMIO_MCP_KEY}",
            },
        },
    },
    "last": [1,2,   3],
}
"#;
    assert_eq!(after("cursor", before).unwrap(), expected);
}

#[test]
fn json_of_all_small_forms() {
    for before in ["", "\n", "{}", "{ }\n", "{\"mcpServers\":{}}", "// nothing yet\n", "{\n}\n"] {
        let text = after("cursor", before).unwrap();
        assert!(text.contains("\"url\": \"http://127.0.0.1:8000/mcp\""), "{before:?}: {text}");
    }
    let text = after("cursor", "\u{feff}{\r\n  \"a\": 1\r\n}\r\n").unwrap();
    assert!(text.starts_with("\u{feff}{\r\n  \"a\": 1,\r\n"), "{text:?}");
    assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
}

#[test]
fn an_older_entry_keeps_what_is_not_about_the_way() {
    let before = r#"{"mcpServers": {"dremio": {
  "command": "npx", // the old way
  "args": ["mcp-remote"],
  "disabled": false,
  "headers": {"X-Team": "a", "Authorization": "Bearer old"}
}}}"#;
    let text = after("cursor", before).unwrap();
    for gone in ["command", "args", "old\""] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    for there in ["\"disabled\": false", "\"X-Team\": \"a\"", "Bearer ${env:DREMIO_MCP_KEY}"] {
        assert!(text.contains(there), "{there}: {text}");
    }
}

#[test]
fn without_a_key_an_older_one_goes() {
    let before = r#"{"mcpServers": {"dremio": {"url": "http://127.0.0.1:8000/mcp",
      "headers": {"Authorization": "Bearer old"}}}}"#;
    let text = written("cursor", before, &open()).unwrap();
    assert!(!text.contains("headers"), "{text}");
    let before = "[mcp_servers.dremio]\nurl = \"x\"\nbearer_token_env_var = \"OLD\"\n";
    let text = written("codex", before, &open()).unwrap();
    assert_eq!(text, "[mcp_servers.dremio]\nurl = \"http://127.0.0.1:8000/mcp\"\n");
}

#[test]
fn json_that_is_broken_is_left_alone() {
    for (before, said) in [
        ("{\n  \"a\": 1\n  \"b\": 2\n}", "line 2: Expected comma; correct"),
        ("{\n  \"a\": [1,\n", "line 2: "),
        ("{'a': 1}", "line 1: "),
        ("[]", "line 1: the file should hold entries by name"),
        ("{\n\n\"mcpServers\": []}", "line 3: \"mcpServers\" should hold entries by name"),
        ("{\"mcpServers\": null}", "should hold entries by name"),
        ("{\"mcpServers\": {},\n\"mcpServers\": {}}", "line 2: \"mcpServers\" is there twice"),
        (
            "{\"mcpServers\": {\"dremio\": 1}}",
            "\"mcpServers\".\"dremio\" should hold entries by name",
        ),
    ] {
        let cause = after("cursor", before).unwrap_err().to_string();
        assert!(cause.contains(said), "{before:?}: {cause}");
    }
}

#[test]
fn toml_keeps_comments_order_and_form() {
    let before = "# mine\nmodel = \"x\"   # the best\n\n[mcp_servers.tracker]\n\
                  command = 'npx' # a\n\n\
                  [profiles.a]\nmodel = \"y\"\n";
    let text = after("codex", before).unwrap();
    let entry = "[mcp_servers.dremio]\nurl = \"http://127.0.0.1:8000/mcp\"\n\
                 bearer_token_env_var = \"DREMIO_MCP_KEY\"\n";
    assert!(text.contains(entry), "{text}");
    assert_eq!(text.replace(entry, "").replace("\n\n\n", "\n\n").trim_end(), before.trim_end());

    let inline = "mcp_servers = { tracker = { command = \"npx\" } } # all\n";
    let text = after("codex", inline).unwrap();
    assert!(
        text.contains("tracker = { command = \"npx\" }") && text.ends_with("# all\n"),
        "{text}"
    );
    assert!(text.contains("dremio = { url = "), "{text}");

    let older = "[mcp_servers.dremio]\ncommand = \"npx\"\nstartup_timeout_sec = 30 # slow\n";
    let text = after("codex", older).unwrap();
    assert!(text.contains("startup_timeout_sec = 30 # slow") && !text.contains("npx"), "{text}");
}

#[test]
fn toml_that_is_broken_is_left_alone() {
    for (before, said) in [
        ("a = 1\nb = \n", "line 2: "),
        ("mcp_servers = 1\n", "mcp_servers should hold entries by name"),
        ("[mcp_servers]\ndremio = 1\n", "mcp_servers.dremio should hold entries by name"),
        ("[a]\n[a]\n", "line 2: "),
    ] {
        let cause = after("codex", before).unwrap_err().to_string();
        assert!(cause.contains(said), "{before:?}: {cause}");
    }
}

#[test]
fn lists_in_toml() {
    let entry = "[[mcp_servers]]\nname = \"dremio\"\ntransport = \"streamable-http\"\n\
                 url = \"http://127.0.0.1:8000/mcp\"\napi_key_env = \"DREMIO_MCP_KEY\"\n\
                 tool_timeout_sec = 300\n";
    let start = "# mine\nmodel = 'x' # the best\n";
    assert_eq!(after("vibe", start).unwrap(), format!("{start}\n{entry}"));

    // None so far, in the other form, with a comment of its own.
    let before = format!("{start}# no servers\nmcp_servers = []\n\n[tools.bash]\na = 1\n");
    let text = after("vibe", &before).unwrap();
    assert!(text.contains(&format!("# no servers\n{entry}")), "{text}");
    assert!(text.starts_with(start) && text.contains("[tools.bash]\na = 1\n"), "{text}");

    let text = after("vibe", "a = 1\nmcp_servers = []\nb = 2\n").unwrap();
    assert_eq!(text, format!("a = 1\nb = 2\n\n{entry}"));

    let other = "[[mcp_servers]]\nname = 'other' # mine\ntransport = 'stdio'\n";
    let text = after("vibe", other).unwrap();
    assert_eq!(text, format!("{other}\n{entry}"));

    let inline = "mcp_servers = [{ name = 'other' }] # all\n";
    let text = after("vibe", inline).unwrap();
    assert!(text.contains("{ name = 'other' }, { name = \"dremio\"") && text.contains("# all"));

    let older = format!(
        "{other}[[mcp_servers]]\nname = \"dremio\"\ncommand = 'npx'\nenv = {{}}\n\
                         startup_timeout_sec = 15 # slow\n"
    );
    let text = after("vibe", &older).unwrap();
    assert!(text.contains("startup_timeout_sec = 15 # slow") && !text.contains("npx"), "{text}");
    assert!(text.starts_with(other), "{text}");

    for (before, said) in [
        ("mcp_servers = 1\n", "mcp_servers should be a list"),
        ("mcp_servers = [1]\n", "mcp_servers should be a list"),
        ("[mcp_servers.a]\nb = 1\n", "mcp_servers should be a list"),
        (
            "[[mcp_servers]]\nname = 'dremio'\n[[mcp_servers]]\nname = 'dremio'\n",
            "mcp_servers \"dremio\" is there twice",
        ),
    ] {
        let cause = after("vibe", before).unwrap_err().to_string();
        assert!(cause.contains(said), "{before:?}: {cause}");
    }
}

const GOOSE: &str = "  dremio:
    enabled: true
    type: streamable_http
    name: dremio
    description: \"SQL and the catalog of a Dremio\"
    uri: \"http://127.0.0.1:8000/mcp\"
    timeout: 300
    env_keys: [DREMIO_MCP_KEY]
    headers:
      Authorization: \"Bearer ${DREMIO_MCP_KEY}\"
";

#[test]
fn yaml_keeps_comments_order_and_form() {
    let before = "# mine\nGOOSE_MODEL: 'x'   # the best\n\
                  extensions: # all of them\n  # the first\n  \
                  developer: {enabled: true}\n\n  # the second\n  memory:\n    enabled: true\n\
                  # the end\nother: |\n  # no comment\n  text\n";
    let expected = before.replace("# all of them\n", &format!("# all of them\n{GOOSE}"));
    assert_eq!(after("goose", before).unwrap(), expected);
}

#[test]
fn yaml_of_all_small_forms() {
    for (before, expected) in [
        ("", format!("extensions:\n{GOOSE}")),
        ("# nothing yet\n", format!("# nothing yet\nextensions:\n{GOOSE}")),
        ("a: 1", format!("a: 1\nextensions:\n{GOOSE}")),
        ("extensions:\n", format!("extensions:\n{GOOSE}")),
        ("extensions: {} # none\nb: 2\n", format!("extensions: # none\n{GOOSE}b: 2\n")),
        ("---\nextensions: null\n", format!("---\nextensions:\n{GOOSE}")),
    ] {
        assert_eq!(after("goose", before).unwrap(), expected, "{before:?}");
    }
    let text = after("goose", "a: 1\r\nb: 2\r\n").unwrap();
    assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
}

#[test]
fn an_older_entry_in_yaml_keeps_what_is_not_about_the_way() {
    let before = "extensions:\n  a: 1\n  dremio:\n    type: stdio\n    cmd: npx\n\
                  \x20   bundled: null\n\
                  \n    timeout: 9\n  # about z\n  z: 2\n";
    let text = after("goose", before).unwrap();
    assert!(
        text.starts_with("extensions:\n  a: 1\n  dremio:\n    type: streamable_http\n"),
        "{text}"
    );
    assert!(text.contains("    bundled: null\n") && text.contains("    timeout: 300\n"), "{text}");
    assert!(text.ends_with("\n  # about z\n  z: 2\n") && !text.contains("npx"), "{text}");
}

const CONTINUE: &str = "- name: dremio
  type: streamable-http
  url: \"http://127.0.0.1:8000/mcp\"
  requestOptions:
    headers:
      Authorization: \"Bearer 0123456789abcdef\"
";

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[test]
fn lists_in_yaml() {
    let start = "name: A\nversion: 1.0.0\n";
    let text = after("continue", start).unwrap();
    assert_eq!(text, format!("{start}mcpServers:\n{}", indented(CONTINUE)));

    // A list whose dashes stand below the name.
    let before = format!("{start}mcpServers:\n# mine\n- name: other\n  command: npx # x\nz: 1\n");
    let expected = before.replace("# mine", &format!("{CONTINUE}# mine"));
    assert_eq!(after("continue", &before).unwrap(), expected);

    let older = format!(
        "{start}mcpServers:\n  - name: other\n    command: npx\n  - name: dremio\n    \
         command: old\n    connectionTimeout: 9\n\n# end\nz: 1\n"
    );
    let text = after("continue", &older).unwrap();
    assert!(text.contains("    connectionTimeout: 9\n") && !text.contains("old"), "{text}");
    assert!(text.contains("  - name: dremio\n") && text.ends_with("\n\n# end\nz: 1\n"), "{text}");
}

#[test]
fn yaml_that_cannot_be_told_is_left_alone() {
    for (before, said) in [
        ("a: 1\nb: [1\n", "line "),
        ("a: 1\n b: 2\n", "line 2: "),
        ("- a\n", "line 1: the file should hold entries by name"),
        ("extensions:\n  - a\n", "line 1: extensions should hold entries by name"),
        ("extensions: 7\n", "extensions should hold entries by name"),
        ("extensions: {a: 1}\n", "put the entry in by hand"),
        ("{a: 1}\n", "put the entry in by hand"),
        ("a: 1\n---\nb: 2\n", "several documents"),
        ("a: 1\n...\n", "put the entry in by hand"),
        ("x: &x\n  a: 1\nextensions: *x\n", "should hold entries by name"),
        ("extensions:\n  dremio: &d\n    a: 1\nz: *d\n", "anchors"),
        ("extensions:\n  a: 1\nextensions:\n  b: 1\n", "line "),
    ] {
        let cause = after("goose", before).map_err(|cause| cause.to_string());
        let cause = cause.expect_err(before);
        assert!(cause.contains(said), "{before:?}: {cause}");
    }
}
