use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use service_kit::{Clock, SecretSource};

use super::{AGE_MAX, CLOCK_SKEW_MAX, LEGACY_VERSIONS, LEVELS, Opening, SessionIds, Unknown};
use crate::access::KeyRing;
use crate::engine::LogLevel;
use crate::principal::Principal;
use crate::signer::Signer;

const OPENING: Opening =
    Opening { protocol_version: "2025-06-18", log_level: None, shows_ui: false };

fn principals() -> (Principal, Principal) {
    let ring =
        KeyRing::load(SecretSource::Inline("aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into())).unwrap();
    (ring.find(b"aaaaaaaaaaaaaaaa").unwrap(), ring.find(b"bbbbbbbbbbbbbbbb").unwrap())
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn an_id_returns_its_content() {
    let (ada, _) = principals();
    let ids = SessionIds::new(Arc::new(Signer::new().unwrap()), Clock::manual(start()).0);
    let levels: Vec<Option<LogLevel>> = LEVELS.into_iter().map(Some).chain([None]).collect();
    for protocol_version in LEGACY_VERSIONS {
        for &log_level in &levels {
            for shows_ui in [true, false] {
                let opening = Opening { protocol_version, log_level, shows_ui };
                let (id, claims) = ids.issue(&ada, opening).unwrap();
                assert_eq!(ids.read(&id, &ada), Ok(claims));
                assert_eq!((claims.opening, claims.issued), (opening, start()));
                assert!(id.len() < 100 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
                assert!(
                    !id.contains(&claims.serial.to_string()),
                    "what is logged is not what is sent"
                );
            }
        }
    }
    let (first, second) = (ids.issue(&ada, OPENING).unwrap(), ids.issue(&ada, OPENING).unwrap());
    assert_ne!((first.0, first.1.serial), (second.0, second.1.serial), "no two are the same");
}

#[test]
fn bad_ids_are_refused_with_the_reason() {
    let ((ada, bob), (clock, time)) = (principals(), Clock::manual(start()));
    let signer = Arc::new(Signer::new().unwrap());
    let ids = SessionIds::new(Arc::clone(&signer), clock.clone());
    let (id, _) = ids.issue(&ada, OPENING).unwrap();
    let good_for_another_purpose =
        signer.sign("handle", &super::encode(&ada, &ids.read(&id, &ada).unwrap()));
    let too_short = signer.sign(super::LABEL, &[0; 50]);
    let unknown_revision = signer
        .sign(super::LABEL, &[&super::digest(&ada)[..], &[0; 8], &[200, 0, 0], &[0; 8]].concat());
    let beyond_time = signer
        .sign(super::LABEL, &[&super::digest(&ada)[..], &[0x7f; 8], &[0, 0, 0], &[0; 8]].concat());
    for forged in [
        "",
        "v1.",
        "never-heard-of",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        &id[..id.len() - 1],
        &id[3..],
        &id.replacen("v1.", "v2.", 1),
        &id.to_uppercase(),
        &format!("{id}="),
        &format!("{id}{}", "A".repeat(10_000)),
        &format!("v1.{good_for_another_purpose}"),
        &format!("v1.{too_short}"),
        &format!("v1.{unknown_revision}"),
        &format!("v1.{beyond_time}"),
        "v1.\u{e4}\u{f6}\u{fc}",
    ] {
        assert_eq!(ids.read(forged, &ada), Err(Unknown::Forged), "{forged}");
    }
    let elsewhere = SessionIds::new(Arc::new(Signer::new().unwrap()), clock);
    assert_eq!(elsewhere.read(&id, &ada), Err(Unknown::Forged), "another gateway key");
    assert_eq!(ids.read(&id, &bob), Err(Unknown::Foreign));
    assert_eq!(ids.read(&id, &Principal::anyone()), Err(Unknown::Foreign));

    let second = SignedDuration::from_secs(1);
    for (now, expected) in [
        (start() + AGE_MAX - second, None),
        (start() + AGE_MAX, Some(Unknown::TooOld)),
        (start() - CLOCK_SKEW_MAX, None),
        (start() - CLOCK_SKEW_MAX - second, Some(Unknown::FromTheFuture)),
        (Timestamp::MIN, Some(Unknown::FromTheFuture)),
        (Timestamp::MAX, Some(Unknown::TooOld)),
    ] {
        time.set(now);
        assert_eq!(ids.read(&id, &ada).err(), expected, "{now}");
    }
}
