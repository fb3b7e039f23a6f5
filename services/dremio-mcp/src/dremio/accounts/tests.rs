//! Several accounts against a stand-in with a user for each: whose token goes out, what the
//! refresher is asked for, and what readiness and metrics say.

use std::fs;

use dremio_client::{ConnectConfig, DremioClient, Login, Transport};
use dremio_sandbox::{Sandbox, SandboxConfig};
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use token_file::{Writer, ensure_accounts_folder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::dremio::{DremioCaller, DremioHealth};

const PASSWORD: &str = "correct-horse-1";

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

struct Setting {
    sandbox: Sandbox,
    client: DremioClient,
    folder: TempDir,
    metrics: Arc<Metrics>,
    registry: Registry,
    readiness: Readiness,
}

impl Setting {
    /// Users `a` and `b`, and no token yet.
    async fn new() -> Self {
        let users = ["a", "b"].map(|user| (user.to_owned(), PASSWORD.to_owned())).to_vec();
        let sandbox =
            Sandbox::start(SandboxConfig { users, ..SandboxConfig::default() }).await.unwrap();
        let config = ConnectConfig::new(sandbox.uri().parse().unwrap());
        let client = DremioClient::new(Transport::connect(&config).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::register(&mut registry));
        let setting =
            Self { sandbox, client, folder, metrics, registry, readiness: Readiness::new(&[]) };
        ensure_accounts_folder(&setting.token_file()).unwrap();
        setting
    }

    fn token_file(&self) -> PathBuf {
        self.folder.path().join("token.json")
    }

    fn tokens(&self, refresher: Option<url::Url>) -> (Tokens, RefreshRequester) {
        Tokens::watch(self.token_file(), Clock::system(), refresher)
    }

    /// Logs in as this user, and writes the token for the account of that name.
    async fn log_in(&self, user: &str) -> SecretString {
        log_in(&self.client, &name(user).token_file(&self.token_file()), user).await
    }

    fn caller(&self, tokens: &Tokens, account: &str) -> DremioCaller {
        let health = DremioHealth::new(self.readiness.clone(), Arc::clone(&self.metrics), true);
        DremioCaller::new(self.client.clone(), tokens.of(Some(&name(account))), health)
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    fn condition(&self, tokens: &Tokens) -> (bool, String) {
        tokens.report_once(&self.readiness, &self.metrics, &mut BTreeMap::new());
        let condition = self.readiness.report().conditions["token"].clone();
        (condition.ready, condition.message.unwrap_or_default())
    }
}

async fn log_in(client: &DremioClient, file: &std::path::Path, user: &str) -> SecretString {
    let Login { token, expires_at, .. } = client.login(user, &PASSWORD.into()).await.unwrap();
    Writer::open(file.to_owned()).unwrap().write(&Token::new(token.clone(), expires_at)).unwrap();
    token
}

/// Waits until the token file of this account was read for the first time, whatever it holds. How
/// long that takes is a matter of the machine; a call waits for it for a while only.
async fn first_read(tokens: &Tokens, account: Option<&AccountName>) {
    let mut state = tokens.of(account).subscribe();
    let read = |state: &Arc<token_file::State>| {
        !matches!(state.as_ref(), Err(token_file::ReadError::Pending))
    };
    state.wait_for(read).await.unwrap();
}

async fn probe(caller: &DremioCaller) -> Result<(), String> {
    let asked = caller.ask(|client, token| async move { client.probe(token.secret()).await });
    asked.await.map_err(|cause| cause.to_string())
}

#[tokio::test]
async fn each_account_sends_its_own_token_and_is_refreshed_by_itself() {
    let setting = Setting::new().await;
    let (first_a, first_b) = (setting.log_in("a").await, setting.log_in("b").await);
    // A refresher that logs in as whom it is asked for, and notes that.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refresher = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (client, token_file) = (setting.client.clone(), setting.token_file());
    let refreshing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        let line = String::from_utf8_lossy(&head[..read]).lines().next().unwrap().to_owned();
        log_in(&client, &name("b").token_file(&token_file), "b").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        line
    });
    let (tokens, requester) = setting.tokens(Some(refresher));
    let shutdown = Shutdown::new();
    let http = setting.client.transport().http().clone();
    let requesting = tokio::spawn(requester.run(http, shutdown.clone()));
    let (a, b) = (setting.caller(&tokens, "a"), setting.caller(&tokens, "b"));
    for account in ["a", "b"] {
        first_read(&tokens, Some(&name(account))).await;
    }
    setting.client.logout(&first_b).await.unwrap();
    setting.sandbox.control().clear_requests();
    assert_eq!(tokio::join!(probe(&a), probe(&b)), (Ok(()), Ok(())));
    assert_eq!(refreshing.await.unwrap(), "POST /refresh?account=b HTTP/1.1");

    let second_b = tokens.of(Some(&name("b"))).current().unwrap();
    let used: Vec<_> = setting
        .sandbox
        .control()
        .requests()
        .into_iter()
        .filter(|request| request.method == "GET")
        .filter_map(|request| Some((request.token?, request.status?)))
        .collect();
    for (token, status, times) in
        [(&first_a, 200, 1), (&first_b, 401, 1), (second_b.secret(), 200, 1)]
    {
        let sent = (token.expose_secret().to_owned(), status);
        assert_eq!(used.iter().filter(|used| **used == sent).count(), times);
    }
    assert_eq!(used.len(), 3);
    shutdown.request();
    requesting.await.unwrap();
}

