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
