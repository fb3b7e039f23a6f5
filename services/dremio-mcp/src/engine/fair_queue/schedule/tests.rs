use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::{Limits, Requester, Schedule, TooMany, WAITING_MAX, Waiting};
use crate::access::KeyRing;
use crate::engine::ClientId;
use crate::principal::Principal;

const LIMITS: Limits = Limits { total: 64, key: 48, client: 32, batch: 8, last: 8 };

/// One place.
const NARROW: Limits = Limits { total: 1, key: 1, client: 1, batch: 1, last: 0 };

/// A call that knows whose it is, and may leave.
#[derive(Clone, Debug, Default)]
struct Call(Rc<Cell<bool>>);

impl Waiting for Call {
    fn is_gone(&self) -> bool {
        self.0.get()
    }
}

fn key(name: char) -> Principal {
    let ring = KeyRing::load(service_kit::SecretSource::Inline(name.to_string().repeat(16).into()))
        .unwrap();
    ring.find(name.to_string().repeat(16).as_bytes()).unwrap()
}

/// The client with a name of up to eight letters.
fn client_id(name: &str) -> ClientId {
    ClientId::Session(name.bytes().fold(0, |id, letter| id << 8 | u64::from(letter)))
}

fn client_name(id: ClientId) -> String {
    let ClientId::Session(id) = id else { panic!("{id:?}") };
    let letters = id.to_be_bytes().into_iter().filter(|letter| *letter != 0).collect();
    String::from_utf8(letters).unwrap()
}

/// A schedule whose seats are written as `key/client#batch`.
struct World {
    schedule: Schedule<Call>,
    keys: HashMap<char, Principal>,
    held: Vec<String>,
}

impl World {
    fn new(limits: Limits) -> Self {
        Self {
            schedule: Schedule::new(limits),
            keys: ('a'..='z').map(|name| (name, key(name))).collect(),
            held: Vec::new(),
        }
    }

    fn requester(&self, text: &str) -> Requester {
        let (key, rest) = text.split_once('/').unwrap();
        let (client, batch) = rest
            .split_once('#')
            .map_or((rest, None), |(client, batch)| (client, Some(batch.parse().unwrap())));
        Requester {
            principal: self.keys[&key.chars().next().unwrap()].clone(),
            client: client_id(client),
            batch,
        }
    }

    fn text(&self, requester: &Requester) -> String {
        let key =
            self.keys.iter().find(|(_, principal)| **principal == requester.principal).unwrap().0;
        let batch = requester.batch.map(|batch| format!("#{batch}")).unwrap_or_default();
        format!("{key}/{}{batch}", client_name(requester.client))
    }

    fn come(&mut self, text: &str) -> Call {
        let (requester, call) = (self.requester(text), Call::default());
        if self.schedule.take(&requester) {
            self.held.push(text.to_owned());
        } else {
            self.schedule.wait(requester, call.clone()).unwrap();
        }
        call
    }

    /// One call of `text` ends; which get permits for it.
    fn end(&mut self, text: &str) -> Vec<String> {
        let at = self.held.iter().position(|held| held == text).unwrap();
        self.held.remove(at);
        let requester = self.requester(text);
        self.schedule.give_back(&requester);
        let mut next = Vec::new();
        while let Some((requester, _)) = self.schedule.next() {
            next.push(self.text(&requester));
        }
        self.held.extend(next.clone());
        next
    }

    fn count(&self, of: &str) -> usize {
        self.held.iter().filter(|held| held.starts_with(of)).count()
    }
}

#[test]
fn one_key_cannot_use_all_permits() {
    for (name, calls, expected) in [
        ("one client", &[("a/1", 100)][..], &[("a/1", 32)][..]),
        ("one key", &[("a/1", 100), ("a/2", 100)], &[("a/1", 32), ("a/2", 16)]),
        (
            "the last are for who has none",
            &[("a/1", 32), ("a/2", 32), ("b/1", 100), ("c/1", 9)],
            &[("a/", 48), ("b/", 8), ("c/", 1)],
        ),
        (
            "two batches and a call",
            &[("a/1#1", 64), ("a/1#2", 9), ("a/1", 1)],
            &[("a/1#1", 8), ("a/1#2", 8), ("a/1", 17)],
        ),
        (
            "many keys",
            &[
                ("a/1", 9),
                ("b/1", 9),
                ("c/1", 9),
                ("d/1", 9),
                ("e/1", 9),
                ("f/1", 9),
                ("g/1", 9),
                ("h/1", 9),
            ],
            &[("f/", 9), ("g/", 2), ("h/", 1)],
        ),
    ] {
        let mut world = World::new(LIMITS);
        for (requester, count) in calls {
            (0..*count).for_each(|_| drop(world.come(requester)));
        }
        for (requester, count) in expected {
            assert_eq!(world.count(requester), *count, "{name}: {requester}");
        }
    }
}

