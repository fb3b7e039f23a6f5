//! `POST /refresh`: quick, shared, and no way to flood Dremio.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::harness::{Service, World};

#[tokio::test]
async fn a_revoked_token_is_replaced_on_request() {
    let world = World::new().await;
    let service = world.start().await;
    let mut last = world.good_token().await;
    for _ in 0..3 {
        world.control.revoke_all_tokens();
        let start = Instant::now();
        let (status, answer) = service.refresh().await;
        let took = start.elapsed();
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("renewed")), "{answer}");
        assert!(took < Duration::from_millis(1500), "{took:?}");
        // The file is written before the answer is sent.
        let token = world.token().unwrap();
        assert_eq!(answer["token_id"].as_str(), Some(token.id().to_string().as_str()));
        assert_eq!(answer["expires_at"].as_str(), Some(token.expires_at().to_string().as_str()));
        assert_ne!(token.id(), last.id());
        last = token;
    }
    assert_eq!(world.logins(), 4);
    service.stop(&world).await;
}

#[tokio::test]
async fn concurrent_requests_share_one_check() {
    let world = World::new().await;
    let service = std::sync::Arc::new(world.start().await);
    world.good_token().await;
    world.control.revoke_all_tokens();
    world.control.clear_requests();
    let mut asking = JoinSet::new();
    for _ in 0..16 {
        let service = std::sync::Arc::clone(&service);
        asking.spawn(async move { service.refresh().await });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let first = &answers[0].1["token_id"];
    assert!(answers.iter().all(|(_, answer)| &answer["token_id"] == first), "{answers:?}");
    assert_eq!(world.logins(), 1);
    let service: Service = std::sync::Arc::into_inner(service).unwrap();
    service.stop(&world).await;
}

#[tokio::test]
async fn repeated_requests_are_slowed_down() {
    let world = World::new().await;
    let service = world.start().await;
    world.good_token().await;
    world.control.clear_requests();
    let start = Instant::now();
    let mut asked = 0;
    while start.elapsed() < Duration::from_millis(1100) {
        let (status, answer) = service.refresh().await;
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("valid")));
        asked += 1;
    }
    let calls = world.control.requests().len();
    assert!(asked >= 1 && calls <= 6, "{calls} calls to Dremio for {asked} requests");
    assert_eq!(world.logins(), 0);
    service.stop(&world).await;
}

#[tokio::test]
async fn only_post_is_accepted_and_no_secret_is_returned() {
    let world = World::new().await;
    let service = world.start().await;
    world.good_token().await;
    assert_eq!(service.ask("GET", "/refresh").await.0, 405);
    let (_, body) = service.ask("POST", "/refresh").await;
    crate::harness::check_absent(&body, &world.control.live_tokens());
    for path in ["/readyz", "/metrics", "/healthz"] {
        crate::harness::check_absent(
            &service.ask("GET", path).await.1,
            &world.control.live_tokens(),
        );
    }
    service.stop(&world).await;
}
