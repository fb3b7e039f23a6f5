//! A service with its own stand-in, folder and user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dremio_client::{ConnectConfig, Transport};
use dremio_sandbox::{Control, Sandbox, SandboxConfig};
use secrecy::ExposeSecret;
use serde_json::Value;
use service_kit::lifecycle::Shutdown;
use service_kit::{Clock, Exit, SecretSource};
use tempfile::TempDir;
use token_file::{Token, TokenId};
use token_refresher::schedule::Policy;
use token_refresher::{App, Config, Login, RunningApp};
use tokio::net::TcpSocket;

use crate::logs;

/// A generous limit for any wait.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);

/// The world around a service.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) control: Control,
    pub(crate) config: Config,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) password_file: PathBuf,
    pub(crate) folder: TempDir,
    /// Every token seen so far, to search the logs for.
    seen: Mutex<Vec<String>>,
    /// Holds the stand-in's port while that refuses connections.
    port: Mutex<Option<TcpSocket>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        World::with_sandbox(SandboxConfig::default()).await
    }

    /// A stand-in with one user; passwords and names are unique to this test.
    pub(crate) async fn with_sandbox(config: SandboxConfig) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        logs::collect();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (user, password) =
            (format!("user-{number}"), format!("correct-horse-{number}-battery"));
        let sandbox = Sandbox::start(SandboxConfig {
            users: vec![(user.clone(), password.clone())],
            ..config
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let password_file = folder.path().join("password");
        fs::write(&password_file, format!("{password}\n")).unwrap();
        fs::create_dir(folder.path().join("tokens")).unwrap();
        let uri = sandbox.uri().parse().unwrap();
        let config = Config {
            connect: ConnectConfig {
                request_timeout: Duration::from_secs(2),
                ..ConnectConfig::new(uri)
            },
            single: Some(Login {
                username: SecretSource::Inline(user.clone().into()),
                password: SecretSource::File(password_file.clone()),
            }),
            accounts_dir: None,
            token_file: folder.path().join("tokens/token.json"),
            admin_addr: "127.0.0.1:0".parse().unwrap(),
            admin_hosts: "refresher.example".parse().unwrap(),
            policy: Policy {
                check_interval: Duration::from_secs(300),
                refresh_before: Duration::from_secs(6 * 60 * 60),
                retry_initial: Duration::from_millis(20),
                retry_max: Duration::from_millis(200),
            },
            revoke_after: None,
            unknown: Vec::new(),
        };
        let control = sandbox.control();
        Self {
            sandbox,
            control,
            config,
            user,
            password,
            password_file,
            folder,
            seen: Mutex::default(),
            port: Mutex::default(),
        }
    }

    /// Dremio refuses connections from now on. A socket that is bound and does not listen holds its
    /// port, so that no other test's server gets it. Binding may have to wait: a process that is
    /// just being started has a copy of the listener until it executes its own program.
    pub(crate) async fn refuse(&self) {
        self.control.set_refusing(true);
        let socket = eventually("the port", || {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(self.sandbox.addr()).ok().map(|()| socket)
        })
        .await;
        *self.port.lock().unwrap() = Some(socket);
    }

    /// Dremio accepts connections again.
    pub(crate) fn admit(&self) {
        self.control.set_refusing(false);
        *self.port.lock().unwrap() = None;
    }

    /// The service has accounts, too, and this one.
    pub(crate) fn add_account(&mut self, name: &str, user: &str, password: &str) {
        let accounts = self.folder.path().join("accounts");
        self.config.accounts_dir = Some(accounts.clone());
        // In one step, as a person would who wants no half account.
        let prepared = accounts.join(format!(".{name}"));
        fs::create_dir_all(&prepared).unwrap();
        fs::set_permissions(&accounts, Permissions::from_mode(0o700)).unwrap();
        fs::write(prepared.join("username"), format!("{user}\n")).unwrap();
        fs::write(prepared.join("password"), format!("{password}\n")).unwrap();
        fs::rename(prepared, accounts.join(name)).unwrap();
    }

    /// The token file of an account.
    pub(crate) fn account_file(&self, name: &str) -> PathBuf {
        self.config.token_file.with_file_name("accounts").join(format!("{name}.json"))
    }

    /// Waits for a token of an account that Dremio accepts.
    pub(crate) async fn account_token(&self, name: &str) -> Token {
        let path = self.account_file(name);
        eventually(&format!("a good token of {name}"), || self.live_token_in(&path)).await
    }

    fn live_token_in(&self, path: &Path) -> Option<Token> {
        let token = token_file::read(path).ok()?;
        let secret = token.secret().expose_secret().to_owned();
        self.seen.lock().unwrap().push(secret.clone());
        self.control.live_tokens().contains(&secret).then_some(token)
    }

    pub(crate) async fn start(&self) -> Service {
        self.start_with(Clock::system()).await
    }

    pub(crate) async fn start_with(&self, clock: Clock) -> Service {
        let shutdown = Shutdown::new();
        let app = App::start(self.config.clone(), clock, shutdown.clone()).await.unwrap();
        Service { app, shutdown }
    }

    /// The token in the file, if there is one.
    pub(crate) fn token(&self) -> Option<Token> {
        let token = token_file::read(&self.config.token_file).ok()?;
        self.seen.lock().unwrap().push(token.secret().expose_secret().to_owned());
        Some(token)
    }

    /// Waits for a token in the file that Dremio accepts.
    pub(crate) async fn good_token(&self) -> Token {
        eventually("a good token in the file", || self.live_token_in(&self.config.token_file)).await
    }

    /// Waits for a token other than `old`.
    pub(crate) async fn token_after(&self, old: TokenId) -> Token {
        eventually("a new token in the file", || self.token().filter(|token| token.id() != old))
            .await
    }

    /// How many requests of this kind Dremio has received.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.control
            .requests()
            .iter()
            .filter(|request| request.method.as_str() == method && request.path == path)
            .count()
    }

    pub(crate) fn logins(&self) -> usize {
        self.count("POST", "/apiv2/login")
    }

    /// The names of this user's and this token's events, in order.
    pub(crate) fn events(&self, token: Option<TokenId>) -> Vec<String> {
        let found = match token {
            Some(id) => logs::events("token_id", &id.to_string()),
            None => logs::events("user", &self.user),
        };
        found.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Asserts that the logs so far hold no secret of this world.
    pub(crate) fn check_no_secret_was_told(&self) {
        let mut secrets = vec![self.password.clone()];
        secrets.extend(self.control.live_tokens());
        secrets.extend(self.control.requests().into_iter().filter_map(|request| request.token));
        secrets.extend(self.seen.lock().unwrap().clone());
        check_absent(&logs::text(), &secrets);
    }
}

