//! Renewal: early, of short lives, over clock jumps; and what happens to the old token.

use std::time::Duration;

use dremio_sandbox::{Fault, SandboxConfig, Scope};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use service_kit::Clock;

use crate::harness::{World, eventually, metric};

/// The time of the stand-in's clock, derived from a fresh token of 30 hours.
fn issue_time(expires_at: Timestamp) -> Timestamp {
    expires_at - SignedDuration::from_hours(30)
}

/// A world with a clock that only the closure moves.
async fn world_with_clock() -> (World, Clock, impl Fn(Timestamp)) {
    let world = World::new().await;
    let (clock, hand) = Clock::manual(Clock::system().now());
    (world, clock, move |now| hand.set(now))
}

#[tokio::test]
async fn a_renewed_token_is_logged_out_after_the_delay() {
    let (mut world, clock, set) = world_with_clock().await;
    world.config.revoke_after = Some(Duration::from_millis(300));
    let service = world.start_with(clock).await;
    let old = world.good_token().await;
    // 24 of 30 hours pass, as on a machine that slept.
    set(issue_time(old.expires_at())
        + SignedDuration::from_hours(24)
        + SignedDuration::from_secs(5));
    // Wakes the service, which would otherwise notice within half a minute.
    service.refresh().await;
    let new = world.token_after(old.id()).await;
    let is_live = |token: &token_file::Token| {
        world.control.live_tokens().contains(&token.secret().expose_secret().to_owned())
    };
    assert!(is_live(&old), "the old token lives on for the grace");
    eventually("the old token is logged out", || (!is_live(&old)).then_some(())).await;
    assert!(is_live(&new));
    eventually("it is logged", || {
        world.events(Some(old.id())).contains(&"token_revoked".to_owned()).then_some(())
    })
    .await;
    service.stop(&world).await;
}

#[tokio::test]
async fn a_failed_logout_is_retried() {
    let (mut world, clock, set) = world_with_clock().await;
    world.config.revoke_after = Some(Duration::from_millis(50));
    let service = world.start_with(clock).await;
    let old = world.good_token().await;
    world.control.inject(
        Fault::Status(500),
        Scope::path("/apiv2/login").method("DELETE".parse().unwrap()).times(3),
    );
    set(issue_time(old.expires_at()) + SignedDuration::from_hours(25));
    service.refresh().await;
    eventually("the logout", || {
        world.events(Some(old.id())).contains(&"token_revoked".to_owned()).then_some(())
    })
    .await;
    assert!(world.count("DELETE", "/apiv2/login") >= 4);
    service.stop(&world).await;
}

#[tokio::test]
async fn without_revoke_after_the_old_token_is_left_alone() {
    let (world, clock, set) = world_with_clock().await;
    let service = world.start_with(clock).await;
    let old = world.good_token().await;
    set(issue_time(old.expires_at()) + SignedDuration::from_hours(25));
    service.refresh().await;
    world.token_after(old.id()).await;
    service.stop(&world).await;
    assert_eq!(world.control.live_tokens().len(), 2);
    assert_eq!(world.count("DELETE", "/apiv2/login"), 0);
}

#[tokio::test]
async fn a_clock_set_back_changes_nothing() {
    let (world, clock, set) = world_with_clock().await;
    let service = world.start_with(clock).await;
    let token = world.good_token().await;
    set(issue_time(token.expires_at()) - SignedDuration::from_hours(1000));
    let (_, answer) = service.refresh().await;
    assert_eq!(answer["outcome"].as_str(), Some("valid"));
    assert_eq!(world.token().unwrap().id(), token.id());
    assert_eq!(world.logins(), 1);
    service.stop(&world).await;
}

#[tokio::test]
async fn a_clock_far_ahead_is_reported_without_a_flood() {
    let (mut world, clock, set) = world_with_clock().await;
    world.config.policy.retry_initial = Duration::from_millis(200);
    set(Clock::system().now() + SignedDuration::from_hours(31));
    let service = world.start_with(clock).await;
    service.condition("dremio", Err("clock_skew")).await;
    service.condition("token", Err("no_token")).await;
    // The useless tokens are logged out.
    eventually("the logout", || world.control.live_tokens().is_empty().then_some(())).await;
    assert!(world.logins() <= 5, "{}", world.logins());
    set(Clock::system().now());
    world.good_token().await;
    service.condition("token", Ok(())).await;
    service.stop(&world).await;
}

#[tokio::test]
async fn an_expired_token_causes_no_busy_loop() {
    let (mut world, clock, set) = world_with_clock().await;
    world.config.policy.retry_initial = Duration::from_millis(100);
    let service = world.start_with(clock).await;
    let token = world.good_token().await;
    world.refuse().await;
    service.refresh().await;
    set(token.expires_at() + SignedDuration::from_secs(1));
    service.refresh().await;
    service.condition("token", Err("token_expired")).await;
    let steps =
        async || metric(&service.ask("GET", "/metrics").await.1, "token_refresher_steps_total");
    let before = steps().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let taken = steps().await - before;
    assert!(taken <= 30, "{taken} steps in half a second");
    world.admit();
    set(Clock::system().now());
    service.refresh().await;
    service.condition("token", Ok(())).await;
    service.condition("dremio", Ok(())).await;
    service.stop(&world).await;
}

#[tokio::test]
async fn short_lived_tokens_are_renewed_at_two_thirds_of_their_life() {
    let sandbox =
        SandboxConfig { token_lifetime: Duration::from_secs(3), ..SandboxConfig::default() };
    let world = World::with_sandbox(sandbox).await;
    let service = world.start().await;
    let mut last = world.good_token().await;
    for _ in 0..2 {
        let next = world.token_after(last.id()).await;
        // The token in the file is accepted by Dremio at any moment.
        assert!(
            world.control.live_tokens().contains(&last.secret().expose_secret().to_owned()),
            "renewed in time"
        );
        last = next;
    }
    assert!(world.logins() <= 5, "renewed, not hammered: {}", world.logins());
    assert_eq!(world.count("DELETE", "/apiv2/login"), 0, "they expire by themselves");
    service.stop(&world).await;
}

#[tokio::test]
async fn an_unproven_token_is_proven_later() {
    let world = World::new().await;
    world.control.inject(
        Fault::Status(500),
        Scope::path("/apiv2/login").method("GET".parse().unwrap()).times(4),
    );
    let service = world.start().await;
    world.good_token().await;
    service.condition("dremio", Ok(())).await;
    assert_eq!(world.logins(), 1, "no second token for want of a proof");
    assert_eq!(world.control.live_tokens().len(), 1);
    service.stop(&world).await;
}

#[tokio::test]
async fn a_regular_check_finds_a_revoked_token() {
    let mut world = World::new().await;
    world.config.policy.check_interval = Duration::from_millis(200);
    let service = world.start().await;
    let old = world.good_token().await;
    world.control.revoke_all_tokens();
    let new = world.token_after(old.id()).await;
    assert_ne!(new.id(), old.id());
    assert!(world.events(Some(old.id())).contains(&"token_invalid".to_owned()));
    assert_eq!(world.logins(), 2);
    service.stop(&world).await;
}
