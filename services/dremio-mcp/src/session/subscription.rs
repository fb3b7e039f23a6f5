//! `subscriptions/listen` of revision 2026-07-28 ("Subscriptions"): a stream of the notifications
//! that a client asked for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;

use super::Gateway;
use super::asker::{Asker, caller_at, count_more};
use super::sse::{Events, Gone};
use crate::budget::Kind;
use crate::engine::{CallContext, Caller, Changes, List, Notifications, Wanted};
use crate::methods;
use crate::rpc::{Message, Refusal, member, set_meta};

/// The lists that a client can ask about, by the names of the filter.
const LISTS: [(&str, List); 3] = [
    ("toolsListChanged", List::Tools),
    ("promptsListChanged", List::Prompts),
    ("resourcesListChanged", List::Resources),
];

/// The member of `_meta` that names the stream of a message: the id of the stream's request.
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// Resources that one stream may name. A guess: a person looks at a few.
const RESOURCES_MAX: usize = 256;

/// How long the engine may take to accept a resource. The client hears nothing before that.
const AGREEMENT_WAIT_MAX: Duration = Duration::from_secs(10);

/// A stream that acknowledges, announces changes of lists and resources, and stays open until one
/// side leaves. It covers what the client asked for and the engine accepts.
pub(super) fn listen(gateway: Arc<Gateway>, asker: Asker, request: &Message) -> Response {
    let changes = gateway.engine.changes();
    let params = request.params_text().unwrap_or("{}");
    let invalid = |message: String| Refusal::invalid_params(message).response(request.id());
    let Ok(filter) = serde_json::from_str::<Filter>(
        member(params, "notifications").filter(|raw| *raw != "null").unwrap_or("{}"),
    ) else {
        return invalid("params.notifications is not an object of the right shape".to_owned());
    };
    let resources = filter.resource_subscriptions.as_ref().map_or(0, Vec::len);
    if resources > RESOURCES_MAX {
        return invalid(format!(
            "One stream can name {RESOURCES_MAX} resources; open another for more"
        ));
    }
    // Each is a request to the engine.
    if let Err(refusal) = count_more(&gateway, &asker, resources) {
        return refusal.response(request.id());
    }
    let id = request.id().unwrap_or("null").to_owned();
    let (events, response) = Events::channel();
    let notifications = Arc::default();
    let caller = Caller { notifications: Some(Arc::clone(&notifications)), ..caller_at(asker) };
    let subscription = Subscription { gateway, caller, notifications, id, events };
    tokio::spawn(async move {
        tokio::select! {
            gone = subscription.events.keep_alive() => { let Gone = gone; }
            () = subscription.caller.principal().withdrawn().cancelled() => {}
            told = subscription.tell(changes, filter) => drop(told),
        }
    });
    response
}

/// What a client wants to be notified of ("Notification Filter").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    tools_list_changed: Option<bool>,
    prompts_list_changed: Option<bool>,
    resources_list_changed: Option<bool>,
    resource_subscriptions: Option<Vec<String>>,
}

impl Filter {
    fn asks_about(&self, list: List) -> bool {
        let asked = match list {
            List::Tools => self.tools_list_changed,
            List::Prompts => self.prompts_list_changed,
            List::Resources => self.resources_list_changed,
        };
        asked == Some(true)
    }
}

/// A stream on which a client listens.
struct Subscription {
    gateway: Arc<Gateway>,
    caller: Caller,
    notifications: Arc<Notifications>,
    /// The id of its request.
    id: String,
    events: Events,
}

impl Subscription {
    /// Acknowledges, and announces changes until the gateway stops.
    async fn tell(&self, mut changes: Changes, filter: Filter) -> Result<(), Gone> {
        let introduction = self.gateway.engine.introduction().await.ok();
        let lists =
            changing(&filter, introduction.as_ref().map_or("{}", |said| said.result.as_str()));
        let resources = tokio::select! {
            // The acknowledgment comes first, even if nothing follows.
            biased;
            agreed = self.subscribe(filter.resource_subscriptions.unwrap_or_default()) => agreed,
            () = self.gateway.shutdown.draining() => Vec::new(),
        };
        let mut said: Vec<String> =
            lists.iter().map(|(name, _)| format!(r#""{name}":true"#)).collect();
        if !resources.is_empty() {
            said.push(format!(r#""resourceSubscriptions":{}"#, json!(resources)));
        }
        let said = format!(r#"{{"notifications":{{{}}}}}"#, said.join(","));
        self.message(&Message::notification(methods::SUBSCRIPTION_ACKNOWLEDGED, Some(&said)))
            .await?;
        loop {
            tokio::select! {
                // First what came before the stop.
                biased;
                changed = changes.next() => {
                    for (changed, said) in changed {
                        if lists.iter().any(|(_, list)| *list == changed) {
                            self.message(&said).await?;
                        }
                    }
                }
                message = self.notifications.next() => self.message(&message).await?,
                () = self.gateway.shutdown.draining() => return self.complete().await,
            }
        }
    }

    /// Ends the stream as the server ("Graceful Closure").
    async fn complete(&self) -> Result<(), Gone> {
        let result = set_meta(r#"{"resultType":"complete"}"#, SUBSCRIPTION_ID, &self.id);
        self.send(Message::from_result(&result).with_id(&self.id)).await
    }

    /// The resources that the engine accepts. Its revision has one request per resource.
    async fn subscribe(&self, uris: Vec<String>) -> Vec<String> {
        let asked = uris.into_iter().collect::<BTreeSet<_>>().into_iter().map(async |uri| {
            let request =
                Message::request(methods::RESOURCES_SUBSCRIBE, &json!({ "uri": uri }).to_string());
            let (context, _) =
                CallContext::new(self.caller.clone(), Wanted::default(), &self.gateway.budget);
            let answer = tokio::time::timeout(
                AGREEMENT_WAIT_MAX,
                self.gateway.engine.call(&request, &context),
            )
            .await;
            matches!(answer, Ok(Ok(answer)) if answer.result().is_some()).then_some(uri)
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Sends a notification, marked with its subscription.
    async fn message(&self, message: &Message) -> Result<(), Gone> {
        self.send(message.with_meta(SUBSCRIPTION_ID, &self.id)).await
    }

    /// Sends a text. A client that leaves so much unread that there is no more room loses its
    /// stream, and opens another.
    async fn send(&self, text: String) -> Result<(), Gone> {
        let room = self.gateway.budget.try_take(self.caller.principal(), Kind::Streams, text.len());
        self.events.message(room.map_err(|_| Gone)?.hold(text)).await
    }
}

/// The lists that a client asks about and that can change in the engine of this introduction.
fn changing(filter: &Filter, introduction: &str) -> Vec<(&'static str, List)> {
    let capabilities = member(introduction, "capabilities");
    let changes = |list: List| {
        capabilities
            .and_then(|all| member(all, list.capability()))
            .and_then(|one| member(one, "listChanged"))
    };
    LISTS
        .into_iter()
        .filter(|(_, list)| filter.asks_about(*list) && changes(*list) == Some("true"))
        .collect()
}
