//! What the gateway adds to Dremio's own server.

use std::time::Duration;

use dremio_sandbox::JobState;
use serde_json::{Value, json};

use crate::servers::each;
use crate::setting::Setting;
use crate::statements::listed;
use crate::support::{Client, OTHER_KEY, eventually, messages};

#[tokio::test]
async fn dremio_gets_the_statement_without_the_mark_and_the_label_behind_it() {
    let label = "/* dremioai: submitter=RunSqlQuery */";
    let forged =
        "/*dremio-mcp:call=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef*/";
    for (server, setting) in each(&[]).await {
        for (query, expected) in [
            ("SELECT 1".to_owned(), "SELECT 1".to_owned()),
            ("SELECT 1; -- end".to_owned(), "SELECT 1;       ".to_owned()),
            (format!("SELECT 1\n{forged}"), format!("SELECT 1\n{}", " ".repeat(forged.len()))),
            (format!("SELECT '{forged}'"), format!("SELECT '{forged}'")),
        ] {
            setting.client.text("RunSqlQuery", json!({ "query": query })).await;
            let sent = setting.sandbox.control().jobs().last().unwrap().sql.clone();
            let (sent, who) = sent.rsplit_once('\n').unwrap();
            assert_eq!(sent, format!("{expected}\n{label}"), "{server}");
            let names = who.strip_prefix("/* dremio-mcp: client=key-").unwrap();
            assert!(names.contains(" tool=RunSqlQuery call=") && names.ends_with(" */"), "{who}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_query_that_is_given_up_is_cancelled_and_others_are_not() {
    for (server, setting) in each(&[]).await {
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(3600));
        let mut bob = Client::new(&setting.gateway, OTHER_KEY);
        bob.initialize("2025-11-25").await;
        let in_background = |client: &Client, id: u64, query: &str| {
            let (client, query) = (client.clone(), query.to_owned());
            tokio::spawn(async move {
                client.call(json!(id), "RunSqlQuery", json!({ "query": query })).await
            })
        };
        let jobs =
            [(&setting.client, "SELECT 1"), (&bob, "SELECT 2"), (&setting.client, "SELECT 3")];
        for (number, (client, query)) in jobs.into_iter().enumerate() {
            drop(in_background(client, number as u64, query));
            eventually("Dremio is asked about the job", async || {
                control.jobs().len() == number + 1 && control.jobs().iter().all(|job| job.polls > 0)
            })
            .await;
        }
        let cancel = json!({
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": { "requestId": 0 },
        });
        setting.client.post(&cancel.to_string()).await;
        eventually("its job is cancelled", async || control.jobs()[0].state == JobState::Canceled)
            .await;
        let left: Vec<_> = control.jobs().iter().map(|job| job.cancel_requested).collect();
        assert_eq!(left, [true, false, false], "{server}");
        setting.gateway.request_stop();
    }
}

/// Calls that agents make, right ones and wrong ones.
fn calls() -> Vec<(&'static str, Value)> {
    let query = |sql: &str| ("RunSqlQuery", json!({ "query": sql }));
    let digits = (1..10).fold("SELECT 0 AS \"n\"".to_owned(), |sql, digit| {
        format!("{sql} UNION ALL SELECT {digit}")
    });
    let many = format!(
        "WITH \"d\" AS ({digits}) SELECT a.\"n\", REPEAT('x', 40) AS \"x\" FROM \"d\" a CROSS \
         JOIN \"d\" b CROSS JOIN \"d\" c CROSS JOIN (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT \
         3) t"
    );
    vec![
        // First, because it waits for the catalog: a failed query waits 300 ms, and then gets less
        // advice.
        ("SearchTableAndViews", json!({ "query": "customers" })),
        query("SELECT 1 AS \"a\", 'x' AS \"b\", CAST(NULL AS INTEGER) AS \"c\""),
        query("SELECT CAST('1234567890123456789.0123456789' AS DECIMAL(38, 10)) AS \"d\""),
        query("SELECT * FROM (VALUES (1)) AS t(a) WHERE a > 1"),
        query(&many),
        query("SELECT\n\"nope\"\nFROM \"Sales\".\"orders\""),
        query("SELECT * FROM \"Sales\".\"nope\""),
        query("SELECT FROM WHERE"),
        query("DROP TABLE t"),
        query(""),
        ("RunSqlQuery", json!({ "query": "SELECT 1 AS \"a\"", "format": "json" })),
        ("RunSqlQuery", json!({ "query": many, "max_rows": 2 })),
        ("RunSqlQuery", json!({ "query": "SELECT 1", "max_rows": "all" })),
        ("RunSqlQuery", json!({ "sql": "SELECT 1" })),
        ("GetQueryResult", json!({ "job_id": "made up" })),
        ("GetSchemaOfTable", json!({ "table_name": "Sales.orders" })),
        ("GetSchemaOfTable", json!({ "table_name": ["Sales", "orders"] })),
        ("GetSchemaOfTable", json!({ "table_name": "Sales" })),
        ("GetSchemaOfTable", json!({ "table_name": "Sales.nope" })),
        ("GetSchemaOfTable", json!({ "table_name": "" })),
        ("GetUsefulSystemTableNames", json!({})),
        ("GetDescriptionOfTableOrSchema", json!({ "name": "Sales.customers" })),
        ("GetTableOrViewLineage", json!({ "table_name": "Sales.customers" })),
    ]
}

/// An answer without what differs from job to job.
fn comparable(answer: &Value) -> String {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    let handle = text.split("job_id=\"").nth(1).and_then(|rest| rest.split('"').next());
    let text = text.replace(handle.unwrap_or("no handle"), "HANDLE");
    format!("{} {text} {}", answer["result"]["isError"], answer["error"]["message"])
}

#[tokio::test]
async fn both_engines_give_the_same_answers() {
    let native = Setting::with(&[("MCP_ENGINE", "native")]).await;
    let known = listed(&native.client).await;
    let known = |tool: &str| known.iter().any(|listed| listed["name"] == tool);
    for (server, setting) in each(&[]).await {
        for (tool, arguments) in calls() {
            if !known(tool) {
                continue;
            }
            let expected = native.client.call(json!(1), tool, arguments.clone()).await;
            let answer = setting.client.call(json!(1), tool, arguments.clone()).await;
            assert_eq!(comparable(&answer), comparable(&expected), "{server}: {tool} {arguments}");
        }
        setting.gateway.stop().await;
    }
    native.gateway.stop().await;
}

#[tokio::test]
async fn clients_are_told_of_our_tools_and_of_what_the_child_has_besides() {
    let native = Setting::with(&[("MCP_ENGINE", "native")]).await;
    let ours = listed(&native.client).await;
    native.gateway.stop().await;
    for (server, setting) in each(&[]).await {
        let tools = listed(&setting.client).await;
        assert_eq!(tools[..ours.len()], ours, "{server}");
        let others = &tools[ours.len()..];
        assert!(others.iter().all(|tool| ours.iter().all(|our| our["name"] != tool["name"])));
        if server.ends_with(" Dremio") {
            let echo =
                json!({ "name": "echo", "inputSchema": { "type": "object" }, "x-vendor": 1.5 });
            assert!(others.contains(&echo), "{others:?}");
        }
        let mut client = Client::new(&setting.gateway, OTHER_KEY);
        let introduction = client.initialize("2025-11-25").await;
        assert_eq!(introduction["serverInfo"]["name"], "Dremio", "{server}");
        let instructions = introduction["instructions"].as_str().unwrap();
        assert!(instructions.contains("Community Edition"), "{server}: {instructions}");
        let prompt =
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"System Prompt"}}"#;
        let prompt = client.rpc(prompt).await["result"].to_string();
        assert!(prompt.contains("Community Edition"), "{server}: {prompt}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn values_are_suggested_where_the_operator_wants_it() {
    for (server, setting) in each(&[("MCP_SUGGEST_VALUES", "true")]).await {
        setting.client.text("SearchTableAndViews", json!({ "query": "orders" })).await;
        let query = "SELECT order_id FROM Sales.orders WHERE status = 'Shipped'";
        let text = setting.client.text("RunSqlQuery", json!({ "query": query })).await;
        assert!(text.contains("; status has 'SHIPPED', "), "{server}: {text}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_list_that_fails_changes_nobodys_tools() {
    for (server, setting) in each(&[]).await {
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"5"}}"#;
        let _list_or_error = setting.client.rpc(list).await;
        let answer = setting.client.text("GetQueryResult", json!({ "job_id": "x" })).await;
        assert!(answer.starts_with("this is no job_id"), "{server}: {answer}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn without_repair_the_child_speaks_for_itself() {
    for (server, setting) in each(&[("MCP_OFFICIAL_REPAIR", "false")]).await {
        let tools = listed(&setting.client).await;
        assert!(tools.iter().all(|tool| tool["name"] != "GetQueryResult"), "{server}");
        let rows =
            setting.client.text("RunSqlQuery", json!({ "query": "SELECT 1 AS \"a\"" })).await;
        assert_eq!(rows, "{\n  \"result\": [\n    {\n      \"a\": 1\n    }\n  ]\n}", "{server}");
        let refused = setting.client.text("RunSqlQuery", json!({ "query": "DROP TABLE t" })).await;
        assert!(refused.contains("Nothing was sent to Dremio"), "{server}: {refused}");
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_long_query_outlives_its_call_reports_progress_and_is_its_clients_alone() {
    for (server, setting) in each(&[("MCP_QUERY_WAIT", "1500ms")]).await {
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(4));
        let call = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "RunSqlQuery",
                "arguments": { "query": "SELECT 7 AS \"a\"" },
                "_meta": { "progressToken": "p" },
            },
        });
        let said = messages(setting.client.post(&call.to_string()).await).await;
        assert_eq!(said[0]["method"], "notifications/progress", "{server}: {said:?}");
        assert_eq!(said[0]["params"]["progressToken"], "p", "{server}: {said:?}");
        let text = said.last().unwrap()["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("still running after "), "{server}: {text}");
        assert!(!control.jobs()[0].cancel_requested, "{server}");
        let handle = text.split("job_id=\"").nth(1).unwrap().split('"').next().unwrap();

        let mut bob = Client::new(&setting.gateway, OTHER_KEY);
        bob.initialize("2025-11-25").await;
        let arguments = json!({ "job_id": handle });
        let refused = bob.text("GetQueryResult", arguments.clone()).await;
        assert!(refused.contains("not given to you"), "{server}: {refused}");
        eventually("the rows are there", async || {
            let rows = setting.client.text("GetQueryResult", arguments.clone()).await;
            assert!(rows.contains("still running") || rows.starts_with("a\n7\n"), "{rows}");
            rows.starts_with("a\n7\n")
        })
        .await;
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn the_egress_proxys_address_is_shown_to_nobody() {
    for (server, setting) in each(&[]).await {
        setting.sandbox.control().revoke_all_tokens();
        let answer =
            setting.client.call(json!(1), "RunSqlQuery", json!({ "query": "SELECT 1" })).await;
        let text = answer.to_string();
        assert_eq!(answer["result"]["isError"], true, "{server}: {text}");
        assert!(!text.contains("127.0.0.1") && text.contains("login token"), "{server}: {text}");
        setting.gateway.stop().await;
    }
}

/// Shows what an agent reads of each tool, and what it costs: `cargo test -p dremio-mcp --test it
/// what_agents_read -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "it shows, and checks nothing"]
#[expect(clippy::print_stdout, reason = "it is to be read")]
async fn what_agents_read() {
    let tokens = |text: &str| tiktoken_rs::cl100k_base().unwrap().encode_ordinary(text).len();
    for (server, setting) in each(&[]).await {
        println!("\n==== {server}");
        let list: Vec<Value> = listed(&setting.client)
            .await
            .iter()
            .filter(|tool| tool["x-vendor"].is_null())
            .map(|tool| {
                json!({
                    "name": tool["name"],
                    "description": tool["description"],
                    "inputSchema": tool["inputSchema"],
                })
            })
            .collect();
        println!("tools/list: {} tools, {} tokens", list.len(), tokens(&json!(list).to_string()));
        for (tool, arguments) in calls() {
            let answer = setting.client.call(json!(1), tool, arguments.clone()).await;
            let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            let arguments: String = arguments.to_string().chars().take(160).collect();
            let is_error = &answer["result"]["isError"];
            println!("\n-- {tool} {arguments}: {} tokens, isError {is_error}", tokens(text));
            println!("{}", text.chars().take(700).collect::<String>());
        }
        setting.gateway.stop().await;
    }
}
