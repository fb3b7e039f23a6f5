//! The table of settings (`service_kit::settings`) holds wherever variables are named. What follows
//! from it line by line is written with `BLESS=1 cargo test -p tidy table_of_settings`.

use std::collections::BTreeSet;

use anyhow::Result;
use service_kit::settings::{ALL, Containers, Default, Service, Setting};
use tidy::{Finding, Workspace};

use crate::{agree, holds};

const ENV_EXAMPLE: &str = ".env.example";
const DOCUMENT: &str = "docs/SETTINGS.md";

/// What Compose and Swarm read, and what sets variables in images.
const COMPOSE_FILES: [&str; 4] = [
    "docker-compose.yml",
    "docker-compose.override.yml",
    "docker-compose.prod.yml",
    "deploy/swarm-shared-tokens.yml",
];
const DOCKERFILES: [&str; 2] =
    ["services/dremio-mcp/Dockerfile", "services/token-refresher/Dockerfile"];

/// How Grafana's own variables begin.
const GRAFANA: &str = "GF_";

/// Names in Compose files that no person sets: `scripts/deploy.sh` does, and Caddy's own.
const NOT_FOR_PEOPLE: [&str; 7] = [
    "CADDYFILE_CONFIG",
    "DREMIO_CA_CONFIG",
    "DREMIO_CA_FILE",
    "MCP_UPSTREAM",
    "POLICY_CONFIG",
    "POLICY_SOURCE",
    "REVISION",
];

/// Names in documents and scripts that look like settings: a client's, and an example of a slip.
const NOT_SETTINGS: [&str; 2] = ["DREMIO_MCP_KEY", "RETRY_MIN"];

#[test]
fn what_follows_from_the_table_of_settings_agrees_with_it() -> Result<()> {
    let workspace = Workspace::load()?;
    let parts = [
        ("docker-compose.yml", "token-refresher", environment(Service::TokenRefresher)),
        ("docker-compose.yml", "dremio-mcp", environment(Service::Gateway)),
        (ENV_EXAMPLE, "settings", example(&workspace.read(ENV_EXAMPLE)?)),
        (DOCUMENT, "settings", document()),
    ];
    agree(&workspace, &parts, "BLESS=1 cargo test -p tidy table_of_settings")
}

/// What a service gets from `.env`, as lines of its environment in a Compose file.
fn environment(service: Service) -> String {
    let lines = ALL.iter().filter(|setting| reaches(setting, service)).filter_map(|setting| {
        let Containers::FromEnv(default) = setting.containers else { return None };
        let name = setting.name;
        Some(format!("      {name}: ${{{name}:-{default}}}\n"))
    });
    lines.collect()
}

/// The gateway gets what it hands on.
fn reaches(setting: &Setting, service: Service) -> bool {
    setting.services.contains(&service)
        || service == Service::Gateway && setting.services.contains(&Service::OfficialServer)
}

/// What a person can set in `.env`, but for what stands in `text` outside of this part.
fn example(text: &str) -> String {
    let by_hand = text.split_once(">>> settings").map_or(text, |(before, _)| before);
    let by_hand = variables(by_hand).chain(variables(text.split("<<<").nth(1).unwrap_or("")));
    let by_hand: BTreeSet<_> = by_hand.collect();
    let mut lines = String::new();
    let mut group = "";
    for setting in ALL.iter().filter(|setting| !by_hand.contains(setting.name)) {
        let Containers::FromEnv(default) = setting.containers else { continue };
        if setting.group != group {
            group = setting.group;
            lines.push_str(&format!("\n# {group}\n"));
        }
        let indented = textwrap::Options::new(100).initial_indent("# ").subsequent_indent("# ");
        let help = textwrap::fill(&sentence(setting.help), indented.break_words(false));
        let value = match (default, setting.default) {
            ("", Default::Is(value)) => value,
            (default, _) => default,
        };
        lines.push_str(&format!("{help}\n#{}={value}\n", setting.name));
    }
    lines.push('\n');
    lines
}

fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// The variables that lines of `.env` set, or would without the `#` before them.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix('#').unwrap_or(line).split_once('=')?;
        (name_at_start(name)? == name).then_some(name)
    })
}

fn document() -> String {
    let mut lines = String::new();
    let mut group = "";
    for setting in ALL {
        if setting.group != group {
            group = setting.group;
            lines.push_str(&format!("\n## {group}\n\n"));
            lines.push_str("| variable | of | default | in containers | what it does |\n");
            lines.push_str("|---|---|---|---|---|\n");
        }
        let services: Vec<_> = setting.services.iter().map(|service| service.name()).collect();
        let default = match setting.default {
            Default::Required(_) => "required".to_owned(),
            Default::Is(value) => format!("`{value}`"),
            Default::Each { refresher, gateway } => format!("`{refresher}`, `{gateway}`"),
            Default::Unset(what) => what.to_owned(),
        };
        let containers = match setting.containers {
            Containers::FromEnv("") => "`.env`".to_owned(),
            Containers::FromEnv(default) => format!("`.env`, else `{default}`"),
            Containers::Apart(how) => how.to_owned(),
        };
        lines.push_str(&format!(
            "| `{}` | {} | {default} | {containers} | {} |\n",
            setting.name,
            services.join(", "),
            setting.help
        ));
    }
    lines.push('\n');
    lines
}

