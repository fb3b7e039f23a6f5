//! The doctor of a healthy system, and the setting in which `doctor_faults` plants what is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dremio_client::{DremioClient, Transport};
use dremio_mcp::doctor::{CHECKS, Diagnosis, Doctor, Room, Site, Verdict};
use dremio_sandbox::{Sandbox, SandboxConfig};
use prometheus_client::registry::Registry;
use serde_json::Value;
use service_kit::admin::{self, Condition, Readiness};
use service_kit::env::Env;
use service_kit::http::{Limits, serve};
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit};
use tempfile::TempDir;
use token_file::{Token, Writer, gateway_key};
use tokio::net::TcpListener;

use crate::support::KEY;

/// A system in which nothing is wrong: a Dremio, its token, a token-refresher, keys. No gateway
/// runs.
pub(crate) struct System {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: TempDir,
    /// What token-refresher says of itself.
    pub(crate) refresher: Readiness,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) clock: Clock,
    pub(crate) site: Site,
}

impl System {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let token = log_in(&sandbox).await;
        let folder = tempfile::tempdir().unwrap();
        let closed = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), closed).unwrap();
        let token_file = folder.path().join("token.json");
        Writer::open(token_file.clone()).unwrap().write(&token).unwrap();
        gateway_key::ensure(&token_file).unwrap();
        std::fs::write(folder.path().join("keys"), format!("# ada\n{KEY}\n")).unwrap();
        let refresher = Readiness::new(&["dremio", "token"]);
        for condition in ["dremio", "token"] {
            refresher.set(condition, Condition::met());
        }
        let refresher_url = admin_of(&refresher).await;
        let mut system = Self {
            sandbox,
            folder,
            refresher,
            settings: Vec::new(),
            clock: Clock::system(),
            site: Site {
                in_container: false,
                is_local: false,
                temporary: std::env::temp_dir(),
                host: "bigbox".to_owned(),
                people: vec!["ada".to_owned()],
                gateways: None,
                room: |_| Some(Room { bytes: u64::MAX, has_files: true }),
            },
        };
        let path = |name: &str| system.path(name).to_str().unwrap().to_owned();
        system.settings = [
            ("DREMIO_URI", system.sandbox.uri()),
            ("TOKEN_FILE", path("token.json")),
            ("MCP_API_KEYS_FILE", path("keys")),
            ("MCP_ENGINE", "native".to_owned()),
            ("MCP_ADDR", free_address()),
            ("ADMIN_ADDR", free_address()),
            ("REFRESHER_URL", refresher_url),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        system
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.into()));
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) async fn examine(&self) -> Diagnosis {
        let env = Env::from_pairs(self.settings.clone());
        match Doctor::of_env(&env, self.clock.clone(), self.site.clone()).await {
            Ok(doctor) => doctor.examine().await,
            Err(diagnosis) => diagnosis,
        }
    }
}

/// A client of the system's Dremio.
pub(crate) fn client_of(sandbox: &Sandbox) -> DremioClient {
    let config = dremio_client::ConnectConfig::new(sandbox.uri().parse().unwrap());
    DremioClient::new(Transport::connect(&config).unwrap())
}

/// Another token of the usual user.
pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    let login = client_of(sandbox).login("dremio", &"dremio123".into()).await.unwrap();
    Token::new(login.token, login.expires_at)
}

/// Writes the token file at `path` as if that had been so long ago.
pub(crate) fn write_token(path: &Path, token: &Token, age: Duration) {
    Writer::open(path.to_owned()).unwrap().write(token).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::from(Clock::system().now()) - age).unwrap();
}

/// An address on which nobody listens. Another process may take it meanwhile, as may happen to any
/// address in a setting.
pub(crate) fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The admin endpoints of a service with these conditions.
pub(crate) async fn admin_of(readiness: &Readiness) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let router = admin::router(readiness.clone(), Registry::default());
    tokio::spawn(serve(listener, router, Limits::default(), Shutdown::new()));
    uri
}

