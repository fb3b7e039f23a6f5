//! What a child that has turned bad can reach. The kernel decides, so where it has no Landlock
//! these tests show what is said of that.

use serde_json::{Value, json};

use crate::support::{Client, Gateway, KEY};

const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");
const SECRET: &str = "token-0123456789abcdef";

/// A gateway with a token, and what it says of its child's confinement.
async fn gateway(extra: &[(&str, &str)]) -> (Gateway, Client, Value) {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[&[PATH][..], extra].concat()).await;
    write_token(&gateway);
    let client = gateway.client().await;
    let confinement = gateway.readiness().await["conditions"]["confinement"].clone();
    assert_eq!(confinement["ready"], true, "a kernel without Landlock is no reason not to serve");
    (gateway, client, confinement)
}

/// Replaces the token file, as token-refresher does: by another file.
fn write_token(gateway: &Gateway) {
    let folder = gateway.folder.path();
    std::fs::write(
        folder.join("new"),
        format!(r#"{{"token":"{SECRET}","expires_at":"2999-01-01T00:00:00Z"}}"#),
    )
    .unwrap();
    std::fs::rename(folder.join("new"), folder.join("token.json")).unwrap();
}

async fn run(client: &Client, argv: &[&str]) -> String {
    client.text("run", json!({ "argv": argv })).await
}

/// Whether the kernel confines the child. Says so loudly where it does not.
#[expect(clippy::print_stderr, reason = "a test that proves nothing must be seen")]
fn is_confined(confinement: &Value) -> bool {
    let message = confinement["message"].as_str().unwrap();
    if confinement["reason"] == "not_confined" {
        eprintln!("NOT TESTED: {message}");
        assert!(
            message.contains("could read the token and the keys")
                && message.contains("MCP_ENGINE=native"),
            "{message}"
        );
        return false;
    }
    assert!(message.contains("confined (Landlock"), "{message}");
    true
}

#[tokio::test]
async fn a_hostile_child_reaches_neither_token_nor_keys_nor_the_gateway() {
    let (gateway, client, confinement) = gateway(&[]).await;
    if !is_confined(&confinement) {
        return;
    }
    write_token(&gateway);
    let folder = gateway.folder.path().to_str().unwrap();
    let pid = std::process::id();
    for argv in [
        &["cat", &format!("{folder}/token.json")][..],
        &["cat", &format!("{folder}/keys")],
        &["sh", "-c", &format!("cat {folder}/*")],
        &["ln", &format!("{folder}/token.json"), "mine"],
        // As root, too: the kernel lets whoever has `CAP_PERFMON` past Landlock to these.
        &["cat", &format!("/proc/{pid}/environ")],
        &["cat", &format!("/proc/{pid}/maps")],
        &["cat", &format!("/proc/{pid}/root{folder}/token.json")],
        &["head", "-c", "1", &format!("/proc/{pid}/mem")],
        &["touch", &format!("{folder}/mine")],
        &["touch", "/tmp/of-a-hostile-child"],
        &["rm", &format!("{folder}/keys")],
    ] {
        let answer = run(&client, argv).await;
        // A hard link out of its folder is refused as if to another file system (`landlock(7)`,
        // LANDLOCK_ACCESS_FS_REFER).
        let refusals =
            ["Permission denied", "Operation not permitted", "Invalid cross-device link"];
        let refused = refusals.iter().any(|text| answer.contains(text));
        assert!(
            refused
                && !answer.starts_with("exit 0")
                && !answer.contains(SECRET)
                && !answer.contains(KEY),
            "{argv:?}: {answer}"
        );
    }
    if confinement["message"].as_str().unwrap().contains("fully") {
        let answer = run(&client, &["sh", "-c", &format!("kill -0 {pid}")]).await;
        assert!(!answer.starts_with("exit 0"), "{answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_honest_child_has_what_it_needs() {
    let (gateway, client, _) = gateway(&[]).await;
    for argv in [
        &["cat", "/etc/passwd"][..],
        &["ls", "/"],
        &["ls", "/usr/bin"],
        &["sh", "-c", "echo x > mine && mv mine yours && cat yours && rm yours"],
        &["sh", "-c", "mkdir -p \"$TMPDIR/a\" && echo x > \"$XDG_CONFIG_HOME/a/b\""],
        &["sh", "-c", "head -c 1 /dev/urandom > /dev/null"],
        &["sh", "-c", "cat /proc/self/status /proc/cpuinfo > /dev/null"],
        &["sh", "-c", "sleep 60 & kill $!"],
    ] {
        let answer = run(&client, argv).await;
        assert!(answer.starts_with("exit 0"), "{argv:?}: {answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_operator_can_open_a_folder_or_everything() {
    let writable = tempfile::tempdir().unwrap();
    let path = writable.path().to_str().unwrap();
    let mine = format!("{path}/mine");
    let (open, client, confinement) = gateway(&[("MCP_SERVER_WRITABLE", path)]).await;
    assert!(run(&client, &["touch", &mine]).await.starts_with("exit 0"));
    if is_confined(&confinement) {
        assert!(
            !run(&client, &["cat", &format!("{}/keys", open.folder.path().display())])
                .await
                .contains(KEY)
        );
    }
    open.stop().await;
    let (off, client, confinement) = gateway(&[("MCP_SERVER_CONFINE", "false")]).await;
    assert_eq!(confinement["reason"], "not_confined");
    // What the other tests show to be impossible is possible without.
    assert!(
        run(&client, &["cat", &format!("{}/token.json", off.folder.path().display())])
            .await
            .contains(SECRET)
    );
    off.stop().await;
}
