//! The gateway's settings: read once from the environment, complete or with every problem named.

mod auth;
mod urls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioUri};
use service_kit::admin::AdminHosts;
use service_kit::env::{Env, Problem, Problems, Reader};
use service_kit::http::TrustedProxies;
use service_kit::logging::LogConfig;
use service_kit::settings::{self, HANDED_ON, HANDED_ON_PREFIX, NOT_HANDED_ON, Service};

pub use self::auth::{AuthConfig, policy_tools};
use crate::access::{AllowedHost, AllowedOrigin, Rate, RateSetting};
use crate::answer::AnswerConfig;
use crate::audit::AuditConfig;
use crate::guard::Guard;
use crate::telemetry::TracesConfig;

/// A shorter limit would kill a healthy child that is busy. Only tests come near it.
const ENGINE_TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Which engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineConfig {
    /// The official server, started with this command line.
    Official(Vec<String>),
    /// Our own tools, in process.
    Native,
}

/// The whole configuration of the gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Dremio's address, trusted certificates and time limits.
    pub dremio: ConnectConfig,
    /// The token file.
    pub token_file: PathBuf,
    /// The address for agents.
    pub mcp_addr: SocketAddr,
    /// The address for operators.
    pub admin_addr: SocketAddr,
    /// Host names that are allowed there.
    pub admin_hosts: AdminHosts,
    /// The engine.
    pub engine: EngineConfig,
    /// Who may use the gateway.
    pub auth: AuthConfig,
    /// Names of this server besides loopback and its own address.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Origins of pages that may use this server besides its own names.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Proxies whose word on the client's address is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The refresher's admin address, for refresh requests after a 401.
    pub refresher_url: Option<url::Url>,
    /// The address that agents elsewhere use, without `/mcp` and without a slash at its end.
    pub public_url: Option<url::Url>,
    /// Which statements reach Dremio.
    pub guard: Guard,
    /// How many messages one key may send; `None` for no limit.
    pub rate_limit: Option<Rate>,
    /// Limit for one call.
    pub call_timeout: Duration,
    /// What is written down of calls.
    pub audit: AuditConfig,
    /// How the answers to queries are written.
    pub answers: AnswerConfig,
    /// A child that is silent for this long, even to pings, is replaced.
    pub engine_timeout: Duration,
    /// Whether a second child waits to take over.
    pub standby: bool,
    /// Whether the official server's process is confined to what it needs.
    pub server_confined: bool,
    /// Whether what it answers is repaired for Community Edition.
    pub official_repair: bool,
    /// Whether it serves HTTP to the gateway, so that each of its requests says for which call it
    /// is: where clients have rights, budgets or accounts of their own, and for the audit file.
    /// Otherwise it speaks over stdio.
    pub tickets: bool,
    /// Folders in which it may write besides its own.
    pub server_writable: Vec<PathBuf>,
    /// Files and folders with secrets, besides those of the token and the keys.
    pub secret_paths: Vec<PathBuf>,
    /// How long a session may be idle before it is dropped.
    pub session_idle: Duration,
    /// How long answers in flight may take to finish after SIGTERM.
    pub drain_timeout: Duration,
    /// Where traces go, if anywhere.
    pub traces: Option<TracesConfig>,
    /// The part of the gateway's environment that the official server may see.
    pub child_environment: BTreeMap<String, String>,
    /// Unknown variables with our prefixes.
    pub unknown_variables: Vec<String>,
}

