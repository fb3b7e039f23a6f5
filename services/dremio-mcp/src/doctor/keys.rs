//! The keys that agents present.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use service_kit::env::Problem;
use service_kit::{SecretError, SecretSource};

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, files, on_thread};
use crate::access::{BadLine, KeyRing, KeyRingError};
use crate::config::AuthConfig;

/// Whether a problem with this setting is one of the keys.
pub(super) fn is_about_keys(name: &str) -> bool {
    ["MCP_API_KEYS_FILE", "MCP_API_KEY", "MCP_API_KEY_FILE"].contains(&name)
}

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let problems: Vec<_> =
        doctor.problems.iter().filter(|problem| is_about_keys(&problem.name)).collect();
    if !problems.is_empty() {
        return problems.into_iter().map(|problem| explain(doctor, problem)).collect();
    }
    if doctor.is_wrong(&["MCP_AUTH"]) {
        return vec![Finding::not_checked("keys", "MCP_AUTH is wrong, see above")];
    }
    let (AuthConfig::Keys(source) | AuthConfig::Policy { keys: Some(source), .. }) =
        &doctor.config.auth
    else {
        if let AuthConfig::Policy { .. } = &doctor.config.auth {
            return vec![Finding::good("keys", "agents need a key that MCP_POLICY_FILE names")];
        }
        if doctor.site.is_local {
            let text = "agents need no key: every program on this machine may connect";
            return vec![Finding::good("keys", text)];
        }
        let text = "agents need no key: everybody who reaches the address can query Dremio";
        let finding = Finding::warning("keys", text);
        return vec![finding.with_cure(Cure::Set("MCP_AUTH=keys".to_owned()))];
    };
    let (read, path) = (source.clone(), source.path().map(Path::to_owned));
    let Some(loaded) = on_thread(CHECK_MAX, move || KeyRing::load(read)).await else {
        let cure = Cure::mount("the keys");
        return vec![Finding::bad("keys", "the file of keys does not answer", cure)];
    };
    let ring = match loaded {
        Ok(ring) => ring,
        // It has changed since the settings were read.
        Err(cause) => return vec![Finding::bad("keys", cause.to_string(), cure(source, &cause))],
    };
    let mut findings = Vec::new();
    for (line, first) in ring.repeated() {
        let text = format!("the key in line {line} is that of line {first} once more");
        let cure = path.as_ref().map(|path| format!("sed -i '{line}d' {}", path.display()));
        let finding = Finding::warning("keys", text);
        findings.push(match cure {
            Some(cure) => finding.with_cure(Cure::Run(cure)),
            None => finding,
        });
    }
    if let Some(path) = path.filter(|path| {
        path.metadata().is_ok_and(|found| found.mode() & 0o004 != 0)
            && files::can_be_reached_by_others(doctor, path)
    }) {
        let path = path.display();
        let text = format!("every user of this machine can read the keys in {path}");
        let cure = Cure::Run(format!("chmod o-r {path}"));
        findings.push(Finding::warning("keys", text).with_cure(cure));
    }
    if findings.is_empty() {
        let with_policy = matches!(doctor.config.auth, AuthConfig::Policy { .. });
        let besides = if with_policy { " besides those of the policy" } else { "" };
        let text = match ring.len() {
            1 => format!("agents need a key, and there is 1{besides}"),
            keys => format!("agents need a key, and there are {keys}{besides}"),
        };
        findings.push(Finding::good("keys", text));
    }
    findings
}

/// What the settings get wrong about keys, with a cure that fits the file as it is.
fn explain(doctor: &Doctor, problem: &Problem) -> Finding {
    let name = problem.name.as_str();
    let cure = match &doctor.config.auth {
        AuthConfig::Keys(source @ SecretSource::File(_)) => {
            KeyRing::load(source.clone()).err().map(|cause| cure(source, &cause))
        }
        _ => None,
    };
    let cure = cure.unwrap_or_else(|| match name {
        // Two sources at once, or none.
        "MCP_API_KEYS_FILE" => Cure::Change("take out MCP_API_KEY".to_owned()),
        "MCP_API_KEY_FILE" => {
            Cure::Change("name a file that exists in MCP_API_KEY_FILE".to_owned())
        }
        _ => Cure::Run("echo \"MCP_API_KEY=$(openssl rand -hex 32)\" >>.env".to_owned()),
    });
    Finding::bad("keys", problem.to_string(), cure)
}

fn cure(source: &SecretSource, cause: &KeyRingError) -> Cure {
    let path = source.path().unwrap_or(Path::new(".env")).display();
    Cure::Run(match cause {
        KeyRingError::Empty | KeyRingError::Unreadable(SecretError::Empty { .. }) => {
            format!("openssl rand -hex 32 >>{path}")
        }
        KeyRingError::Unreadable(SecretError::Unreadable { source, .. })
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            format!("sudo chmod a+r {path}")
        }
        KeyRingError::Unreadable(SecretError::Unreadable { .. }) => {
            format!("openssl rand -hex 32 >{path}")
        }
        KeyRingError::Unreadable(_) => {
            format!("mv {path} {path}.old && openssl rand -hex 32 >{path}")
        }
        KeyRingError::BadLines(lines) => match lines.first() {
            Some(BadLine::ByteOrderMark) => format!("sed -i '1s/^\\xEF\\xBB\\xBF//' {path}"),
            Some(bad) => format!("sed -i '{}d' {path}", bad.line()),
            None => format!("openssl rand -hex 32 >>{path}"),
        },
    })
}
