//! What stays: a folder with settings and keys, and a process without a terminal.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::command;
use crate::setting::{PATIENCE, http};

const FREE: [&str; 4] = ["--mcp-addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0"];

/// A folder for an installation, with a home folder that nothing else is in.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let config = self.config();
        let config = config.to_str().unwrap();
        let mut command = command(&[arguments, &["--config-dir", config]].concat());
        command.env("HOME", self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        told(self.command(arguments).output().unwrap())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.config().join(name)).unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Foreground {
        Foreground::start(&mut self.command(arguments))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.config().exists() {
            let _ = self.command(&["stop"]).output();
        }
    }
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A process that is ready.
struct Foreground {
    child: Child,
    screen: String,
}

impl Foreground {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (mut screen, mut byte) = (String::new(), [0_u8]);
        let stderr = child.stderr.as_mut().unwrap();
        while !screen.contains("Ctrl-C stops everything") {
            assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{screen}");
            screen.push(char::from(byte[0]));
        }
        Self { child, screen }
    }

    fn kill(mut self, signal: &str) -> Option<i32> {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(asked.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands behind `what` on a line of the screen, up to a blank.
fn shown<'s>(screen: &'s str, what: &str) -> &'s str {
    let line = screen.lines().find_map(|line| line.trim_start().strip_prefix(what));
    line.unwrap_or_else(|| panic!("no {what} in {screen}")).split_whitespace().next().unwrap()
}

async fn post(url: &str, key: &str, session: Option<&str>, message: Value) -> reqwest::Response {
    let mut request = http()
        .post(url)
        .bearer_auth(key)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    request.json(&message).send().await.unwrap()
}

fn modes(folder: &Path) -> Vec<(String, u32)> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let mut modes: Vec<_> = files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            (file.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort();
    modes
}

#[tokio::test]
async fn settings_keys_and_sessions_survive_a_restart() {
    let place = Place::new();
    let first = place.start(&[&FREE[..], &["--require-key", "--token-lifetime", "20h"]].concat());
    let key = place.read("api_keys").lines().last().unwrap().to_owned();
    assert_eq!(key.len(), 64);
    assert!(first.screen.contains("kept/api_keys") && !first.screen.contains(&key));
    let info = json!({ "name": "test", "version": "1" });
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info,
    } });
    let answer = post(shown(&first.screen, "MCP URL"), &key, None, initialize).await;
    let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let mode = place.config().metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    assert_eq!(
        modes(&place.config()),
        [
            ("api_keys".to_owned(), 0o600),
            ("gateway.key".to_owned(), 0o600),
            ("instance.json".to_owned(), 0o600),
            ("lock".to_owned(), 0o600),
            ("settings.toml".to_owned(), 0o600),
            // As for the two services in containers: the folder closes it.
            ("token.json".to_owned(), 0o640),
        ]
    );
    let settings = place.read("settings.toml");
    assert_eq!(first.kill("-TERM"), Some(0));
    assert!(!place.config().join("token.json").exists(), "the login has ended");

    let second = place.start(&[]);
    assert_eq!(place.read("settings.toml"), settings);
    assert!(settings.contains("token-lifetime = \"20h\"\n"), "{settings}");
    assert_eq!(place.read("api_keys").lines().last(), Some(&*key));
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let url = shown(&second.screen, "MCP URL");
    let answer = post(url, &key, Some(&session), list.clone()).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("RunSqlQuery"));
    let answer = post(url, "another key", Some(&session), list).await;
    assert_eq!(answer.status(), 401);
}

#[test]
fn a_flag_comes_first_and_is_kept_with_the_comments_of_the_file() {
    let place = Place::new();
    let settings = "# ours\nmcp-addr = \"127.0.0.1:0\" # any\nsandbox-addr = 0\n\
                    token-lifetime = \"20h\"\n";
    fs::create_dir(place.config()).unwrap();
    fs::set_permissions(place.config(), Permissions::from_mode(0o700)).unwrap();
    fs::write(place.config().join("settings.toml"), settings).unwrap();
    let running = place.start(&["--token-lifetime", "19h"]);
    assert_eq!(place.read("settings.toml"), settings.replace("20h", "19h"));
    drop(running);
    // A question does not use its addresses, nor does it need the folder for itself.
    let running = place.start(&[]);
    let (code, stdout, stderr) = place.run(&["--ask", "SELECT 1 AS one"]);
    assert!(code == Some(0) && stdout.contains("one"), "{stderr}");
    assert_eq!(running.kill("-TERM"), Some(0));
}

