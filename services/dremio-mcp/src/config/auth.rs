//! Who may use the gateway: settings of keys and of the policy file.

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use service_kit::SecretSource;
use service_kit::env::Reader;
use service_kit::settings;

use super::{Config, EngineConfig};
use crate::access::{KeyRing, KeyRingError};
use crate::engine::TOOL_NAMES;
use crate::policy::check_file;

/// Who may use the gateway.
#[derive(Clone, Debug)]
pub enum AuthConfig {
    /// Clients that present one of these keys.
    Keys(SecretSource),
    /// Clients that this policy file names, and as far as it says so, those that present one of
    /// these keys.
    Policy {
        /// The file.
        file: PathBuf,
        /// The keys that need not stand in it.
        keys: Option<SecretSource>,
    },
    /// Everyone.
    Open,
}

/// The tools that a policy file can name, whatever the engine.
#[must_use]
pub fn policy_tools() -> &'static [&'static str] {
    &TOOL_NAMES
}

impl Config {
    /// Whether the policy file can be held.
    pub(super) fn check_policy(&self, reader: &mut Reader<'_>) {
        let AuthConfig::Policy { file, .. } = &self.auth else { return };
        let is_relayed = matches!(self.engine, EngineConfig::Official(_)) && !self.official_repair;
        if is_relayed {
            let problem = "cannot be held where the official server answers by itself; leave \
                           MCP_OFFICIAL_REPAIR=true, or use MCP_ENGINE=native";
            reader.problem(&settings::MCP_POLICY_FILE, problem);
        }
        if let Err(cause) = check_file(file, policy_tools()) {
            reader.problem(&settings::MCP_POLICY_FILE, cause.to_string());
        }
    }
}

/// Where settings are wrong, the result lets nobody in.
pub(super) fn read(reader: &mut Reader<'_>, mcp_addr: SocketAddr) -> AuthConfig {
    let Some(file) = reader.text(&settings::MCP_POLICY_FILE).map(PathBuf::from) else {
        return read_keys(reader, mcp_addr, false).unwrap_or(AuthConfig::Open);
    };
    match read_keys(reader, mcp_addr, true) {
        Some(AuthConfig::Keys(source)) => AuthConfig::Policy { file, keys: Some(source) },
        None => AuthConfig::Policy { file, keys: None },
        Some(other) => other,
    }
}

/// Who may use the gateway if no policy says so; nothing where only a policy does.
fn read_keys(
    reader: &mut Reader<'_>,
    mcp_addr: SocketAddr,
    has_policy: bool,
) -> Option<AuthConfig> {
    let may_be_open = reader.flag(&settings::MCP_ALLOW_OPEN);
    let key = reader.secret(&settings::MCP_API_KEY);
    let keys_file = reader
        .text(&settings::MCP_API_KEYS_FILE)
        .map(|path| SecretSource::File(path.into()))
        // As for every secret, a blank file counts as absent.
        .filter(|file| !file.is_blank());
    let closed = || AuthConfig::Keys(SecretSource::Inline(SecretString::default()));
    let by_key = reader.parsed(&settings::MCP_AUTH, |auth| match auth {
        "none" => Ok(false),
        "keys" => Ok(true),
        other => Err(format!("`{other}` is not a way to authenticate; use keys or none")),
    });
    let (setting, source) = match (by_key, key, keys_file) {
        (false, _, _) if has_policy => {
            let problem = "none would leave the door open although MCP_POLICY_FILE is set; remove \
                           one of the two";
            reader.problem(&settings::MCP_AUTH, problem);
            return Some(closed());
        }
        (true, None, None) if has_policy => return None,
        (false, None, None) if mcp_addr.ip().is_loopback() || may_be_open => {
            return Some(AuthConfig::Open);
        }
        (false, None, None) => {
            let problem = format!(
                "none would let everybody who reaches {mcp_addr} query Dremio. Use MCP_AUTH=keys, \
                 listen on 127.0.0.1, or set MCP_ALLOW_OPEN=true if something else in front of it \
                 checks who asks"
            );
            reader.problem(&settings::MCP_AUTH, problem);
            return Some(closed());
        }
        (false, _, _) => {
            let problem =
                "none would leave the door open although keys are set; remove one of the two";
            reader.problem(&settings::MCP_AUTH, problem);
            return Some(closed());
        }
        (true, Some(_), Some(_)) => {
            let problem = "is set and so is MCP_API_KEY (or MCP_API_KEY_FILE); keep one of them";
            reader.problem(&settings::MCP_API_KEYS_FILE, problem);
            return Some(closed());
        }
        (true, None, None) => {
            let problem = "agents need a key, and none is set; this makes one for Docker Compose: \
                           echo \"MCP_API_KEY=$(openssl rand -hex 32)\" >>.env (elsewhere put one \
                           a line into a file and name it in MCP_API_KEYS_FILE, or set \
                           MCP_AUTH=none on a loopback address)";
            reader.problem(&settings::MCP_API_KEY, problem);
            return Some(closed());
        }
        (true, Some(source), None) => (&settings::MCP_API_KEY, source),
        (true, None, Some(source)) => (&settings::MCP_API_KEYS_FILE, source),
    };
    match KeyRing::load(source.clone()) {
        Ok(_) => {}
        // A missing MCP_API_KEY_FILE was reported when it was read.
        Err(KeyRingError::Unreadable(_)) if setting == &settings::MCP_API_KEY => {}
        Err(cause) => reader.problem(setting, cause.to_string()),
    }
    Some(AuthConfig::Keys(source))
}
