use futures_util::poll;
use tokio::sync::watch;

use super::fixture::{Child, Client, updated};
use super::{
    ANSWER_WAIT_MAX, ASKED_MAX, KEY_BYTES_MAX, OVERHEAD_BYTES, SubscriptionRegistry, URI_BYTES_MAX,
    Wish, is_within, normalised,
};
use crate::engine::CallError;
use crate::engine::official::CurrentChild;
use crate::engine::official::connection::Connection;
use crate::rpc::Message;

#[test]
fn sub_resources_are_recognised() {
    for (uri, ancestor, is) in [
        ("file:///a", "file:///a", true),
        ("file:///a/b", "file:///a", true),
        ("file:///a/b", "file:///a/", true),
        ("file:///ab", "file:///a", false),
        ("file:///a", "file:///a/b", false),
        ("x://t?page=2", "x://t", true),
        ("x://t#part", "x://t", true),
        ("HTTP://Host", "http://host/", true),
        ("http://host/%7Ea", "http://host/~a", false),
        ("not a uri", "not a uri", true),
    ] {
        assert_eq!(is_within(&normalised(uri), &normalised(ancestor)), is, "{uri} {ancestor}");
    }
}

#[tokio::test]
async fn subscribers_are_notified_and_the_last_one_unsubscribes_at_the_child() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("x:refused", false));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    for client in [&ada, &bob] {
        assert_eq!(
            client.subscribe(&subscriptions, &child, "x:1").await.unwrap().result(),
            Some("{}")
        );
    }
    assert_eq!(child.asked().await, "+x:1");
    ada.subscribe(&subscriptions, &child, "x:2").await.unwrap();
    assert_eq!(child.asked().await, "+x:2");
    for uri in ["x:1", "x:2", "x:3"] {
        updated(&subscriptions, uri);
    }
    assert_eq!(
        (ada.news().await, bob.news().await),
        (vec!["x:1".to_owned(), "x:2".into()], vec!["x:1".to_owned()])
    );

    assert_eq!(ada.unsubscribe(&subscriptions, &child, "x:1").await.result(), Some("{}"));
    assert!(child.was_left_alone(), "the other still wants it");
    updated(&subscriptions, "x:1");
    assert_eq!((ada.news().await, bob.news().await), (vec![], vec!["x:1".to_owned()]));
    bob.unsubscribe(&subscriptions, &child, "x:1").await;
    assert_eq!(child.asked().await, "-x:1");

    // A subscription that the child refuses is not kept.
    assert!(ada.subscribe(&subscriptions, &child, "x:refused").await.unwrap().error().is_some());
    updated(&subscriptions, "x:refused");
    assert_eq!(ada.news().await, Vec::<String>::new());
}

#[tokio::test]
async fn only_the_keys_with_the_closest_subscription_are_notified() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("", false));
    let (ada, bob, bobs_other) =
        (Client::with_key("a"), Client::with_key("b"), Client::with_key("b"));
    bob.subscribe(&subscriptions, &child, "file:///").await.unwrap();
    updated(&subscriptions, "file:///a/1");
    assert_eq!(bob.news().await, ["file:///a/1"], "nobody else can be meant");

    ada.subscribe(&subscriptions, &child, "file:///a/").await.unwrap();
    for uri in ["file:///a/1", "file:///a/", "file:///b", "file:///"] {
        updated(&subscriptions, uri);
    }
    assert_eq!(ada.news().await, ["file:///a/1", "file:///a/"]);
    assert_eq!(bob.news().await, ["file:///b", "file:///"]);

    // A subscriber is notified in each of its sessions.
    bobs_other.subscribe(&subscriptions, &child, "FILE:///a/").await.unwrap();
    updated(&subscriptions, "file:///a/1");
    assert_eq!(
        [ada.news().await, bob.news().await, bobs_other.news().await],
        [["file:///a/1"], ["file:///a/1"], ["file:///a/1"]]
    );

    // She has left, but the child does not know yet.
    bobs_other.unsubscribe(&subscriptions, &child, "FILE:///a/").await;
    drop(ada);
    subscriptions.orphans();
    updated(&subscriptions, "file:///a/1");
    assert_eq!(bob.news().await, Vec::<String>::new());
}

#[tokio::test]
async fn subscriptions_without_a_client_are_cancelled() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("", false));
    let mut keeping = Box::pin(subscriptions.keep(&child.connection));
    assert!(poll!(&mut keeping).is_pending());
    let orphan =
        async |expected: &str,
               keeping: &mut (dyn Future<Output = std::convert::Infallible> + Unpin)| {
            tokio::select! {
                asked = child.asked() => assert_eq!(asked, expected),
                never = keeping => match never {},
            }
        };

    // The client is gone.
    let gone = Client::with_key("a");
    gone.subscribe(&subscriptions, &child, "x:gone").await.unwrap();
    assert_eq!(child.asked().await, "+x:gone");
    drop(gone);
    orphan("-x:gone", &mut keeping).await;

    // The call is given up before the child has answered, so the child may know it or not.
    let impatient = Client::with_key("a");
    let mut call = Box::pin(impatient.subscribe(&subscriptions, &child, "x:given-up"));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(child.asked().await, "+x:given-up");
    drop(call);
    orphan("-x:given-up", &mut keeping).await;
    updated(&subscriptions, "x:given-up");
    assert_eq!(impatient.news().await, Vec::<String>::new());

    // Another client came before the renewal: nothing is cancelled.
    let (first, second) = (Client::with_key("a"), Client::with_key("b"));
    first.subscribe(&subscriptions, &child, "x:kept").await.unwrap();
    second.subscribe(&subscriptions, &child, "x:kept").await.unwrap();
    drop(first);
    assert!(poll!(&mut keeping).is_pending());
    assert_eq!(child.asked().await, "+x:kept");
    assert!(child.was_left_alone());
    updated(&subscriptions, "x:kept");
    assert_eq!(second.news().await, ["x:kept"]);
}