#[test]
fn what_is_damaged_is_refused_with_the_cure() {
    let place = Place::new();
    fs::create_dir(place.config()).unwrap();
    fs::set_permissions(place.config(), Permissions::from_mode(0o755)).unwrap();
    let (code, _, stderr) = place.run(&FREE);
    assert!(code == Some(78) && stderr.contains("chmod 700 '"), "{stderr}");
    fs::set_permissions(place.config(), Permissions::from_mode(0o700)).unwrap();
    let settings = place.config().join("settings.toml");
    for (text, said) in [
        ("username = \"ada\"\nmcp-addr = \n", "settings.toml line 2: "),
        ("\nusrname = \"ada\"\n", "settings.toml line 2: there is no setting \"usrname\"; there"),
        ("mcp-addr = [1]\n", "settings.toml line 1: mcp-addr is neither text nor true"),
        ("mcp-addr = \"nowhere\"\n", "settings.toml: invalid value 'nowhere' for '--mcp-addr"),
        ("dremio-uri = \"http://localhost:9047\"\n", "settings.toml: the following required"),
    ] {
        fs::write(&settings, text).unwrap();
        let (code, _, stderr) = place.run(&[]);
        assert_eq!(code, Some(78), "{text}: {stderr}");
        assert!(stderr.contains(said), "{text}: {stderr}");
        assert!(stderr.contains("or delete the file to begin anew"), "{stderr}");
        assert_eq!(fs::read_to_string(&settings).unwrap(), text);
    }
    fs::remove_file(&settings).unwrap();
    fs::write(place.config().join("gateway.key"), "short").unwrap();
    let (code, _, stderr) = place.run(&FREE);
    assert_eq!(code, Some(78), "{stderr}");
    assert!(stderr.contains("gateway.key is damaged; delete it, and another is made"), "{stderr}");
    fs::remove_file(place.config().join("gateway.key")).unwrap();
    fs::write(place.config().join("api_keys"), "# none\n").unwrap();
    let (code, _, stderr) = place.run(&[&FREE[..], &["--require-key"]].concat());
    assert!(code == Some(78) && stderr.contains("api_keys is damaged; delete it"), "{stderr}");
    let (code, _, stderr) = told(command(&["--require-key"]).output().unwrap());
    assert!(code == Some(64) && stderr.contains("add --config-dir DIR"), "{stderr}");
}

#[test]
fn in_the_background_it_starts_says_how_it_is_and_stops() {
    let place = Place::new();
    let (code, stdout, _) = place.run(&["status"]);
    assert!(code != Some(0), "{stdout}");
    let start = [&FREE[..], &["--background"]].concat();
    let (code, stdout, stderr) = place.run(&start);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains("It runs in the background"), "{stderr}");
    let url = shown(&stderr, "MCP URL").to_owned();

    let (code, stdout, _) = place.run(&["status"]);
    assert!(code == Some(0) && stdout.starts_with("Ready (process "), "{stdout}");
    assert_eq!(shown(&stdout, "MCP URL"), url);
    let log = PathBuf::from(shown(&stdout, "Log"));
    assert_eq!(log, place.config().join("dremio-mcp-local.log"));
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(log).unwrap();
    assert!(text.contains("condition met") && !text.contains("dremio123"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");

    // The doctor looks at what runs, and leaves it as it is.
    let token = place.read("token.json");
    let (code, stdout, stderr) = place.run(&["doctor"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("SELECT 1 works") && stdout.contains("a gateway listens at"));
    assert_eq!(place.read("token.json"), token);

    // It has the folder for itself, and says so.
    for second in [&start[..], &FREE[..]] {
        let (code, _, stderr) = place.run(second);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(&format!("serves agents at {url}; `dremio-mcp-local stop")));
    }
    // Clients are set up for it.
    let (code, _, stderr) = place.run(&["connect", "cursor", "--write"]);
    assert_eq!(code, Some(0), "{stderr}");
    let cursor = fs::read_to_string(place.folder.path().join(".cursor/mcp.json")).unwrap();
    assert!(cursor.contains(&url), "{cursor}");

    let (code, stdout, stderr) = place.run(&["stop"]);
    assert!(code == Some(0) && stdout.starts_with("Stopped (process "), "{stdout}{stderr}");
    let (code, stdout, _) = place.run(&["stop"]);
    assert!(code == Some(0) && stdout.starts_with("Nothing runs with "), "{stdout}");
    assert!(!place.config().join("instance.json").exists());
}

#[test]
fn a_killed_process_is_told_from_one_that_runs() {
    let place = Place::new();
    let running = place.start(&FREE);
    let process = running.child.id();
    let (code, stdout, _) = place.run(&["status"]);
    assert!(code == Some(0) && stdout.contains(&format!("process {process},")), "{stdout}");
    assert_eq!(running.kill("-KILL"), None);
    // Its file says that it runs, and names a process that somebody else may have by now.
    let state = place.read("instance.json");
    let mut state: Value = serde_json::from_str(&state).unwrap();
    state["process"] = json!(std::process::id());
    fs::write(place.config().join("instance.json"), state.to_string()).unwrap();
    let (code, stdout, _) = place.run(&["stop"]);
    assert_eq!(code, Some(0), "{stdout}");
    let killed = format!("Process {} ended there without a word", std::process::id());
    assert!(stdout.contains(&killed), "{stdout}");
    let running = place.start(&[]);
    assert_eq!(running.kill("-TERM"), Some(0));
}

#[test]
fn a_start_in_the_background_that_fails_says_why() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (code, _, stderr) = place.run(&["--background", "--mcp-addr", &taken]);
    assert!(code == Some(78) && stderr.contains("Choose another with --mcp-addr"), "{stderr}");
    assert!(!place.config().join("settings.toml").exists(), "a start that failed is not kept");
    let (code, stdout, _) = place.run(&["status"]);
    assert!(code == Some(1) && stdout.starts_with("Nothing runs with "), "{stdout}");
}

