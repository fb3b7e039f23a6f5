//! Clients of one gateway that Dremio sees as different users.

use serde_json::json;

use crate::egress::Setting;
use crate::policy::{ALL, PolicyFile};
use crate::support::{Client, KEY, OTHER_KEY, eventually};

#[tokio::test]
async fn each_client_asks_dremio_as_the_user_of_its_account() {
    let policy = PolicyFile::of(&[
        ("ada", &[KEY], &format!("{ALL}\naccount = \"ada\"")),
        ("bob", &[OTHER_KEY], ALL),
    ]);
    let path = policy.path();
    let settings =
        [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", ""), ("MCP_ENGINE", "native")];
    let setting = Setting::with(&settings).await;
    let ada = setting.client.clone();
    let mut bob = Client::new(&setting.gateway, OTHER_KEY);
    bob.initialize("2025-11-25").await;
    let who = "SELECT query_user() AS who";
    let without = ada.text("RunSqlQuery", json!({ "query": who })).await;
    assert!(without.contains("ada"), "it names the account: {without}");
    assert!(
        bob.text("RunSqlQuery", json!({ "query": who })).await.contains("dremio"),
        "others notice nothing"
    );
    setting.sandbox.control().add_user("ada_agents", "secret-of-ada-1");
    setting.log_in_as("ada_agents", "secret-of-ada-1", "accounts/ada.json").await;
    eventually("ada is herself", async || {
        ada.text("RunSqlQuery", json!({ "query": who })).await.contains("ada_agents")
    })
    .await;
    assert!(bob.text("RunSqlQuery", json!({ "query": who })).await.contains("dremio"));
    setting.gateway.stop().await;
}
