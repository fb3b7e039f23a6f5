//! What clients are told outside of their calls: which lists have changed, and which resources that
//! they asked about.

use reqwest::{Method, Response, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::modern::post;
use crate::support::{Client, Gateway, KEY, OTHER_KEY, PATIENCE, eventually, messages};

impl Client {
    async fn subscription(&self, method: &str, uri: &str) -> Value {
        let (method, params) = (format!("resources/{method}"), json!({ "uri": uri }));
        let request = json!({ "jsonrpc": "2.0", "id": "s", "method": method, "params": params });
        self.rpc(&request.to_string()).await
    }

    /// The fixture says that a resource has changed. It shows more than the specification has.
    async fn touch(&self, uri: &str, revision: u32) {
        let params = json!({ "uri": uri, "x-revision": revision });
        let arguments = json!({ "method": "notifications/resources/updated", "params": params });
        assert_eq!(self.text("notify", arguments).await, "done");
    }

    async fn news(&self) -> Stream {
        Stream::of(self.request(Method::GET).send().await.unwrap())
    }

    async fn subscribed(&self) -> Value {
        self.seen().await["subscribed"].clone()
    }
}

/// A stream that stays open.
pub(crate) struct Stream {
    response: Response,
    text: String,
    pub(crate) last_event_id: String,
}

impl Stream {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, text: String::new(), last_event_id: String::new() }
    }

    /// The next message, waiting for it.
    pub(crate) async fn next(&mut self) -> Value {
        tokio::time::timeout(PATIENCE, async {
            loop {
                while let Some((event, rest)) = self.text.split_once("\n\n") {
                    let field = |name: &str| {
                        event
                            .lines()
                            .find_map(|line| line.strip_prefix(name))
                            .unwrap_or_default()
                            .to_owned()
                    };
                    let (id, data, rest) = (field("id: "), field("data: "), rest.to_owned());
                    self.text = rest;
                    if !id.is_empty() {
                        self.last_event_id = id;
                    }
                    if !data.is_empty() {
                        return serde_json::from_str(&data).unwrap();
                    }
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("a message comes")
    }
}

fn updated(uri: &str, revision: u32) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": { "uri": uri, "x-revision": revision },
    })
}

