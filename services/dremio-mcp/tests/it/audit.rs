//! The line of a call, joined with Dremio's jobs: whichever engine answers, and however the call
//! ends.

use std::collections::HashMap;
use std::time::Duration;

use dremio_sandbox::{JobState, SlowQuery};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use token_file::gateway_key;

use crate::policy::{ALL, PolicyFile};
use crate::servers::{dremios_own, each as each_official};
use crate::setting::Setting;
use crate::support::{Client, KEY, children, eventually};

/// A gateway with an audit file.
struct Audited {
    setting: Setting,
    folder: TempDir,
}

/// A gateway over each engine, and over Dremio's own server where it is installed.
async fn each(settings: &[(&str, &str)]) -> Vec<(String, Audited)> {
    let native = Audited::with(&[settings, &[("MCP_ENGINE", "native")]].concat()).await;
    let mut all = vec![("native".to_owned(), native)];
    for server in dremios_own() {
        let settings = [settings, &[("MCP_SERVER_COMMAND", server.as_str())]].concat();
        all.push((server.clone(), Audited::with(&settings).await));
    }
    all
}

impl Audited {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let mut all = vec![("AUDIT_FILE", file.to_str().unwrap())];
        all.extend(settings);
        let audited = Self { setting: Setting::with(&all).await, folder };
        audited.make_key().await;
        audited
    }

    async fn make_key(&self) {
        gateway_key::ensure(&self.setting.gateway.folder.path().join("token.json")).unwrap();
        eventually("the audit file is open", async || {
            self.setting.gateway.readiness().await["conditions"]["audit"]["ready"] == true
        })
        .await;
    }

    /// The lines of calls so far.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == "tool_called").collect()
    }

    /// The line after `count` others, once it is there.
    async fn line(&self, count: usize) -> Value {
        eventually("a line is written", async || self.lines().len() > count).await;
        let lines = self.lines();
        assert_eq!(lines.len(), count + 1, "{lines:?}");
        lines[count].clone()
    }

    /// The states of the jobs that a line names, and their statements.
    fn jobs(&self, line: &Value) -> Vec<(JobState, String)> {
        let jobs = self.setting.sandbox.control().jobs().into_iter();
        let by_id: HashMap<_, _> = jobs.map(|job| (job.id.clone(), (job.state, job.sql))).collect();
        let ids = line["jobs"].as_array().into_iter().flatten();
        ids.map(|id| by_id[id.as_str().unwrap()].clone()).collect()
    }

    /// The one job of a line, which carries the mark of its call.
    fn job(&self, line: &Value) -> JobState {
        let [(state, sql)] = &self.jobs(line)[..] else { panic!("not one job: {line}") };
        let (client, call) = (line["client"].as_str().unwrap(), line["call"].as_str().unwrap());
        let client = client.replace(':', "-");
        let mark = format!("\n/* dremio-mcp: client={client} tool=RunSqlQuery call={call} */");
        assert!(sql.ends_with(&mark), "{sql} {line}");
        *state
    }

    async fn query(&self, sql: &str) -> Value {
        self.setting.client.call(json!(1), "RunSqlQuery", json!({ "query": sql })).await
    }

    fn in_background(&self, id: &str, sql: &str) -> tokio::task::JoinHandle<reqwest::Response> {
        let params = json!({ "name": "RunSqlQuery", "arguments": { "query": sql } });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let client = self.setting.client.clone();
        tokio::spawn(async move { client.post(&body.to_string()).await })
    }

    async fn is_asked_about(&self, count: usize) {
        eventually("the job is waited for", async || {
            let jobs = self.setting.sandbox.control().jobs();
            jobs.len() == count && jobs.iter().all(|job| job.polls > 0)
        })
        .await;
    }
}

const SLOW: &str = "SELECT 'slow' AS \"a\"";

#[tokio::test]
async fn every_call_is_one_line_joined_with_its_job_however_it_ends() {
    let policy = PolicyFile::of(&[("ada", &[KEY], &format!("{ALL}\nbudget = {{ jobs = 2 }}"))]);
    let path = policy.path();
    let settings = [("MCP_POLICY_FILE", path.as_str()), ("MCP_API_KEYS_FILE", "")];
    for (engine, audited) in each(&settings).await {
        audited.joins_every_call(&engine).await;
        audited.setting.gateway.stop().await;
    }
}

