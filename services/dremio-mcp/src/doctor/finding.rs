//! What a check has found: a sentence, and the one thing to do where something is wrong.

use std::fmt;

use serde::Serialize;

/// How it stands with what was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and somebody should know of something.
    Warning,
    /// It does not work.
    Bad,
    /// Nothing is known of it; the sentence says why.
    NotChecked,
}

/// The one thing that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    /// A command line.
    Run(String),
    /// A setting, `NAME=value`.
    Set(String),
    /// Something else to change, as an instruction.
    Change(String),
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, a word of [`CHECKS`].
    pub check: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// One sentence, without a full stop.
    pub text: String,
    /// What to do. Always there for [`Verdict::Bad`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<Cure>,
}

/// Every check, in the order in which they are shown: what the others need comes first.
pub const CHECKS: [&str; 23] = [
    "settings",
    "policy",
    "address",
    "tls",
    "api",
    "first_user",
    "clock",
    "token_folder",
    "token",
    "accounts",
    "refresher",
    "gateway_key",
    "replicas",
    "version",
    "query",
    "engine",
    "disk",
    "audit",
    "keys",
    "listener",
    "hosts",
    "public_url",
    "rights",
];

impl Finding {
    pub(super) fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, text: text.into(), cure: None }
    }

    pub(super) fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, text: text.into(), cure: None }
    }

    pub(super) fn bad(check: &'static str, text: impl Into<String>, cure: Cure) -> Self {
        Self { check, verdict: Verdict::Bad, text: text.into(), cure: Some(cure) }
    }

    pub(super) fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::NotChecked, text: why.into(), cure: None }
    }

    pub(super) fn with_cure(self, cure: Cure) -> Self {
        Self { cure: Some(cure), ..self }
    }
}

impl Cure {
    /// What holds these files does not answer.
    pub(super) fn mount(files: &str) -> Self {
        Self::Change(format!("mount the volume of {files} again"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "✓",
            Self::Warning => "!",
            Self::Bad => "✗",
            Self::NotChecked => "-",
        })
    }
}

impl fmt::Display for Cure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run: {command}"),
            Self::Set(line) => write!(f, "set: {line}"),
            Self::Change(what) => write!(f, "change: {what}"),
        }
    }
}
