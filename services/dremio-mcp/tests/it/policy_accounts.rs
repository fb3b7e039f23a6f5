//! Clients of one gateway that Dremio sees as different users, in front of both engines.

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::modern::post_as;
use crate::policy::{ALL, PolicyFile, each};
use crate::servers::each_over;
use crate::setting::Setting;
use crate::support::{Client, KEY, OTHER_KEY, children, eventually, messages};

/// What Dremio says who asks it.
async fn user(client: &Client) -> String {
    let query = "SELECT query_user() AS \"who\"";
    let said = client.text("RunSqlQuery", json!({ "query": query })).await;
    let user = said.strip_prefix("who\n").and_then(|said| said.split('\n').next());
    user.map_or(said.clone(), str::to_owned)
}

#[tokio::test]
async fn each_client_asks_dremio_as_the_user_of_its_account() {
    let policy = PolicyFile::of(&[
        ("ada", &[KEY], &format!("{ALL}\naccount = \"ada\"")),
        ("bob", &[OTHER_KEY], ALL),
    ]);
    for (engine, setting, ada, bob) in each(&policy).await {
        let without = user(&ada).await;
        assert!(
            without.contains("no login token of account `ada` for Dremio"),
            "{engine}: {without}"
        );
        assert_eq!(user(&bob).await, "dremio", "{engine}: others notice nothing");
        setting.sandbox.control().add_user("ada_agents", "secret-of-ada-1");
        setting.log_in_as("ada_agents", "secret-of-ada-1", "accounts/ada.json").await;
        eventually("ada is herself", async || user(&ada).await == "ada_agents").await;
        assert_eq!(user(&bob).await, "dremio", "{engine}");
        setting.gateway.stop().await;
    }
}

/// Tells the children of the next test from others'.
const OWN_PATH: &str = "/usr/bin:/bin:/of-no-token";

#[tokio::test]
async fn a_client_whose_account_has_no_token_is_told_so_and_the_child_is_not_asked() {
    let policy = PolicyFile::of(&[
        ("ada", &[KEY], &format!("{ALL}\naccount = \"ada\"")),
        ("bob", &[OTHER_KEY], ALL),
    ]);
    let path = policy.path();
    let settings =
        [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", ""), ("PATH", OWN_PATH)];
    let mut all = each_over(&[], &settings).await;
    let native = [settings.as_slice(), &[("MCP_ENGINE", "native")]].concat();
    all.push(("native".to_owned(), Setting::with(&native).await));
    let expected = json!([{ "type": "text", "text":
        "no login token of account `ada` for Dremio (missing); is token-refresher running, and can \
         it log in?\nNothing is wrong with the request. This needs the operator of dremio-mcp; try \
         again later." }]);
    for (engine, setting) in all {
        // It could not answer.
        let stopped = children(OWN_PATH);
        assert_eq!(stopped.is_empty(), engine == "native", "{engine}");
        for (child, _) in &stopped {
            kill_process(*child, Signal::STOP).unwrap();
        }
        let call = json!({ "name": "RunSqlQuery", "arguments": { "query": "SELECT 1" } });
        let legacy = setting.client.call(json!(1), "RunSqlQuery", call["arguments"].clone()).await;
        let modern = Client::new(&setting.gateway, KEY);
        let modern = post_as(&modern, &json!({}), "tools/call", call).await;
        let modern: Value = messages(modern).await.pop().unwrap();
        for answer in [legacy, modern] {
            let result = &answer["result"];
            assert_eq!(
                (&result["content"], &result["isError"]),
                (&expected, &json!(true)),
                "{engine}: {answer}"
            );
        }
        for (child, _) in stopped {
            kill_process(child, Signal::CONT).unwrap();
        }
        assert_eq!(setting.sandbox.control().jobs().len(), 0, "{engine}");
        setting.gateway.stop().await;
    }
}