impl Audited {
    /// Its client may have two jobs at a time.
    async fn joins_every_call(&self, engine: &str) {
        let control = self.setting.sandbox.control();
        let slow = SlowQuery { containing: SLOW.into(), duration: Duration::from_secs(3600) };
        control.slow_down(slow);

        self.query("SELECT 1 AS \"a\" UNION ALL SELECT 2").await;
        let allowed = self.line(0).await;
        assert_eq!(self.job(&allowed), JobState::Completed, "{engine}");
        for (name, expected) in [
            ("verdict", json!("ok")),
            ("outcome", json!("ok")),
            ("client", json!("ada")),
            ("tool", json!("RunSqlQuery")),
            ("kind", json!("client")),
            ("auth", json!("key")),
            ("statement", json!("query")),
            ("rows", json!(2)),
            ("peer", json!("127.0.0.1")),
            ("sql", Value::Null),
        ] {
            assert_eq!(allowed[name], expected, "{engine} {name}: {allowed}");
        }
        assert!(allowed["bytes"].as_u64().unwrap() > 0 && allowed["session"].is_string());
        assert!(allowed["dremio_ms"].as_u64() <= allowed["duration_ms"].as_u64(), "{allowed}");
        assert_eq!(allowed["sql_fp"].as_str().unwrap().len(), 16);

        // The same question with other literals has the same fingerprint; another one has not.
        self.query("select 7 as \"a\" union all select 8 -- again").await;
        assert_eq!(self.line(1).await["sql_fp"], allowed["sql_fp"], "{engine}");
        self.query("DROP TABLE t").await;
        let refused = self.line(2).await;
        assert_eq!(refused["verdict"], "denied:not_a_query", "{engine}: {refused}");
        assert_eq!((&refused["statement"], &refused["jobs"]), (&json!("drop"), &Value::Null));
        assert_ne!(refused["sql_fp"], allowed["sql_fp"]);

        self.query("SELECT * FROM nowhere").await;
        let failed = self.line(3).await;
        assert_eq!(failed["verdict"], "error:query_failed", "{engine}: {failed}");
        assert_eq!(self.job(&failed), JobState::Failed);

        let before = control.jobs().len();
        let cancelled = self.in_background("cancelled", SLOW);
        self.is_asked_about(before + 1).await;
        let gone = self.in_background("gone", SLOW);
        self.is_asked_about(before + 2).await;
        self.query("SELECT 3").await;
        let over = self.line(4).await;
        assert_eq!(over["verdict"], "budget:jobs", "{engine}: {over}");
        assert_eq!(over["jobs"], Value::Null);

        let cancel = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","#,
            r#""params":{"requestId":"cancelled"}}"#,
        );
        self.setting.client.post(cancel).await;
        cancelled.await.unwrap();
        let cancelled = self.line(5).await;
        assert_eq!(cancelled["verdict"], "cancelled:client", "{engine}: {cancelled}");
        eventually("it is cancelled", async || self.job(&cancelled) == JobState::Canceled).await;

        gone.abort();
        let gone = self.line(6).await;
        assert_eq!(gone["verdict"], "cancelled:disconnect", "{engine}: {gone}");
        assert_eq!(gone["outcome"], "abandoned");
        eventually("it is cancelled", async || self.job(&gone) == JobState::Canceled).await;
    }
}

