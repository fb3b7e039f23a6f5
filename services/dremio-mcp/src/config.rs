//! The gateway's settings: read once from the environment, complete or with every problem named.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioUri};
use service_kit::SecretSource;
use service_kit::admin::AdminHosts;
use service_kit::env::{Env, Problems, Reader};
use service_kit::http::TrustedProxies;
use service_kit::logging::LogConfig;

use crate::door::{AllowedHost, AllowedOrigin, KeyRing, KeyRingError, Rate, RateSetting};
use crate::engine::official::ALLOW_DML;
use crate::guard::Guard;

/// The official server's command line: logs to its standard error as JSON, none to a file.
const MCP_SERVER_COMMAND: &str = "dremio-mcp-server run --no-log-to-file --enable-json-logging";

/// Below this, a healthy child would be killed for being busy. Only tests come near.
const ENGINE_TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Prefixes of our own; a variable under one of them that nobody knows is worth a warning.
const PREFIXES: [&str; 2] = ["MCP_", "TOKEN_"];

/// Settings of the other service: one `.env` file may serve both.
const OTHERS: [&str; 9] = [
    "DREMIO_USERNAME",
    "DREMIO_USERNAME_FILE",
    "DREMIO_PASSWORD",
    "DREMIO_PASSWORD_FILE",
    "TOKEN_CHECK_INTERVAL",
    "TOKEN_REFRESH_BEFORE",
    "TOKEN_REVOKE_AFTER",
    "RETRY_INITIAL",
    "RETRY_MAX",
];

/// Which engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineConfig {
    /// The official server, started with this command line.
    Official(Vec<String>),
    /// Our own tools, in process.
    Native,
}

/// Who may come in.
#[derive(Clone, Debug)]
pub enum AuthConfig {
    /// Clients that present one of these keys.
    Keys(SecretSource),
    /// Everybody.
    Open,
}

/// Everything that the gateway must be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Dremio, and how far to trust it.
    pub dremio: ConnectConfig,
    /// The token file.
    pub token_file: PathBuf,
    /// Where agents connect.
    pub mcp_addr: SocketAddr,
    /// Where operators look.
    pub admin_addr: SocketAddr,
    /// Names by which operators' tools may ask there.
    pub admin_hosts: AdminHosts,
    /// Which engine answers.
    pub engine: EngineConfig,
    /// Who may come in.
    pub auth: AuthConfig,
    /// Names of this server besides loopback and its own address.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Origins of pages that may use this server besides its own names.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Proxies that may say for whom they ask.
    pub trusted_proxies: TrustedProxies,
    /// The refresher's admin address, to be nudged after a 401.
    pub refresher_url: Option<url::Url>,
    /// Which statements reach Dremio.
    pub guard: Guard,
    /// How many messages one key may send; `None` for any number.
    pub rate_limit: Option<Rate>,
    /// Limit for one call.
    pub call_timeout: Duration,
    /// A child that is silent for this long, pings included, is replaced.
    pub engine_timeout: Duration,
    /// Whether a second child waits to take over.
    pub standby: bool,
    /// Whether the official server's process is kept from what it does not need.
    pub server_confined: bool,
    /// Folders in which it may write besides its own.
    pub server_writable: Vec<PathBuf>,
    /// Files and folders that hold secrets.
    pub secret_paths: Vec<PathBuf>,
    /// How long a session may rest before it is forgotten.
    pub session_idle: Duration,
    /// How long answers in flight get to finish after SIGTERM.
    pub drain_timeout: Duration,
    /// The part of the gateway's environment that the official server may see.
    pub child_environment: std::collections::BTreeMap<String, String>,
    /// Variables under our prefixes that nobody knows.
    pub unknown_variables: Vec<String>,
}