#[tokio::test]
async fn a_new_child_gets_all_subscriptions_and_clients_get_an_update() {
    let (subscriptions, old) = (SubscriptionRegistry::new(), Child::start("", false));
    let (client, gone) = (Client::with_key("a"), Client::with_key("a"));
    for uri in ["x:1", "x:refused"] {
        client.subscribe(&subscriptions, &old, uri).await.unwrap();
    }
    gone.subscribe(&subscriptions, &old, "x:gone").await.unwrap();
    drop(gone);

    let new = Child::start("x:refused", false);
    // This one was subscribed at the new child before the renewal.
    client.subscribe(&subscriptions, &new, "x:early").await.unwrap();
    assert_eq!(new.asked().await, "+x:early");
    let mut keeping = Box::pin(subscriptions.keep(&new.connection));
    let mut asked = Vec::new();
    while asked.len() < 2 {
        tokio::select! {
            next = new.asked() => asked.push(next),
            never = &mut keeping => match never {},
        }
    }
    asked.sort();
    assert_eq!(asked, ["+x:1", "+x:refused"]);
    let mut told = Vec::new();
    while told.len() < 2 {
        tokio::select! {
            news = client.notifications.next() => told.push(news.text().to_owned()),
            never = &mut keeping => match never {},
        }
    }
    told.sort();
    assert_eq!(
        told[0],
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:1"}}"#
    );
    assert!(told[1].contains("x:refused") && new.was_left_alone());
    assert!(
        !subscriptions.subscriptions.lock().contains_key("x:gone"),
        "it was forgotten without a word"
    );
}

#[tokio::test]
async fn concurrent_requests_of_one_client_do_not_undo_each_other() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("", false));
    let client = Client::with_key("a");
    client.subscribe(&subscriptions, &child, "x:1").await.unwrap();
    // The client changes its mind before the answer.
    let (_, again) = tokio::join!(
        client.unsubscribe(&subscriptions, &child, "x:1"),
        client.subscribe(&subscriptions, &child, "x:1")
    );
    assert!(again.unwrap().result().is_some());
    assert_eq!(
        [child.asked().await, child.asked().await, child.asked().await],
        ["+x:1", "-x:1", "+x:1"]
    );
    // The client sends two requests and gives up the first.
    let (mut first, mut retry) = (
        Box::pin(client.subscribe(&subscriptions, &child, "x:2")),
        Box::pin(client.subscribe(&subscriptions, &child, "x:2")),
    );
    assert!(poll!(&mut first).is_pending() && poll!(&mut retry).is_pending());
    drop(first);
    assert!(retry.await.unwrap().result().is_some());
    for uri in ["x:1", "x:2"] {
        updated(&subscriptions, uri);
    }
    assert_eq!(client.news().await, ["x:1", "x:2"]);
}

#[tokio::test]
async fn a_client_moved_to_a_new_child_by_anothers_request_gets_an_update() {
    let (subscriptions, old) = (SubscriptionRegistry::new(), Child::start("", false));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    for client in [&ada, &bob] {
        client.subscribe(&subscriptions, &old, "x:1").await.unwrap();
    }
    let new = Child::start("", false);
    ada.subscribe(&subscriptions, &new, "x:1").await.unwrap();
    tokio::select! {
        news = bob.notifications.next() => assert!(news.text().contains("x:1")),
        never = subscriptions.keep(&new.connection) => match never {},
    }
    assert!(ada.news().await.is_empty(), "she has just asked");
    assert_eq!(new.asked().await, "+x:1");
    assert!(new.was_left_alone());
}

