use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use prometheus_client::registry::Registry;
use service_kit::Clock;
use service_kit::lifecycle::Shutdown;

use super::{
    AGE_MAX, ENDED_MAX, FindError, OpenError, Opening, Principal, Session, SessionIds,
    SessionLimits, SessionTable, Unknown,
};
use crate::access::KeyRing;
use crate::engine::LogLevel;
use crate::metrics::Metrics;
use crate::signer::Signer;

const OPENING: Opening =
    Opening { protocol_version: "2025-11-25", log_level: None, shows_ui: false };

/// Two processes with the same gateway key.
fn two_tables(
    total_max: usize,
    per_principal_max: usize,
    idle_max: Duration,
    clock: &Clock,
) -> (SessionTable, SessionTable) {
    let signer = Arc::new(Signer::new().unwrap());
    let table = || {
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let ids = SessionIds::new(Arc::clone(&signer), clock.clone());
        SessionTable::new(SessionLimits { total_max, per_principal_max, idle_max }, ids, metrics)
    };
    (table(), table())
}

fn table(total_max: usize, per_principal_max: usize, idle_max: Duration) -> SessionTable {
    two_tables(total_max, per_principal_max, idle_max, &Clock::system()).0
}

fn two() -> (Principal, Principal) {
    let ring = KeyRing::load(service_kit::SecretSource::Inline(
        "aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into(),
    ))
    .unwrap();
    (ring.find(b"aaaaaaaaaaaaaaaa").unwrap(), ring.find(b"bbbbbbbbbbbbbbbb").unwrap())
}

/// Whether the session is in memory.
fn is_here(table: &SessionTable, session: &Session) -> bool {
    table.lock().open.contains_key(&session.id)
}

#[test]
fn a_session_is_known_only_to_its_key() {
    let (table, (ada, bob)) = (table(9, 9, Duration::MAX), two());
    let session = table.open(&ada, OPENING).unwrap();
    assert!(!table.find(&session.id, &ada).unwrap().is_new_here);
    assert_eq!(table.find(&session.id, &bob).unwrap_err(), FindError::Unknown(Unknown::Foreign));
    assert_eq!(table.close(&session.id, &bob), Err(Unknown::Foreign));
    assert_eq!(table.close(&session.id, &ada), Ok(session.claims));
    assert_eq!(table.find(&session.id, &ada).unwrap_err(), FindError::Unknown(Unknown::Ended));
    assert_eq!(table.close(&session.id, &ada), Err(Unknown::Ended));
}

#[test]
fn another_process_resumes_a_session() {
    let ((here, there), (ada, bob)) = (two_tables(9, 9, Duration::MAX, &Clock::system()), two());
    let session = here.open(&ada, Opening { shows_ui: true, ..OPENING }).unwrap();
    session.set_log_level(LogLevel::Debug);
    assert_eq!(there.find(&session.id, &bob).unwrap_err(), FindError::Unknown(Unknown::Foreign));
    let found = there.find(&session.id, &ada).unwrap();
    assert!(found.is_new_here && found.session.is_resumed);
    assert_eq!(found.session.claims, session.claims);
    assert_eq!(found.session.log_level(), None, "what it asked for later is not in the id");
    let again = there.find(&session.id, &ada).unwrap();
    assert!(!again.is_new_here && Arc::ptr_eq(&again.session, &found.session));
    // Ended in the process where it lives; only that one knows.
    assert!(there.close(&session.id, &ada).is_ok());
    assert_eq!(there.find(&session.id, &ada).unwrap_err(), FindError::Unknown(Unknown::Ended));
    assert!(here.find(&session.id, &ada).is_ok());
}

#[test]
fn a_session_can_be_ended_by_another_process() {
    let ((here, there), (ada, _)) = (two_tables(9, 9, Duration::MAX, &Clock::system()), two());
    let session = here.open(&ada, OPENING).unwrap();
    assert!(there.close(&session.id, &ada).is_ok());
    assert_eq!(there.find(&session.id, &ada).unwrap_err(), FindError::Unknown(Unknown::Ended));
    assert_eq!(there.close("v1.rubbish", &ada), Err(Unknown::Forged));
}

