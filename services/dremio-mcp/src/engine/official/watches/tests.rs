use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::poll;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::watch;

use super::{ALL_BYTES_MAX, KEY_BYTES_MAX, Watches, is_within, normalised};
use crate::door::KeyRing;
use crate::engine::official::CurrentChild;
use crate::engine::official::connection::Connection;
use crate::engine::{CallError, Caller, Mailbox, ProgressSink};
use crate::rpc::Message;

#[test]
fn a_resource_and_what_is_below_it_are_told_apart_from_others() {
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

/// A child that says yes, and what it was asked: `+uri` or `-uri`. It leaves out the answers to what it is told to.
struct Child {
    current: CurrentChild,
    connection: Arc<Connection>,
    asked: Arc<Mutex<VecDeque<String>>>,
    news: watch::Receiver<usize>,
    _alive: watch::Sender<Option<Arc<Connection>>>,
}

impl Child {
    fn start(refused: &'static str) -> Self {
        let halves = Connection::open();
        let connection = Arc::clone(&halves.connection);
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (output, input) = tokio::io::split(ours);
        tokio::spawn(halves.run(BufReader::new(output), input, |_| {}));
        let asked = Arc::new(Mutex::new(VecDeque::new()));
        let (heard, news) = watch::channel(0);
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(theirs);
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line).unwrap();
                let uri = message["params"]["uri"].as_str().unwrap_or_default();
                let sign = match message["method"].as_str().unwrap() {
                    "resources/subscribe" => '+',
                    "resources/unsubscribe" => '-',
                    _ => continue,
                };
                log.lock().unwrap().push_back(format!("{sign}{uri}"));
                heard.send_modify(|heard| *heard += 1);
                let mut answer = json!({ "jsonrpc": "2.0", "id": message["id"] });
                match uri {
                    "silent:" => continue,
                    uri if uri == refused => answer["error"] = json!({ "code": -32002, "message": "no" }),
                    _ => answer["result"] = json!({}),
                }
                write.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
            }
        });
        let (alive, seen) = watch::channel(Some(Arc::clone(&connection)));
        Self { current: CurrentChild(seen), connection, asked, news, _alive: alive }
    }

    /// What it was asked next.
    async fn asked(&self) -> String {
        let mut news = self.news.clone();
        loop {
            news.borrow_and_update();
            if let Some(asked) = self.asked.lock().unwrap().pop_front() {
                return asked;
            }
            news.changed().await.unwrap();
        }
    }

    fn was_left_alone(&self) -> bool {
        self.asked.lock().unwrap().is_empty()
    }
}

struct Client {
    mailbox: Arc<Mailbox>,
    sink: ProgressSink,
}