#[tokio::test]
async fn a_call_over_its_time_is_written_down_with_its_job() {
    for (engine, audited) in each(&[("MCP_CALL_TIMEOUT", "2s")]).await {
        let control = audited.setting.sandbox.control();
        let scope =
            dremio_sandbox::Scope { path_prefix: "/api/v3/job/".into(), method: None, times: None };
        control.inject(dremio_sandbox::Fault::Stall, scope);
        let answer = audited.query("SELECT 1").await;
        assert_eq!(answer["error"]["data"]["reason"], "call_timed_out", "{engine}: {answer}");
        let line = audited.line(0).await;
        assert_eq!(line["verdict"], "timed_out", "{engine}: {line}");
        assert!(line["dremio_ms"].as_u64().unwrap() >= 1000, "{engine}: {line}");
        audited.job(&line);
        control.clear_faults();
        audited.setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn what_the_child_does_by_itself_is_joined_and_a_call_is_that_it_takes_down_with_it() {
    let path = "/usr/bin:/bin:/of-the-audit";
    for server in dremios_own() {
        let settings = [
            ("MCP_SERVER_COMMAND", server.as_str()),
            ("MCP_OFFICIAL_REPAIR", "false"),
            ("PATH", path),
        ];
        let audited = Audited::with(&settings).await;
        let control = audited.setting.sandbox.control();
        audited.query("SELECT 1").await;
        let allowed = audited.line(0).await;
        assert_eq!((&allowed["verdict"], &allowed["kind"]), (&json!("ok"), &json!("key")));
        assert_eq!(audited.job(&allowed), JobState::Completed, "{server}");
        audited.query("DROP TABLE t").await;
        let refused = audited.line(1).await;
        assert_eq!(refused["verdict"], "denied:not_a_query", "{server}: {refused}");

        control.set_job_duration(Duration::from_secs(3600));
        let before = control.jobs().len();
        let lost = audited.in_background("lost", SLOW);
        eventually("the job is waited for", async || {
            control.jobs().len() > before && control.jobs().iter().all(|job| job.polls > 0)
        })
        .await;
        for (child, _) in children(path) {
            kill_process(child, Signal::KILL).unwrap();
        }
        lost.await.unwrap();
        let lost = audited.line(2).await;
        assert_eq!(lost["verdict"], "crashed", "{server}: {lost}");
        eventually("it is cancelled", async || audited.job(&lost) == JobState::Canceled).await;
        audited.setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn calls_that_never_reach_an_engine_are_lines_too_and_names_steer_nothing() {
    let audited = Audited::with(&[("MCP_ENGINE", "native"), ("AUDIT_SQL", "text")]).await;
    let client = &audited.setting.client;
    let hostile = "x\n\u{1b}[31m\u{202e}*/ DROP\u{2028}\"\\";
    client.call(json!(hostile), hostile, json!({})).await;
    let unknown = audited.line(0).await;
    assert_eq!(unknown["verdict"], "denied:unknown_tool", "{unknown}");
    assert_eq!((&unknown["tool"], &unknown["asked"]), (&json!("other"), &json!(hostile)));

    let sql = format!("SELECT '{hostile}' AS \"a\"");
    client.call(json!(1), "RunSqlQuery", json!({ "query": sql })).await;
    let line = audited.line(1).await;
    assert_eq!(line["sql"], sql, "{line}");

    let call = |more: Value| {
        let mut params = json!({ "name": "RunSqlQuery", "arguments": { "query": "SELECT 1" } });
        params["_meta"] = more;
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    };
    let stranger = Client::new(&audited.setting.gateway, KEY);
    stranger.post(&call(json!({}))).await;
    assert_eq!(audited.line(2).await["verdict"], "denied:no_session");
    stranger.post(&call(json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" }))).await;
    assert_eq!(audited.line(3).await["verdict"], "denied:bad_request");
    let metrics = audited.setting.gateway.metrics().await;
    let refused = "gen_ai_tool_name=\"RunSqlQuery\",error_type=\"refused\"} 2";
    assert!(metrics.contains(refused), "{metrics}");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    client.post(&call(json!({ "traceparent": traceparent }))).await;
    assert_eq!(audited.line(4).await["trace_id"], trace);
    // Other requests are no calls.
    client.rpc(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;

    let path = audited.folder.path().join("audit.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let steers = |c: char| c != '\n' && service_kit::logging::is_steering(c);
    assert!(!text.contains(steers), "{text}");
    assert_eq!(audited.lines().len(), 5);
    audited.setting.gateway.stop().await;
}

#[tokio::test]
async fn without_a_gateway_key_no_call_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let settings = [("MCP_ENGINE", "native"), ("AUDIT_FILE", file.to_str().unwrap())];
    let audited = Audited { setting: Setting::with(&settings).await, folder };
    let condition =
        async || audited.setting.gateway.readiness().await["conditions"]["audit"].clone();
    eventually("readiness says so", async || condition().await["reason"] == "no_gateway_key").await;
    let answer = audited.query("SELECT 1").await;
    assert_eq!(answer["error"]["data"]["reason"], "audit_unavailable", "{answer}");
    assert!(audited.setting.sandbox.control().jobs().is_empty());
    // Everything else works.
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert!(audited.setting.client.rpc(list).await["result"].is_object());
    audited.make_key().await;
    assert_eq!(audited.query("SELECT 1").await["result"]["isError"], false);
    // The refused one is written down as well.
    let lines = audited.lines();
    assert_eq!(lines[0]["verdict"], "error:audit_unavailable");
    assert_eq!((lines.len(), &lines[1]["verdict"]), (2, &json!("ok")));
    audited.setting.gateway.stop().await;
}

#[tokio::test]
async fn jobs_carry_no_mark_where_it_is_switched_off() {
    let settings = [("AUDIT_JOB_MARK", "false")];
    let native = Setting::with(&[("MCP_ENGINE", "native"), ("AUDIT_JOB_MARK", "false")]).await;
    let mut all = each_official(&settings).await;
    all.push(("native".to_owned(), native));
    for (engine, setting) in all {
        setting.client.call(json!(1), "RunSqlQuery", json!({ "query": "SELECT 1" })).await;
        let sql = setting.sandbox.control().jobs()[0].sql.clone();
        assert!(sql.starts_with("SELECT 1") && !sql.contains("dremio-mcp"), "{engine}: {sql}");
        setting.gateway.stop().await;
    }
}