impl Config {
    /// Reads `env`.
    ///
    /// # Errors
    /// Every problem at once, each with its cure. A retry cannot help.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        match Self::survey(env) {
            (config, problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(Problems(problems)),
        }
    }

    /// Reads `env` as far as it goes, for who looks at the rest all the same: what is wrong has its
    /// default, or lets nobody in. Also returns every problem.
    pub(crate) fn survey(env: &Env) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(env, Service::Gateway);
        let uri = reader.value(&settings::DREMIO_URI);
        let mcp_addr = reader.listen_addr(&settings::MCP_ADDR);
        let auth = auth::read(&mut reader, mcp_addr);
        let config = Self::gather(&mut reader, env, uri, mcp_addr, auth);
        config.check_policy(&mut reader);
        match reader.finish() {
            Ok(unknown_variables) => (Self { unknown_variables, ..config }, Vec::new()),
            Err(Problems(problems)) => (config, problems),
        }
    }

    /// With this Dremio, address and access; the rest as in `env`, or the default.
    ///
    /// # Errors
    /// Every problem of `env`.
    pub fn new(
        uri: DremioUri,
        mcp_addr: SocketAddr,
        auth: AuthConfig,
        env: &Env,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(env, Service::Gateway);
        let config = Self::gather(&mut reader, env, uri, mcp_addr, auth);
        if reader.text(&settings::MCP_POLICY_FILE).is_some() {
            let problem = "is of dremio-mcp alone; take it out, or run the gateway as a service";
            reader.problem(&settings::MCP_POLICY_FILE, problem);
        }
        reader.finish_part().map(|()| config)
    }

    fn gather(
        reader: &mut Reader<'_>,
        env: &Env,
        uri: DremioUri,
        mcp_addr: SocketAddr,
        auth: AuthConfig,
    ) -> Self {
        // Used before anything else; read here for the list of problems.
        LogConfig::read(reader);
        let guard = read_guard(reader);
        let call_timeout = read_call_timeout(reader);
        let (engine, audit) = (read_engine(reader), AuditConfig::read(reader));
        let has_policy = matches!(auth, AuthConfig::Policy { .. });
        let is_official = matches!(engine, EngineConfig::Official(_));
        Self {
            dremio: ConnectConfig {
                ca_file: reader.optional(&settings::DREMIO_CA_FILE),
                tls_verify: reader.flag(&settings::DREMIO_TLS_VERIFY),
                ..ConnectConfig::new(uri)
            },
            token_file: reader.value(&settings::TOKEN_FILE),
            mcp_addr,
            admin_addr: reader.listen_addr(&settings::ADMIN_ADDR),
            admin_hosts: reader.optional(&settings::ADMIN_ALLOWED_HOSTS).unwrap_or_default(),
            tickets: is_official && (has_policy || audit.file.is_some()),
            engine,
            auth,
            allowed_hosts: reader.list(&settings::MCP_ALLOWED_HOSTS),
            allowed_origins: reader.list(&settings::MCP_ALLOWED_ORIGINS),
            trusted_proxies: reader.optional(&settings::MCP_TRUSTED_PROXIES).unwrap_or_default(),
            refresher_url: urls::refresher(reader),
            public_url: urls::public(reader),
            guard,
            rate_limit: reader.value::<RateSetting>(&settings::MCP_RATE_LIMIT).limit(),
            call_timeout,
            audit,
            answers: read_answers(reader, call_timeout),
            engine_timeout: read_engine_timeout(reader),
            standby: reader.flag(&settings::MCP_STANDBY),
            server_confined: reader.flag(&settings::MCP_SERVER_CONFINE),
            official_repair: reader.flag(&settings::MCP_OFFICIAL_REPAIR),
            server_writable: read_folders(reader),
            secret_paths: secret_paths(env),
            session_idle: reader.duration(&settings::MCP_SESSION_IDLE),
            drain_timeout: reader.duration(&settings::MCP_DRAIN_TIMEOUT),
            traces: TracesConfig::read(reader),
            child_environment: child_environment(env),
            unknown_variables: Vec::new(),
        }
    }

    /// Files and folders with secrets: those named in settings, the token with its folder, where
    /// token-refresher keeps more than the token, and the audit file with what is set aside.
    pub(crate) fn hidden_paths(&self) -> Vec<PathBuf> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let token_file = absolute(&self.token_file);
        let keys_file = match &self.auth {
            AuthConfig::Keys(source) | AuthConfig::Policy { keys: Some(source), .. } => {
                source.path()
            }
            AuthConfig::Policy { keys: None, .. } | AuthConfig::Open => None,
        };
        let mut hidden: Vec<PathBuf> =
            self.secret_paths.iter().map(|path| absolute(path)).collect();
        hidden.extend(keys_file.map(absolute));
        hidden.extend(token_file.parent().map(Path::to_owned));
        let audit_file = self.audit.file.as_deref().map(absolute);
        hidden.extend(audit_file.and_then(|file| file.parent().map(Path::to_owned)));
        hidden.push(token_file);
        hidden
    }
}

impl EngineConfig {
    /// The official server, started with this command line, which is split as by a shell.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn official(command: &str) -> Result<Self, String> {
        match shell_words::split(command) {
            Ok(words) if !words.is_empty() => Ok(Self::Official(in_this_folder(words))),
            _ => Err("is not a command line: a quote is not closed, or it is blank".to_owned()),
        }
    }
}

fn read_engine(reader: &mut Reader<'_>) -> EngineConfig {
    // Checked even if it is not used.
    let official = reader.parsed(&settings::MCP_SERVER_COMMAND, EngineConfig::official);
    reader.parsed(&settings::MCP_ENGINE, |engine| match engine {
        "official" => Ok(official.clone()),
        "native" => Ok(EngineConfig::Native),
        other => Err(format!("`{other}` is not an engine; use official or native")),
    })
}