/// Checks that exactly these are wrong, each with a cure that holds this text. What the doctor says
/// can be seen with `--no-capture`.
#[expect(clippy::print_stdout, reason = "to be looked at")]
pub(crate) fn check(fault: &str, diagnosis: &Diagnosis, expected: &[(&str, &str)]) {
    println!("\n== {fault}\n{}", diagnosis.text());
    let bad: Vec<_> = diagnosis
        .findings()
        .iter()
        .filter(|finding| finding.verdict == Verdict::Bad)
        .map(|finding| (finding.check, finding.cure.as_ref().unwrap().to_string()))
        .collect();
    let checks: Vec<_> = bad.iter().map(|(check, _)| *check).collect();
    let expected_checks: Vec<_> = expected.iter().map(|(check, _)| *check).collect();
    assert_eq!(checks, expected_checks, "{fault}: {}", diagnosis.text());
    for ((_, cure), (_, part)) in bad.iter().zip(expected) {
        assert!(cure.contains(part), "{fault}: {cure}");
        assert!(!cure.contains('\n'), "{fault}: {cure}");
    }
    // Nothing is left out: each check says something, but for what has no place there.
    for check in CHECKS.iter().filter(|check| !["tls", "token_folder", "settings"].contains(check))
    {
        assert!(
            diagnosis.findings().iter().any(|finding| finding.check == *check),
            "{fault}: nothing is said of {check}"
        );
    }
}

