//! No answer reaches anybody but its caller, and nothing is asked of Dremio in another's name,
//! whatever happens to the child: 16 clients of the policy, each with an account of its own, call
//! all tools at once, and the child is killed again and again. Each answer proves whose it is, and
//! so does what Dremio has seen.
//!
//! `MIX_UP_CALLS=20000 cargo nextest run -p dremio-mcp -E 'test(mix_up)'` makes that many calls;
//! with `DREMIO_MCP_SERVER`, at Dremio's own server too.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::Method;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::policy::{ALL, PolicyFile};
use crate::servers::each_over;
use crate::setting::Setting;
use crate::support::{Client, KEY, TICKETS, children, http, messages};

const CALLERS: usize = 16;

/// Calls of one caller at a time.
const AT_ONCE: usize = 4;

/// Calls between two kills of the child.
const KILL_EVERY: usize = 100;

/// And how long it has served: one that served for less is replaced more and more slowly.
const SERVES: Duration = Duration::from_millis(1500);

/// How often it is looked whether it serves.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a call may take. The gateway itself lets one wait for a child for 30 s, and says then
/// that there is none.
const CALL_MAX: Duration = Duration::from_secs(120);

/// Tell the children of these tests from others'.
const OWN_PATH: &str = "/usr/bin:/bin:/of-mix-up";
const OTHER_PATH: &str = "/usr/bin:/bin:/of-mix-up-without-repair";

/// What is known of the calls so far.
#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    /// Those that the child took with it.
    lost: AtomicUsize,
    longest: Mutex<Duration>,
    is_over: AtomicBool,
}

impl Counts {
    fn note(&self, took: Duration) {
        let mut longest = self.longest.lock();
        *longest = took.max(*longest);
    }
}

fn calls() -> usize {
    let set = std::env::var_os("MIX_UP_CALLS").map(|count| count.into_string().unwrap());
    set.map_or(400, |count| count.parse().unwrap())
}

fn key(number: usize) -> &'static str {
    Box::leak(format!("key-of-number-{number:02}-0123456789").into_boxed_str())
}

/// The Dremio user of a client, and what the account is called.
fn user(number: usize) -> String {
    format!("user_of_{number:02}")
}

/// The tool and the arguments of a call, and what its answer must hold.
fn asked(caller: usize, call: usize) -> (&'static str, Value, String) {
    let proof = format!("proof-{caller:02}-{call}-of-this-key");
    let table = json!({ "table_name": format!("Sales.{proof}") });
    match call % 10 {
        0 => ("GetSchemaOfTable", table, proof),
        1 => ("GetDescriptionOfTableOrSchema", json!({ "name": proof }), proof),
        2 => ("GetTableOrViewLineage", table, proof),
        3 => ("GetUsefulSystemTableNames", json!({}), proof),
        4 => ("SearchTableAndViews", json!({ "query": proof }), proof),
        5 => ("GetQueryResult", json!({ "job_id": proof }), proof),
        _ => {
            let query = format!("SELECT '{proof}' AS \"proof\", query_user() AS \"who\"");
            ("RunSqlQuery", json!({ "query": query }), proof)
        }
    }
}