/// A relative path to the program starts here, but the child will start in its own folder.
fn in_this_folder(mut words: Vec<String>) -> Vec<String> {
    if let Some(program) = words.first_mut().filter(|program| program.contains('/'))
        && let Some(absolute) = std::path::absolute(&*program)
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok())
    {
        *program = absolute;
    }
    words
}

fn read_call_timeout(reader: &mut Reader<'_>) -> Duration {
    let limit = reader.duration(&settings::MCP_CALL_TIMEOUT);
    if limit.is_zero() {
        let problem = "must be longer than 0, or no call can succeed";
        reader.problem(&settings::MCP_CALL_TIMEOUT, problem);
    }
    limit
}

/// A call that has waited for its query still has to say so within its limit.
fn read_answers(reader: &mut Reader<'_>, call_timeout: Duration) -> AnswerConfig {
    let query_wait = reader.duration(&settings::MCP_QUERY_WAIT).min(call_timeout * 9 / 10);
    let tokens_max = reader.value(&settings::MCP_ANSWER_TOKENS);
    let limits = AnswerConfig::TOKENS;
    if !limits.contains(&tokens_max) {
        let problem = format!("must be from {} to {}", limits.start(), limits.end());
        reader.problem(&settings::MCP_ANSWER_TOKENS, problem);
    }
    AnswerConfig {
        tokens_max,
        format: reader.value(&settings::MCP_RESULT_FORMAT),
        query_wait,
        suggest_values: reader.flag(&settings::MCP_SUGGEST_VALUES),
    }
}

fn read_engine_timeout(reader: &mut Reader<'_>) -> Duration {
    let limit = reader.duration(&settings::MCP_ENGINE_TIMEOUT);
    if limit < ENGINE_TIMEOUT_MIN {
        let problem = "is too short for a busy server to answer a ping; use 100ms or more";
        reader.problem(&settings::MCP_ENGINE_TIMEOUT, problem);
    }
    limit
}

/// Either of the two switches is enough: operators of the official server have always used its own.
fn read_guard(reader: &mut Reader<'_>) -> Guard {
    let allow_writes = reader.flag(&settings::MCP_ALLOW_WRITES);
    // The values that the official server accepts.
    let allow_dml = reader.parsed(&settings::DREMIOAI_DREMIO__ALLOW_DML, |text| {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
            _ => Err("is neither `true` nor `false`".to_owned()),
        }
    });
    Guard {
        allow_writes: allow_writes || allow_dml,
        allow_job_history: reader.flag(&settings::MCP_ALLOW_JOB_HISTORY),
    }
}

fn read_folders(reader: &mut Reader<'_>) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = reader.list(&settings::MCP_SERVER_WRITABLE);
    if let Some(wrong) = folders.iter().find(|folder| !folder.is_absolute() || !folder.is_dir()) {
        let problem = format!("`{}` is not the full path of a folder that exists", wrong.display());
        reader.problem(&settings::MCP_SERVER_WRITABLE, problem);
    }
    folders
}

/// Files and folders with secrets, named in a variable of either service, or of one that is not
/// known yet. Certificates of authorities are no secret.
fn secret_paths(env: &Env) -> Vec<PathBuf> {
    ["AUDIT_", "DREMIO_", "MCP_", "OTEL_"]
        .into_iter()
        .flat_map(|prefix| env.with_prefix(prefix))
        .filter(|(name, _)| name.ends_with("_FILE") || name.ends_with("_DIR"))
        .filter(|(name, _)| *name != settings::DREMIO_CA_FILE.name)
        .map(|(_, path)| path.into())
        .collect()
}

/// The part of the environment that the official server may see. Its own guard is switched
/// off: every statement passes ours at the egress proxy, and the official server's would also
/// refuse some reads (`EXPLAIN`, `SHOW`, `EXCEPT`, a column named `update`).
fn child_environment(env: &Env) -> BTreeMap<String, String> {
    let plain = HANDED_ON.iter().filter_map(|&name| Some((name, env.get(name)?)));
    let allow_dml = settings::DREMIOAI_DREMIO__ALLOW_DML.name;
    let own = env
        .with_prefix(HANDED_ON_PREFIX)
        .filter(|(name, _)| !NOT_HANDED_ON.contains(name) && *name != allow_dml);
    plain
        .chain(own)
        .chain([(allow_dml, "true")])
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests;