#[test]
fn what_containers_get_apart_from_env_is_set_somewhere() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut set = BTreeSet::new();
    for path in COMPOSE_FILES {
        set.extend(keys(&workspace.read(path)?));
    }
    for path in DOCKERFILES {
        set.extend(words(&workspace.read(path)?));
    }
    let findings = ALL.iter().filter(|setting| match setting.containers {
        Containers::Apart(_) => !setting.names().iter().any(|name| set.contains(name)),
        Containers::FromEnv(_) => false,
    });
    let findings = findings.map(|setting| Finding {
        place: setting.name.to_owned(),
        text: format!("{}: no Compose file and no Dockerfile sets it", setting.name),
    });
    holds(&findings.collect::<Vec<_>>(), &[]);
    Ok(())
}

#[test]
fn compose_files_and_env_example_name_the_same_variables() -> Result<()> {
    let workspace = Workspace::load()?;
    let known: BTreeSet<_> = known(&workspace)?;
    let example = workspace.read(ENV_EXAMPLE)?;
    let listed: BTreeSet<_> = variables(&example).collect();
    let mut used = BTreeSet::from(["COMPOSE_PROFILES".to_owned()]);
    let mut findings = Vec::new();
    for path in COMPOSE_FILES {
        let text = workspace.read(path)?;
        let text: Vec<_> = text.lines().filter(|line| !line.trim().starts_with('#')).collect();
        let text = text.join("\n");
        let is_ours = |name: &String| !name.starts_with(GRAFANA);
        let set = keys(&text).into_iter().filter(is_ours).filter(|name| !known.contains(name));
        findings.extend(set.map(|name| finding(path, &name, "it sets, and no service reads it")));
        let asked: BTreeSet<_> = text.split("${").skip(1).filter_map(name_at_start).collect();
        let unlisted = asked.iter().filter(|name| {
            !listed.contains(name.as_str()) && !NOT_FOR_PEOPLE.contains(&name.as_str())
        });
        let cure = "it reads, and .env.example does not list it";
        findings.extend(unlisted.map(|name| finding(path, name, cure)));
        used.extend(asked);
    }
    let stale = listed.iter().filter(|name| !used.contains(**name));
    let cure = "it lists, and no Compose file reads it";
    findings.extend(stale.map(|name| finding(ENV_EXAMPLE, name, cure)));
    holds(&findings, &[]);
    Ok(())
}

#[test]
fn documents_and_scripts_name_variables_that_exist() -> Result<()> {
    const PREFIXES: [&str; 8] =
        ["ADMIN_", "DREMIO_", "DREMIOAI_", "LOG_", "MCP_", "REFRESHER_", "RETRY_", "TOKEN_"];
    let workspace = Workspace::load()?;
    let known = known(&workspace)?;
    let mut findings = Vec::new();
    for path in [workspace.files(".md")?, workspace.files(".sh")?].concat() {
        // What was, it may name.
        if path == "CHANGELOG.md" || path.starts_with("conformance/") {
            continue;
        }
        let unknown = words(&workspace.read(&path)?).into_iter().filter(|word| {
            PREFIXES.iter().any(|prefix| word.starts_with(prefix))
                && !word.ends_with('_')
                && !known.contains(word)
        });
        findings.extend(unknown.map(|name| finding(&path, &name, "there is no such variable")));
    }
    holds(&findings, &[]);
    Ok(())
}

fn finding(path: &str, name: &str, what: &str) -> Finding {
    Finding { place: path.to_owned(), text: format!("{path}: {name}: {what}") }
}

/// Every name of a setting, and of what only Compose files read.
fn known(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let names = ALL.iter().flat_map(|setting| setting.names());
    let example = workspace.read(ENV_EXAMPLE)?;
    let others = variables(&example).chain(NOT_FOR_PEOPLE).chain(NOT_SETTINGS).map(str::to_owned);
    Ok(names.chain(others).collect())
}

/// The upper-case keys of mappings in a YAML file.
fn keys(text: &str) -> BTreeSet<String> {
    let keys = text.lines().filter_map(|line| line.trim_start().split_once(':'));
    let keys = keys.filter_map(|(key, _)| name_at_start(key).filter(|name| name == key));
    keys.collect()
}

/// The upper-case words with an underscore.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text
        .split(|c| !is_part(c))
        .filter_map(|word| name_at_start(word).filter(|name| name == word && word.contains('_')));
    words.collect()
}

fn name_at_start(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let name = text.split(|c| !is_part(c)).next().unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase()).then(|| name.to_owned())
}
