//! Failures of Dremio, at the start and later: the reason is reported, the old token kept, Dremio
//! not flooded, and the service recovers.

use std::fs;
use std::time::Duration;

use dremio_sandbox::{Fault, Scope};

use crate::harness::{World, eventually};

/// Every way in which a login can fail, with the reason that readiness shows.
fn faults() -> Vec<(Fault, &'static str)> {
    vec![
        (Fault::Status(500), "server_status"),
        (Fault::Status(503), "server_status"),
        (Fault::Stall, "timeout"),
        (Fault::ResetMidAnswer, "interrupted"),
        (Fault::BadJson, "bad_answer"),
        (Fault::Html, "not_dremio_api"),
        (Fault::Oversized(100_000), "too_large"),
        (Fault::Status(400), "refused"),
    ]
}

/// Runs `test` for all of them concurrently: most of the time is spent waiting.
async fn for_each_fault(test: impl AsyncFn(Fault, &'static str)) {
    futures_util::future::join_all(faults().into_iter().map(|(fault, reason)| test(fault, reason)))
        .await;
}

#[tokio::test]
async fn it_recovers_from_failures_at_the_start() {
    for_each_fault(async |fault, reason| {
        let world = World::new().await;
        world
            .control
            .inject(fault.clone(), Scope::path("/apiv2/login").method("POST".parse().unwrap()));
        let service = world.start().await;
        service.condition("dremio", Err(reason)).await;
        service.condition("token", Err("no_token")).await;
        assert_eq!(service.ask("GET", "/healthz").await.0, 200, "alive, and not ready");
        let (status, body) = service.ask("GET", "/readyz").await;
        assert!(status == 503 && body.contains(reason), "{fault:?}: {body}");
        eventually("more than one attempt", || (world.logins() >= 2).then_some(())).await;
        assert!(world.events(None).iter().all(|event| event == "login_failed"), "{fault:?}");
        world.control.clear_faults();
        world.good_token().await;
        service.condition("dremio", Ok(())).await;
        service.condition("token", Ok(())).await;
        service.stop(&world).await;
    })
    .await;
}

#[tokio::test]
async fn a_later_failure_keeps_the_token() {
    for_each_fault(async |fault, reason| {
        let world = World::new().await;
        let service = world.start().await;
        let token = world.good_token().await;
        // On a busy machine the first login may have timed out and been repeated.
        let logins = world.logins();
        world.control.inject(fault.clone(), Scope::everything());
        let (status, answer) = service.refresh().await;
        assert_eq!((status, answer["reason"].as_str()), (503, Some(reason)), "{fault:?}");
        service.condition("dremio", Err(reason)).await;
        service.condition("token", Ok(())).await;
        assert_eq!(world.token().unwrap().id(), token.id());
        world.control.clear_faults();
        service.condition("dremio", Ok(())).await;
        assert_eq!(world.token().unwrap().id(), token.id());
        assert_eq!(world.logins(), logins, "{fault:?}: an unclear answer is no reason for a login");
        service.stop(&world).await;
    })
    .await;
}

#[tokio::test]
async fn it_recovers_when_dremio_comes_back() {
    let world = World::new().await;
    world.refuse().await;
    let service = world.start().await;
    service.condition("dremio", Err("unreachable")).await;
    world.admit();
    let token = world.good_token().await;
    service.condition("dremio", Ok(())).await;

    world.refuse().await;
    // The connection of the last call may be found dead before a new one fails.
    let (status, answer) = service.refresh().await;
    assert!(
        status == 503
            && ["unreachable", "interrupted"].contains(&answer["reason"].as_str().unwrap()),
        "{answer}"
    );
    service.condition("dremio", Err("unreachable")).await;
    service.condition("token", Ok(())).await;
    assert_eq!(world.token().unwrap().id(), token.id());
    world.admit();
    service.condition("dremio", Ok(())).await;
    assert_eq!(world.logins(), 1);
    service.stop(&world).await;
}

#[tokio::test]
async fn an_odd_password_file_is_named_as_the_likely_cause() {
    let mut world = World::new().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    fs::write(&world.password_file, format!("\u{feff}{}\n", world.password)).unwrap();
    let service = world.start().await;
    service.condition("dremio", Err("rejected_credentials")).await;
    let (_, body) = service.ask("GET", "/readyz").await;
    let file = world.password_file.display();
    assert!(
        body.contains(&format!(
            "the likely cause: the password in {file} begins with a byte-order mark"
        )),
        "{body}"
    );

    fs::write(&world.password_file, format!("{}\nold: {}\n", world.password, world.password))
        .unwrap();
    eventually("the attempt", || (world.logins() == 2).then_some(())).await;
    let (_, body) = service.ask("GET", "/readyz").await;
    assert!(body.contains("has more than one line"), "{body}");
    assert!(crate::logs::text().contains("has more than one line"));
    fs::write(&world.password_file, format!("{}\n", world.password)).unwrap();
    world.good_token().await;
    service.stop(&world).await;
    world.check_no_secret_was_told();
}

#[tokio::test]
async fn a_wrong_password_is_retried_only_after_a_change() {
    let mut world = World::new().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    fs::write(&world.password_file, "wrong-password-77").unwrap();
    let service = world.start().await;
    service.condition("dremio", Err("rejected_credentials")).await;
    service.condition("token", Err("no_token")).await;
    let (_, body) = service.ask("GET", "/readyz").await;
    assert!(body.contains("a changed file is tried at once"), "{body}");
    // A request does not cause another attempt with the same password.
    for _ in 0..3 {
        let (status, answer) = service.refresh().await;
        assert_eq!((status, answer["reason"].as_str()), (503, Some("rejected_credentials")));
    }
    assert_eq!(world.logins(), 1);
    assert_eq!(world.events(None), ["login_failed"]);

    // Another wrong password: one more attempt.
    fs::write(&world.password_file, "wrong-password-78").unwrap();
    eventually("the attempt", || (world.logins() == 2).then_some(())).await;
    // The right one.
    fs::write(&world.password_file, format!("{}\n", world.password)).unwrap();
    world.good_token().await;
    service.condition("dremio", Ok(())).await;
    assert_eq!(world.logins(), 3);
    assert!(!crate::logs::text().contains("wrong-password-7"));
    service.stop(&world).await;
}

#[tokio::test]
async fn a_missing_password_file_is_reported_until_it_returns() {
    let mut world = World::new().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    let service = world.start().await;
    let old = world.good_token().await;
    fs::remove_file(&world.password_file).unwrap();
    world.control.revoke_all_tokens();
    let (status, answer) = service.refresh().await;
    assert_eq!((status, answer["reason"].as_str()), (503, Some("credentials_unreadable")));
    service.condition("token", Err("token_rejected")).await;
    fs::write(&world.password_file, &world.password).unwrap();
    world.token_after(old.id()).await;
    service.condition("token", Ok(())).await;
    service.stop(&world).await;
}

#[tokio::test]
async fn wrong_credentials_do_not_affect_a_good_token() {
    let mut world = World::new().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    let service = world.start().await;
    let token = world.good_token().await;
    service.stop(&world).await;

    // The age of a token from the file is unknown, and 30 hours are less than 31: renewal is due,
    // and fails.
    world.config.policy.refresh_before = Duration::from_secs(31 * 60 * 60);
    fs::write(&world.password_file, "wrong-password-79").unwrap();
    let service = world.start().await;
    service.condition("dremio", Err("rejected_credentials")).await;
    service.condition("token", Ok(())).await;
    let (status, answer) = service.refresh().await;
    assert_eq!((status, answer["outcome"].as_str()), (200, Some("valid")), "{answer}");
    service.condition("dremio", Err("rejected_credentials")).await;
    assert_eq!(world.token().unwrap().id(), token.id());
    service.stop(&world).await;
}

#[tokio::test]
async fn it_waits_for_the_first_user() {
    let world = World::new().await;
    world.control.remove_all_users();
    let service = world.start().await;
    service.condition("dremio", Err("no_user_yet")).await;
    let (_, body) = service.ask("GET", "/readyz").await;
    assert!(body.contains("create the first one"), "{body}");
    world.control.add_user(&world.user, &world.password);
    world.good_token().await;
    service.condition("dremio", Ok(())).await;
    service.stop(&world).await;
}

#[tokio::test]
async fn a_new_token_rejected_at_once_is_reported() {
    let world = World::new().await;
    world
        .control
        .inject(Fault::Unauthorized, Scope::path("/apiv2/login").method("GET".parse().unwrap()));
    let service = world.start().await;
    service.condition("dremio", Err("new_token_rejected")).await;
    assert!(world.token().is_none(), "a token without proof is not written");
    world.control.clear_faults();
    world.good_token().await;
    service.stop(&world).await;
}
