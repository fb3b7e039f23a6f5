//! The commands of the binary, as a script runs them.

use std::process::{Command, Stdio};

#[test]
fn a_command_whose_output_nobody_reads_keeps_its_exit_code() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "k".repeat(32)).unwrap();
    for (uri, expected) in [("http://127.0.0.1:9047", 0), ("no address", 78)] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        };
        let status = Command::new(env!("CARGO_BIN_EXE_dremio-mcp"))
            .arg("check-config")
            .env_clear()
            .envs([("MCP_ENGINE", "native"), ("DREMIO_URI", uri)])
            .env("MCP_API_KEYS_FILE", keys.path())
            .stdout(closed())
            .stderr(closed())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(expected), "{uri}");
    }
}

#[test]
fn a_key_is_made_once_and_listed_by_the_beginning_of_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dremio-mcp"))
            .arg("key")
            .args(arguments)
            .env_clear()
            .env("MCP_POLICY_FILE", &file)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let (code, text) = run(&["new", "analyst"]);
    assert_eq!(code, 0, "{text}");
    let line = |text: &str, start: &str| {
        text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    };
    let key = line(&text, "dmk_");
    assert_eq!(key.len(), "dmk_".len() + 64);
    // What is printed is a policy.
    std::fs::write(
        &file,
        text.split_once("[[client]]").map(|it| format!("[[client]]{}", it.1)).unwrap(),
    )
    .unwrap();
    let (code, listed) = run(&["list"]);
    let digest = &line(&text, "keys = ")["keys = [\"".len()..][.."sha256:".len() + 12];
    assert_eq!(
        (code, listed.trim_end()),
        (0, &*format!("analyst  {digest}  all tools  no schema; no limit"))
    );
    // The next key of the same client goes beside the first.
    let (_, second) = run(&["new", "analyst"]);
    let keys = line(&second, "keys = ");
    assert!(keys.contains(digest) && keys.matches("sha256:").count() == 2, "{second}");
    assert_ne!(line(&second, "dmk_"), key);
    for name in ["", "a b", "default", "../x"] {
        let (code, said) = run(&["new", name]);
        assert!(code == 64 && said.contains("no name of a client"), "{name}: {said}");
    }
    std::fs::write(&file, "[[client]]\nname = \"a\"\ntools = [\"x\"]\n").unwrap();
    let (code, said) = run(&["list"]);
    assert!(
        code == 78 && said.contains("MCP_POLICY_FILE: line 3: there is no tool \"x\""),
        "{said}"
    );
}

#[test]
fn check_config_counts_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let client = |name: &str, digit: &str| {
        let digest = digit.repeat(64);
        format!("[[client]]\nname = \"{name}\"\nkeys = [\"sha256:{digest}\"]\n")
    };
    let default = "[[client]]\nname = \"default\"\n";
    let (key, other) = ("k".repeat(32), "l".repeat(32));
    for (policy, keys, expected) in [
        (
            client("ada", "1"),
            key.clone(),
            ["(1 client, 1 key)", "1 other key is configured, which is"],
        ),
        (
            client("ada", "1") + &client("bob", "2") + default,
            format!("{key}\n{other}"),
            ["(3 clients, 2 keys)", "2 other keys are configured, which have"],
        ),
        (
            client("ada", "1") + default,
            key.clone(),
            ["(2 clients, 1 key)", "1 other key is configured, which has"],
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_dremio-mcp"))
            .arg("check-config")
            .env_clear()
            .envs([("MCP_ENGINE", "native"), ("DREMIO_URI", "http://127.0.0.1:9047")])
            .env("MCP_POLICY_FILE", write("policy.toml", &policy))
            .env("MCP_API_KEYS_FILE", write("keys", &keys))
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        for expected in expected {
            assert!(text.contains(expected), "{text}");
        }
    }
}
