//! A child that records its requests, and a client.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::poll;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::watch;

use super::{SubscriptionRegistry, Wish};
use crate::access::KeyRing;
use crate::budget::Budget;
use crate::engine::official::CurrentChild;
use crate::engine::official::connection::Connection;
use crate::engine::{CallContext, CallError, Caller, ClientId, Notifications, Wanted};
use crate::rpc::Message;

/// A child that accepts all URIs but one, or never answers. It records its requests as `+uri` or
/// `-uri`.
pub(super) struct Child {
    pub(super) current: CurrentChild,
    pub(super) connection: Arc<Connection>,
    pub(super) asked: Arc<Mutex<VecDeque<String>>>,
    news: watch::Receiver<usize>,
    _alive: watch::Sender<Option<Arc<Connection>>>,
}

impl Child {
    pub(super) fn start(refused: &'static str, is_mute: bool) -> Self {
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
                log.lock().push_back(format!("{sign}{uri}"));
                heard.send_modify(|heard| *heard += 1);
                let mut answer = json!({ "jsonrpc": "2.0", "id": message["id"] });
                match uri {
                    _ if is_mute => continue,
                    uri if uri == refused => {
                        answer["error"] = json!({ "code": -32002, "message": "no" });
                    }
                    _ => answer["result"] = json!({}),
                }
                write.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
            }
        });
        let (alive, seen) = watch::channel(Some(Arc::clone(&connection)));
        Self { current: CurrentChild(seen), connection, asked, news, _alive: alive }
    }

    /// The next request that it got.
    pub(super) async fn asked(&self) -> String {
        let mut news = self.news.clone();
        loop {
            news.borrow_and_update();
            if let Some(asked) = self.asked.lock().pop_front() {
                return asked;
            }
            news.changed().await.unwrap();
        }
    }

    pub(super) fn was_left_alone(&self) -> bool {
        self.asked.lock().is_empty()
    }
}

pub(super) struct Client {
    pub(super) notifications: Arc<Notifications>,
    pub(super) context: CallContext,
}

impl Client {
    pub(super) fn with_key(key: &str) -> Self {
        let ring = KeyRing::load(service_kit::SecretSource::Inline(
            "aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb".into(),
        ))
        .unwrap();
        let identity = ring.owner(key.repeat(16).as_bytes()).unwrap();
        let notifications = Arc::<Notifications>::default();
        let caller = Caller {
            identity,
            client: ClientId::Session(1),
            batch: None,
            shows_ui: false,
            notifications: Some(Arc::clone(&notifications)),
        };
        let context = CallContext::new(caller, Wanted::default(), &Budget::small(1 << 30)).0;
        Self { notifications, context }
    }

    pub(super) async fn subscribe(
        &self,
        subscriptions: &SubscriptionRegistry,
        child: &Child,
        uri: &str,
    ) -> Result<Message, CallError> {
        let request = Message::request("resources/subscribe", &json!({ "uri": uri }).to_string());
        let wish = Wish::of(&request, &self.context).unwrap();
        subscriptions.subscribe(wish, &child.current).await
    }

    pub(super) async fn unsubscribe(
        &self,
        subscriptions: &SubscriptionRegistry,
        child: &Child,
        uri: &str,
    ) -> Message {
        let request = Message::request("resources/unsubscribe", &json!({ "uri": uri }).to_string());
        let wish = Wish::of(&request, &self.context).unwrap();
        subscriptions.unsubscribe(wish, &child.current).await.unwrap()
    }

    /// The URIs of the waiting notifications.
    pub(super) async fn news(&self) -> Vec<String> {
        let mut uris = Vec::new();
        loop {
            let next = std::pin::pin!(self.notifications.next());
            let std::task::Poll::Ready(message) = poll!(next) else { return uris };
            let message: Value = serde_json::from_str(message.text()).unwrap();
            uris.push(message["params"]["uri"].as_str().unwrap().to_owned());
        }
    }
}

pub(super) fn updated(subscriptions: &SubscriptionRegistry, uri: &str) {
    subscriptions.updated(
        uri,
        Message::notification(
            "notifications/resources/updated",
            Some(&json!({ "uri": uri }).to_string()),
        ),
    );
}
