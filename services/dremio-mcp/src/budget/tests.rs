use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use prometheus_client::registry::Registry;

use super::{Budget, Charge, Kind, NoRoom, Pool, SMALL_BYTES_MAX};
use crate::access::KeyRing;
use crate::metrics::Metrics;
use crate::principal::Principal;

/// Far beyond the limit for small messages.
const LARGE: usize = 4 * SMALL_BYTES_MAX;

/// The clock is paused, so this passes only when nothing else can happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A budget of eight large messages and the same room for small ones; one principal may have half.
fn budget() -> (Pool, Registry) {
    let mut registry = Registry::default();
    let metrics = Arc::new(Metrics::register(&mut registry));
    (Pool::of(8 * LARGE * 8 / 7, 4 * LARGE * 8 / 7, &metrics), registry)
}

fn three() -> [Principal; 3] {
    let keys = ["a", "b", "c"].map(|letter| letter.repeat(16));
    let ring = KeyRing::load(service_kit::SecretSource::Inline(keys.join("\n").into())).unwrap();
    keys.map(|key| ring.find(key.as_bytes()).unwrap())
}

fn held(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text.lines()
        .filter(|line| line.starts_with("dremio_mcp_bytes_held{"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn one_principal_and_all_together_have_a_limit() {
    let ((budget, _), [ada, bob, cyd]) = (budget(), three());
    let take = |principal: &Principal, bytes| budget.try_take(principal, Kind::Bodies, bytes);
    let mut taken: Vec<Charge> = (0..4).map(|_| take(&ada, LARGE).unwrap()).collect();
    assert_eq!(take(&ada, LARGE).unwrap_err(), NoRoom::Share);
    taken.extend((0..4).map(|_| take(&bob, LARGE).unwrap()));
    assert_eq!(take(&cyd, LARGE).unwrap_err(), NoRoom::All);
    // Small messages succeed beside the large ones, even with the same key.
    taken.extend([&ada, &bob, &cyd].map(|principal| take(principal, 1000).unwrap()));
    taken.pop();
    drop(taken);
    drop(take(&cyd, 4 * LARGE).unwrap());
    let state = budget.lock();
    assert_eq!((state.held, state.held_by.len()), (0, 0));
}

#[test]
fn a_charge_grows_within_the_limit_and_shrinks() {
    let ((budget, registry), [ada, ..]) = (budget(), three());
    let mut charge = budget.try_take(&ada, Kind::Streams, 0).unwrap();
    let mut bytes = 0;
    // Many small steps make it large, so that it may not use the room for small messages.
    while charge.try_grow(SMALL_BYTES_MAX).is_ok() {
        bytes += SMALL_BYTES_MAX;
    }
    assert_eq!(bytes, 4 * LARGE);
    assert!(
        held(&registry).contains(&format!(r#"{{kind="streams"}} {bytes}"#)),
        "{}",
        held(&registry)
    );
    charge.shrink_to(5);
    charge.shrink_to(10);
    assert_eq!(budget.lock().held, 5);
    drop(charge);
    assert_eq!(budget.lock().held, 0);
    assert!(held(&registry).contains(r#"{kind="streams"} 0"#));
}

#[test]
fn a_text_keeps_its_room_until_its_last_copy_is_dropped() {
    let ((budget, _), [ada, ..]) = (budget(), three());
    let held = budget.try_take(&ada, Kind::Answers, 5).unwrap().hold("hello".to_owned());
    let bytes = held.map(|text| format!("{text}!")).into_bytes();
    let tail = bytes.slice(5..);
    assert_eq!((&bytes[..], &tail[..]), (&b"hello!"[..], &b"!"[..]));
    drop(bytes);
    assert_eq!(budget.lock().held, 5);
    drop(tail);
    assert_eq!(budget.lock().held, 0);
}

#[tokio::test(start_paused = true)]
async fn waiters_take_turns_and_a_full_share_delays_no_other_key() {
    let ((budget, _), [ada, bob, _]) = (budget(), three());
    let take = |principal: &Principal, bytes| {
        let (budget, principal) = (budget.clone(), principal.clone());
        let taken = async move { budget.take(&principal, Kind::Bodies, bytes).await };
        Box::pin(async move { tokio::time::timeout(PATIENCE, taken).await.unwrap().unwrap() })
    };
    let first = take(&ada, 4 * LARGE).await;
    let (mut second, mut third) = (take(&ada, 2 * LARGE), take(&ada, LARGE));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    // Bob has his own share, and small messages need no turn.
    let bobs = take(&bob, 4 * LARGE).await;
    let (small, mut bobs_next) = (take(&ada, 100).await, take(&bob, 4 * LARGE));
    assert!(poll!(&mut bobs_next).is_pending());
    drop(first);
    let second = second.await;
    // An entry that has left the queue is skipped.
    let mut fourth = take(&ada, 2 * LARGE);
    assert!(poll!(&mut fourth).is_pending());
    drop(fourth);
    let mut fifth = take(&ada, LARGE);
    assert!(poll!(&mut fifth).is_pending());
    drop(third.await);
    drop((fifth.await, second, small));
    drop(bobs);
    drop(bobs_next.await);
    let state = budget.lock();
    assert_eq!((state.held, state.order.len(), state.waiting.len()), (0, 0, 0));
}

#[tokio::test]
async fn more_than_a_share_is_refused_at_once() {
    let ((budget, _), [ada, ..]) = (budget(), three());
    assert_eq!(budget.take(&ada, Kind::Bodies, 5 * LARGE).await.unwrap_err(), NoRoom::Share);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_wait_delays_no_other() {
    let ((budget, _), [ada, ..]) = (budget(), three());
    let take = |bytes| {
        let (budget, ada) = (budget.clone(), ada.clone());
        Box::pin(async move { budget.take(&ada, Kind::Bodies, bytes).await.unwrap() })
    };
    let _held = take(3 * LARGE).await;
    let (mut too_much, mut fits) = (take(2 * LARGE), take(LARGE));
    assert!(poll!(&mut too_much).is_pending() && poll!(&mut fits).is_pending());
    drop(too_much);
    assert!(
        poll!(&mut fits).is_ready(),
        "nothing was given back, and nobody stands in its way any more"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_cannot_use_the_room_for_rows() {
    let (budget, [ada, ..]) = (Budget::small(16 * LARGE), three());
    let mut bodies = Vec::new();
    while let Ok(charge) = budget.try_take(&ada, Kind::Bodies, LARGE) {
        bodies.push(charge);
    }
    let rows = tokio::time::timeout(PATIENCE, budget.take(&ada, Kind::Pages, LARGE)).await;
    assert!(matches!(rows, Ok(Ok(_))), "a call holds its body while it waits for rows");
}