/// The warnings of a system, with what mends them.
pub(crate) fn warnings(diagnosis: &Diagnosis) -> Vec<(&'static str, String)> {
    let warned = diagnosis.findings().iter().filter(|finding| finding.verdict == Verdict::Warning);
    let cure = |cure: &dremio_mcp::doctor::Cure| cure.to_string();
    warned
        .map(|finding| (finding.check, finding.cure.as_ref().map(cure).unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn nothing_is_wrong_with_a_healthy_system() {
    let mut system = System::new().await;
    let requests_before = system.sandbox.control().live_tokens();
    let diagnosis = system.examine().await;
    check("none", &diagnosis, &[]);
    assert_eq!(warnings(&diagnosis), [("rights", String::new())]);
    assert_eq!(diagnosis.exit(), Exit::Success);
    assert_eq!(system.sandbox.control().live_tokens(), requests_before, "nobody logged in or out");
    let jobs: Vec<_> = system.sandbox.control().jobs().iter().map(|job| job.sql.clone()).collect();
    assert_eq!(jobs, ["SELECT 1"]);

    let json: Value = serde_json::from_str(&diagnosis.json()).unwrap();
    assert_eq!(json["healthy"], true);
    let first = serde_json::json!({ "check": "settings", "verdict": "good", "text": "7 are set" });
    assert_eq!(json["findings"][0], first);

    system.set("MCP_ENGINE", "official");
    system.set("MCP_SERVER_COMMAND", stdio_fixture::executable().to_str().unwrap());
    let diagnosis = system.examine().await;
    check("none, official", &diagnosis, &[]);
    assert!(diagnosis.text().contains("and lists 9 tools"), "{}", diagnosis.text());
}

#[tokio::test]
async fn a_setting_that_is_wrong_has_an_exit_code_of_its_own() {
    let mut system = System::new().await;
    system.set("MCP_PUBLIC_URL", "http://127.0.0.1:9");
    assert_eq!(system.examine().await.exit(), Exit::Failure);
    system.set("LOG_LEVEL", "loud");
    assert_eq!(system.examine().await.exit(), Exit::Config);
}

#[tokio::test]
async fn what_works_and_is_worth_knowing_is_a_warning() {
    let all = ("rights", String::new());
    let mut system = System::new().await;
    let keys = system.path("keys").display().to_string();

    // Anybody gets as far as the files.
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["keys", "token.json", "gateway.key"] {
        mode(&system.path(name), 0o644);
    }
    assert_eq!(
        warnings(&system.examine().await),
        std::slice::from_ref(&all),
        "the folder is closed"
    );
    mode(system.folder.path(), 0o757);
    let open = |name: &str| format!("run: chmod o-r {}", system.path(name).display());
    let folder = format!("run: chmod o-w {}", system.folder.path().display());
    let expected = [
        ("token_folder", folder),
        ("token", open("token.json")),
        ("gateway_key", open("gateway.key")),
        ("keys", open("keys")),
        all.clone(),
    ];
    assert_eq!(warnings(&system.examine().await), expected);
    mode(system.folder.path(), 0o700);

    system.write("keys", format!("{KEY}\n# again\n{KEY}\n"));
    let expected = [("keys", format!("run: sed -i '3d' {keys}")), all.clone()];
    assert_eq!(warnings(&system.examine().await), expected);
    system.write("keys", KEY);

    std::fs::remove_file(system.path("gateway.key")).unwrap();
    let expected = [("gateway_key", "run: token-refresher once".to_owned()), all.clone()];
    assert_eq!(warnings(&system.examine().await), expected);
    gateway_key::ensure(&system.path("token.json")).unwrap();

    let now = Clock::system().now();
    system.clock = Clock::manual(now + Duration::from_secs(60)).0;
    let expected = [("clock", "run: sudo timedatectl set-ntp true".to_owned()), all.clone()];
    assert_eq!(warnings(&system.examine().await), expected);
    system.clock = Clock::system();

    let token = token_file::read(&system.path("token.json")).unwrap();
    let hour = Duration::from_secs(3600);
    let soon = Token::new(token.secret().clone(), now + hour * 5 / 2);
    write_token(&system.path("token.json"), &soon, 55 * hour / 2);
    let old = "the token is 27 h old and ends in 2 h, and was not replaced: token-refresher does \
               that 6 h before its end, unless TOKEN_REFRESH_BEFORE is set";
    assert!(system.examine().await.findings().iter().any(|finding| finding.text == old));
    let expected = [("token", "run: token-refresher once".to_owned()), all.clone()];
    assert_eq!(warnings(&system.examine().await), expected);
    write_token(&system.path("token.json"), &token, hour * 7 / 2);
    let usual = "there is one, which is 3 h old and ends in 29 h; ";
    let diagnosis = system.examine().await;
    assert!(
        diagnosis.findings().iter().any(|finding| finding.text.starts_with(usual)),
        "{}",
        diagnosis.text()
    );

    // It has a token, so agents are served.
    let away = Condition::unmet("rejected_credentials", "Dremio rejected the password");
    system.refresher.set("dremio", away);
    let expected = [("refresher", String::new()), all.clone()];
    assert_eq!(warnings(&system.examine().await), expected);
    system.refresher.set("dremio", Condition::met());

    for (name, value, check, cure) in [
        ("MCP_ALLOW_WRITES", "true", "settings", "set: MCP_ALLOW_WRITES=false"),
        ("MCP_ALLOW_JOB_HISTORY", "true", "settings", "set: MCP_ALLOW_JOB_HISTORY=false"),
        ("MCP_SOMETHING_ELSE", "1", "settings", ""),
        ("MCP_ALLOWED_HOSTS", "*", "hosts", "set: MCP_ALLOWED_HOSTS=mcp.example.com"),
    ] {
        let before = system.settings.clone();
        system.set(name, value);
        let expected = [(check, cure.to_owned()), all.clone()];
        assert_eq!(warnings(&system.examine().await), expected, "{name}");
        system.settings = before;
    }
}

/// What `--share` prints has no name of a host, a person or a place, whatever is wrong.
#[tokio::test]
async fn what_is_shared_has_no_private_name() {
    let mut system = System::new().await;
    system.set("DREMIO_URI", "https://dremio.secret-corp.test:9443");
    system.set("MCP_PUBLIC_URL", "https://mcp.secret-corp.test");
    system.set("REFRESHER_URL", "http://bigbox:9465");
    system.set("DREMIO_CA_FILE", "/home/ada/secret-corp.pem");
    let folder = system.folder.path().to_str().unwrap().to_owned();
    system.write("token.json", "{");
    let shared = system.examine().await.shared();
    for text in [shared.text(), shared.json()] {
        for name in ["secret-corp", "bigbox", "ada", folder.as_str()] {
            assert!(!text.contains(name), "{name} in {text}");
        }
        assert!(text.contains("https://HOST-"), "{text}");
    }
}

/// The binary, as people run it.
#[tokio::test]
async fn the_command_prints_and_says_it_in_its_exit_code() {
    let system = System::new().await;
    let run = async |arguments: &[&str]| {
        tokio::process::Command::new(env!("CARGO_BIN_EXE_dremio-mcp"))
            .args(arguments)
            .env_clear()
            .envs(system.settings.clone())
            .output()
            .await
            .unwrap()
    };
    let healthy = run(&["doctor"]).await;
    let text = String::from_utf8(healthy.stdout).unwrap();
    assert_eq!(healthy.status.code(), Some(0), "{text}");
    assert!(text.contains("✓ query") && text.contains("0 wrong"), "{text}");
    system.write("token.json", "{\"token\":");
    let broken = run(&["doctor", "--json", "--share"]).await;
    assert_eq!(broken.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&broken.stdout).unwrap();
    assert_eq!(json["healthy"], false);
}
