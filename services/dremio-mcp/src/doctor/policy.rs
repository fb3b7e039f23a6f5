//! The policy file: whether it is a policy, and whom it leaves out.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use service_kit::settings::MCP_POLICY_FILE;
use service_kit::wording::{counted, few};
use token_file::AccountName;

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, on_thread};
use crate::access::KeyRing;
use crate::config::{AuthConfig, EngineConfig, policy_tools};
use crate::policy::{Found, PolicyError, check_file};

/// What is known of the policy file, for this check and for those that depend on it.
pub(super) enum Policy {
    /// There is none.
    None,
    /// It cannot be told, for a reason that is a finding already.
    Unknown,
    /// It does not answer.
    Hangs,
    Wrong(PolicyError),
    Good {
        found: Found,
        /// How many of the other keys it does not name.
        outside: usize,
    },
}

impl Policy {
    pub(super) async fn read(doctor: &Doctor) -> Self {
        if doctor.is_wrong(&["MCP_AUTH", "MCP_ENGINE"]) {
            return Self::Unknown;
        }
        let AuthConfig::Policy { file, keys } = doctor.config.auth.clone() else {
            return Self::None;
        };
        let read = on_thread(CHECK_MAX, move || {
            let found = check_file(&file, policy_tools())?;
            // What is wrong with the keys is the matter of another check.
            let ring = keys.and_then(|source| KeyRing::load(source).ok());
            let outside = ring.map_or(0, |ring| ring.count_not(|key| found.keys.contains(key)));
            Ok(Self::Good { found, outside })
        });
        read.await.map_or(Self::Hangs, |read| read.unwrap_or_else(Self::Wrong))
    }

    /// The accounts whose tokens calls carry, `None` being the single one; that alone, where no
    /// policy can say otherwise.
    pub(super) fn accounts(&self) -> BTreeSet<Option<AccountName>> {
        match self {
            Self::Good { found, .. } => found.accounts.clone(),
            _ => BTreeSet::from([None]),
        }
    }

    /// Whether it is known which accounts are used.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::None | Self::Good { .. })
    }
}

/// Whether a problem with this setting is one of the policy.
pub(super) fn is_about_policy(name: &str) -> bool {
    name == MCP_POLICY_FILE.name
}

pub(super) fn check(doctor: &Doctor, policy: &Policy) -> Vec<Finding> {
    let AuthConfig::Policy { file, .. } = &doctor.config.auth else {
        return vec![match policy {
            Policy::Unknown => Finding::not_checked("policy", "MCP_AUTH is wrong, see above"),
            _ => Finding::good("policy", "there is none: who may call may do everything"),
        }];
    };
    if matches!(doctor.config.engine, EngineConfig::Official(_)) && !doctor.config.official_repair {
        let text = "a policy cannot be held where the official server answers by itself";
        let cure = Cure::Set("MCP_OFFICIAL_REPAIR=true".to_owned());
        return vec![Finding::bad("policy", text, cure)];
    }
    let path = file.display();
    match policy {
        Policy::Hangs => {
            let text = format!("{path} does not answer: its volume hangs");
            vec![Finding::bad("policy", text, Cure::mount("the policy"))]
        }
        Policy::Wrong(PolicyError::Unreadable(why)) => {
            let text = format!("{path} cannot be read: {why}");
            vec![Finding::bad("policy", text, unreadable(doctor, file))]
        }
        Policy::Wrong(PolicyError::Wrong(problems)) => {
            let (shown, rest) = few(problems, "problem");
            let shown = shown.iter().map(|problem| {
                let cure = Cure::Change(format!("line {} of {path}", problem.line()));
                Finding::bad("policy", problem.to_string(), cure)
            });
            let mut findings: Vec<_> = shown.collect();
            if let Some((last, rest)) = findings.last_mut().zip(rest) {
                last.text += &format!("; {rest}");
            }
            findings
        }
        Policy::Good { found, outside } => vec![good(found, *outside)],
        Policy::None | Policy::Unknown => {
            vec![Finding::not_checked("policy", "its settings are wrong, see above")]
        }
    }
}

fn good(found: &Found, outside: usize) -> Finding {
    let (clients, keys) = (counted(found.clients, "client"), counted(found.keys.len(), "key"));
    let text = format!("there is one, with {clients} and {keys}");
    if outside == 0 {
        return Finding::good("policy", text);
    }
    let others = counted(outside, "other key");
    if found.has_default {
        let text = format!("{text}; {others} may do what its client `default` may");
        return Finding::good("policy", text);
    }
    let get = if outside == 1 { "gets" } else { "get" };
    let text = format!("{text}; {others} of MCP_API_KEYS_FILE or MCP_API_KEY {get} 401");
    let cure = "add a [[client]] of the name \"default\" for them, or take them out";
    Finding::warning("policy", text).with_cure(Cure::Change(cure.to_owned()))
}

fn unreadable(doctor: &Doctor, file: &Path) -> Cure {
    let path = file.display().to_string();
    let kind = match fs::metadata(file) {
        // A pipe would wait for somebody at its other end.
        Ok(found) if found.is_file() => fs::File::open(file).err().map(|cause| cause.kind()),
        Ok(_) => None,
        Err(cause) => Some(cause.kind()),
    };
    match kind {
        Some(ErrorKind::PermissionDenied) => {
            doctor.site.run("chmod -R a+rX policy", format!("sudo chmod a+r {path}"))
        }
        Some(ErrorKind::NotFound) => {
            let path = if doctor.site.in_container { "policy/policy.toml".into() } else { path };
            let text = "docs/DEPLOYMENT.md, \"Two agents with different rights\", has one to copy";
            Cure::Change(format!("write {path}: {text}"))
        }
        _ => Cure::Set(format!("{}=/policy/policy.toml", MCP_POLICY_FILE.name)),
    }
}
