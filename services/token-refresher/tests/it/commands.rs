//! The binary: exit codes and output.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{WAIT_MAX, World, check_absent};

fn command(world: Option<&World>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_token-refresher"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    if let Some(world) = world {
        command
            .env("DREMIO_URI", world.sandbox.uri())
            .env("DREMIO_USERNAME", &world.user)
            .env("DREMIO_PASSWORD_FILE", &world.password_file)
            .env("TOKEN_FILE", &world.config.token_file)
            .env("ADMIN_ADDR", "127.0.0.1:0");
    }
    command
}

/// Runs it until it exits: exit code, standard output, standard error.
async fn run(mut command: Command) -> (i32, String, String) {
    let output = tokio::time::timeout(WAIT_MAX, command.output()).await.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn arguments() {
    let (code, stdout, _) = run(command(None, &["--version"])).await;
    assert_eq!((code, stdout.trim()), (0, concat!("token-refresher ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(run(command(None, &["--help"])).await.0, 0);
    assert_eq!(run(command(None, &["dance"])).await.0, 64);
    assert_eq!(run(command(None, &["run", "--fast"])).await.0, 64);
}

#[tokio::test]
async fn check_config_lists_all_problems() {
    let (code, stdout, stderr) = run(command(None, &["check-config"])).await;
    assert_eq!((code, stdout.as_str()), (78, ""));
    assert_eq!(stderr.lines().count(), 3, "{stderr}");

    let world = World::new().await;
    let (code, stdout, _) = run(command(Some(&world), &["check-config"])).await;
    assert_eq!(code, 0);
    assert!(stdout.starts_with("the configuration is valid\n  set: DREMIO_URI, "), "{stdout}");
    let mut both = command(Some(&world), &["check-config"]);
    both.env("DREMIO_PASSWORD", "sekret-77")
        .env("TOKEN_CHECK_INTERVAL", "300")
        .env("TOKEN_FILES", "x");
    let (code, _, stderr) = run(both).await;
    assert_eq!((code, stderr.lines().count()), (78, 3), "{stderr}");
    assert!(!stderr.contains("sekret"), "{stderr}");
    let mut ca = command(Some(&world), &["check-config"]);
    ca.env("DREMIO_URI", "https://dremio:9047").env("DREMIO_CA_FILE", "/absent.pem");
    let (code, _, stderr) = run(ca).await;
    assert!(code == 78 && stderr.contains("/absent.pem"), "{code} {stderr}");
}

#[tokio::test]
async fn run_refuses_a_bad_configuration() {
    let (code, stdout, _) = run(command(None, &[])).await;
    assert_eq!(code, 78);
    let lines: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert!(lines.iter().all(|line| line["level"] == "ERROR"), "{stdout}");

    let world = World::new().await;
    let mut elsewhere = command(Some(&world), &["run"]);
    elsewhere.env("TOKEN_FILE", world.folder.path().join("absent/token.json"));
    let (code, stdout, _) = run(elsewhere).await;
    assert!(code == 78 && stdout.contains("does not exist; create it"), "{code} {stdout}");
}

#[tokio::test]
async fn once_exits_with_0_only_if_there_is_a_token() {
    let world = World::new().await;
    let (code, stdout, stderr) = run(command(Some(&world), &["once"])).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    world.good_token().await;
    world.control.revoke_all_tokens();
    world.control.set_password(&world.user, "another-password-1");
    let (code, stdout, _) = run(command(Some(&world), &["once"])).await;
    assert!(code == 1 && stdout.contains("rejected_credentials"), "{code} {stdout}");
    check_absent(&stdout, std::slice::from_ref(&world.password));
}

/// Starts the service and waits for the line with its admin address.
#[tokio::test]
async fn first_user_is_created_only_if_there_is_none() {
    let world = World::new().await;
    let control = world.sandbox.control();
    control.remove_all_users();
    let first = |world: &World| command(Some(world), &["first-user"]);
    let (code, stdout, _) = run(first(&world)).await;
    assert!(code == 0 && stdout.contains("first_user_created"), "{code} {stdout}");
    let (code, stdout, _) = run(first(&world)).await;
    assert!(code == 0 && stdout.contains("has users already"), "{code} {stdout}");
    assert_eq!(run(command(Some(&world), &["once"])).await.0, 0, "and this user can log in");

    control.remove_all_users();
    std::fs::write(&world.password_file, "short").unwrap();
    let (code, stdout, _) = run(first(&world)).await;
    assert!(code == 1 && stdout.contains("must be at least 8 letters long"), "{code} {stdout}");
    assert_eq!(
        control
            .requests()
            .iter()
            .filter(|request| request.path == "/apiv2/bootstrap/firstuser")
            .count(),
        3
    );
}

async fn running(world: &World) -> (Child, String) {
    let mut child = command(Some(world), &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = tokio::time::timeout(WAIT_MAX, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(address) = line["admin_addr"].as_str() {
                return address.to_owned();
            }
        }
        panic!("it ended early");
    })
    .await
    .expect("it starts");
    // Its output must be read, or it would block on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

#[tokio::test]
async fn run_is_healthy_with_a_token_and_stops_on_request() {
    let world = World::new().await;
    world.refuse().await;
    let (mut child, address) = running(&world).await;
    let health = async |address: &str| {
        let mut command = command(None, &["healthcheck"]);
        command.env("ADMIN_ADDR", address);
        run(command).await
    };
    let (code, _, stderr) = health(&address).await;
    assert!(code == 1 && stderr.contains("token"), "{code} {stderr}");
    world.admit();
    world.good_token().await;
    tokio::time::timeout(WAIT_MAX, async {
        while health(&address).await.0 != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it becomes healthy");
    // A restart would not help if Dremio is down.
    world.refuse().await;
    assert_eq!(health(&address).await.0, 0);

    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = tokio::time::timeout(WAIT_MAX, child.wait()).await.expect("it stops").unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(health(&address).await.0, 1, "no server answers any more");
}
