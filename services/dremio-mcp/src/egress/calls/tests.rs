use std::sync::Arc;

use futures_util::FutureExt;
use secrecy::ExposeSecret;

use super::{CallEnded, CallRecord, Calls, Waits};
use crate::policy::Identity;
use crate::principal::Principal;

fn ada_and_bob() -> (Principal, Principal) {
    (Principal::of_key(&[1; 32]), Principal::of_key(&[2; 32]))
}

fn principal(call: &CallRecord) -> Option<Principal> {
    call.identity().map(|identity| identity.principal().clone())
}

#[test]
fn a_ticket_is_good_while_its_call_lasts() {
    let calls = Calls::default();
    let (ada, bob) = ada_and_bob();
    let of_ada = calls.open(&Identity::unlimited(ada.clone()), Waits::Child).unwrap();
    let of_bob = calls.open(&Identity::unlimited(bob.clone()), Waits::Child).unwrap();
    let [ticket, other] = [&of_ada, &of_bob].map(|call| call.ticket().expose_secret().to_owned());
    assert_ne!(ticket, other);
    let found = |text: &str| calls.find(text.as_bytes()).map(|call| principal(&call));
    assert_eq!(found(&ticket), Some(Some(ada)));
    assert_eq!(found(&other), Some(Some(bob.clone())));
    for wrong in ["", "a", &ticket[1..], &format!("{ticket}0"), &ticket.to_uppercase()] {
        assert!(found(wrong).is_none(), "{wrong}");
    }
    let record = Arc::clone(of_ada.record());
    assert_eq!(record.ended().now_or_never(), None);
    drop(of_ada);
    assert_eq!(record.ended().now_or_never(), Some(()));
    assert!(found(&ticket).is_none());
    assert_eq!(found(&other), Some(Some(bob)));
}

#[test]
fn a_mark_is_good_at_the_end_and_while_its_call_lasts() {
    let calls = Calls::default();
    let (ada, bob) = ada_and_bob();
    let child = calls.open_for_child().unwrap();
    let of_ada = calls.open(&Identity::unlimited(ada.clone()), Waits::Child).unwrap();
    let of_bob = calls.open(&Identity::unlimited(bob.clone()), Waits::Gateway).unwrap();
    let (marks, forged) = ([of_ada.mark(), of_bob.mark()], "a".repeat(64));
    let bobs = of_bob.ticket().expose_secret();
    let taken = |sql: &str| {
        calls.take_mark(child.record(), sql).map(|(sql, call)| {
            (sql.to_owned(), principal(&call).map(|principal| (principal, call.waits())))
        })
    };
    let ended = |sql: &str| assert_eq!(taken(sql), Err(CallEnded), "{sql}");
    for sql in ["SELECT 1", "SELECT 1 -- a", "SELECT '", "", "SELECT 1 /*", "a\n/*x*/"] {
        assert_eq!(taken(sql), Ok((sql.to_owned(), None)));
        let [ada_s, bob_s] = marks.each_ref().map(|mark| format!("{sql}{mark}"));
        assert_eq!(taken(&ada_s), Ok((sql.to_owned(), Some((ada.clone(), Waits::Child)))));
        assert_eq!(taken(&bob_s), Ok((sql.to_owned(), Some((bob.clone(), Waits::Gateway)))));
        // What a client writes is a comment, whatever it looks like: the gateway's is behind.
        for look_alike in [marks[1].clone(), marks[1].replace(bobs, &forged)] {
            let text = format!("{sql}{look_alike}");
            let expected = (text.clone(), Some((ada.clone(), Waits::Child)));
            assert_eq!(taken(&format!("{text}{}", marks[0])), Ok(expected));
            // A child that presents the ticket of the call puts no mark there.
            let (left, call) = calls.take_mark(of_ada.record(), &text).unwrap();
            assert_eq!((left, principal(&call)), (text.as_str(), Some(ada.clone())));
        }
        ended(&format!("{sql}{}", marks[1].replace(bobs, &forged)));
    }
    for other in [
        format!("SELECT 1{} ", marks[0]),
        format!("SELECT 1{}", marks[0].to_uppercase()),
        format!("SELECT 1{}", marks[0].replace(of_ada.ticket().expose_secret(), "a")),
        format!("SELECT 1{}", marks[0].trim_start()),
    ] {
        assert_eq!(taken(&other), Ok((other.clone(), None)));
    }
    drop(of_ada);
    ended(&format!("SELECT 1{}", marks[0]));
    assert!(taken(&format!("SELECT 1{}", marks[1])).is_ok());
}
