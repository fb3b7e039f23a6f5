//! The three services in one process, wired as they are in production: the refresher writes a real
//! token file in a private folder, the gateway reads it, and neither knows that the other is near.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use dremio_client::{ConnectConfig, DremioClient, DremioUri, Transport};
use dremio_mcp::{AuthConfig, EngineConfig, StartError};
use dremio_sandbox::{Sandbox, SandboxConfig};
use service_kit::admin::{ConditionName, Readiness};
use service_kit::env::Env;
use service_kit::lifecycle::Shutdown;
use service_kit::settings::{self, Setting};
use service_kit::{Clock, Exit, PrivateFolder, SecretSource};
use token_file::Token;
use tokio::task::JoinHandle;

use crate::addresses::{any_port, check, mcp_addr, sandbox_addr};
use crate::arguments::Arguments;
use crate::config_dir::ConfigDir;
use crate::screen::{Facts, Screen};

/// The sandbox's user. It guards demo data that anyone may see.
const SANDBOX_USER: (&str, &str) = ("dremio", "dremio123");

/// How long a condition may take before starting is given up. The official server needs up to 12 s
/// on a busy machine.
const START_WAIT_MAX: Duration = Duration::from_secs(90);

/// How long the login token's logout may hold up the end.
const LOGOUT_WAIT_MAX: Duration = Duration::from_secs(2);

/// What could be started, and did not come up: nothing is wrong with the command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotReady(String);

/// Where the token file is.
enum Home {
    /// In a folder that goes when this process does.
    Private(PrivateFolder),
    /// In one that stays, with the key that signs sessions.
    Kept(PathBuf),
}

impl Home {
    fn new(kept: Option<&ConfigDir>) -> anyhow::Result<Self> {
        match kept {
            Some(folder) => Ok(Self::Kept(folder.token_file()?)),
            None => Ok(Self::Private(
                PrivateFolder::new("dremio-mcp-local")
                    .context("cannot make a folder for the token; set TMPDIR to one with space")?,
            )),
        }
    }

    fn token_file(&self) -> PathBuf {
        match self {
            Self::Private(folder) => folder.path().join("token.json"),
            Self::Kept(token_file) => token_file.clone(),
        }
    }
}

/// A running sandbox (perhaps), refresher and gateway.
pub(crate) struct Stack {
    facts: Facts,
    /// The gateway's, with the addresses that it has.
    config: dremio_mcp::Config,
    dremio: DremioUri,
    folder: Home,
    services: Shutdown,
    gateway: JoinHandle<Exit>,
    refresher: token_refresher::RunningApp,
    sandbox: Option<Sandbox>,
}

impl Stack {
    /// Starts everything and waits until an agent could be served, telling `screen` how it goes.
    /// Keys and tokens are in `folder`, if there is one.
    ///
    /// # Errors
    /// When something cannot start, or is not ready in time; with the reason and the cure.
    pub(crate) async fn start(
        arguments: &Arguments,
        folder: Option<&ConfigDir>,
        screen: &Screen,
    ) -> anyhow::Result<Self> {
        check(arguments, folder).await?;
        let folder = Home::new(folder)?;
        let token_file = folder.token_file();
        let sandbox = start_sandbox(arguments, screen).await?;
        let dremio: DremioUri = match (&arguments.dremio_uri, &sandbox) {
            (Some(uri), _) => uri.clone(),
            (None, Some(sandbox)) => sandbox.uri().parse()?,
            (None, None) => bail!("no Dremio to talk to"),
        };
        let services = Shutdown::new();

        let config = refresher_config(arguments, dremio.clone(), token_file.clone())?;
        let refresher =
            token_refresher::App::start(config, Clock::system(), services.clone()).await?;
        wait(screen, "login", refresher.readiness(), &["dremio", "token"]).await?;

        let config = dremio_mcp::Config {
            refresher_url: Some(format!("http://{}/", refresher.admin_addr()).parse()?),
            ..gateway_config(arguments, dremio.clone(), token_file)?
        };
        let engine = match &config.engine {
            EngineConfig::Native => "native engine",
            EngineConfig::Official(_) => "official server",
        };
        check_config(&config, arguments)?;
        let app = dremio_mcp::App::start(config.clone(), Clock::system(), services.clone()).await?;
        let (mcp_addr, admin_addr) = (app.mcp_addr(), app.admin_addr());
        let config = dremio_mcp::Config { mcp_addr, admin_addr, ..config };
        let facts = Facts {
            dremio_uri: dremio.to_string(),
            sandbox_user: sandbox.is_some().then(|| {
                let (user, password) = SANDBOX_USER;
                (user.to_owned(), password.to_owned())
            }),
            mcp_uri: format!("http://{}/mcp", app.mcp_addr()),
            status_uri: format!("http://{}/", app.admin_addr()),
            engine: engine.to_owned(),
            log_file: None,
            keys_file: arguments.api_keys_file.as_ref().map(|file| {
                std::path::absolute(file).unwrap_or(file.clone()).display().to_string()
            }),
        };
        let readiness = app.readiness().clone();
        let gateway = tokio::spawn(app.run());
        let stack = Self { facts, config, dremio, folder, services, gateway, refresher, sandbox };
        match wait(screen, "MCP server", &readiness, &["dremio", "engine", "token"]).await {
            Ok(()) => Ok(stack),
            Err(cause) => {
                stack.stop().await;
                Err(cause)
            }
        }
    }

