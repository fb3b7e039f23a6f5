//! Clients with different rights at one gateway, in front of both engines.

use std::fmt::Write as _;
use std::time::Duration;

use dremio_mcp::Config;
use dremio_sandbox::JobState;
use reqwest::StatusCode;
use serde_json::{Value, json};
use service_kit::env::Env;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::setting::Setting;
use crate::support::{Client, KEY, OTHER_KEY, eventually};

/// A policy file.
pub(crate) struct PolicyFile {
    folder: TempDir,
}

impl PolicyFile {
    /// With these clients: name, keys, and the rest of their table.
    pub(crate) fn of(clients: &[(&str, &[&str], &str)]) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.write(clients);
        file
    }

    pub(crate) fn write(&self, clients: &[(&str, &[&str], &str)]) {
        let mut text = String::new();
        for (name, keys, rest) in clients {
            let digests: Vec<String> = keys.iter().map(|key| digest(key)).collect();
            write!(text, "[[client]]\nname = \"{name}\"\nkeys = {digests:?}\n{rest}\n").unwrap();
        }
        // As editors do: another file in place of the old one.
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().join("policy.toml").to_str().unwrap().to_owned()
    }
}

fn digest(key: &str) -> String {
    let digits = Sha256::digest(key);
    digits.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(crate) const ALL: &str = "tools = [\"*\"]\nschemas = [\"*\"]";

/// Gateways with this policy: over the native engine, over the imitation of Dremio's own server,
/// and over that itself where it is installed. Two clients of each: with the first key, and with
/// the other.
pub(crate) async fn each(policy: &PolicyFile) -> Vec<(String, Setting, Client, Client)> {
    let path = policy.path();
    let settings = [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", "")];
    let mut all = crate::servers::each_over(&[], &settings).await;
    let native = [settings.as_slice(), &[("MCP_ENGINE", "native")]].concat();
    all.push(("native".to_owned(), Setting::with(&native).await));
    let mut clients = Vec::new();
    for (engine, setting) in all {
        let first = setting.client.clone();
        let mut other = Client::new(&setting.gateway, OTHER_KEY);
        other.initialize("2025-11-25").await;
        clients.push((engine, setting, first, other));
    }
    clients
}

pub(crate) fn two(first: &str) -> PolicyFile {
    PolicyFile::of(&[("sales", &[KEY], first), ("all", &[OTHER_KEY], ALL)])
}

async fn names(client: &Client) -> Vec<String> {
    let list = client.rpc(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    let tools = list["result"]["tools"].as_array().unwrap().clone();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn query(sql: &str) -> Value {
    json!({ "query": sql })
}

#[tokio::test]
async fn a_client_has_the_tools_of_its_policy_and_knows_of_no_others() {
    let policy = two("tools = [\"GetSchemaOfTable\", \"GetUsefulSystemTableNames\"]");
    for (engine, setting, sales, all) in each(&policy).await {
        assert_eq!(
            names(&sales).await,
            ["GetSchemaOfTable", "GetUsefulSystemTableNames"],
            "{engine}"
        );
        assert_eq!(names(&all).await.len(), 7, "{engine}");
        for tool in ["RunSqlQuery", "GetQueryResult", "NoSuchTool", "fixture_tool", "seen"] {
            let error = sales.call(json!(1), tool, json!({})).await["error"].clone();
            let said = format!(
                "there is no tool `{tool}`; the tools are GetSchemaOfTable, \
                 GetUsefulSystemTableNames"
            );
            assert_eq!(
                (&error["code"], &error["message"]),
                (&json!(-32602), &json!(said)),
                "{engine}"
            );
        }
        // What cannot be held to a policy is not there, with all tools neither.
        assert!(all.call(json!(1), "seen", json!({})).await["error"].is_object(), "{engine}");
        for method in ["resources/list", "completion/complete", "tasks/list"] {
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
            let error = all.rpc(&body.to_string()).await["error"]["code"].clone();
            assert_eq!(error, json!(-32601), "{engine} {method}");
        }
        let allowed = sales.text("GetUsefulSystemTableNames", json!({})).await;
        assert_eq!(allowed, "[this key may query no system table]", "{engine}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_client_reads_what_its_schemas_name_and_sees_nothing_else() {
    let policy = two("tools = [\"*\"]\nschemas = [\"Sales\"]");
    for (engine, setting, sales, all) in each(&policy).await {
        // Nobody is sent to what they may not ask.
        let failing = query("SELECT VERSION() FROM Sales.customers");
        let advice = sales.text("RunSqlQuery", failing.clone()).await;
        assert!(advice.contains("SearchTableAndViews") && !advice.contains("sys."), "{advice}");
        let advice = all.text("RunSqlQuery", failing).await;
        assert!(advice.contains("SELECT version FROM sys.version"), "{engine}: {advice}");

        let rows = "SELECT COUNT(*) AS n FROM Sales.customers";
        assert!(sales.text("RunSqlQuery", query(rows)).await.contains("400"), "{engine}");
        let jobs = setting.sandbox.control().jobs().len();
        for sql in [
            "SELECT * FROM Finance.reports.\"order-margin\"",
            "SELECT * FROM Sales.orders o, Warehouse.shop.customers c",
            "SELECT * FROM INFORMATION_SCHEMA.\"TABLES\"",
            "SHOW SCHEMAS",
        ] {
            let refused = sales.text("RunSqlQuery", query(sql)).await;
            assert!(refused.contains("This key may query what is in Sales"), "{engine}: {refused}");
        }
        let named = "WITH finance AS (SELECT 1 AS x) SELECT * FROM finance";
        eventually("the names of spaces are known", async || {
            sales.text("RunSqlQuery", query(named)).await.contains("is also the name of a space")
        })
        .await;
        let asked: Vec<String> =
            setting.sandbox.control().jobs().into_iter().skip(jobs).map(|job| job.sql).collect();
        assert!(!asked.iter().any(|sql| sql.contains("Finance") || sql.contains("Warehouse")));
        let hidden = ["Finance", "Warehouse", "@dremio", "order-margin", "employees"];
        for (tool, arguments) in [
            ("SearchTableAndViews", json!({ "query": "" })),
            ("SearchTableAndViews", json!({ "query": "margin" })),
            ("SearchTableAndViews", json!({ "query": "customers", "topN": 50 })),
            ("SearchTableAndViews", json!({ "query": "Finance" })),
            ("GetSchemaOfTable", json!({ "table_name": "Sales" })),
            ("GetSchemaOfTable", json!({ "table_name": "Sales.customers", "detail": "profile" })),
            ("GetSchemaOfTable", json!({ "table_name": "Sales.custmers" })),
            ("GetSchemaOfTable", json!({ "table_name": "reports.order-margn" })),
            ("GetDescriptionOfTableOrSchema", json!({ "name": "Sales.orders" })),
            ("GetTableOrViewLineage", json!({ "table_name": "Sales.customers" })),
            ("GetTableOrViewLineage", json!({ "table_name": "Sales.orders" })),
            ("RunSqlQuery", query("SELECT * FROM Sales.nothing")),
            ("RunSqlQuery", query("SELECT margn FROM Sales.orders")),
        ] {
            let said = sales.text(tool, arguments.clone()).await;
            let shown = hidden
                .iter()
                .find(|name| said.contains(**name) && !arguments.to_string().contains(**name));
            assert_eq!(shown, None, "{engine} {tool} {arguments}: {said}");
        }
        for path in ["Finance.reports.\"order-margin\"", "Warehouse", "@dremio"] {
            let said = sales.text("GetSchemaOfTable", json!({ "table_name": path })).await;
            assert!(said.contains("there is no table"), "{engine}: {said}");
        }
        let found = sales.text("SearchTableAndViews", json!({ "query": "customers" })).await;
        assert!(found.contains("\"Sales\".\"customers\" view"), "{engine}: {found}");
        // Another client sees all of it.
        let whole =
            all.text("GetTableOrViewLineage", json!({ "table_name": "Sales.orders" })).await;
        assert!(whole.contains("Warehouse") && whole.contains("Finance"), "{engine}: {whole}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_path_below_a_source_is_reached_through_it_and_shows_nothing_beside() {
    let policy =
        two("tools = [\"*\"]\nschemas = ['Samples.\"samples.dremio.com\".\"Dremio University\"']");
    for (engine, setting, sales, _) in each(&policy).await {
        let top = sales.text("SearchTableAndViews", json!({ "query": "" })).await;
        assert_eq!(top, "\"Samples\" source", "{engine}");
        let below = sales.text("GetSchemaOfTable", json!({ "table_name": "Samples" })).await;
        assert!(below.contains("of 1:") && !below.contains("NYC"), "{engine}: {below}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn budgets_end_with_a_reason_and_what_was_there_goes_out() {
    let policy =
        two("tools = [\"*\"]\nschemas = [\"*\"]\nbudget = { rows = \"5/h\", queries = \"6/h\" }");
    for (engine, setting, sales, all) in each(&policy).await {
        let three = "SELECT customer_id FROM Sales.customers ORDER BY customer_id LIMIT 3";
        let ask = async |client: &Client| client.text("RunSqlQuery", query(three)).await;
        let first = ask(&sales).await;
        assert_eq!(first.lines().filter(|line| line.parse::<u32>().is_ok()).count(), 3, "{first}");
        let second = ask(&sales).await;
        assert_eq!(
            second.lines().filter(|line| line.parse::<u32>().is_ok()).count(),
            2,
            "{second}"
        );
        let jobs = setting.sandbox.control().jobs().len();
        let over = ask(&sales).await;
        assert!(
            over.starts_with(
                "the budget rows = \"5/h\" of this key is used up: 5 of 5 rows\nIt resets at "
            ),
            "{engine}: {over}"
        );
        assert_eq!(setting.sandbox.control().jobs().len(), jobs, "{engine}: nothing was asked");
        assert!(ask(&all).await.contains('3'), "{engine}: others have theirs");
        let metrics = setting.gateway.metrics().await;
        assert!(
            metrics.contains("dremio_mcp_budgets_used_up_total{budget=\"rows\"} "),
            "{metrics}"
        );
        setting.gateway.stop().await;
    }
    let policy = two(
        "tools = [\"*\"]\nschemas = [\"*\"]\nbudget = { queries = \"2/h\", tokens = \"1M/h\" }",
    );
    for (engine, setting, sales, _) in each(&policy).await {
        for number in 0..3 {
            let said = sales.text("RunSqlQuery", query("SELECT 1")).await;
            assert_eq!(said.contains("the budget queries"), number == 2, "{engine}: {said}");
        }
        // A statement that is refused costs nothing, and is told why.
        let refused = sales.text("RunSqlQuery", query("DROP TABLE x")).await;
        assert!(refused.contains("is not allowed"), "{engine}: {refused}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_job_is_cancelled_when_a_budget_ends_and_counts_while_it_runs() {
    let policy = two("tools = [\"*\"]\nschemas = [\"*\"]\nbudget = { rows = \"1/h\", jobs = 2 }");
    for (engine, setting, sales, _) in each(&policy).await {
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(3600));
        let long = |number: u32| {
            let client = sales.clone();
            tokio::spawn(async move {
                client.text("RunSqlQuery", query(&format!("SELECT {number} AS long"))).await
            })
        };
        let running = || {
            let is_long = |job: &&dremio_sandbox::JobRecord| job.sql.contains("AS long");
            control.jobs().iter().filter(is_long).map(|job| job.state).collect::<Vec<_>>()
        };
        let first = long(1);
        eventually("it runs", async || running().len() == 1).await;
        let second = long(2);
        eventually("both run", async || running().len() == 2).await;
        let third = sales.text("RunSqlQuery", query("SELECT 3 AS long")).await;
        assert!(
            third.contains("the budget jobs = 2 of this key is used up: 2 of its queries run"),
            "{engine}: {third}"
        );
        second.abort();
        eventually("one was given up", async || running().contains(&JobState::Canceled)).await;
        control.set_job_duration(Duration::ZERO);
        eventually("there is a place, and the last row", async || {
            !sales.text("RunSqlQuery", query("SELECT 4")).await.contains("budget jobs")
        })
        .await;
        let said = first.await.unwrap();
        assert!(
            said.contains("the budget rows = \"1/h\" of this key is used up"),
            "{engine}: {said}"
        );
        eventually("its job is cancelled", async || {
            running().iter().all(|state| *state == JobState::Canceled)
        })
        .await;
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_rotated_key_keeps_its_session_and_its_results() {
    let new = "key-of-ada-the-second-one";
    let policy = PolicyFile::of(&[("ada", &[KEY], ALL)]);
    let path = policy.path();
    let settings =
        [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", ""), ("MCP_ENGINE", "native")];
    let setting = Setting::with(&settings).await;
    let old = setting.client.clone();
    let rows = "SELECT customer_id FROM Sales.customers ORDER BY customer_id";
    let answer = old.text("RunSqlQuery", json!({ "query": rows, "max_rows": 2 })).await;
    let handle = answer.split("job_id=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut with_new = Client::new(&setting.gateway, new);
    with_new.session.clone_from(&old.session);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(with_new.post(ping).await.status(), StatusCode::UNAUTHORIZED);
    policy.write(&[("ada", &[KEY, new], ALL)]);
    eventually("the new key is good", async || {
        with_new.post(ping).await.status() == StatusCode::OK
    })
    .await;
    assert_eq!(old.post(ping).await.status(), StatusCode::OK, "both live");
    policy.write(&[("ada", &[new], ALL)]);
    eventually("the old one is not", async || {
        old.post(ping).await.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    let more = json!({ "job_id": handle, "offset": 2, "max_rows": 2 });
    let more = with_new.text("GetQueryResult", more).await;
    assert!(more.lines().any(|line| line == "3"), "{more}");
    setting.gateway.stop().await;
}

#[tokio::test]
async fn keys_outside_the_policy_need_a_client_default() {
    let policy = PolicyFile::of(&[("ada", &[KEY], ALL)]);
    let path = policy.path();
    let settings = [("MCP_POLICY_FILE", path.as_str()), ("MCP_ENGINE", "native")];
    let setting = Setting::with(&settings).await;
    let mut bob = Client::new(&setting.gateway, OTHER_KEY);
    let refused = bob.post("{}").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.text().await.unwrap().contains("MCP_POLICY_FILE"));
    let default = "tools = [\"GetUsefulSystemTableNames\"]";
    policy.write(&[("ada", &[KEY], ALL), ("default", &[], default)]);
    eventually("bob is let in", async || bob.post("{}").await.status() != StatusCode::UNAUTHORIZED)
        .await;
    bob.initialize("2025-11-25").await;
    assert_eq!(names(&bob).await, ["GetUsefulSystemTableNames"]);
    // A bad edit changes nothing, and says so.
    std::fs::write(policy.path(), "[[client]]\nname = \"bob\"\nkey = []\n").unwrap();
    eventually("readiness says so", async || {
        let condition = setting.gateway.readiness().await["conditions"]["policy"].clone();
        condition["ready"] == true
            && condition["message"].to_string().contains("line 3: unknown field")
    })
    .await;
    assert!(setting.gateway.metrics().await.contains("dremio_mcp_policy_rejected 1\n"));
    assert_eq!(names(&bob).await, ["GetUsefulSystemTableNames"]);
    setting.gateway.stop().await;
}

#[test]
fn a_policy_that_cannot_be_held_is_a_configuration_error() {
    let plain = PolicyFile::of(&[("ada", &[KEY], ALL)]);
    let with_account = PolicyFile::of(&[("ada", &[KEY], "account = \"ada\"")]);
    let bad_account = PolicyFile::of(&[("ada", &[KEY], "account = \"Ada\"")]);
    let wrong = PolicyFile::of(&[("ada", &[KEY], "tool = []")]);
    let said = |policy: &PolicyFile, settings: &[(&str, &str)]| {
        let path = policy.path();
        let mut pairs = vec![("DREMIO_URI", "http://127.0.0.1:9"), ("MCP_POLICY_FILE", &path)];
        pairs.extend(settings);
        Config::read(&Env::from_pairs(pairs)).err().map(|problems| problems.to_string())
    };
    assert_eq!(said(&plain, &[]), None);
    for engine in ["native", "official"] {
        assert_eq!(said(&with_account, &[("MCP_ENGINE", engine)]), None);
    }
    for (policy, settings, expected) in [
        (
            &plain,
            ("MCP_AUTH", "none"),
            "MCP_AUTH: none would leave the door open although MCP_POLICY_FILE",
        ),
        (&plain, ("MCP_OFFICIAL_REPAIR", "false"), "leave MCP_OFFICIAL_REPAIR=true"),
        (&bad_account, ("MCP_ENGINE", "official"), "line 4: `account` is not the name"),
        (&wrong, ("MCP_ENGINE", "native"), "line 4: unknown field `tool`"),
    ] {
        let problem = said(policy, &[settings]).unwrap_or_default();
        assert!(problem.contains(expected), "{settings:?}: {problem}");
    }
    let nowhere = [("DREMIO_URI", "http://127.0.0.1:9"), ("MCP_POLICY_FILE", "/nowhere/p.toml")];
    let problem = Config::read(&Env::from_pairs(nowhere.to_vec())).unwrap_err().to_string();
    assert!(problem.contains("MCP_POLICY_FILE") && problem.contains("cannot be read"), "{problem}");
}
