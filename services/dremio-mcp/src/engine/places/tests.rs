use std::sync::{Arc, Mutex};

use futures_util::poll;

use super::schedule::WAITING_MAX;
use super::{Limits, Places, Seat, TooMany};
use crate::engine::ClientId;
use crate::principal::Principal;

fn narrow() -> Places {
    Places::new(Limits { places: 1, key: 1, client: 1, batch: 1, last: 0 }, None)
}

fn seat(client: &str) -> Seat {
    let client = ClientId::Session(client.bytes().map(u64::from).sum());
    Seat { principal: Principal::anyone(), client, batch: None }
}

#[tokio::test]
async fn clients_take_turns_however_much_one_of_them_wants() {
    let places = narrow();
    let first = places.take(seat("greedy")).await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for name in ["greedy", "greedy", "greedy", "modest", "third", "modest"] {
        let (places, served) = (places.clone(), Arc::clone(&served));
        waiting.push(tokio::spawn(async move {
            let _place = places.take(seat(name)).await.unwrap();
            served.lock().unwrap().push(name);
        }));
        tokio::task::yield_now().await;
    }
    drop(first);
    for call in waiting {
        call.await.unwrap();
    }
    assert_eq!(
        *served.lock().unwrap(),
        ["greedy", "modest", "third", "greedy", "modest", "greedy"]
    );
    places.idle().await;
}

#[tokio::test]
async fn a_call_that_leaves_the_queue_loses_no_place() {
    let places = narrow();
    let held = places.take(seat("a")).await.unwrap();
    let mut gone = Box::pin(places.take(seat("b")));
    assert!(poll!(&mut gone).is_pending());
    drop(gone);
    // This one has got its place, and leaves before it knows.
    let mut unaware = Box::pin(places.take(seat("b")));
    assert!(poll!(&mut unaware).is_pending());
    drop(held);
    drop(unaware);
    drop(places.take(seat("c")).await.unwrap());
    places.idle().await;
}

#[tokio::test]
async fn a_queue_has_an_end() {
    let places = narrow();
    let held = places.take(seat("a")).await.unwrap();
    let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(places.take(seat("a")))).collect();
    for call in &mut waiting {
        assert!(poll!(call).is_pending());
    }
    assert!(matches!(places.take(seat("a")).await, Err(TooMany)));
    drop(waiting.pop());
    let mut next = Box::pin(places.take(seat("a")));
    assert!(poll!(&mut next).is_pending(), "one has left, so one may come");
    drop((waiting, next, held));
    places.idle().await;
}
