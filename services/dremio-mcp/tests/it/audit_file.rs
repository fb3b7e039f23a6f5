//! The audit file of the real program: killed, on a full disk, and rotated, always under load.

use std::collections::{BTreeSet, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dremio_sandbox::{Sandbox, SandboxConfig};
use parking_lot::Mutex;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;
use token_file::{Token, Writer, gateway_key};

use crate::support::{KEY, PATIENCE, eventually, http};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dremio-mcp");

/// A folder with all that the program needs, and a Dremio.
struct Setting {
    folder: TempDir,
    sandbox: Sandbox,
    settings: Vec<(&'static str, String)>,
}

/// The program as it runs. Dropping it kills it.
struct Program {
    child: Child,
    uri: String,
    admin: String,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Setting {
    async fn new(more: &[(&'static str, &str)]) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token.json");
        let login = json!({ "userName": "dremio", "password": "dremio123" });
        let login = http().post(format!("{}/apiv2/login", sandbox.uri())).json(&login);
        let login: Value = login.send().await.unwrap().json().await.unwrap();
        let expires_at = jiff::Timestamp::from_millisecond(login["expires"].as_i64().unwrap());
        let token = Token::new(login["token"].as_str().unwrap().into(), expires_at.unwrap());
        Writer::open(token_file.clone()).unwrap().write(&token).unwrap();
        gateway_key::ensure(&token_file).unwrap();
        let keys = folder.path().join("keys");
        std::fs::write(&keys, KEY).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        std::fs::create_dir(folder.path().join("audit")).unwrap();
        let mut settings = vec![
            ("DREMIO_URI", sandbox.uri()),
            ("MCP_ADDR", "127.0.0.1:0".into()),
            ("ADMIN_ADDR", "127.0.0.1:0".into()),
            ("TOKEN_FILE", text(&token_file)),
            ("MCP_API_KEYS_FILE", text(&keys)),
            ("MCP_ENGINE", "native".into()),
            ("MCP_RATE_LIMIT", "off".into()),
            ("AUDIT_FILE", text(&folder.path().join("audit/audit.jsonl"))),
            ("AUDIT_SQL", "text".into()),
        ];
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self { folder, sandbox, settings }
    }

    /// Starts the program through a shell that runs `first`.
    async fn start(&self, first: &str) -> Program {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("{first}\nexec {PROGRAM}")])
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().push(serde_json::from_str(&line).unwrap());
            }
        });
        let mut program = Program { child, uri: String::new(), admin: String::new(), log };
        eventually("it serves", async || !program.logged("serving").is_empty()).await;
        let serving = program.logged("serving").remove(0);
        program.uri = serving["mcp"].as_str().unwrap().to_owned();
        program.admin = format!("http://{}", serving["admin"].as_str().unwrap());
        eventually("it is ready", async || program.readiness().await["ready"] == true).await;
        program
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit/audit.jsonl")
    }

    /// The lines of all files, in the order of their numbers.
    fn lines(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        for entry in std::fs::read_dir(self.folder.path().join("audit")).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().contains(".half.") {
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            // The last one may be half a line of a program that was killed.
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            lines.extend(whole.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        lines.sort_by_key(|line| line["n"].as_u64());
        lines
    }

    /// The statements of the calls that were written down, each once.
    fn statements(&self) -> HashSet<String> {
        let mut all = HashSet::new();
        for line in self.lines() {
            if let Some(sql) = line["sql"].as_str() {
                assert!(all.insert(sql.to_owned()), "twice: {line}");
            }
        }
        all
    }

    fn audit(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.arg("audit").args(arguments).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).output().unwrap()
    }
}

impl Program {
    fn logged(&self, what: &str) -> Vec<Value> {
        let is_it = |line: &&Value| line["message"] == what || line["event"] == what;
        self.log.lock().iter().filter(is_it).cloned().collect()
    }

    async fn readiness(&self) -> Value {
        let url = format!("{}/readyz", self.admin);
        http().get(url).send().await.unwrap().json().await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops as an orchestrator does.
    fn stop(mut self) -> Vec<Value> {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let log = self.log.lock();
        log.clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One call of a client without a session. `None` if the program is gone.
async fn call(uri: &str, sql: &str) -> Option<Value> {
    call_by(&http(), uri, sql).await
}

async fn call_by(http: &reqwest::Client, uri: &str, sql: &str) -> Option<Value> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "RunSqlQuery", "arguments": { "query": sql }, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let sent = http
        .post(uri)
        .bearer_auth(KEY)
        .header("accept", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "RunSqlQuery")
        .json(&body)
        .send()
        .await
        .ok()?;
    sent.json().await.ok()
}

/// Clients that call without a pause.
struct Load {
    stopping: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn of(clients: u64, uri: &str) -> Self {
        let (stopping, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |number: u64| {
            let (uri, stopping, count) =
                (uri.to_owned(), Arc::clone(&stopping), Arc::clone(&count));
            tokio::spawn(async move {
                // One, because it takes longer to make than to call.
                let (http, mut answered) = (http(), Vec::new());
                for call_number in 0.. {
                    let sql = format!("SELECT {number} AS \"c\", {call_number} AS \"n\"");
                    let Some(answer) = call_by(&http, &uri, &sql).await else { break };
                    assert_eq!(answer["result"]["isError"], false, "{answer}");
                    answered.push(sql);
                    count.fetch_add(1, Ordering::Relaxed);
                    if stopping.load(Ordering::Relaxed) {
                        break;
                    }
                }
                answered
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { stopping, count, clients }
    }

    async fn reaches(&self, calls: u64) {
        eventually("calls are answered", async || self.count.load(Ordering::Relaxed) >= calls)
            .await;
    }

    /// The statements of the calls that were answered.
    async fn end(self) -> Vec<String> {
        self.stopping.store(true, Ordering::Relaxed);
        let mut answered = Vec::new();
        for client in self.clients {
            answered.extend(tokio::time::timeout(PATIENCE, client).await.unwrap().unwrap());
        }
        answered
    }
}

#[tokio::test]
async fn no_answered_call_is_lost_by_a_kill_and_the_chain_goes_on() {
    let setting = Setting::new(&[]).await;
    let mut answered = Vec::new();
    for _ in 0..3 {
        let mut program = setting.start("").await;
        let load = Load::of(8, &program.uri);
        load.reaches(60).await;
        program.child.kill().unwrap();
        let new = load.end().await;
        answered.extend(new.iter().cloned());
        // The statements of the next round are the same, and are counted anew.
        let written: Vec<String> = setting
            .lines()
            .iter()
            .rev()
            .take_while(|line| line["event"] == "tool_called")
            .map(|line| line["sql"].as_str().unwrap().to_owned())
            .collect();
        let missing: Vec<_> = new.iter().filter(|sql| !written.contains(sql)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        // What more there is was in flight.
        assert!(written.len() <= new.len() + 8, "{} {}", written.len(), new.len());
    }
    let program = setting.start("").await;
    let log = program.stop();
    let verified = setting.audit(&["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let starts = setting.lines().iter().filter(|line| line["event"] == "gateway_started").count();
    assert_eq!(starts, 3);
    let numbers: Vec<u64> =
        setting.lines().iter().map(|line| line["n"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    let head = log.iter().rfind(|line| line["event"] == "audit_head").unwrap()["head"].clone();
    let verified = setting.audit(&["verify", "--head", head.as_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_calls_and_loses_no_line() {
    let setting = Setting::new(&[]).await;
    // 16 blocks of 512 bytes, and then the file may grow no further.
    let program = setting.start("ulimit -S -f 16").await;
    let mut answered = Vec::new();
    let withheld = loop {
        let sql = format!("SELECT {} AS \"n\"", answered.len());
        let answer = call(&program.uri, &sql).await.unwrap();
        if answer["error"]["data"]["reason"] == "audit_unavailable" {
            break sql;
        }
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answered.push(sql);
        assert!(answered.len() < 100);
    };
    assert!(!answered.is_empty());
    let readiness = program.readiness().await;
    let condition = &readiness["conditions"]["audit"];
    assert_eq!((&condition["ready"], &condition["reason"]), (&json!(false), &json!("unwritable")));
    assert!(condition["message"].as_str().unwrap().contains("audit.jsonl cannot be written"));
    // Nothing reaches Dremio meanwhile.
    let jobs = setting.sandbox.control().jobs().len();
    for _ in 0..5 {
        let answer = call(&program.uri, "SELECT 'refused'").await.unwrap();
        assert_eq!(answer["error"]["data"]["reason"], "audit_unavailable", "{answer}");
    }
    assert_eq!(setting.sandbox.control().jobs().len(), jobs);
    // There is room again.
    let hard = getrlimit(Resource::Fsize).maximum;
    let room = Rlimit { current: hard, maximum: hard };
    prlimit(Some(Pid::from_child(&program.child)), Resource::Fsize, room).unwrap();
    eventually("it is ready", async || program.readiness().await["ready"] == true).await;
    let sql = "SELECT 'on'";
    assert_eq!(call(&program.uri, sql).await.unwrap()["result"]["isError"], false);
    answered.extend([sql.to_owned(), withheld]);
    program.stop();
    let statements = setting.statements();
    let missing: Vec<_> = answered.iter().filter(|sql| !statements.contains(*sql)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let lines = setting.lines();
    let refused = lines.iter().filter(|line| line["verdict"] == "error:audit_unavailable").count();
    assert_eq!(refused, 5, "refused calls are written down, too");
    assert_eq!(setting.audit(&["verify"]).status.code(), Some(0));
}

#[tokio::test]
async fn rotation_under_load_loses_nothing() {
    let setting = Setting::new(&[("AUDIT_FILE_SIZE", "8K")]).await;
    let program = setting.start("").await;
    let load = Load::of(8, &program.uri);
    for round in 1..=4 {
        load.reaches(round * 40).await;
        program.signal(Signal::HUP);
        load.reaches(round * 40 + 20).await;
        // As logrotate does: another name, then a signal. While the gateway itself begins a new
        // file, there is none.
        let moved = setting.path().with_file_name(format!("moved-{round}"));
        eventually("there is a file", async || std::fs::rename(setting.path(), &moved).is_ok())
            .await;
        program.signal(Signal::HUP);
    }
    let answered = load.end().await;
    let log = program.stop();
    let statements = setting.statements();
    let missing: Vec<_> = answered.iter().filter(|sql| !statements.contains(*sql)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let folder = setting.folder.path().join("audit");
    let files: BTreeSet<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 12, "{files:?}");
    let head = log.iter().rfind(|line| line["event"] == "audit_head").unwrap()["head"].clone();
    let mut arguments = vec!["verify", "--head", head.as_str().unwrap()];
    arguments.extend(files.iter().map(|path| path.to_str().unwrap()));
    let verified = setting.audit(&arguments);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[tokio::test]
async fn the_commands_say_what_is_wrong_with_a_file_and_who_used_what() {
    let setting = Setting::new(&[]).await;
    let program = setting.start("").await;
    for sql in
        ["SELECT 1 AS \"a\"", "SELECT 2 AS \"a\"", "DROP TABLE t", "SELECT nothing FROM nowhere"]
    {
        call(&program.uri, sql).await.unwrap();
    }
    program.stop();
    let text = std::fs::read_to_string(setting.path()).unwrap();
    let verify = |text: &str, more: &[&str]| {
        std::fs::write(setting.path(), text).unwrap();
        let output = setting.audit(&[&["verify"], more].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(verify(&text, &[]), (Some(0), String::new()));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (last, rest) = lines.split_last().unwrap();
    let hash = last.split("\"hmac\":\"").nth(1).unwrap().trim_end_matches(['"', '}', '\n']);
    let head = format!("{}:{hash}", lines.len());
    let changed = text.replacen("SELECT 1", "SELECT 9", 1);
    let removed = [&rest[..2], &rest[3..]].concat().concat() + last;
    let cut = rest.concat();
    for (tampered, more, expected) in [
        (&changed, &[][..], "line 2 of the file: its hash is wrong"),
        (&removed, &[], "line 3 of the file: its number does not follow"),
        (&cut, &["--head", &head], "line 5 is missing at the end"),
    ] {
        let (code, said) = verify(tampered, more);
        assert!(code == Some(1) && said.contains(expected), "{code:?} {said}");
    }
    let (code, said) = verify(&text, &["--key", "/nowhere"]);
    assert!(code == Some(78) && said.contains("/nowhere"), "{code:?} {said}");
    assert_eq!(verify(&text, &["--head", "x"]).0, Some(64));

    let top = String::from_utf8(setting.audit(&["top", "--last", "1h"]).stdout).unwrap();
    let rows: Vec<Vec<&str>> = top.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..6], ["client", "tool", "calls", "refused", "errors", "rows"]);
    assert_eq!(rows[1][1..6], ["RunSqlQuery", "4", "1", "1", "2"], "{top}");
    let json = setting.audit(&["top", "--json"]).stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json[0]["calls"], &json[0]["rows"]), (&json!(4), &json!(2)), "{json}");
}
