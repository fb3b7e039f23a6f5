use std::sync::Arc;

use secrecy::ExposeSecret;
use service_kit::admin::Condition;
use token_file::gateway_key::{GatewayKey, KeyError};

use super::Signer;
use crate::conditions::{ConditionName, Readiness};

fn learn(signer: &Signer, seen: Result<GatewayKey, KeyError>) -> Condition {
    let readiness = Readiness::new(&[ConditionName::GatewayKey]);
    signer.learn(Arc::new(seen), &readiness);
    readiness.conditions()[&ConditionName::GatewayKey].clone()
}

/// The same key twice.
fn two_of(seed: &std::path::Path) -> (GatewayKey, GatewayKey) {
    (token_file::gateway_key::read(seed).unwrap(), token_file::gateway_key::read(seed).unwrap())
}

#[test]
fn a_signature_is_valid_only_for_its_purpose() {
    let signer = Signer::new().unwrap();
    for content in [&b""[..], b"x", &[0; 100]] {
        let text = signer.sign("session", content);
        assert!(
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            "{text}"
        );
        assert_eq!(signer.open("session", &text).as_deref(), Some(content));
        for label in ["", "sessio", "session2", "handle"] {
            assert_eq!(signer.open(label, &text), None, "{label}");
        }
    }
    // The end of a label is not the beginning of a content.
    assert_eq!(signer.open("ab", &signer.sign("a", b"b")), None);
}

#[test]
fn every_changed_bit_is_noticed() {
    let signer = Signer::new().unwrap();
    let text = signer.sign("session", b"content");
    for place in 0..text.len() {
        for other in ['A', 'B', '-', '=', ' ', '.', '\u{e9}'] {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[place] == other {
                continue;
            }
            changed[place] = other;
            assert_eq!(signer.open("session", &changed.iter().collect::<String>()), None);
        }
        assert_eq!(signer.open("session", &text[..place]), None, "cut");
    }
    for stranger in
        ["", "A", &"A".repeat(21), &"A".repeat(1000), &format!("{text}A"), &format!("{text}=")]
    {
        assert_eq!(signer.open("session", stranger), None, "{stranger}");
    }
    assert_eq!(Signer::new().unwrap().open("session", &text), None, "another's key");
}

#[test]
fn signatures_are_shared_until_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token.json");
    let (a, b) = (Signer::new().unwrap(), Signer::new().unwrap());
    let before = a.sign("session", b"before there was a key");
    token_file::gateway_key::ensure(&token_file).unwrap();
    let (first, again) = two_of(&token_file);
    let named = Condition::met_by(format!("key {} signs", first.id()));
    assert_eq!(learn(&a, Ok(first)), named);
    learn(&b, Ok(again));
    let text = a.sign("session", b"content");
    assert!(b.open("session", &text).is_some());
    assert!(
        a.open("session", &before).is_some() && b.open("session", &before).is_none(),
        "its own from before stay its own"
    );

    // Deleted: it stays in use until there is another.
    let condition = learn(&a, Err(KeyError::Missing));
    assert_eq!((condition.ready, condition.reason.as_deref()), (true, Some("missing")));
    assert!(b.open("session", &a.sign("session", b"content")).is_some());
    learn(&a, Ok(GatewayKey::random().unwrap()));
    assert!(a.open("session", &text).is_none());
    assert!(b.open("session", &a.sign("session", b"content")).is_none());
}

#[test]
fn a_missing_key_is_a_warning_without_key_material() {
    let signer = Signer::new().unwrap();
    let condition = learn(&signer, Err(KeyError::WrongSize));
    assert_eq!((condition.ready, condition.reason.as_deref()), (true, Some("wrong_size")));
    assert!(condition.message.unwrap().contains("sessions end with this process"));
    let shown = format!("{signer:?}");
    let secret = format!("{:?}", signer.own.expose_secret());
    assert!(!shown.contains(&secret) && shown.contains("GatewayKey"), "{shown}");
}