#[test]
fn a_key_without_permits_is_served_beside_busy_ones() {
    let mut world = World::new(LIMITS);
    for requester in ["a/1", "a/2", "b/1"] {
        (0..200).for_each(|_| drop(world.come(requester)));
    }
    // 56 permits are taken; eight keys get one each, at once, and a ninth waits for any that comes
    // free.
    for name in 'c'..='k' {
        world.come(&format!("{name}/1"));
    }
    assert_eq!((world.held.len(), world.count("j/"), world.count("k/")), (64, 1, 0));
    assert_eq!(world.end("b/1"), ["k/1"]);
    assert_eq!(
        world.end("c/1"),
        Vec::<String>::new(),
        "of the last eight, one is free again, for a key that has none"
    );
    world.come("m/1");
    assert_eq!(world.count("m/"), 1);
}

#[test]
fn keys_and_their_clients_take_turns() {
    let mut world = World::new(NARROW);
    for requester in ["a/1", "a/1", "a/1", "a/1", "b/1", "c/1", "b/1", "a/2"] {
        world.come(requester);
    }
    let mut order = vec!["a/1".to_owned()];
    while let Some(last) = order.last().filter(|last| world.held.contains(*last)).cloned() {
        order.extend(world.end(&last));
    }
    assert_eq!(order, ["a/1", "a/1", "b/1", "c/1", "a/2", "b/1", "a/1", "a/1"]);
}

#[test]
fn a_batch_at_its_limit_delays_no_call_behind_it() {
    let mut world = World::new(Limits { total: 10, key: 10, client: 10, batch: 2, last: 0 });
    for requester in
        ["a/1#1", "a/1#1", "a/1#1", "b/1", "b/1", "b/1", "b/1", "b/1", "b/1", "b/1", "b/1", "a/1"]
    {
        world.come(requester);
    }
    assert_eq!(world.end("b/1"), ["a/1"], "the third of the batch waits on");
    assert_eq!(world.end("a/1#1"), ["a/1#1"]);
}

#[test]
fn abandoned_calls_get_no_permit_and_fill_no_queue() {
    let mut world = World::new(NARROW);
    world.come("a/1");
    let gone: Vec<Call> = (0..WAITING_MAX).map(|_| world.come("a/1")).collect();
    assert_eq!(world.schedule.wait(world.requester("a/1"), Call::default()), Err(TooMany));
    gone.iter().for_each(|call| call.0.set(true));
    world.come("a/1");
    world.come("b/1").0.set(true);
    assert_eq!(world.end("a/1"), ["a/1"]);
    assert_eq!(world.end("a/1"), Vec::<String>::new());
    assert!(
        world.schedule.keys.is_empty() && world.schedule.turns.is_empty(),
        "{:?}",
        world.schedule
    );
}

/// Key, client, batch, whether a call ends or leaves, and which one.
fn step() -> impl Strategy<Value = (u8, u8, Option<u64>, bool, prop::sample::Index)> {
    (0..4_u8, 0..3_u8, prop::option::of(0..3_u64), any::<bool>(), any::<prop::sample::Index>())
}

proptest! {
    #[test]
    fn limits_hold_and_no_permit_stays_unused(
        steps in prop::collection::vec(step(), 1..200)
    ) {
        let limits = Limits { total: 12, key: 8, client: 5, batch: 2, last: 2 };
        let mut world = World::new(limits);
        let mut waiting: Vec<(String, Call)> = Vec::new();
        for (key, client, batch, ends, index) in steps {
            if ends && !world.held.is_empty() {
                let text = world.held[index.index(world.held.len())].clone();
                for granted in world.end(&text) {
                    let at = waiting
                        .iter()
                        .position(|(requester, call)| *requester == granted && !call.is_gone());
                    waiting.remove(at.expect("it waited"));
                }
            } else if ends && !waiting.is_empty() {
                waiting.remove(index.index(waiting.len())).1.0.set(true);
            } else {
                let batch = batch.map(|batch| format!("#9{key}{client}{batch}"));
                let batch = batch.unwrap_or_default();
                let text = format!("{}/{client}{batch}", char::from(b'a' + key));
                let before = world.held.len();
                let call = world.come(&text);
                if world.held.len() == before {
                    waiting.push((text, call));
                }
            }
            prop_assert!(
                world.held.len() <= limits.total && world.schedule.held() == world.held.len(),
            );
            for held in &world.held {
                let (key, client) = (&held[..2], held.split('#').next().unwrap());
                let count = |is_same: &dyn Fn(&str) -> bool| {
                    world.held.iter().filter(|other| is_same(other)).count()
                };
                let clients = count(&|other| other.split('#').next() == Some(client));
                prop_assert!(world.count(key) <= limits.key && clients <= limits.client);
                prop_assert!(!held.contains('#') || count(&|other| other == held) <= limits.batch);
            }
            for (text, _) in &waiting {
                let requester = world.requester(text);
                prop_assert!(
                    !world.schedule.take(&requester),
                    "{text} waits and need not: {:?}",
                    world.held,
                );
            }
        }
        // Whoever leaves last finds everything forgotten.
        while let Some(text) = world.held.first().cloned() {
            world.end(&text);
        }
        let Schedule { keys, batches, turns, .. } = &world.schedule;
        prop_assert!(keys.is_empty() && batches.is_empty() && turns.is_empty());
    }
}
