//! Starting: without a file, with a good token, with rubbish, and where it cannot work.

use std::fs;
use std::os::unix::fs::MetadataExt;

use secrecy::ExposeSecret;
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit};
use token_refresher::{App, StartError};
use tokio::net::TcpListener;

use crate::harness::{World, eventually};

#[tokio::test]
async fn without_a_file_it_logs_in_proves_and_writes() {
    let world = World::new().await;
    let service = world.start().await;
    let token = world.good_token().await;
    service.condition("token", Ok(())).await;
    service.condition("dremio", Ok(())).await;
    assert_eq!(service.ask("GET", "/readyz").await.0, 200);
    assert_eq!(service.ask("GET", "/healthz").await.0, 200);

    let seen: Vec<_> = world
        .control
        .requests()
        .into_iter()
        .map(|request| (request.method.to_string(), request.token))
        .collect();
    let secret = token.secret().expose_secret().to_owned();
    assert_eq!(seen, [("POST".to_owned(), None), ("GET".to_owned(), Some(secret))]);
    assert_eq!(world.events(None), ["login_succeeded"]);
    assert_eq!(world.events(Some(token.id())), ["login_succeeded", "token_written"]);
    assert_eq!(fs::metadata(&world.config.token_file).unwrap().mode() & 0o777, 0o640);
    service.stop(&world).await;
    assert_eq!(
        world.good_token().await.id(),
        token.id(),
        "a stop leaves the token to those who use it"
    );
}

#[tokio::test]
async fn a_good_token_is_reused() {
    let world = World::new().await;
    let first = world.start().await;
    let token = world.good_token().await;
    first.condition("token", Ok(())).await;
    first.stop(&world).await;

    let second = world.start().await;
    second.condition("token", Ok(())).await;
    second.condition("dremio", Ok(())).await;
    assert_eq!(world.logins(), 1);
    assert_eq!(world.token().unwrap().id(), token.id());
    assert_eq!(
        world.events(Some(token.id())),
        ["login_succeeded", "token_written", "token_reused"]
    );
    second.stop(&world).await;
}

#[tokio::test]
async fn a_token_that_dremio_rejects_is_replaced() {
    let world = World::new().await;
    let first = world.start().await;
    let token = world.good_token().await;
    first.stop(&world).await;
    world.control.revoke_all_tokens();

    let second = world.start().await;
    assert_ne!(world.good_token().await.id(), token.id());
    assert_eq!(world.logins(), 2);
    assert!(world.events(Some(token.id())).contains(&"token_invalid".to_owned()));
    second.stop(&world).await;
}

#[tokio::test]
async fn rubbish_in_the_file_is_replaced() {
    for rubbish in [
        "",
        "rubbish",
        r#"{"token":"half"#,
        r#"{"token":"no-expiry-at-all"}"#,
        r#"{"token":"expired-long-ago","expires_at":"2020-01-01T00:00:00Z"}"#,
        r#"{"token":"never-issued-by-dremio","expires_at":"2999-01-01T00:00:00Z"}"#,
        "folder-instead",
    ] {
        let world = World::new().await;
        fs::write(&world.config.token_file, rubbish).unwrap();
        let service = world.start().await;
        world.good_token().await;
        service.condition("token", Ok(())).await;
        assert_eq!(world.logins(), 1, "{rubbish}");
        service.stop(&world).await;
    }
}

#[tokio::test]
async fn the_stored_token_is_used_while_dremio_is_down() {
    let world = World::new().await;
    let first = world.start().await;
    let token = world.good_token().await;
    first.stop(&world).await;
    world.refuse().await;

    let second = world.start().await;
    second.condition("token", Ok(())).await;
    second.condition("dremio", Err("unreachable")).await;
    assert_eq!(second.ask("GET", "/readyz").await.0, 503);
    world.admit();
    second.condition("dremio", Ok(())).await;
    assert_eq!(world.token().unwrap().id(), token.id());
    assert_eq!(world.logins(), 1);
    eventually("the reuse is logged", || {
        world.events(Some(token.id())).contains(&"token_reused".to_owned()).then_some(())
    })
    .await;
    second.stop(&world).await;
}

#[tokio::test]
async fn temporary_files_of_a_crash_are_removed() {
    let world = World::new().await;
    let leftover = world.folder.path().join("tokens/.token.json.aB3dE5gH7jK9.tmp");
    fs::write(&leftover, "half a tok").unwrap();
    let service = world.start().await;
    world.good_token().await;
    assert!(!leftover.exists());
    service.stop(&world).await;
}

#[tokio::test]
async fn an_unusable_place_stops_the_start() {
    let mut world = World::new().await;
    let start = async |world: &World| {
        App::start(world.config.clone(), Clock::system(), Shutdown::new()).await.unwrap_err()
    };
    let good_file = world.config.token_file.clone();

    world.config.token_file = world.folder.path().join("absent/token.json");
    let error = start(&world).await;
    assert!(matches!(error, StartError::TokenFile(_)), "{error:?}");
    assert!(format!("{:#}", anyhow::Error::from(error)).contains("does not exist; create it"));

    world.config.token_file = good_file.parent().unwrap().to_owned();
    assert!(matches!(start(&world).await, StartError::TokenFile(_)));
    world.config.token_file = good_file;

    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.config.admin_addr = taken.local_addr().unwrap();
    let error = start(&world).await;
    assert!(
        error.to_string().contains(&format!("{}; set ADMIN_ADDR", world.config.admin_addr)),
        "{error}"
    );

    world.config.connect.uri = "https://localhost:9047".parse().unwrap();
    world.config.connect.ca_file = Some("/absent/ca.pem".into());
    assert!(matches!(start(&world).await, StartError::Connect(_)));
    assert_eq!(world.control.requests().len(), 0);
}

#[tokio::test]
async fn once() {
    let world = World::new().await;
    let once =
        async |world: &World| App::once(world.config.clone(), Clock::system()).await.unwrap();
    assert_eq!(once(&world).await, Exit::Success);
    let token = world.good_token().await;
    assert_eq!(once(&world).await, Exit::Success);
    assert_eq!(world.good_token().await.id(), token.id());
    assert_eq!(world.logins(), 1);

    world.refuse().await;
    assert_eq!(once(&world).await, Exit::Failure, "a token of unknown origin");
    world.admit();
    world.control.revoke_all_tokens();
    assert_eq!(once(&world).await, Exit::Success);

    world.control.revoke_all_tokens();
    fs::write(&world.password_file, "wrong-password-1").unwrap();
    let logins = world.logins();
    assert_eq!(once(&world).await, Exit::Failure);
    assert_eq!(world.logins(), logins + 1, "it tries once");
    world.check_no_secret_was_told();
}
