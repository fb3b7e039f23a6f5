use std::sync::{Arc, Mutex};

use futures_util::poll;

use super::schedule::WAITING_MAX;
use super::{FairQueue, Limits, Requester, TooMany};
use crate::engine::ClientId;
use crate::principal::Principal;

fn narrow() -> FairQueue {
    FairQueue::new(Limits { total: 1, key: 1, client: 1, batch: 1, last: 0 }, None)
}

fn requester(client: &str) -> Requester {
    let client = ClientId::Session(client.bytes().map(u64::from).sum());
    Requester { principal: Principal::anyone(), client, batch: None }
}

#[tokio::test]
async fn clients_take_turns() {
    let queue = narrow();
    let first = queue.take(requester("greedy")).await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for name in ["greedy", "greedy", "greedy", "modest", "third", "modest"] {
        let (queue, served) = (queue.clone(), Arc::clone(&served));
        waiting.push(tokio::spawn(async move {
            let _permit = queue.take(requester(name)).await.unwrap();
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
    queue.idle().await;
}

#[tokio::test]
async fn an_abandoned_call_loses_no_permit() {
    let queue = narrow();
    let held = queue.take(requester("a")).await.unwrap();
    let mut gone = Box::pin(queue.take(requester("b")));
    assert!(poll!(&mut gone).is_pending());
    drop(gone);
    // This one has got its permit, and leaves before it knows.
    let mut unaware = Box::pin(queue.take(requester("b")));
    assert!(poll!(&mut unaware).is_pending());
    drop(held);
    drop(unaware);
    drop(queue.take(requester("c")).await.unwrap());
    queue.idle().await;
}

#[tokio::test]
async fn a_full_queue_refuses_calls() {
    let queue = narrow();
    let held = queue.take(requester("a")).await.unwrap();
    let mut waiting: Vec<_> =
        (0..WAITING_MAX).map(|_| Box::pin(queue.take(requester("a")))).collect();
    for call in &mut waiting {
        assert!(poll!(call).is_pending());
    }
    assert!(matches!(queue.take(requester("a")).await, Err(TooMany)));
    drop(waiting.pop());
    let mut next = Box::pin(queue.take(requester("a")));
    assert!(poll!(&mut next).is_pending(), "one has left, so one may come");
    drop((waiting, next, held));
    queue.idle().await;
}
