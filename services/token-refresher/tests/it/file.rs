//! The file while the service runs: repaired when damaged, adopted from another refresher, retried
//! when it cannot be written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jiff::Timestamp;
use token_file::{Token, Writer};

use crate::harness::{World, eventually, metric};

#[tokio::test]
async fn a_damaged_file_is_repaired_without_a_login() {
    let world = World::new().await;
    let service = world.start().await;
    let token = world.good_token().await;
    for damage in ["", "rubbish", r#"{"token":"never-issued","expires_at":"2999-01-01T00:00:00Z"}"#]
    {
        fs::write(&world.config.token_file, damage).unwrap();
        eventually("the repair", || world.token().filter(|found| found.id() == token.id())).await;
    }
    fs::remove_file(&world.config.token_file).unwrap();
    eventually("the repair", || world.token().filter(|found| found.id() == token.id())).await;
    service.condition("token", Ok(())).await;
    assert_eq!(world.logins(), 1);
    service.stop(&world).await;
}

#[tokio::test]
async fn another_refreshers_token_is_adopted() {
    let world = World::new().await;
    let service = world.start().await;
    let ours = world.good_token().await;
    // Another refresher logs in and writes, as in a rolling update.
    let transport = dremio_client::Transport::connect(&world.config.connect).unwrap();
    let login = dremio_client::DremioClient::new(transport)
        .login(&world.user, &world.password.clone().into())
        .await
        .unwrap();
    let theirs = Token::new(login.token, login.expires_at);
    Writer::open(world.config.token_file.clone()).unwrap().write(&theirs).unwrap();
    eventually("the adoption", || {
        world.events(Some(theirs.id())).contains(&"token_reused".to_owned()).then_some(())
    })
    .await;
    let (_, answer) = service.refresh().await;
    assert_eq!(
        (answer["outcome"].as_str(), answer["token_id"].as_str()),
        (Some("valid"), Some(theirs.id().to_string().as_str()))
    );
    assert_eq!(world.logins(), 2, "theirs and ours");

    // Our own earlier token is older and is not adopted again.
    Writer::open(world.config.token_file.clone()).unwrap().write(&ours).unwrap();
    eventually("the repair", || world.token().filter(|found| found.id() == theirs.id())).await;
    service.stop(&world).await;
}

#[tokio::test]
async fn a_failed_write_is_retried_without_a_login() {
    let world = World::new().await;
    // Writable at the start, blocked before the first write: a folder has the file's name.
    world.control.inject(
        dremio_sandbox::Fault::Delay(Duration::from_millis(300)),
        dremio_sandbox::Scope::path("/apiv2/login").once(),
    );
    let service = world.start().await;
    fs::create_dir(&world.config.token_file).unwrap();
    service.condition("token", Err("target_not_a_file")).await;
    service.condition("dremio", Ok(())).await;
    let (status, answer) = service.refresh().await;
    assert_eq!((status, answer["reason"].as_str()), (503, Some("target_not_a_file")));
    let (_, metrics) = service.ask("GET", "/metrics").await;
    assert!(
        metrics.contains(
            r#"token_refresher_failures_total{operation="write",reason="target_not_a_file"}"#
        ),
        "{metrics}"
    );

    fs::remove_dir(&world.config.token_file).unwrap();
    world.good_token().await;
    service.condition("token", Ok(())).await;
    assert_eq!(world.logins(), 1, "one token, however many writes it took");
    service.stop(&world).await;
}

#[tokio::test]
async fn a_web_page_cannot_request_a_refresh() {
    let world = World::new().await;
    let service = world.start().await;
    world.good_token().await;
    for (header, expected) in [
        (("origin", "https://evil.example"), 403),
        (("host", "evil.example"), 403),
        (("host", "refresher.example"), 200),
        (("host", "token-refresher:9465"), 200),
    ] {
        assert_eq!(
            service.ask_as("POST", "/refresh", Some(header)).await.0,
            expected,
            "{header:?}"
        );
    }
    service.stop(&world).await;
}

#[tokio::test]
async fn a_missing_gateway_key_is_created() {
    let world = World::new().await;
    // The key does not depend on Dremio.
    world.refuse().await;
    let path = world.config.token_file.with_file_name("gateway.key");
    let key = || fs::read(&path).ok();
    let service = world.start().await;
    let first = eventually("a key", key).await;
    assert_eq!(
        (first.len(), fs::metadata(&path).unwrap().permissions().mode() & 0o7777),
        (32, 0o640)
    );
    world.admit();
    world.good_token().await;
    service.refresh().await;
    assert_eq!(key().unwrap(), first, "a key that is there stays");

    fs::remove_file(&path).unwrap();
    // The next regular check would come after five minutes.
    service.refresh().await;
    let second = key().expect("the check made another");
    assert_ne!(second, first);
    service.stop(&world).await;
    let again = world.start().await;
    again.refresh().await;
    assert_eq!(key().unwrap(), second, "it outlives the service");
    again.stop(&world).await;
}

#[tokio::test]
async fn a_failed_gateway_key_does_not_affect_the_token() {
    let world = World::new().await;
    let path = world.config.token_file.with_file_name("gateway.key");
    fs::write(&path, "not a key").unwrap();
    let service = world.start().await;
    world.good_token().await;
    service.condition("token", Ok(())).await;
    assert_eq!(fs::read(&path).unwrap(), b"not a key", "what somebody put there is not replaced");
    let (_, metrics) = service.ask("GET", "/metrics").await;
    assert!(
        metrics.contains(r#"token_refresher_failures_total{operation="key",reason="wrong_size"}"#),
        "{metrics}"
    );
    service.stop(&world).await;
}

#[tokio::test]
async fn metrics_show_expiry_and_counts() {
    let world = World::new().await;
    let service = world.start().await;
    let token = world.good_token().await;
    service.refresh().await;
    let (_, metrics) = service.ask("GET", "/metrics").await;
    let value = |name: &str| metric(&metrics, name);
    assert_eq!(
        value("token_refresher_token_expiry_timestamp_seconds"),
        token.expires_at().as_second()
    );
    assert_eq!(value("token_refresher_logins_total"), 1);
    assert_eq!(value("token_refresher_writes_total"), 1);
    assert_eq!(value("token_refresher_checks_total"), 2);
    let issued: Timestamp = token.expires_at() - jiff::SignedDuration::from_hours(30);
    assert!(value("token_refresher_last_check_timestamp_seconds") >= issued.as_second());
    assert!(value("token_refresher_last_write_timestamp_seconds") >= issued.as_second());
    service.stop(&world).await;
}