#[tokio::test]
async fn updates_reach_the_sessions_that_subscribed_and_no_others() {
    let gateway = Gateway::start().await;
    let (client, silent) = (gateway.client().await, gateway.client().await);
    let mut other = Client::new(&gateway, OTHER_KEY);
    other.initialize("2025-03-26").await;
    let (mut news, silence, mut others_news) =
        (client.news().await, silent.news().await, other.news().await);

    for client in [&client, &other] {
        let answer = client.subscription("subscribe", "fixture://one").await;
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": "s", "result": {} }));
    }
    assert_eq!(
        client.subscription("subscribe", "fixture://missing").await["error"]["code"],
        -32002
    );
    client.touch("fixture://missing", 0).await;
    client.touch("fixture://one", 1).await;
    assert_eq!(
        (news.next().await, others_news.next().await),
        (updated("fixture://one", 1), updated("fixture://one", 1))
    );

    // One leaves: the other is still told, so the child is not asked.
    assert_eq!(other.subscription("unsubscribe", "fixture://one").await["result"], json!({}));
    assert_eq!(client.subscribed().await, json!(["fixture://one"]));
    client.touch("fixture://one/part", 2).await;
    assert_eq!(news.next().await, updated("fixture://one/part", 2));
    // The last leaves by ending its session.
    client.request(Method::DELETE).send().await.unwrap();
    eventually("the child is told that nobody listens", async || {
        silent.subscribed().await == json!([])
    })
    .await;

    gateway.request_stop();
    for stream in [silence.response, others_news.response] {
        assert_eq!(
            tokio::time::timeout(PATIENCE, messages(stream)).await.unwrap(),
            Vec::<Value>::new()
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_misses_nothing_while_it_does_not_listen() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    for uri in ["fixture://one", "fixture://two"] {
        client.subscription("subscribe", uri).await;
    }
    // Before it ever listened, and several changes of one thing are one.
    for (uri, revision) in [("fixture://one", 1), ("fixture://two", 2), ("fixture://one", 3)] {
        client.touch(uri, revision).await;
    }
    let mut news = client.news().await;
    assert_eq!(
        (news.next().await, news.next().await),
        (updated("fixture://one", 3), updated("fixture://two", 2))
    );
    let seen = news.last_event_id.clone();

    // The stream is lost; what it may not have got comes again to who names the last event that it
    // has.
    client.touch("fixture://one", 4).await;
    assert_eq!(news.next().await, updated("fixture://one", 4));
    drop(news);
    let again = client.request(Method::GET).header("last-event-id", &seen).send().await.unwrap();
    let mut again = Stream::of(again);
    assert_eq!(again.next().await, updated("fixture://one", 4));
    client.touch("fixture://two", 5).await;
    assert_eq!(again.next().await, updated("fixture://two", 5));
    let mut stranger = Client::new(&gateway, OTHER_KEY);
    stranger.session.clone_from(&client.session);
    let theft = stranger.request(Method::GET).header("last-event-id", &seen).send().await.unwrap();
    assert_eq!(theft.status(), StatusCode::NOT_FOUND);
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_child_is_subscribed_and_its_clients_look_again() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let mut news = client.news().await;
    client.subscription("subscribe", "fixture://one").await;
    let pid = i32::try_from(client.seen().await["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let looked_again = news.next().await;
    assert_eq!(
        (&looked_again["method"], &looked_again["params"]),
        (&json!("notifications/resources/updated"), &json!({ "uri": "fixture://one" }))
    );
    assert_eq!(client.subscribed().await, json!(["fixture://one"]));
    client.touch("fixture://one", 1).await;
    assert_eq!(news.next().await, updated("fixture://one", 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_stream_tells_of_the_resources_that_it_names() {
    let gateway = Gateway::start().await;
    let observer = gateway.client().await;
    let filter = json!({ "notifications": {
        "resourceSubscriptions": ["fixture://one", "fixture://missing"],
        "resourcesListChanged": true,
    } });
    let mut stream = Stream::of(post(&gateway, "subscriptions/listen", filter).await);
    let meta = json!({ "io.modelcontextprotocol/subscriptionId": "m" });
    let acknowledged = stream.next().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let agreed =
        json!({ "resourcesListChanged": true, "resourceSubscriptions": ["fixture://one"] });
    assert_eq!(acknowledged["params"], json!({ "_meta": meta, "notifications": agreed }));
    assert_eq!(observer.subscribed().await, json!(["fixture://one"]));

    observer.touch("fixture://two", 1).await;
    observer.touch("fixture://one", 2).await;
    assert_eq!(
        stream.next().await["params"],
        json!({ "_meta": meta, "uri": "fixture://one", "x-revision": 2 })
    );
    let changed = json!({
        "method": "notifications/resources/list_changed",
        "params": { "x-vendor": 1 },
    });
    observer.text("notify", changed).await;
    assert_eq!(
        stream.next().await["params"],
        json!({ "_meta": meta, "x-vendor": 1 }),
        "as the child said it"
    );

    drop(stream);
    eventually("the child is told that nobody listens", async || {
        observer.subscribed().await == json!([])
    })
    .await;
    for notifications in [
        json!([]),
        json!({ "resourceSubscriptions": "fixture://one" }),
        json!({ "resourceSubscriptions": vec!["x:"; 257] }),
    ] {
        let refused =
            post(&gateway, "subscriptions/listen", json!({ "notifications": notifications })).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], -32602);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_engine_without_resources_agrees_to_none() {
    let gateway = Gateway::start_with("http://127.0.0.1:9", &[("MCP_ENGINE", "native")]).await;
    let mut client = Client::new(&gateway, KEY);
    client.initialize("2025-11-25").await;
    assert_eq!(client.subscription("subscribe", "fixture://one").await["error"]["code"], -32601);
    let filter = json!({ "notifications": {
        "resourceSubscriptions": ["fixture://one"],
        "toolsListChanged": true,
    } });
    let mut stream = Stream::of(post(&gateway, "subscriptions/listen", filter).await);
    assert_eq!(stream.next().await["params"]["notifications"], json!({}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_task_is_its_keys_own_and_its_client_hears_of_it() {
    let gateway = Gateway::start().await;
    let client = gateway.client().await;
    let mut other = Client::new(&gateway, OTHER_KEY);
    other.initialize("2025-11-25").await;
    let (mut news, others_news) = (client.news().await, other.news().await);
    let start = |token: u32| {
        let params = json!({
            "name": "echo",
            "arguments": {},
            "task": { "ttl": 60_000 },
            "_meta": { "progressToken": token },
        });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    };
    let task = client.rpc(&start(41)).await["result"]["task"]["taskId"].clone();
    let others = other.rpc(&start(41)).await["result"]["task"]["taskId"].clone();
    assert_ne!(task, others);

    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tasks/list"}"#;
    let listed = client.rpc(list).await["result"]["tasks"].clone();
    assert_eq!(
        listed.as_array().unwrap().iter().map(|task| &task["taskId"]).collect::<Vec<_>>(),
        [&task]
    );
    let get = |id: &Value| {
        json!({ "jsonrpc": "2.0", "id": 3, "method": "tasks/get", "params": { "taskId": id } })
            .to_string()
    };
    assert_eq!(client.rpc(&get(&task)).await["result"]["status"], "working");
    for (who, id) in [(&client, &others), (&other, &task), (&client, &json!("task-99"))] {
        assert_eq!(
            who.rpc(&get(id)).await["error"],
            json!({ "code": -32602, "message": "Task not found" })
        );
    }

    let status = json!({ "taskId": task, "status": "completed", "ttl": null });
    client
        .text("notify", json!({ "method": "notifications/tasks/status", "params": status }))
        .await;
    assert_eq!(
        news.next().await,
        json!({ "jsonrpc": "2.0", "method": "notifications/tasks/status", "params": status })
    );
    gateway.request_stop();
    assert!(
        tokio::time::timeout(PATIENCE, messages(others_news.response)).await.unwrap().is_empty()
    );
    gateway.stop().await;
}