    /// What the gateway runs with.
    pub(crate) fn config(&self) -> &dremio_mcp::Config {
        &self.config
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts.clone()
    }

    /// Resolves when a service has ended by itself. Cancel safe.
    pub(crate) async fn ended(&mut self) -> Exit {
        tokio::select! {
            exit = &mut self.gateway => exit.unwrap_or(Exit::TaskDied),
            exit = self.refresher.join() => exit,
        }
    }

    /// Stops everything at once, ends the login at Dremio, and removes the private folder.
    pub(crate) async fn stop(mut self) {
        let token_file = self.folder.token_file();
        let token = token_file::read(&token_file).ok();
        self.services.stop_now();
        let _ = tokio::join!(&mut self.gateway, self.refresher.join());
        if let Some(token) = token {
            let _ = tokio::time::timeout(LOGOUT_WAIT_MAX, log_out(&self.dremio, &token)).await;
        }
        if matches!(self.folder, Home::Kept(_)) {
            let _absent = std::fs::remove_file(&token_file);
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

async fn start_sandbox(arguments: &Arguments, screen: &Screen) -> anyhow::Result<Option<Sandbox>> {
    if arguments.dremio_uri.is_some() {
        return Ok(None);
    }
    screen.starting("sandbox", "loading demo data");
    let addr = sandbox_addr(arguments);
    let (user, password) = SANDBOX_USER;
    let users = vec![(user.to_owned(), password.to_owned())];
    let config = SandboxConfig {
        addr,
        users,
        token_lifetime: arguments.token_lifetime,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start(config).await?;
    screen.done("sandbox", &sandbox.uri());
    Ok(Some(sandbox))
}

/// Settings of the gateway that have no flag here and count as they stand in the environment: texts
/// of the gateway name them as a cure.
const FROM_ENVIRONMENT: [&Setting; 9] = [
    &settings::DREMIOAI_DREMIO__ALLOW_DML,
    &settings::MCP_ALLOW_JOB_HISTORY,
    &settings::MCP_ALLOW_WRITES,
    &settings::MCP_CALL_TIMEOUT,
    &settings::MCP_ENGINE_TIMEOUT,
    &settings::MCP_RATE_LIMIT,
    &settings::MCP_SERVER_CONFINE,
    &settings::MCP_SERVER_WRITABLE,
    &settings::MCP_STANDBY,
];

fn refresher_config(
    arguments: &Arguments,
    dremio: DremioUri,
    token_file: PathBuf,
) -> anyhow::Result<token_refresher::Config> {
    let inline = |text: &str| SecretSource::Inline(text.into());
    let (username, password) = match (&arguments.username, &arguments.password_file) {
        (Some(username), Some(file)) => (inline(username), SecretSource::File(file.clone())),
        _ => (inline(SANDBOX_USER.0), inline(SANDBOX_USER.1)),
    };
    password.read().context("--password-file")?;
    let config = token_refresher::Config::new(dremio, username, password);
    Ok(token_refresher::Config { token_file, admin_addr: any_port(), ..config })
}

/// The configuration of the gateway, but for the address of token-refresher.
pub(crate) fn gateway_config(
    arguments: &Arguments,
    dremio: DremioUri,
    token_file: PathBuf,
) -> anyhow::Result<dremio_mcp::Config> {
    let auth = match &arguments.api_keys_file {
        Some(file) => AuthConfig::Keys(SecretSource::File(file.clone())),
        None => AuthConfig::Open,
    };
    let environment = Env::process().with_settings(&FROM_ENVIRONMENT);
    let config = dremio_mcp::Config::new(dremio, mcp_addr(arguments), auth, &environment)?;
    Ok(dremio_mcp::Config {
        token_file,
        admin_addr: arguments.admin_addr.unwrap_or_else(any_port),
        engine: arguments.engine(config.engine),
        allowed_hosts: arguments.allowed_hosts.clone(),
        allowed_origins: arguments.allowed_origins.clone(),
        // Not read by the gateway, only kept from its child.
        secret_paths: arguments.password_file.iter().cloned().collect(),
        ..config
    })
}

/// What would keep the gateway from working, in terms of the command line.
fn check_config(config: &dremio_mcp::Config, arguments: &Arguments) -> anyhow::Result<()> {
    match dremio_mcp::App::check(config) {
        Err(StartError::NoSuchProgram { program }) => bail!(
            "--mcp-server-command: `{program}` was not found, or is no program; install the \
             official server or name its full path"
        ),
        Err(StartError::Keys(cause)) => Err(cause).with_context(|| {
            let ours = arguments.api_keys_file.as_ref().filter(|_| arguments.require_key);
            ours.map_or("--api-keys-file".to_owned(), |file| {
                format!("{} is damaged; delete it, and another key is made", file.display())
            })
        }),
        checked => Ok(checked.map(drop)?),
    }
}

/// Waits until `conditions` are met, telling why they are not yet.
async fn wait<N: ConditionName>(
    screen: &Screen,
    what: &str,
    readiness: &Readiness<N>,
    conditions: &[&str],
) -> anyhow::Result<()> {
    let mut last = String::from("-");
    let waited = tokio::time::timeout(START_WAIT_MAX, async {
        loop {
            let report = readiness.report();
            let unmet = conditions
                .iter()
                .find_map(|&name| report.conditions.get(name).filter(|condition| !condition.ready));
            let Some(condition) = unmet else { return Ok(()) };
            let said = condition.message.as_deref().unwrap_or_default();
            let why = match condition.reason.as_deref() {
                // At the beginning it is always so.
                Some("starting" | "missing") => String::new(),
                Some("unreachable") => away(said),
                _ => said.to_owned(),
            };
            // What only a person can mend is not waited for.
            if condition.reason.as_deref() == Some("rejected_credentials") {
                let likely = why
                    .split_once("; the likely cause: ")
                    .map_or(String::new(), |(_, cause)| format!("; the likely cause: {cause}"));
                bail!(
                    "Dremio rejected the user name or the password; correct --username, or the \
                     file that --password-file names{likely}"
                );
            }
            if matches!(condition.reason.as_deref(), Some("no_user_yet" | "tls" | "not_dremio_api"))
            {
                bail!("{why}");
            }
            if why != last {
                let retrying = if why.is_empty() { "" } else { " (trying again; Ctrl-C stops)" };
                screen.starting(what, &format!("{why}{retrying}"));
                last = why;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    match waited.await {
        Ok(result) => result?,
        Err(_) => {
            return Err(NotReady(format!(
                "{what} is not ready after {} s: {last}",
                START_WAIT_MAX.as_secs()
            ))
            .into());
        }
    }
    screen.done(what, "");
    Ok(())
}

/// Dremio is away: the services' own advice is about containers and variables.
fn away(said: &str) -> String {
    let said = said.trim_start_matches("login: ");
    let fact = said.split_once("; ").map_or(said, |(fact, _)| fact);
    format!("{fact}; start Dremio, or correct --dremio-uri")
}

async fn log_out(dremio: &DremioUri, token: &Token) -> anyhow::Result<()> {
    let client = DremioClient::new(Transport::connect(&ConnectConfig::new(dremio.clone()))?);
    client.logout(token.secret()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::away;

    #[test]
    fn a_dremio_that_is_away_is_told_with_the_flag_to_correct() {
        let said = "login: Dremio cannot be reached: Connection refused (os error 111); the likely \
                    cause: DREMIO_URI names this container itself";
        let expected = "Dremio cannot be reached: Connection refused (os error 111); start Dremio, \
                        or correct --dremio-uri";
        assert_eq!(away(said), expected);
        assert_eq!(away("it is slow"), "it is slow; start Dremio, or correct --dremio-uri");
    }
}