/// Asserts that `text` has none of `secrets`.
pub(crate) fn check_absent(text: &str, secrets: &[String]) {
    for secret in secrets.iter().filter(|secret| secret.len() > 8) {
        assert!(!text.contains(secret.as_str()), "a secret was shown");
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) app: RunningApp,
    pub(crate) shutdown: Shutdown,
}

impl Service {
    /// Stops it; asserts a clean stop and that no secret was logged.
    pub(crate) async fn stop(mut self, world: &World) {
        self.shutdown.request();
        let exit = tokio::time::timeout(WAIT_MAX, self.app.join()).await.expect("it stops");
        assert_eq!(exit, Exit::Success);
        world.check_no_secret_was_told();
    }

    /// A call to the admin address: status and body.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        self.ask_as(method, path, None).await
    }

    /// The same with one more header.
    pub(crate) async fn ask_as(
        &self,
        method: &str,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> (u16, String) {
        let uri = format!("http://{}", self.app.admin_addr());
        let transport = Transport::connect(&ConnectConfig::new(uri.parse().unwrap())).unwrap();
        let request =
            transport.http().request(method.parse().unwrap(), transport.url(path).unwrap());
        let request =
            if let Some((name, value)) = header { request.header(name, value) } else { request };
        let response = request.timeout(WAIT_MAX).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// `POST /refresh`: status and answer.
    pub(crate) async fn refresh(&self) -> (u16, Value) {
        self.refresh_with("").await
    }

    /// The same with this query.
    pub(crate) async fn refresh_with(&self, query: &str) -> (u16, Value) {
        let (status, body) = self.ask("POST", &format!("/refresh{query}")).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Waits until a condition is met, or unmet for this reason.
    pub(crate) async fn condition(&self, name: &str, expected: Result<(), &str>) {
        eventually(&format!("the condition {name}: {expected:?}"), || {
            let report = self.app.readiness().report();
            let condition = &report.conditions[name];
            let seen = if condition.ready {
                Ok(())
            } else {
                Err(condition.reason.as_deref().unwrap_or_default())
            };
            (seen == expected).then_some(())
        })
        .await;
    }
}

/// A condition in words: whether it is met, its reason and its message.
pub(crate) fn said(service: &Service, name: &str) -> (bool, String, String) {
    let report = service.app.readiness().report();
    let condition = report.conditions.get(name).cloned();
    let condition = condition.unwrap_or_else(|| service_kit::admin::Condition::unmet("none", ""));
    let (reason, message) = (condition.reason, condition.message);
    (condition.ready, reason.unwrap_or_default(), message.unwrap_or_default())
}

/// Waits until `look` returns something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < WAIT_MAX, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The value of a metric without labels in the answer of `/metrics`.
pub(crate) fn metric(metrics: &str, name: &str) -> i64 {
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")))
        .unwrap_or_else(|| panic!("{name}: {metrics}"));
    line.split_once(' ').unwrap().1.parse().unwrap()
}
