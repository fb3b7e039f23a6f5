//! The content of a session id. It holds all that a gateway needs to continue the session, and is
//! signed. So a gateway that has never seen the session (another replica, or the same one after a
//! restart) can resume it without asking anyone.
//!
//! `v1.` and base64url of: principal (SHA-256 of its name, 32 bytes), time of issue (seconds since
//! 1970, 8 bytes), revision, log level and flags (a byte each), 8 random bytes, and the tag of
//! [`Signer`]. Numbers are big-endian. It is visible ASCII, as the specification requires ("Session
//! Management"), 93 characters long, and contains nothing that a client wrote.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use service_kit::Clock;
use sha2::{Digest, Sha256};

use super::LEGACY_VERSIONS;
use crate::engine::LogLevel;
use crate::principal::Principal;
use crate::random::hex;
use crate::signer::Signer;

/// How long an id is valid. Clients that run longer without a restart are rare, and open another
/// session.
pub(super) const AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How far the clocks of two replicas may differ.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

const PREFIX: &str = "v1.";
const LABEL: &str = "session v1";

/// A longer text is not our id: it is rejected without any computation.
const ID_CHARS_MAX: usize = 200;

/// The client declared the extension `io.modelcontextprotocol/ui`.
const FLAG_UI: u8 = 1;

/// What a client said about itself when it opened its session, as far as it matters later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) protocol_version: &'static str,
    /// The least severe log messages that it gets from the beginning. No revision lets a client set
    /// it in `initialize`, so today it is none; a level set later is lost with the process, since
    /// an id cannot change.
    pub(super) log_level: Option<LogLevel>,
    /// Whether it shows user interfaces of tools.
    pub(super) shows_ui: bool,
}

/// The content of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) opening: Opening,
    pub(super) issued: Timestamp,
    /// Identifies this session.
    pub(super) serial: Serial,
}

/// The random part of an id. It may be logged: alone it grants no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Serial([u8; 8]);

impl Serial {
    pub(super) fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl std::fmt::Display for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Why an id is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It was not signed by us, or with a key that is no longer valid.
    Forged,
    /// It was issued to another key.
    Foreign,
    TooOld,
    /// It was issued later than now.
    FromTheFuture,
    /// Its client has ended it.
    Ended,
}

impl Unknown {
    /// A stable word for logs and metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::Foreign => "foreign",
            Self::TooOld => "too_old",
            Self::FromTheFuture => "from_the_future",
            Self::Ended => "ended",
        }
    }
}

/// Issues ids, and reads them.
#[derive(Debug)]
pub(crate) struct SessionIds {
    signer: Arc<Signer>,
    clock: Clock,
}

impl SessionIds {
    pub(crate) fn new(signer: Arc<Signer>, clock: Clock) -> Self {
        Self { signer, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The id of a new session of `principal`.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub(super) fn issue(
        &self,
        principal: &Principal,
        opening: Opening,
    ) -> Result<(String, Claims), getrandom::Error> {
        let mut serial = [0_u8; 8];
        getrandom::fill(&mut serial)?;
        let issued = Timestamp::from_second(self.now().as_second()).unwrap_or_default();
        let claims = Claims { opening, issued, serial: Serial(serial) };
        let signed = self.signer.sign(LABEL, &encode(principal, &claims));
        Ok((format!("{PREFIX}{signed}"), claims))
    }

    /// The content of `id`, if it was issued to `principal` and is still valid.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn read(&self, id: &str, principal: &Principal) -> Result<Claims, Unknown> {
        let signed =
            id.strip_prefix(PREFIX).filter(|_| id.len() <= ID_CHARS_MAX).ok_or(Unknown::Forged)?;
        let content = self.signer.open(LABEL, signed).ok_or(Unknown::Forged)?;
        let (owner, claims) = decode(&content).ok_or(Unknown::Forged)?;
        if owner != digest(principal) {
            return Err(Unknown::Foreign);
        }
        if self.now().duration_since(claims.issued) < -CLOCK_SKEW_MAX {
            return Err(Unknown::FromTheFuture);
        }
        if self.is_too_old(&claims) { Err(Unknown::TooOld) } else { Ok(claims) }
    }

    /// Whether an id with these claims has expired.
    pub(super) fn is_too_old(&self, claims: &Claims) -> bool {
        self.now().duration_since(claims.issued) >= AGE_MAX
    }
}

const LEVELS: [LogLevel; 8] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Notice,
    LogLevel::Warning,
    LogLevel::Error,
    LogLevel::Critical,
    LogLevel::Alert,
    LogLevel::Emergency,
];

fn digest(principal: &Principal) -> [u8; 32] {
    Sha256::digest(principal.as_str()).into()
}

fn encode(principal: &Principal, claims: &Claims) -> Vec<u8> {
    let Claims { opening, issued, serial } = claims;
    let revision = LEGACY_VERSIONS
        .iter()
        .position(|known| *known == opening.protocol_version)
        .unwrap_or_default();
    // 0 stands for none.
    let level = opening
        .log_level
        .and_then(|level| LEVELS.iter().position(|known| *known == level))
        .map_or(0, |place| place + 1);
    let byte = |number: usize| u8::try_from(number).unwrap_or_default();
    let mut content = digest(principal).to_vec();
    content.extend(issued.as_second().to_be_bytes());
    content.extend([byte(revision), byte(level), if opening.shows_ui { FLAG_UI } else { 0 }]);
    content.extend(serial.0);
    content
}

/// `None` for content that no gateway of this version signs.
fn decode(content: &[u8]) -> Option<([u8; 32], Claims)> {
    let (owner, rest) = content.split_first_chunk::<32>()?;
    let (issued, rest) = rest.split_first_chunk::<8>()?;
    let (&[revision, level, flags], rest) = rest.split_first_chunk::<3>()?;
    let serial: [u8; 8] = rest.try_into().ok()?;
    let opening = Opening {
        protocol_version: LEGACY_VERSIONS.get(usize::from(revision))?,
        log_level: match level {
            0 => None,
            place => Some(*LEVELS.get(usize::from(place) - 1)?),
        },
        shows_ui: flags & FLAG_UI != 0,
    };
    let issued = Timestamp::from_second(i64::from_be_bytes(*issued)).ok()?;
    Some((*owner, Claims { opening, issued, serial: Serial(serial) }))
}

#[cfg(test)]
mod tests;
