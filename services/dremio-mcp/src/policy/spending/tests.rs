use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use proptest::prelude::*;
use service_kit::{Clock, ManualClock};

use super::super::limits::{Limits, Table};
use super::{OverBudget, Resource, Spending};

fn limits(toml: &str) -> Limits {
    toml::from_str::<Table>(toml).unwrap().read().unwrap()
}

fn at(time: &str) -> jiff::Timestamp {
    format!("2026-11-26T{time}Z").parse().unwrap()
}

fn started(time: &str) -> (Arc<Spending>, ManualClock) {
    let (clock, hand) = Clock::manual(at(time));
    (Spending::new(clock), hand)
}

#[test]
fn a_budget_holds_until_the_full_hour_or_minute() {
    let (spending, clock) = started("10:59:58");
    let limits = limits("rows = \"3/h\"\nqueries = \"2/m\"");
    let row = || spending.take(&limits, &[(Resource::Rows, 1)]);
    // Before, at and after the limit.
    assert_eq!((row(), row(), row()), (Ok(()), Ok(()), Ok(())));
    let over = row().unwrap_err();
    assert_eq!(over.to_string(), "the budget rows = \"3/h\" of this key is used up: 3 of 3 rows");
    assert!(over.advice().starts_with("It resets at 2026-11-26T11:00:00Z, in 2 s."), "{over:?}");
    assert_eq!(spending.check(&limits, &[Resource::Queries]), Ok(()));
    assert_eq!(spending.check(&limits, &[Resource::Queries, Resource::Rows]), Err(over));
    // After the reset; the window of minutes is another.
    clock.set(at("11:00:00"));
    assert_eq!((row(), row(), row()), (Ok(()), Ok(()), Ok(())));
    clock.set(at("11:59:59"));
    assert!(row().is_err());
    clock.set(at("12:00:00"));
    assert_eq!(row(), Ok(()));
    // What was given back may be taken again.
    assert_eq!((row(), row()), (Ok(()), Ok(())));
    spending.give_back(&limits, &[(Resource::Rows, 1)]);
    assert_eq!((row(), row().is_err()), (Ok(()), true));
}

#[test]
fn one_piece_may_go_beyond_the_limit_and_no_second() {
    let (spending, _clock) = started("10:00:00");
    let limits = limits("bytes = \"10/h\"\nrows = \"5/h\"");
    let row = |bytes| spending.take(&limits, &[(Resource::Rows, 1), (Resource::Bytes, bytes)]);
    assert_eq!((row(9), row(100)), (Ok(()), Ok(())));
    let Err(OverBudget::Window { resource, used, .. }) = row(1) else { panic!("it passed") };
    assert_eq!((resource, used), (Resource::Bytes, 109));
    // The row that did not pass was not counted as one.
    assert_eq!(spending.state.lock().used.of(Resource::Rows).amount, 2);
}

#[test]
fn jobs_are_counted_while_they_run() {
    let (spending, clock) = started("10:00:00");
    let limits = limits("jobs = 2\nqueries = \"3/m\"\ntokens = \"9/h\"");
    let (one, two) = (spending.begin_query(&limits).unwrap(), spending.begin_query(&limits));
    let over = spending.begin_query(&limits).unwrap_err();
    assert_eq!((over.name(), over), ("jobs", OverBudget::Jobs { limit: 2 }));
    drop(one);
    let three = spending.begin_query(&limits).unwrap();
    drop((two, three));
    assert_eq!(spending.begin_query(&limits).unwrap_err().name(), "queries");
    clock.set(at("10:01:00"));
    assert!(spending.begin_query(&limits).is_ok());
    // Without anything left for its answer, a query does not begin.
    spending.take(&limits, &[(Resource::Tokens, 9)]).unwrap();
    assert_eq!(spending.begin_query(&limits).unwrap_err().name(), "tokens");
}

/// What one of 64 calls does while the clock stands still: rows of so many bytes, and statements.
type Call = (Vec<u64>, usize);

fn rounds() -> impl Strategy<Value = Vec<(i64, Vec<Call>)>> {
    let call = (prop::collection::vec(1_u64..400, 0..6), 0_usize..3);
    let calls = prop::collection::vec(call, 64);
    prop::collection::vec((0_i64..1500, calls), 1..6)
}

/// What has passed in the windows of one hour.
#[derive(Default)]
struct Passed {
    rows: AtomicU64,
    bytes: AtomicU64,
    queries: AtomicU64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_number_of_calls_exceeds_a_budget_by_more_than_one_piece(rounds in rounds()) {
        let (spending, clock) = started("10:00:00");
        let limits = limits("rows = \"40/h\"\nbytes = \"3k/h\"\nqueries = \"7/h\"\njobs = 5");
        let (running, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut hours = HashMap::<i64, Passed>::new();
        for (seconds, calls) in &rounds {
            clock.set(clock.get() + jiff::SignedDuration::from_secs(*seconds));
            let passed = hours.entry(clock.get().as_second() / 3600).or_default();
            let start = Barrier::new(calls.len());
            std::thread::scope(|scope| {
                for (rows, queries) in calls {
                    let (spending, limits, passed, start) = (&spending, &limits, &*passed, &start);
                    let (running, most) = (&running, &most);
                    scope.spawn(move || {
                        start.wait();
                        for bytes in rows {
                            let row = [(Resource::Rows, 1), (Resource::Bytes, *bytes)];
                            if spending.take(limits, &row).is_ok() {
                                passed.rows.fetch_add(1, Ordering::SeqCst);
                                passed.bytes.fetch_add(*bytes, Ordering::SeqCst);
                            }
                        }
                        for _ in 0..*queries {
                            let Ok(place) = spending.begin_query(limits) else { continue };
                            passed.queries.fetch_add(1, Ordering::SeqCst);
                            let count = running.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(count, Ordering::SeqCst);
                            std::thread::yield_now();
                            running.fetch_sub(1, Ordering::SeqCst);
                            drop(place);
                        }
                    });
                }
            });
        }
        for passed in hours.into_values() {
            prop_assert!(passed.rows.into_inner() <= 40);
            prop_assert!(passed.queries.into_inner() <= 7);
            // And the piece in flight.
            prop_assert!(passed.bytes.into_inner() <= 3_000 + 399);
        }
        prop_assert!(most.into_inner() <= 5);
    }
}