impl Client {
    fn with_key(key: &str) -> Self {
        let ring = KeyRing::load(service_kit::SecretSource::Inline("aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into())).unwrap();
        let principal = ring.find(key.repeat(16).as_bytes()).unwrap();
        let mailbox = Arc::<Mailbox>::default();
        let caller = Caller { principal, client: Arc::from("c"), mailbox: Some(Arc::clone(&mailbox)) };
        Self { mailbox, sink: ProgressSink::channel().0.of(caller, None) }
    }

    async fn subscribe(&self, watches: &Watches, child: &Child, uri: &str) -> Result<Message, CallError> {
        let request = Message::request("resources/subscribe", &json!({ "uri": uri }).to_string());
        watches.subscribe(uri, &self.mailbox, &request, &self.sink, &child.current).await
    }

    async fn unsubscribe(&self, watches: &Watches, child: &Child, uri: &str) -> Message {
        let request = Message::request("resources/unsubscribe", &json!({ "uri": uri }).to_string());
        watches.unsubscribe(uri, &self.mailbox, &request, &self.sink, &child.current).await.unwrap()
    }

    /// The URIs of the news that wait.
    async fn news(&self) -> Vec<String> {
        let mut uris = Vec::new();
        loop {
            let next = std::pin::pin!(self.mailbox.next());
            let std::task::Poll::Ready(message) = poll!(next) else { return uris };
            let message: Value = serde_json::from_str(message.text()).unwrap();
            uris.push(message["params"]["uri"].as_str().unwrap().to_owned());
        }
    }
}

fn updated(watches: &Watches, uri: &str) {
    watches.updated(uri, Message::notification("notifications/resources/updated", Some(&json!({ "uri": uri }).to_string())));
}

#[tokio::test]
async fn who_subscribed_is_told_and_the_last_who_leaves_tells_the_child() {
    let (watches, child) = (Watches::default(), Child::start("x:refused"));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    for client in [&ada, &bob] {
        client.subscribe(&watches, &child, "x:1").await.unwrap();
        assert_eq!(child.asked().await, "+x:1");
    }
    ada.subscribe(&watches, &child, "x:2").await.unwrap();
    assert_eq!(child.asked().await, "+x:2");
    for uri in ["x:1", "x:2", "x:3"] {
        updated(&watches, uri);
    }
    assert_eq!((ada.news().await, bob.news().await), (vec!["x:1".to_owned(), "x:2".into()], vec!["x:1".to_owned()]));

    assert_eq!(ada.unsubscribe(&watches, &child, "x:1").await.result(), Some("{}"));
    assert!(child.was_left_alone(), "the other still wants it");
    updated(&watches, "x:1");
    assert_eq!((ada.news().await, bob.news().await), (vec![], vec!["x:1".to_owned()]));
    bob.unsubscribe(&watches, &child, "x:1").await;
    assert_eq!(child.asked().await, "-x:1");

    // What the child refuses is not kept.
    assert!(ada.subscribe(&watches, &child, "x:refused").await.unwrap().error().is_some());
    updated(&watches, "x:refused");
    assert_eq!(ada.news().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_taken_back_however_it_came_to_be() {
    let (watches, child) = (Watches::default(), Child::start(""));
    let mut keeping = Box::pin(watches.keep(&child.connection));
    assert!(poll!(&mut keeping).is_pending());
    let orphan = async |expected: &str, keeping: &mut (dyn Future<Output = std::convert::Infallible> + Unpin)| {
        tokio::select! {
            asked = child.asked() => assert_eq!(asked, expected),
            never = keeping => match never {},
        }
    };

    // The client is gone.
    let gone = Client::with_key("a");
    gone.subscribe(&watches, &child, "x:gone").await.unwrap();
    assert_eq!(child.asked().await, "+x:gone");
    drop(gone);
    orphan("-x:gone", &mut keeping).await;

    // The call is given up before the child has answered, so it may know or not.
    let impatient = Client::with_key("a");
    let mut call = Box::pin(impatient.subscribe(&watches, &child, "silent:"));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(child.asked().await, "+silent:");
    drop(call);
    orphan("-silent:", &mut keeping).await;
    updated(&watches, "silent:");
    assert_eq!(impatient.news().await, Vec::<String>::new());

    // Somebody else has come before the keeper: nothing is taken back.
    let (first, second) = (Client::with_key("a"), Client::with_key("b"));
    first.subscribe(&watches, &child, "x:kept").await.unwrap();
    second.subscribe(&watches, &child, "x:kept").await.unwrap();
    drop(first);
    assert!(poll!(&mut keeping).is_pending());
    assert_eq!((child.asked().await, child.asked().await), ("+x:kept".into(), "+x:kept".into()));
    assert!(child.was_left_alone());
    updated(&watches, "x:kept");
    assert_eq!(second.news().await, ["x:kept"]);
}

#[tokio::test]
async fn a_new_child_is_told_of_all_and_the_clients_that_they_may_have_missed_something() {
    let (watches, old) = (Watches::default(), Child::start(""));
    let (client, gone) = (Client::with_key("a"), Client::with_key("a"));
    for uri in ["x:1", "x:refused"] {
        client.subscribe(&watches, &old, uri).await.unwrap();
    }
    gone.subscribe(&watches, &old, "x:gone").await.unwrap();
    drop(gone);

    let new = Child::start("x:refused");
    // This one was subscribed at the new child before the keeper came to it.
    client.subscribe(&watches, &new, "x:early").await.unwrap();
    assert_eq!(new.asked().await, "+x:early");
    let mut keeping = Box::pin(watches.keep(&new.connection));
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
            news = client.mailbox.next() => told.push(news.text().to_owned()),
            never = &mut keeping => match never {},
        }
    }
    told.sort();
    assert_eq!(told[0], r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:1"}}"#);
    assert!(told[1].contains("x:refused") && new.was_left_alone());
    assert!(!watches.watched.lock().unwrap().contains_key("x:gone"), "it was forgotten without a word");
}

#[tokio::test]
async fn one_key_cannot_take_the_room_of_another() {
    let (watches, child) = (Watches::default(), Child::start(""));
    let (ada, bob) = (Client::with_key("a"), Client::with_key("b"));
    let long = |letter: &str| format!("x:{}", letter.repeat(KEY_BYTES_MAX / 2 - 1000));
    for letter in ["1", "2"] {
        ada.subscribe(&watches, &child, &long(letter)).await.unwrap();
    }
    assert!(matches!(ada.subscribe(&watches, &child, &long("3")).await, Err(CallError::TooManySubscriptions)));
    ada.subscribe(&watches, &child, &long("1")).await.unwrap();
    bob.subscribe(&watches, &child, &long("3")).await.unwrap();
    ada.unsubscribe(&watches, &child, &long("1")).await;
    ada.subscribe(&watches, &child, &long("3")).await.unwrap();
    assert!(matches!(bob.subscribe(&watches, &child, &"x".repeat(ALL_BYTES_MAX)).await, Err(CallError::TooManySubscriptions)));
}
