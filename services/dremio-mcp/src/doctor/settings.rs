//! The settings: the same reader as `check-config`, and what is set on purpose and worth knowing.

use service_kit::env::Problem;
use service_kit::settings::{ALL, Default, Service, Setting};

use super::finding::{Cure, Finding};
use super::{Doctor, audit, keys, policy};

/// What a setting without a default may look like.
const EXAMPLES: [(&str, &str); 6] = [
    ("REFRESHER_URL", "http://token-refresher:9465"),
    ("MCP_ALLOWED_HOSTS", "mcp.example.com"),
    ("MCP_ALLOWED_ORIGINS", "https://app.example.com"),
    ("MCP_PUBLIC_URL", "https://mcp.example.com"),
    ("MCP_TRUSTED_PROXIES", "10.0.0.0/8"),
    ("ADMIN_ALLOWED_HOSTS", "gateway.example.com"),
];

pub(super) fn check(doctor: &Doctor) -> Vec<Finding> {
    let config = &doctor.config;
    let mut findings: Vec<Finding> = doctor
        .problems
        .iter()
        .filter(|problem| {
            let name = &problem.name;
            let has_a_check = [keys::is_about_keys, policy::is_about_policy, audit::is_about_audit];
            !has_a_check.iter().any(|is_about| is_about(name))
        })
        .map(|problem| Finding::bad("settings", problem.to_string(), cure(problem)))
        .collect();
    let has_problem = !findings.is_empty();
    let mut warn = |text: String, cure: Option<&str>| {
        let finding = Finding::warning("settings", text);
        findings.push(match cure {
            Some(line) => finding.with_cure(Cure::Set(line.to_owned())),
            None => finding,
        });
    };
    for name in &config.unknown_variables {
        warn(format!("{name} is not known and has no effect"), None);
    }
    if config.guard.allow_writes {
        let text = "agents may run statements that change data and Dremio itself";
        warn(text.to_owned(), Some("MCP_ALLOW_WRITES=false"));
    }
    if config.guard.allow_job_history {
        let text = "every agent can read what all others asked";
        warn(text.to_owned(), Some("MCP_ALLOW_JOB_HISTORY=false"));
    }
    if !has_problem {
        let text = match doctor.given {
            0 => "they are as they should be".to_owned(),
            1 => "1 is set".to_owned(),
            given => format!("{given} are set"),
        };
        findings.insert(0, Finding::good("settings", text));
    }
    findings
}

/// What mends a setting, from what is known of it: the problem itself says what is wrong.
fn cure(problem: &Problem) -> Cure {
    let name = problem.name.as_str();
    let Some(setting) = ALL.iter().find(|setting| setting.names().iter().any(|own| own == name))
    else {
        return match Service::Gateway.meant_by(name) {
            Some(meant) => Cure::Change(format!("rename {name} to {meant}")),
            None => Cure::Change(format!("take out {name}")),
        };
    };
    match example(setting) {
        Some(value) if setting.name == name => Cure::Set(format!("{name}={value}")),
        _ => Cure::Change(format!("take out {name}")),
    }
}

fn example(setting: &Setting) -> Option<&'static str> {
    match setting.default {
        Default::Required(value) | Default::Is(value) => Some(value),
        Default::Each { gateway, .. } => Some(gateway),
        Default::Unset(_) => {
            EXAMPLES.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| *value)
        }
    }
}