impl Config {
    /// Reads `env`.
    ///
    /// # Errors
    /// Every problem at once, each with its cure. A retry cannot help.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        let mut reader = Reader::new(env);
        // Read for real before anything else; here for the list of problems.
        LogConfig::read(&mut reader);
        let uri: Option<DremioUri> = reader.required("DREMIO_URI", "http://dremio:9047");
        let ca_file = reader.text("DREMIO_CA_FILE").map(PathBuf::from);
        let tls_verify = reader.flag("DREMIO_TLS_VERIFY", true);
        let mcp_addr = reader.listen_addr("MCP_ADDR", SocketAddr::from(([127, 0, 0, 1], 8000)));
        let admin_addr = reader.listen_addr("ADMIN_ADDR", SocketAddr::from(([127, 0, 0, 1], 9464)));
        let admin_hosts = reader.or("ADMIN_ALLOWED_HOSTS", AdminHosts::default());
        let engine = read_engine(&mut reader);
        let auth = read_auth(&mut reader, mcp_addr);
        let token_file = PathBuf::from(reader.text("TOKEN_FILE").unwrap_or("/tokens/token.json"));
        let (allowed_hosts, allowed_origins) =
            (reader.list("MCP_ALLOWED_HOSTS"), reader.list("MCP_ALLOWED_ORIGINS"));
        let trusted_proxies = reader.or("MCP_TRUSTED_PROXIES", TrustedProxies::default());
        let refresher_url = read_url(&mut reader);
        let guard = read_guard(&mut reader);
        let rate_limit = reader.or("MCP_RATE_LIMIT", RateSetting::default()).limit();
        let call_timeout = reader.duration("MCP_CALL_TIMEOUT", Duration::from_secs(5 * 60));
        if call_timeout.is_zero() {
            reader.problem(
                "MCP_CALL_TIMEOUT",
                "must be longer than 0, or no call can succeed".to_owned(),
            );
        }
        let engine_timeout = reader.duration("MCP_ENGINE_TIMEOUT", Duration::from_secs(30));
        if engine_timeout < ENGINE_TIMEOUT_MIN {
            reader.problem(
                "MCP_ENGINE_TIMEOUT",
                "is too short for a busy server to answer a ping; use 100ms or more".to_owned(),
            );
        }
        let standby = reader.flag("MCP_STANDBY", false);
        let server_confined = reader.flag("MCP_SERVER_CONFINE", true);
        let server_writable = read_folders(&mut reader, "MCP_SERVER_WRITABLE");
        let session_idle = reader.duration("MCP_SESSION_IDLE", Duration::from_secs(60 * 60));
        let drain_timeout = reader.duration("MCP_DRAIN_TIMEOUT", Duration::from_secs(20));
        reader.knows(&OTHERS);
        let unknown_variables = reader.unknown(&PREFIXES);
        reader.finish()?;
        // `finish` reports what is missing, so both are here; an empty list says the same without a
        // panic.
        let (Some(uri), Some(auth)) = (uri, auth) else { return Err(Problems(Vec::new())) };
        let config = Self {
            dremio: ConnectConfig { ca_file, tls_verify, ..ConnectConfig::new(uri) },
            secret_paths: secret_paths(env, &token_file),
            token_file,
            mcp_addr,
            admin_addr,
            admin_hosts,
            engine,
            auth,
            allowed_hosts,
            allowed_origins,
            trusted_proxies,
            refresher_url,
            guard,
            rate_limit,
            call_timeout,
            engine_timeout,
            standby,
            server_confined,
            server_writable,
            session_idle,
            drain_timeout,
            child_environment: crate::engine::official::Launch::environment(
                env,
                guard.allow_writes,
            ),
            unknown_variables,
        };
        Ok(config)
    }
}

fn read_engine(reader: &mut Reader<'_>) -> EngineConfig {
    let command = reader.text("MCP_SERVER_COMMAND").unwrap_or(MCP_SERVER_COMMAND);
    let words = match shell_words::split(command) {
        Ok(words) if !words.is_empty() => in_this_folder(words),
        _ => {
            reader.problem(
                "MCP_SERVER_COMMAND",
                "is not a command line: a quote is not closed, or it is blank".to_owned(),
            );
            Vec::new()
        }
    };
    match reader.text("MCP_ENGINE").unwrap_or("official") {
        "official" => EngineConfig::Official(words),
        "native" => EngineConfig::Native,
        other => {
            let problem = format!("`{other}` is not an engine; use official or native");
            reader.problem("MCP_ENGINE", problem);
            EngineConfig::Native
        }
    }
}

/// A relative path to the program is meant from here; the child is started in a folder of its own.
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