/// The number that stands behind `mark` in a text.
fn number_behind(text: &str, mark: &str) -> Option<usize> {
    text.split_once(mark)?.1.get(..2)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_clients_and_a_child_that_dies_mix_nothing_up() {
    let names: Vec<String> = (0..CALLERS).map(user).collect();
    let keys: Vec<[&str; 1]> = (0..CALLERS).map(|number| [key(number)]).collect();
    let rights: Vec<String> =
        names.iter().map(|name| format!("{ALL}\naccount = \"{name}\"")).collect();
    let mut clients: Vec<(&str, &[&str], &str)> = Vec::new();
    for ((name, keys), rights) in names.iter().zip(&keys).zip(&rights) {
        clients.push((name, keys, rights));
    }
    clients.push(("other", &[KEY], ALL));
    let policy = PolicyFile::of(&clients);
    let path = policy.path();
    let settings =
        [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", ""), ("PATH", OWN_PATH)];
    for (server, setting) in each_over(&[], &settings).await {
        for (number, user) in names.iter().enumerate() {
            let password = format!("password-{number:02}");
            setting.sandbox.control().add_user(user, &password);
            setting.log_in_as(user, &password, &format!("accounts/{user}.json")).await;
        }
        let setting = Arc::new(setting);
        mix(&format!("{server}, a user each"), Arc::clone(&setting), true).await;
        assert_all_asked_in_their_own_name(&setting);
    }
}

/// What Dremio has seen: every job and every request that names a caller's object is of that
/// caller's user.
fn assert_all_asked_in_their_own_name(setting: &Setting) {
    let control = setting.sandbox.control();
    let mut jobs = 0;
    for job in control.jobs() {
        let asker = number_behind(&job.sql, "client=user_of_");
        if let Some(number) = number_behind(&job.sql, "proof-") {
            assert_eq!((asker, &job.user), (Some(number), &user(number)), "{}", job.sql);
            jobs += 1;
        } else if let Some(number) = asker {
            assert_eq!(job.user, user(number), "{}", job.sql);
        }
    }
    let mut owners: HashMap<String, usize> = HashMap::new();
    let mut requests = 0;
    for request in control.requests() {
        let Some(number) = number_behind(&request.path, "proof-") else { continue };
        let owner = *owners.entry(request.token.unwrap()).or_insert(number);
        assert_eq!(owner, number, "{}", request.path);
        requests += 1;
    }
    assert!(jobs > 0 && requests > 0, "{jobs} jobs, {requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_keys_and_tools_of_the_child_alone_mix_nothing_up() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    let all = (0..CALLERS).map(key).chain([KEY]);
    let lines: String = all.map(|key| format!("{key}\n")).collect();
    std::fs::write(keys.path(), lines).unwrap();
    let keys = keys.path().to_str().unwrap();
    let settings =
        [("MCP_API_KEYS_FILE", keys), ("MCP_OFFICIAL_REPAIR", "false"), ("PATH", OTHER_PATH)];
    for (server, setting) in each_over(&[TICKETS], &settings).await {
        mix(&format!("{server}, no repair"), Arc::new(setting), false).await;
    }
}

#[expect(clippy::print_stderr, reason = "the figures of a long run")]
async fn mix(server: &str, setting: Arc<Setting>, has_users: bool) {
    let counts = Arc::new(Counts::default());
    let path = if has_users { OWN_PATH } else { OTHER_PATH };
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        for lane in 0..AT_ONCE {
            let (setting, counts) = (Arc::clone(&setting), Arc::clone(&counts));
            callers.spawn(async move {
                let mut client = Client::new(&setting.gateway, key(number));
                client.initialize("2025-11-25").await;
                for round in 0..calls().div_ceil(CALLERS * AT_ONCE) {
                    let (tool, arguments, proof) = asked(number, round * AT_ONCE + lane);
                    let id = json!(format!("{number}-{lane}-{round}"));
                    let since = Instant::now();
                    let answer = call(&client, &id, tool, &arguments).await;
                    counts.made.fetch_add(1, Ordering::Relaxed);
                    counts.note(since.elapsed());
                    assert_eq!(answer["id"], id, "{answer}");
                    let text = answer.to_string();
                    let is_lost = matches!(
                        answer["error"]["data"]["reason"].as_str(),
                        Some("engine_lost" | "broken_off" | "engine_not_ready")
                    );
                    if is_lost {
                        counts.lost.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    let others = text.replace(&proof, "");
                    assert!(!others.contains("-of-this-key"), "{tool} {proof}: {text}");
                    let user = user(number);
                    assert!(!others.replace(&user, "").contains("user_of_"), "{proof}: {text}");
                    if tool == "RunSqlQuery" {
                        assert!(text.contains(&proof), "{proof}: {text}");
                        assert!(!has_users || text.contains(&user), "{user}: {text}");
                    }
                }
            });
        }
    }
    let killer = tokio::spawn(kill(Arc::clone(&setting), Arc::clone(&counts), path));
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    counts.is_over.store(true, Ordering::Relaxed);
    let (kills, longest) = (killer.await.unwrap(), *counts.longest.lock());
    let [made, lost] = [&counts.made, &counts.lost].map(|count| count.load(Ordering::Relaxed));
    eprintln!(
        "{server}: {made} calls of {CALLERS} callers, {kills} kills, {lost} lost, 0 mixed up; the \
         longest took {longest:.1?}"
    );
    assert!(kills > 0 && lost < made, "{server}: {kills} kills, {lost} of {made} lost");
}

/// One call, and its answer.
async fn call(client: &Client, id: &Value, tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    let request = client.request(Method::POST).timeout(CALL_MAX).json(&body);
    messages(request.send().await.unwrap()).await.pop().unwrap()
}

/// Kills the child again and again, until all calls are made; how often.
async fn kill(setting: Arc<Setting>, counts: Arc<Counts>, path: &'static str) -> usize {
    let (http, readyz) = (http(), format!("{}/readyz", setting.gateway.admin));
    let (mut kills, mut next, mut serves_since) = (0, KILL_EVERY, None);
    while !counts.is_over.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let state: Value = http.get(&readyz).send().await.unwrap().json().await.unwrap();
        if state["conditions"]["engine"]["ready"] != true {
            serves_since = None;
            continue;
        }
        let since = *serves_since.get_or_insert_with(Instant::now);
        let made = counts.made.load(Ordering::Relaxed);
        if made < next || since.elapsed() < SERVES {
            continue;
        }
        // A look at all processes may take longer than many calls, which must not wait for it.
        let found = tokio::task::spawn_blocking(move || children(path)).await.unwrap();
        for (child, _) in found {
            kills += usize::from(kill_process(child, Signal::KILL).is_ok());
        }
        (next, serves_since) = (made + KILL_EVERY, None);
    }
    kills
}