#[tokio::test]
async fn an_account_without_a_token_says_so_to_its_own_callers_only() {
    let setting = Setting::new().await;
    setting.log_in("a").await;
    let (tokens, _requester) = setting.tokens(None);
    for account in ["a", "b"] {
        first_read(&tokens, Some(&name(account))).await;
    }
    assert_eq!(probe(&setting.caller(&tokens, "a")).await, Ok(()));
    let refused = probe(&setting.caller(&tokens, "b")).await.unwrap_err();
    assert_eq!(
        refused,
        "no login token of account `b` for Dremio (missing); is token-refresher running, and can \
         it log in?"
    );
    // It is there as soon as the refresher can log in.
    let (b, later) = (setting.caller(&tokens, "b"), setting.log_in("b"));
    assert_eq!(tokio::join!(probe(&b), later).0, Ok(()));
}

#[tokio::test]
async fn readiness_and_metrics_speak_of_the_accounts_in_use() {
    let setting = Setting::new().await;
    let (tokens, _requester) = setting.tokens(None);
    first_read(&tokens, None).await;
    let (ready, said) = setting.condition(&tokens);
    assert!(!ready && said.starts_with("no login token for Dremio (missing)"), "{said}");
    assert!(setting.metrics().contains("\ndremio_mcp_token_expiry_timestamp_seconds 0.0\n"));

    // Only accounts with names are in use: the single one is nobody's concern.
    tokens.use_only(&[Some(name("a")), Some(name("b"))].into());
    setting.log_in("a").await;
    tokens.of(Some(&name("a"))).subscribe().wait_for(|state| state.is_ok()).await.unwrap();
    first_read(&tokens, Some(&name("b"))).await;
    let (ready, said) = setting.condition(&tokens);
    assert!(
        ready && said.starts_with("account b: no login token of account `b` for Dremio"),
        "{said}"
    );
    let metrics = setting.metrics();
    assert!(metrics.contains("dremio_mcp_token_expiry_timestamp_seconds{account=\"b\"} 0.0\n"));
    assert!(metrics.contains("dremio_mcp_token_expiry_timestamp_seconds{account=\"a\"} 1"));
    assert!(!metrics.contains("dremio_mcp_token_expiry_timestamp_seconds 0"));
    assert_eq!(tokens.to_probe().len(), 1);

    fs::remove_file(name("a").token_file(&setting.token_file())).unwrap();
    tokens.of(Some(&name("a"))).subscribe().wait_for(|state| state.is_err()).await.unwrap();
    let (ready, said) = setting.condition(&tokens);
    assert!(!ready && said.contains("account a: ") && said.contains("account b: "), "{said}");
    assert!(tokens.to_probe().is_empty());

    tokens.use_only(&[Some(name("b"))].into());
    setting.log_in("b").await;
    tokens.of(Some(&name("b"))).subscribe().wait_for(|state| state.is_ok()).await.unwrap();
    assert!(setting.condition(&tokens).0);
    assert!(!setting.metrics().contains("account=\"a\""));
}