fn read_auth(reader: &mut Reader<'_>, mcp_addr: SocketAddr) -> Option<AuthConfig> {
    let may_be_open = reader.flag("MCP_ALLOW_OPEN", false);
    let keys_file = reader.text("MCP_API_KEYS_FILE").map(|path| SecretSource::File(path.into()));
    // As for every secret, a blank file counts as absent.
    let (key, keys_file) =
        (reader.secret("MCP_API_KEY"), keys_file.filter(|file| !file.is_blank()));
    match reader.text("MCP_AUTH").unwrap_or("keys") {
        "none" if key.is_some() || keys_file.is_some() => {
            let problem =
                "none would leave the door open although keys are set; remove one of the two";
            reader.problem("MCP_AUTH", problem.to_owned());
            None
        }
        "none" if mcp_addr.ip().is_loopback() || may_be_open => Some(AuthConfig::Open),
        "none" => {
            let problem = format!(
                "none would let everybody who reaches {mcp_addr} query Dremio. Use MCP_AUTH=keys, listen on 127.0.0.1, \
                 or set MCP_ALLOW_OPEN=true if something else in front of it checks who asks"
            );
            reader.problem("MCP_AUTH", problem);
            None
        }
        "keys" => {
            let (name, source) = match (key, keys_file) {
                (Some(_), Some(_)) => {
                    reader.problem(
                        "MCP_API_KEYS_FILE",
                        "is set and so is MCP_API_KEY (or MCP_API_KEY_FILE); keep one of them"
                            .to_owned(),
                    );
                    return None;
                }
                (Some(source), None) => ("MCP_API_KEY", source),
                (None, Some(source)) => ("MCP_API_KEYS_FILE", source),
                (None, None) => {
                    let problem = "agents need a key, and none is set; this makes one for Docker Compose: \
                                   echo \"MCP_API_KEY=$(openssl rand -hex 32)\" >>.env (elsewhere put one a line into a file and name \
                                   it in MCP_API_KEYS_FILE, or set MCP_AUTH=none on a loopback address)";
                    reader.problem("MCP_API_KEY", problem.to_owned());
                    return None;
                }
            };
            match KeyRing::load(source.clone()) {
                Ok(_) => Some(AuthConfig::Keys(source)),
                // A missing MCP_API_KEY_FILE was reported when it was read.
                Err(KeyRingError::Unreadable(_)) if name == "MCP_API_KEY" => None,
                Err(cause) => {
                    reader.problem(name, cause.to_string());
                    None
                }
            }
        }
        other => {
            let problem = format!("`{other}` is not a way to authenticate; use keys or none");
            reader.problem("MCP_AUTH", problem);
            None
        }
    }
}

/// Either of the two switches is enough: who lets the official server write has always said so with
/// its own.
fn read_guard(reader: &mut Reader<'_>) -> Guard {
    let allow_writes = reader.flag("MCP_ALLOW_WRITES", false);
    let allow_dml =
        match reader.text(ALLOW_DML).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            // The words that the official server takes.
            Some("true" | "1" | "yes" | "on" | "t" | "y") => true,
            None | Some("false" | "0" | "no" | "off" | "f" | "n") => false,
            Some(_) => {
                reader.problem(ALLOW_DML, "is neither `true` nor `false`".to_owned());
                false
            }
        };
    Guard {
        allow_writes: allow_writes || allow_dml,
        allow_job_history: reader.flag("MCP_ALLOW_JOB_HISTORY", false),
    }
}

fn read_folders(reader: &mut Reader<'_>, name: &str) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = reader.list(name);
    if let Some(wrong) = folders.iter().find(|folder| !folder.is_absolute() || !folder.is_dir()) {
        reader.problem(
            name,
            format!("`{}` is not the full path of a folder that exists", wrong.display()),
        );
    }
    folders
}

/// Where secrets lie: the token with its folder, where token-refresher keeps more than the token,
/// and whatever else is named in a variable of either service. Certificates of authorities are no
/// secret.
fn secret_paths(env: &Env, token_file: &Path) -> Vec<PathBuf> {
    let named =
        ["AUDIT_", "DREMIO_", "MCP_"].into_iter().flat_map(|prefix| env.with_prefix(prefix));
    let named = named.filter(|(name, value)| {
        (name.ends_with("_FILE") || name.ends_with("_DIR"))
            && *name != "DREMIO_CA_FILE"
            && !value.is_empty()
    });
    let token_file = std::path::absolute(token_file).unwrap_or_else(|_| token_file.to_owned());
    let folder = token_file.parent().map(Path::to_owned);
    named
        .filter_map(|(_, path)| std::path::absolute(path).ok())
        .chain(folder)
        .chain([token_file])
        .collect()
}

fn read_url(reader: &mut Reader<'_>) -> Option<url::Url> {
    let mut url: url::Url = reader.optional("REFRESHER_URL")?;
    if !matches!(url.scheme(), "http" | "https")
        || url.host().is_none()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        reader.problem(
            "REFRESHER_URL",
            "is not an http(s) address; for example http://token-refresher:9465".to_owned(),
        );
        return None;
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

#[cfg(test)]
mod tests;
