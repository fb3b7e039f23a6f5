//! The command itself, as a newcomer runs it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::setting::PATIENCE;

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dremio-mcp-local"));
    command.args(arguments).stdin(Stdio::null()).env_remove("XDG_CONFIG_HOME");
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn ask_prints_rows_and_exits() {
    let (code, stdout, stderr) = run(&["--ask", "SELECT 1 AS one, 'two' AS two"]);
    assert_eq!(stdout, "one  two\n───  ───\n  1  two\n(1 row)\n", "{stderr}");
    assert_eq!(code, Some(0));
}

/// With nothing set it is the demo, on the well-known ports: with a folder they can be others.
#[test]
fn the_doctor_examines_what_would_start() {
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let folder = tempfile::Builder::new().permissions(closed).tempdir().unwrap();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings =
        format!("mcp-addr = \"127.0.0.1:{}\"\nsandbox-addr = \"127.0.0.1:{}\"\n", free(), free());
    std::fs::write(folder.path().join("settings.toml"), settings).unwrap();
    let (code, stdout, stderr) =
        run(&["doctor", "--json", "--config-dir", folder.path().to_str().unwrap()]);
    let found: serde_json::Value = serde_json::from_str(&stdout).expect(&stderr);
    assert_eq!((code, &found["healthy"]), (Some(0), &serde_json::Value::Bool(true)), "{found}");
    assert!(
        stdout.contains("a gateway listens at") && stdout.contains("SELECT 1 works"),
        "{stdout}"
    );
}

/// Runs with `input` on standard input.
fn run_with(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut running = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = running.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn ask_reads_standard_input_and_prints_for_programs() {
    let sql = "SELECT CAST(12.50 AS DECIMAL(10, 2)) AS amount, 'a \"b\"' AS name,\n\
               CAST(NULL AS INTEGER) AS nothing, '' AS blank, 'null' AS word\n";
    let (code, stdout, stderr) = run_with(&["--ask", "-"], sql);
    assert_eq!(
        stdout,
        "amount  name   nothing  blank  word\n\
         ──────  ─────  ───────  ─────  ────\n \
         12.50  a \"b\"  NULL            null\n(1 row)\n",
        "{stderr}"
    );
    assert_eq!(code, Some(0));
    let (code, stdout, stderr) = run_with(&["--ask", "-", "--format", "csv"], sql);
    let csv = "amount,name,nothing,blank,word\r\n12.50,\"a \"\"b\"\"\",,\"\",null\r\n";
    assert_eq!((code, stdout.as_str()), (Some(0), csv), "{stderr}");
    let (code, stdout, stderr) = run_with(&["--ask", "-", "--format", "json"], sql);
    let json = "[\n{\"amount\":12.50,\"name\":\"a \\\"b\\\"\",\"nothing\":null,\"blank\":\"\",\
                \"word\":\"null\"}\n]\n";
    assert_eq!((code, stdout.as_str()), (Some(0), json), "{stderr}");
    let (code, _, stderr) = run_with(&["--ask", "-"], " \n");
    assert_eq!(code, Some(64));
    assert!(stderr.contains("--ask got no SQL"), "{stderr}");
}

#[test]
fn connect_sets_a_client_up_without_starting_anything() {
    let home = tempfile::tempdir().unwrap();
    let connect = |arguments: &[&str]| {
        let mut command = command(arguments);
        let Output { status, stdout, stderr } = command.env("HOME", home.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    };
    let (code, stdout, stderr) = connect(&["connect"]);
    assert!(code == Some(0) && stdout.contains("claude-code "), "{stdout}{stderr}");
    let (code, stdout, stderr) = connect(&["connect", "cursor", "--write"]);
    assert!(code == Some(0) && stdout.contains("Written: "), "{stdout}{stderr}");
    let written = std::fs::read_to_string(home.path().join(".cursor/mcp.json")).unwrap();
    assert!(written.contains("http://127.0.0.1:8000/mcp"), "{written}");
    assert!(!written.contains("headers"), "a key for a server without one: {written}");
    let (code, _, stderr) = connect(&["connect", "nobody"]);
    assert!(code == Some(64) && stderr.contains("there is no client"), "{stderr}");
    let (code, _, stderr) =
        connect(&["connect", "codex", "--check", "--url", "http://127.0.0.1:1/mcp"]);
    assert!(code == Some(1) && stderr.contains("nothing answers at"), "{stderr}");
}

#[test]
fn ask_has_the_key_that_agents_need() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "# of ada\n\n  key-of-ada-0123456789abcdef \nanother-key-0123456789\n")
        .unwrap();
    let ask = |keys: &str| run(&["--api-keys-file", keys, "--ask", "SELECT 1 AS one"]);
    let (code, stdout, stderr) = ask(keys.to_str().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(0), "one\n───\n  1\n(1 row)\n"), "{stderr}");
    assert!(!stderr.contains("key-of-ada"), "{stderr}");
    std::fs::write(&keys, "# none\n").unwrap();
    let (code, _, stderr) = ask(keys.to_str().unwrap());
    assert_eq!(code, Some(78), "{stderr}");
    assert!(stderr.contains("--api-keys-file"), "{stderr}");
}

