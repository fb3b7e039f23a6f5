//! Which package and module may import which.

use anyhow::Result;
use tidy::{Finding, Modules, Package, Workspace};

use crate::holds;

/// What holds up what: a package may use those of lower floors only. Tests may use what stands in
/// for others.
fn may_use(package: &Package, other: &Package, tests_only: bool) -> bool {
    let kind = |package: &Package| package.folder.split('/').next().unwrap_or_default().to_owned();
    let stands_in = ["dremio-sandbox", "stdio-fixture"].contains(&other.name.as_str());
    match (kind(package).as_str(), kind(other).as_str()) {
        ("services" | "crates", "crates") if stands_in => tests_only,
        // `local` starts everything in one process.
        ("local", "crates" | "services") | ("services", "crates") => true,
        // The one crate that is for the others.
        ("crates", "crates") => other.name == "service-kit",
        // It holds documents against the tables of settings and of clients.
        ("tidy", "crates") => tests_only && ["connect", "service-kit"].contains(&&*other.name),
        _ => false,
    }
}

#[test]
fn packages_use_what_is_below_them() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut findings = Vec::new();
    for package in workspace.packages() {
        for dependency in &package.dependencies {
            let other = workspace.package(&dependency.name)?;
            if !may_use(package, other, dependency.tests_only) {
                let place = format!("{} -> {}", package.name, other.name);
                let text = format!("{}/Cargo.toml: may not use {}", package.folder, other.name);
                findings.push(Finding { place, text });
            }
        }
    }
    holds(&findings, &[]);
    Ok(())
}

/// The gateway, from the ground up.
const GATEWAY: &[&[&str]] = &[
    &[
        "audit",
        "client_setup",
        "conditions",
        "followed_file",
        "guard",
        "methods",
        "metrics",
        "principal",
        "random",
        "signer",
        "telemetry",
    ],
    &["budget", "policy"],
    &["rpc"],
    &["answer"],
    &["dremio"],
    &["catalog"],
    &["coach"],
    &["egress"],
    // Whatever answers knows nothing of who may ask, or how: that is HTTP.
    &["engine"],
    &["access"],
    &["status"],
    &["config", "session"],
    &["front"],
    &["app"],
    // Starts parts of a gateway to see whether they would.
    &["doctor"],
];

#[test]
fn the_gateways_imports_run_down() -> Result<()> {
    holds(&modules("dremio-mcp")?.upward(GATEWAY), &[]);
    Ok(())
}

/// The stand-in, from the ground up.
const STAND_IN: &[&[&str]] = &[
    &["clock", "config", "lifetime", "faults", "gate", "ids", "journal", "shaping"],
    &["accounts", "tokens"],
    // Types, then names.
    &["catalog"],
    &["values"],
    &["sql"],
    &["engine"],
    &["commands", "data", "jobs", "options"],
    &["instance"],
    // The one place that knows an instance and SQL.
    &["run"],
    &["rest"],
    &["control", "exchange"],
    &["accept"],
    &["control_port", "sandbox"],
];

#[test]
fn the_stand_ins_imports_run_down() -> Result<()> {
    holds(&modules("dremio-sandbox")?.upward(STAND_IN), &[]);
    Ok(())
}

#[test]
fn no_modules_need_each_other() -> Result<()> {
    for package in Workspace::load()?.packages() {
        holds(&modules(&package.name)?.circles(), &[]);
    }
    Ok(())
}

/// The modules of a package's library, or of its program if it has none.
fn modules(package: &str) -> Result<Modules> {
    let workspace = Workspace::load()?;
    let package = workspace.package(package)?;
    let library = package.roots.iter().find(|root| root.ends_with("/lib.rs"));
    let root = library.or(package.roots.first()).map_or("", String::as_str);
    Modules::read(workspace.root(), root)
}
