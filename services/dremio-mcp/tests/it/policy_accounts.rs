//! Clients of one gateway that Dremio sees as different users, in front of both engines.

use serde_json::json;

use crate::policy::{ALL, PolicyFile, each};
use crate::support::{Client, KEY, OTHER_KEY, eventually};

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
        assert!(without.contains("no login token for Dremio account `ada`"), "{engine}: {without}");
        assert_eq!(user(&bob).await, "dremio", "{engine}: others notice nothing");
        setting.sandbox.control().add_user("ada_agents", "secret-of-ada-1");
        setting.log_in_as("ada_agents", "secret-of-ada-1", "accounts/ada.json").await;
        eventually("ada is herself", async || user(&ada).await == "ada_agents").await;
        assert_eq!(user(&bob).await, "dremio", "{engine}");
        setting.gateway.stop().await;
    }
}