#[test]
fn ask_prints_every_row_of_a_result_of_many_pages_for_programs() {
    let digits = (1..10)
        .fold("SELECT 0 AS n".to_owned(), |sql, digit| format!("{sql} UNION ALL SELECT {digit}"));
    let sql = format!(
        "WITH d AS ({digits}) SELECT a.n * 100 + b.n * 10 + c.n AS n, REPEAT('word ', 30) AS x \
         FROM d a CROSS JOIN d b CROSS JOIN d c ORDER BY 1"
    );
    let (code, stdout, stderr) = run(&["--ask", &sql, "--format", "csv"]);
    let numbers: Vec<usize> = stdout
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!((code, numbers), (Some(0), (0..1000).collect()), "{stderr}");
    assert_eq!(stdout.lines().next(), Some("n,x"));
    let (code, stdout, stderr) = run(&["--ask", &sql, "--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&stdout).unwrap();
    assert!(code == Some(0) && rows.len() == 1000 && rows[999]["n"] == 999, "{stderr}");
    // For people, what an answer holds is enough.
    let (code, stdout, stderr) = run(&["--ask", &sql]);
    assert!(code == Some(0) && stdout.lines().count() < 1000, "{stderr}");
    let footer = stdout.lines().last().unwrap();
    assert!(footer.contains("of 1000; --format csv or json prints all of them"), "{footer}");
}

#[test]
fn a_query_that_fails_says_why() {
    let (code, stdout, stderr) = run(&["--ask", "SELECT * FROM no_such_table"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("no_such_table"), "{stderr}");
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    for flag in ["--mcp-addr", "--sandbox-addr"] {
        let other = if flag == "--mcp-addr" { "--sandbox-addr" } else { "--mcp-addr" };
        let mut command = command(&[flag, &addr, other, "127.0.0.1:0"]);
        let Output { status, stderr, .. } = command.env("HOME", home.path()).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(78));
        assert!(
            stderr.contains(&format!("cannot listen on {addr}"))
                && stderr.contains(&format!("Choose another with {flag}")),
            "{stderr}"
        );
    }
}

#[test]
fn mistakes_on_the_command_line_are_usage_errors() {
    for arguments in [
        &["--dremio-uri", "http://localhost:9047"][..],
        &["--engine", "other"],
        &["--token-lifetime", "5"],
        &["--no-such-flag"],
        &["--format", "csv"],
        &["--ask", "SELECT 1", "--format", "xml"],
    ] {
        assert_eq!(run(arguments).0, Some(64), "{arguments:?}");
    }
}

#[test]
fn a_dremio_that_is_not_one_or_not_ours_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "wrong-password\n").unwrap();
    let sandbox = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let running = sandbox
        .block_on(dremio_sandbox::Sandbox::start(dremio_sandbox::SandboxConfig::default()))
        .unwrap();
    let (code, _, stderr) = run(&[
        "--dremio-uri",
        &running.uri(),
        "--username",
        "dremio",
        "--password-file",
        password.to_str().unwrap(),
        "--mcp-addr",
        "127.0.0.1:0",
    ]);
    assert_ne!(code, Some(0));
    assert!(stderr.contains("rejected") && !stderr.contains("wrong-password"), "{stderr}");
}

