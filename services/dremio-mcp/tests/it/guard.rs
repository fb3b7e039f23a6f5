//! What SQL reaches Dremio, with either engine.

use serde_json::json;

use crate::setting::Setting;
use crate::statements;

/// Statements that must not pass, and the word by which each refusal is counted. The official
/// server's own guard lets most of them pass.
const REFUSED: &[(&str, &str)] = &[
    ("/***/ SELECT '*/ DELETE FROM t --'", "not_a_query"),
    ("DROP TABLE t", "not_a_query"),
    ("ROLLBACK TABLE t TO SNAPSHOT '1'", "not_a_query"),
    ("MERGE BRANCH a INTO b", "not_a_query"),
    ("ALTER BRANCH a ASSIGN BRANCH b", "not_a_query"),
    ("ANALYZE TABLE t FOR ALL COLUMNS COMPUTE STATISTICS", "not_a_query"),
    ("REFRESH REFLECTION 'a' AS 'b'", "not_a_query"),
    ("REFRESH DATASET t", "not_a_query"),
    ("COMPACT MATERIALIZATION 'a' AS 'b'", "not_a_query"),
    ("TRIGGER PIPE p", "not_a_query"),
    ("UPSERT INTO t VALUES (1)", "not_a_query"),
    ("SELECT * INTO u FROM t", "writes"),
    ("WITH w AS (SELECT 1) DELETE FROM t", "writes"),
    ("SELECT * FROM TABLE(pg.external_query('DROP TABLE t'))", "external_query"),
    ("SELECT /*+ x */ 1", "hint"),
    ("SELECT 1; SELECT 2", "several_statements"),
    ("SELECT * FROM sys.jobs_recent", "job_history"),
    ("SELECT 'a", "unclosed"),
];

/// The tool and the arguments that run `sql`.
fn call(engine: &str, sql: &str) -> (&'static str, serde_json::Value) {
    if engine == "native" {
        ("RunSqlQuery", json!({ "query": sql }))
    } else {
        ("query", json!({ "sql": sql }))
    }
}

#[tokio::test]
async fn refused_statements_reach_dremio_with_neither_engine() {
    for engine in ["official", "native"] {
        let setting = Setting::with(&[("MCP_ENGINE", engine)]).await;
        for (sql, _) in REFUSED {
            let (tool, arguments) = call(engine, sql);
            let answer = setting.client.text(tool, arguments).await;
            assert!(answer.contains("Nothing was sent to Dremio"), "{engine}: {sql}: {answer}");
            // The child's user reads the reason phrase and nothing else.
            assert!(
                engine == "native" || answer.lines().next().unwrap().starts_with("HTTP/1.1 400 "),
                "{sql}: {answer}"
            );
        }
        assert!(
            setting.sandbox.control().jobs().is_empty(),
            "{engine}: {:?}",
            setting.sandbox.control().jobs()
        );
        let metrics = setting.gateway.metrics().await;
        for (_, reason) in REFUSED {
            let count = REFUSED.iter().filter(|(_, other)| other == reason).count();
            let expected =
                format!("dremio_mcp_statements_refused_total{{reason=\"{reason}\"}} {count}");
            assert!(metrics.contains(&expected), "{engine}: {expected}: {metrics}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn the_text_that_was_checked_is_the_text_that_is_sent() {
    let label = "/* dremioai: submitter=RunSqlQuery */";
    let setting = Setting::with(&[]).await;
    for (sql, expected) in [
        ("SELECT 1 AS \"a\"".to_owned(), "SELECT 1 AS \"a\"".to_owned()),
        (
            format!("{label}\nSELECT /* one */ 1 -- end"),
            format!("SELECT           1       \n{label}"),
        ),
        (format!(" {label}\nSELECT 1"), format!(" {}\nSELECT 1", " ".repeat(label.len()))),
    ] {
        let answer = setting.client.text("query", json!({ "sql": sql })).await;
        assert!(answer.contains(r#""jobState":"COMPLETED""#), "{sql}: {answer}");
        assert!(
            setting.sandbox.control().jobs().iter().any(|job| job.sql == expected),
            "{sql}: {:?}",
            setting.sandbox.control().jobs()
        );
    }
    setting.gateway.stop().await;

    let setting = Setting::with(&[("MCP_ENGINE", "native")]).await;
    setting.client.text("RunSqlQuery", json!({ "query": "SELECT /* one */ 1 -- end" })).await;
    let sent = setting.sandbox.control().jobs()[0].sql.clone();
    let (statement, mark) = sent.split_once('\n').unwrap();
    assert_eq!(statement, "SELECT           1       ");
    assert!(mark.starts_with("/* dremio-mcp: client=key-"), "{mark}");
    assert!(mark.contains(" tool=RunSqlQuery call=") && mark.ends_with(" */"), "{mark}");
    setting.gateway.stop().await;
}

#[tokio::test]
async fn either_switch_allows_writes_in_either_engine_and_says_so() {
    for engine in ["official", "native"] {
        for switch in ["MCP_ALLOW_WRITES", "DREMIOAI_DREMIO__ALLOW_DML"] {
            let setting = Setting::with(&[("MCP_ENGINE", engine), (switch, "true")]).await;
            let sql = "ALTER SYSTEM SET \"a\" = 1";
            let (tool, arguments) = call(engine, sql);
            let answer = setting.client.text(tool, arguments).await;
            assert!(
                setting.sandbox.control().jobs().iter().any(|job| job.sql.starts_with(sql)),
                "{engine} {switch}: {answer}"
            );
            let (tool, arguments) = call(engine, "SELECT /*+ x */ 1");
            assert!(
                setting.client.text(tool, arguments).await.contains("hints"),
                "{engine} {switch}"
            );

            let condition = setting.gateway.readiness().await["conditions"]["guard"].clone();
            assert_eq!(
                (&condition["ready"], &condition["reason"]),
                (&json!(true), &json!("writes_allowed")),
                "{engine} {switch}"
            );
            if engine == "native" {
                let hints: Vec<_> = statements::listed(&setting.client)
                    .await
                    .into_iter()
                    .map(|tool| tool["annotations"]["readOnlyHint"].clone())
                    .collect();
                assert!(hints[0] == false && hints[1..].iter().all(|hint| hint == true));
            }
            setting.gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn without_a_switch_the_childs_own_guard_steps_aside_and_ours_stays() {
    let setting =
        Setting::with(&[("MCP_ALLOW_WRITES", "false"), ("DREMIOAI_DREMIO__ALLOW_DML", "false")])
            .await;
    let environment = setting.client.seen().await["environment"].to_string();
    assert!(environment.contains("DREMIOAI_DREMIO__ALLOW_DML=true"), "{environment}");
    let answer = setting.client.text("query", json!({ "sql": "DROP TABLE t" })).await;
    assert!(answer.contains("Nothing was sent to Dremio"), "{answer}");
    assert!(setting.gateway.readiness().await["conditions"]["guard"].is_null());
    setting.gateway.stop().await;
}