#[tokio::test(start_paused = true)]
async fn subscriptions_do_not_wait_for_calls_or_a_silent_child() {
    let (subscriptions, old) = (SubscriptionRegistry::new(), Child::start("", false));
    let client = Client::with_key("a");
    client.subscribe(&subscriptions, &old, "x:1").await.unwrap();
    let new = Child::start("", false);
    // Calls keep it busy.
    let slow = Message::request("tools/call", "{}");
    let mut busy: Vec<_> = (0..100)
        .map(|_| Box::pin(new.connection.call(&slow, Some(&client.context), None)))
        .collect();
    for call in &mut busy {
        assert!(poll!(call).is_pending());
    }
    let mut keeping = Box::pin(subscriptions.keep(&new.connection));
    tokio::select! {
        asked = new.asked() => assert_eq!(asked, "+x:1"),
        never = &mut keeping => match never {},
    }
    let other = Client::with_key("b");
    assert!(other.subscribe(&subscriptions, &new, "x:2").await.unwrap().result().is_some());
    assert_eq!(new.asked().await, "+x:2");
    assert!(matches!(
        other.subscribe(&subscriptions, &Child::start("", true), "x:3").await,
        Err(CallError::NotReady)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_is_repeated() {
    let (subscriptions, old) = (SubscriptionRegistry::new(), Child::start("", false));
    let client = Client::with_key("a");
    client.subscribe(&subscriptions, &old, "x:1").await.unwrap();
    let mute = Child::start("", true);
    assert!(
        tokio::time::timeout(ANSWER_WAIT_MAX * 5, subscriptions.keep(&mute.connection))
            .await
            .is_err()
    );
    assert_eq!([mute.asked().await, mute.asked().await], ["+x:1", "+x:1"]);
    assert!(client.news().await.is_empty(), "nothing is known yet");
}

#[tokio::test]
async fn an_entry_that_no_child_can_know_is_removed() {
    let (subscriptions, client) = (SubscriptionRegistry::new(), Client::with_key("a"));
    let connection = Connection::open().connection;
    let (alive, seen) = watch::channel(Some(connection));
    let current = CurrentChild(seen);
    let request = Message::request("resources/subscribe", r#"{"uri":"x:1"}"#);
    let wish = Wish::of(&request, &client.context).unwrap();
    let lost = subscriptions.subscribe(wish, &current).await;
    assert!(matches!(lost, Err(CallError::EngineLost)));
    assert_eq!(subscriptions.subscriptions.lock().len(), 1, "the child may have heard of it");
    alive.send_replace(None);
    let mut all = subscriptions.subscriptions.lock();
    super::make_room(&mut all, 0, &crate::principal::Principal::anyone()).unwrap();
    assert!(all.is_empty());
}

#[tokio::test]
async fn one_key_cannot_use_the_room_of_another() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("", false));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    let long = |number: usize| format!("x:{number}{}", "y".repeat(URI_BYTES_MAX - 10));
    let mut taken = 0;
    while ada.subscribe(&subscriptions, &child, &long(taken)).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, KEY_BYTES_MAX / (2 * URI_BYTES_MAX + OVERHEAD_BYTES));
    assert!(matches!(
        ada.subscribe(&subscriptions, &child, &long(taken)).await,
        Err(CallError::TooManySubscriptions)
    ));
    ada.subscribe(&subscriptions, &child, &long(0)).await.unwrap();
    bob.subscribe(&subscriptions, &child, &long(taken)).await.unwrap();
    ada.unsubscribe(&subscriptions, &child, &long(0)).await;
    ada.subscribe(&subscriptions, &child, &long(taken)).await.unwrap();
    assert!(matches!(
        bob.subscribe(&subscriptions, &child, &"x".repeat(URI_BYTES_MAX + 1)).await,
        Err(CallError::TooManySubscriptions)
    ));
}

#[tokio::test]
async fn an_abandoned_unsubscribe_keeps_others_subscribed() {
    let (subscriptions, child) = (SubscriptionRegistry::new(), Child::start("", false));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    ada.subscribe(&subscriptions, &child, "x:1").await.unwrap();
    let mut leaving = Box::pin(ada.unsubscribe(&subscriptions, &child, "x:1"));
    assert!(poll!(&mut leaving).is_pending());
    assert_eq!([child.asked().await, child.asked().await], ["+x:1", "-x:1"]);
    let mut coming = Box::pin(bob.subscribe(&subscriptions, &child, "x:1"));
    assert!(poll!(&mut coming).is_pending());
    drop(leaving);
    assert!(coming.await.unwrap().result().is_some());
    assert_eq!(
        child.asked().await,
        "+x:1",
        "the child was told to forget it, so it must be told again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_subscription_delays_no_other() {
    let (subscriptions, child, mute) =
        (SubscriptionRegistry::new(), Child::start("", false), Child::start("", true));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    let mut stuck: Vec<_> =
        (0..ASKED_MAX).map(|_| Box::pin(ada.subscribe(&subscriptions, &mute, "x:mute"))).collect();
    for call in &mut stuck {
        assert!(poll!(call).is_pending());
    }
    let started = tokio::time::Instant::now();
    assert!(bob.subscribe(&subscriptions, &child, "x:1").await.unwrap().result().is_some());
    assert_eq!(started.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test]
async fn a_subscription_counts_as_work_for_its_key() {
    let (subscriptions, old, new) =
        (SubscriptionRegistry::new(), Child::start("", false), Child::start("", false));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    bob.subscribe(&subscriptions, &old, "x:1").await.unwrap();
    tokio::select! {
        _ = bob.notifications.next() => {}
        never = subscriptions.keep(&new.connection) => match never {},
    }
    assert!(!new.connection.has_only_worked_for(ada.context.caller().principal()));
    assert!(new.connection.has_only_worked_for(bob.context.caller().principal()));
}