#[test]
fn names_and_origins_are_taken_and_judged() {
    for (flag, value, named) in [
        (
            "--allowed-hosts",
            "https://mcp.example.com",
            "--allowed-hosts <NAMES>': `https://mcp.example.com` is a URL",
        ),
        ("--allowed-origins", "[\"file://\"]", "--allowed-origins <ORIGINS>': is a list in JSON"),
    ] {
        let (code, _, stderr) =
            run(&[flag, value, "--mcp-addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0"]);
        assert_eq!(code, Some(64), "{stderr}");
        assert!(stderr.contains(named), "{stderr}");
    }
    let (code, stdout, stderr) = run(&[
        "--allowed-origins",
        "file://",
        "--allowed-hosts",
        "mcp.example.com",
        "--ask",
        "SELECT 1 AS one",
    ]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
}

#[test]
fn a_file_named_by_a_flag_must_exist() {
    for (flag, value, named) in [
        (
            "--api-keys-file",
            "/nowhere/keys",
            "--api-keys-file\n  because: secret file /nowhere/keys",
        ),
        ("--mcp-server-command", "no-such-server", "--mcp-server-command: `no-such-server` was"),
        ("--mcp-server-command", "python 'oops", "--mcp-server-command <COMMAND>': is not a"),
    ] {
        let (code, _, stderr) =
            run(&[flag, value, "--mcp-addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0"]);
        assert!(matches!(code, Some(64 | 78)), "{stderr}");
        assert!(stderr.contains(named), "{stderr}");
    }
    let (code, _, stderr) = run(&[
        "--dremio-uri",
        "http://127.0.0.1:9",
        "--username",
        "ada",
        "--password-file",
        "/nowhere/password",
        "--mcp-addr",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(78));
    assert!(stderr.contains("--password-file\n  because: secret file /nowhere"), "{stderr}");
}

#[test]
fn the_screen_names_the_file_of_the_keys_and_lines_that_work_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys"), "# of the tests\nkey-of-the-tests-0123456789\n")
        .unwrap();
    let mut running = command(&[
        "--mcp-addr",
        "127.0.0.1:0",
        "--sandbox-addr",
        "127.0.0.1:0",
        "--api-keys-file",
        "keys",
    ]);
    let mut running = running.current_dir(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut screen, mut byte) = (String::new(), [0_u8]);
    let stderr = running.stderr.as_mut().unwrap();
    while !screen.contains("Ctrl-C stops everything") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{screen}");
        screen.push(char::from(byte[0]));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let file = folder.path().canonicalize().unwrap().join("keys").display().to_string();
    assert!(
        screen.contains(&format!("DREMIO_MCP_KEY=\"$(grep -m1 '^[^#]' '{file}')\"")),
        "{screen}"
    );
    assert!(!screen.contains("key-of-the-tests-0123456789"), "{screen}");
}

#[test]
fn ctrl_c_stops_at_once_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut running = command(&["--mcp-addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0"]);
    let mut running =
        running.env("TMPDIR", temporary.path()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut screen, mut byte) = (String::new(), [0_u8]);
    let stderr = running.stderr.as_mut().unwrap();
    while !screen.contains("Ctrl-C stops everything") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{screen}");
        screen.push(char::from(byte[0]));
    }
    assert!(
        screen.contains("claude mcp add --transport http --scope user dremio http://127.0.0.1:"),
        "{screen}"
    );
    let asked = Instant::now();
    assert!(
        Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success()
    );
    let status = loop {
        if let Some(status) = running.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(0));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn an_official_server_that_dies_says_why_on_the_screen() {
    let arguments = [
        "--mcp-addr",
        "127.0.0.1:0",
        "--sandbox-addr",
        "127.0.0.1:0",
        "--mcp-server-command",
        "/bin/sh -c 'echo \"No module named dremioai\" >&2; exit 1'",
    ];
    let mut running = command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let (mut screen, mut byte) = (String::new(), [0_u8]);
    let stderr = running.stderr.as_mut().unwrap();
    while !screen.contains("it ended (exit status: 1); its last words: No module named dremioai") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{screen}");
        screen.push(char::from(byte[0]));
    }
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn shells_get_completions_and_people_a_manual() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, _) = run(&["completions", shell]);
        assert_eq!(code, Some(0), "{shell}");
        for word in ["config-dir", "connect"] {
            assert!(stdout.contains(word), "{word} for {shell}");
        }
        assert!(!stdout.contains("in-background"), "{shell}");
    }
    let (code, stdout, _) = run(&["completions", "tcsh"]);
    assert!(code == Some(64) && stdout.is_empty());
    // The shell itself: what comes after `connect cl`?
    let (_, script, _) = run(&["completions", "bash"]);
    let script = format!(
        "{script}\nCOMP_WORDS=(dremio-mcp-local connect cl); COMP_CWORD=2\n\
         _dremio__mcp__local dremio-mcp-local cl connect; echo \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<_> = names.split_whitespace().collect();
    names.sort_unstable();
    assert_eq!(names, ["claude-code", "claude-desktop", "cline"]);

    let (code, page, _) = run(&["man"]);
    assert!(code == Some(0) && page.contains(".TH dremio-mcp-local 1"), "{page}");
    for word in ["\\-\\-config\\-dir", "dremio\\-mcp\\-local\\-connect(1)"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = run(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
    for name in ["dremio-mcp-local.1", "dremio-mcp-local-connect.1", "dremio-mcp-local-stop.1"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}
