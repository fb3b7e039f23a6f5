//! Keys that are replaced under load: no call fails while the old one and the new one are both
//! good, nor when the old one is taken out once its clients have moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use serde_json::{Value, json};
use token_file::gateway_key;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::policy::{ALL, PolicyFile};
use crate::setting::Setting;
use crate::support::{Client, KEY, OTHER_KEY, eventually};

const NEW_KEY: &str = "key-of-ada-the-second-one";
const PING: &str = r#"{"jsonrpc":"2.0","id":"ping","method":"ping"}"#;
const WORKERS: usize = 8;

/// Calls of each worker that a phase lasts: the first may still have begun in the phase before.
const PHASE_CALLS: u64 = 5;

/// Workers that query all the time, one call after the other, as whoever `client` is.
struct Load {
    client: watch::Sender<Client>,
    done: Vec<Arc<AtomicU64>>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(client: &Client) -> Self {
        let (client, seen) = watch::channel(client.clone());
        let (mut done, mut workers) = (Vec::new(), Vec::new());
        for worker in 0..WORKERS {
            let (seen, count) = (seen.clone(), Arc::new(AtomicU64::new(0)));
            done.push(Arc::clone(&count));
            workers.push(tokio::spawn(async move {
                // Until the load is over.
                while seen.has_changed().is_ok() {
                    let client = seen.borrow().clone();
                    let number = count.load(Ordering::Relaxed);
                    let id = json!(format!("{worker}-{number}"));
                    let answer = client.post(&query(&id)).await;
                    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
                    let answer: Value = answer.json().await.unwrap();
                    assert_eq!(answer["result"]["isError"], false, "{answer}");
                    count.store(number + 1, Ordering::Relaxed);
                }
            }));
        }
        Self { client, done, workers }
    }

    /// Waits until each worker has made some more calls.
    async fn goes_on(&self) {
        let counts = || self.done.iter().map(|count| count.load(Ordering::Relaxed));
        let enough: Vec<_> = counts().map(|count| count + PHASE_CALLS).collect();
        eventually("each has called", async || counts().zip(&enough).all(|(is, must)| is >= *must))
            .await;
    }

    /// From now on it is this client. No call of the one before is under way when this returns.
    async fn moves_to(&self, client: &Client) {
        self.client.send_replace(client.clone());
        self.goes_on().await;
    }

    /// How many calls there were, none of which has failed.
    async fn end(self) -> u64 {
        drop(self.client);
        for worker in self.workers {
            worker.await.unwrap();
        }
        self.done.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn query(id: &Value) -> String {
    let params = json!({ "name": "RunSqlQuery", "arguments": { "query": "SELECT 1 AS one" } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

async fn is_good(client: &Client) -> bool {
    client.post(PING).await.status() == StatusCode::OK
}

#[tokio::test]
async fn a_clients_key_and_the_gateways_are_replaced_under_load() {
    let policy = PolicyFile::of(&[("ada", &[KEY], ALL)]);
    let folder = tempfile::tempdir().unwrap();
    let (path, audit) = (policy.path(), folder.path().join("audit.jsonl"));
    let settings = [
        ("MCP_POLICY_FILE", path.as_str()),
        ("MCP_API_KEYS_FILE", ""),
        ("MCP_ENGINE", "native"),
        ("MCP_RATE_LIMIT", "off"),
        ("AUDIT_FILE", audit.to_str().unwrap()),
    ];
    let setting = Setting::with(&settings).await;
    let token_file = setting.gateway.folder.path().join("token.json");
    gateway_key::ensure(&token_file).unwrap();
    eventually("calls can be written down", async || {
        setting.gateway.readiness().await["conditions"]["audit"]["ready"] == true
    })
    .await;
    let old = setting.client.clone();
    let mut new = Client::new(&setting.gateway, NEW_KEY);
    // The session belongs to the client, and not to its key.
    new.session.clone_from(&old.session);

    let load = Load::start(&old);
    load.goes_on().await;
    policy.write(&[("ada", &[KEY, NEW_KEY], ALL)]);
    eventually("the new key is good", async || is_good(&new).await).await;
    load.goes_on().await;
    load.moves_to(&new).await;
    policy.write(&[("ada", &[NEW_KEY], ALL)]);
    eventually("the old one is not", async || !is_good(&old).await).await;
    load.goes_on().await;

    std::fs::remove_file(token_file.with_file_name(gateway_key::FILE_NAME)).unwrap();
    gateway_key::ensure(&token_file).unwrap();
    eventually("the audit file that the new gateway key seals", async || {
        std::fs::read_dir(folder.path()).unwrap().count() == 2
    })
    .await;
    load.goes_on().await;
    assert!(load.end().await >= 5 * PHASE_CALLS * WORKERS as u64);
    setting.gateway.stop().await;
}

#[tokio::test]
async fn a_key_of_the_file_of_keys_is_replaced_under_load() {
    let setting = Setting::with(&[("MCP_ENGINE", "native"), ("MCP_RATE_LIMIT", "off")]).await;
    let write = |keys: &[&str]| {
        std::fs::write(setting.gateway.folder.path().join("keys"), keys.join("\n")).unwrap();
    };
    let old = setting.client.clone();
    let mut new = Client::new(&setting.gateway, NEW_KEY);
    let load = Load::start(&old);
    load.goes_on().await;
    write(&[KEY, OTHER_KEY, NEW_KEY]);
    eventually("the new key is good", async || {
        new.post(PING).await.status() != StatusCode::UNAUTHORIZED
    })
    .await;
    // Without a policy, each key is somebody by itself.
    new.initialize("2025-11-25").await;
    load.moves_to(&new).await;
    write(&[OTHER_KEY, NEW_KEY]);
    eventually("the old one is not", async || !is_good(&old).await).await;
    load.goes_on().await;
    assert!(load.end().await >= 3 * PHASE_CALLS * WORKERS as u64);
    setting.gateway.stop().await;
}