#[test]
fn an_ended_session_is_remembered_until_its_id_expires() {
    let (clock, time) = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    let ((table, _), (ada, _)) = (two_tables(9, 9, Duration::MAX, &clock), two());
    let session = table.open(&ada, OPENING).unwrap();
    table.close(&session.id, &ada).unwrap();
    for (later, remembered) in [(AGE_MAX - SignedDuration::from_secs(1), 1), (AGE_MAX, 0)] {
        time.set(session.claims.issued + later);
        table.lock().ended.forget(clock.now());
        let sessions = table.lock();
        assert_eq!(
            (sessions.ended.serials.len(), sessions.ended.in_order.len()),
            (remembered, remembered)
        );
    }
    assert_eq!(table.find(&session.id, &ada).unwrap_err(), FindError::Unknown(Unknown::TooOld));
}

#[test]
fn the_number_of_remembered_sessions_is_limited() {
    let (table, (ada, _)) = (table(9, 9, Duration::MAX), two());
    let first = table.open(&ada, OPENING).unwrap();
    table.close(&first.id, &ada).unwrap();
    for _ in 0..ENDED_MAX {
        let (_, claims) = table.ids.issue(&ada, OPENING).unwrap();
        table.lock().ended.add(&claims);
    }
    let remembered = {
        let sessions = table.lock();
        (sessions.ended.serials.len(), sessions.ended.in_order.len())
    };
    assert_eq!(remembered, (ENDED_MAX, ENDED_MAX));
    assert!(table.find(&first.id, &ada).is_ok(), "the oldest is forgotten");
}

#[test]
fn the_longest_idle_session_of_the_same_key_is_dropped() {
    let (table, (ada, bob)) = (table(3, 2, Duration::MAX), two());
    let other = table.open(&bob, OPENING).unwrap();
    let first = table.open(&ada, OPENING).unwrap();
    let second = table.open(&ada, OPENING).unwrap();
    let _busy = first.begin(Some("1"));
    let third = table.open(&ada, OPENING).unwrap();
    assert!(is_here(&table, &first), "it was busy");
    assert!(!is_here(&table, &second), "it was idle");
    assert!(is_here(&table, &other), "it is somebody else's");
    // It comes back when it is used, and then another is dropped.
    assert!(table.find(&second.id, &ada).unwrap().is_new_here);
    assert!(!is_here(&table, &third) && is_here(&table, &first));
}

#[test]
fn a_session_refused_by_a_full_table_works_later() {
    let ((here, there), (ada, bob)) = (two_tables(1, 1, Duration::MAX, &Clock::system()), two());
    let only = there.open(&bob, OPENING).unwrap();
    let busy = only.begin(None);
    assert!(matches!(there.open(&ada, OPENING), Err(OpenError::Full)));
    let session = here.open(&ada, OPENING).unwrap();
    assert_eq!(there.find(&session.id, &ada).unwrap_err(), FindError::Full);
    drop(busy);
    there.close(&only.id, &bob).unwrap();
    assert!(there.find(&session.id, &ada).is_ok());
}

#[test]
fn a_key_that_comes_back_has_its_sessions_again() {
    let table = table(9, 9, Duration::MAX);
    let ((before, _), (after, _)) = (two(), two());
    let session = table.open(&before, OPENING).unwrap();
    before.withdrawn().cancel();
    let found = table.find(&session.id, &after).unwrap();
    assert!(found.is_new_here && !Arc::ptr_eq(&found.session, &session));
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_are_dropped_unless_a_call_runs() {
    let (table, (ada, _)) = (table(9, 9, Duration::from_secs(60)), two());
    let (idle, busy) = (table.open(&ada, OPENING).unwrap(), table.open(&ada, OPENING).unwrap());
    let running = busy.begin(Some("1"));
    let shutdown = Shutdown::new();
    let _ended = tokio::time::timeout(Duration::from_secs(300), table.sweep(&shutdown)).await;
    assert!(!is_here(&table, &idle));
    assert!(is_here(&table, &busy));
    drop(running);
    let _ended = tokio::time::timeout(Duration::from_secs(300), table.sweep(&shutdown)).await;
    assert!(!is_here(&table, &busy));
    assert!(table.find(&idle.id, &ada).unwrap().is_new_here, "only memory was freed");
}