#[test]
fn an_address_that_another_gateway_has_is_told() {
    let place = Place::new();
    let running = place.start(&FREE);
    let url = shown(&running.screen, "MCP URL");
    let addr = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let second = &["--mcp-addr", addr, "--sandbox-addr", "127.0.0.1:0"];
    let mut second = command(second);
    let (code, _, stderr) = told(second.env("HOME", place.folder.path()).output().unwrap());
    assert_eq!(code, Some(78), "{stderr}");
    assert!(stderr.contains("a dremio-mcp runs there already"), "{stderr}");
    assert!(stderr.contains(url) && stderr.contains("because: cannot listen on"), "{stderr}");
}

#[test]
fn the_status_page_is_shown_and_never_holds_up_the_start() {
    let place = Place::new();
    let opened = place.folder.path().join("opened");
    let opener = |text: &str| {
        let bin = place.folder.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        for name in ["xdg-open", "open", "wslview", "cmd.exe"] {
            fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(bin.join(name), Permissions::from_mode(0o700)).unwrap();
        }
        bin
    };
    let bin = opener(&format!("echo \"$1\" >'{0}.part'; mv '{0}.part' '{0}'", opened.display()));
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let open = [&FREE[..], &["--open"]].concat();
    let running = Foreground::start(place.command(&open).env("PATH", &path));
    let asked = Instant::now();
    while !opened.exists() {
        assert!(asked.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    let page = fs::read_to_string(&opened).unwrap();
    assert_eq!(page.trim(), shown(&running.screen, "Status page"));
    assert_eq!(running.kill("-TERM"), Some(0));

    opener("exit 3");
    let mut running = Foreground::start(place.command(&open).env("PATH", &path));
    let (mut said, mut byte) = (String::new(), [0_u8]);
    let stderr = running.child.stderr.as_mut().unwrap();
    while !said.contains("no browser was found to show http://") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{said}");
        said.push(char::from(byte[0]));
    }
    assert_eq!(running.kill("-TERM"), Some(0));
}

#[test]
fn logs_go_into_the_file_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let arguments = [&FREE[..], &["--log-file", log.to_str().unwrap()]].concat();
    let running = Foreground::start(&mut command(&arguments));
    assert_eq!(shown(&running.screen, "Log"), log.to_str().unwrap());
    assert_eq!(running.kill("-TERM"), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("asked to stop") && !text.contains("dremio123"), "{text}");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let arguments = [&FREE[..], &["--log-file", "/nowhere/log"]].concat();
    let (code, _, stderr) = told(command(&arguments).output().unwrap());
    assert!(code == Some(78) && stderr.contains("name another --log-file"), "{stderr}");
}
