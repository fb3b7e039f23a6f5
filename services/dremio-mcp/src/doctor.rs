//! Looks for what is wrong with an installation: `dremio-mcp doctor`.
//!
//! Every check says in one sentence how it stands, and for what is wrong the one thing to do. All
//! of them run at once, each within a limit, so that the answer comes soon whatever hangs. They
//! only read: nothing is logged in, written or restarted, and no statement runs but `SELECT 1`.
//!
//! - `finding`: what a check says
//! - `site`: where the doctor runs
//! - `report`, `share`: all findings as a text, as JSON, and without private names
//! - the others are the checks

mod accounts;
mod audit;
mod dremio;
mod engine;
mod files;
mod finding;
mod hosts;
mod http;
mod keys;
mod listener;
mod policy;
mod public;
mod refresher;
mod replicas;
mod report;
mod settings;
mod share;
mod site;
mod token;

use std::time::{Duration, Instant};

use service_kit::Clock;
use service_kit::env::{Env, Problem};
use tokio::sync::oneshot;

pub use self::finding::{CHECKS, Cure, Finding, Verdict};
pub use self::report::Diagnosis;
use self::share::Private;
pub use self::site::{Room, Site};
use crate::config::{Config, EngineConfig};

/// Limit for one check. What answers at all answers in a fraction of it.
const CHECK_MAX: Duration = Duration::from_secs(5);

/// Limit for the official server: a Python program, which needs 3.5 s on a quiet machine.
const CHILD_MAX: Duration = Duration::from_secs(15);

/// What is examined, and from where.
#[derive(Debug)]
pub struct Doctor {
    config: Config,
    problems: Vec<Problem>,
    /// The settings that are set.
    given: usize,
    clock: Clock,
    site: Site,
}

impl Doctor {
    /// Of a gateway with this configuration, all of whose settings are right.
    #[must_use]
    pub fn of_config(config: Config, clock: Clock, site: Site) -> Self {
        Self { config, problems: Vec::new(), given: 0, clock, site }
    }

    /// Of the gateway that would run with the settings of `env`. What they get wrong is the first
    /// finding; the rest is examined all the same.
    ///
    /// # Errors
    /// A diagnosis of its own, when a file that a setting names does not answer.
    pub async fn of_env(env: &Env, clock: Clock, site: Site) -> Result<Self, Diagnosis> {
        let (started, environment) = (Instant::now(), env.clone());
        let read = on_thread(CHECK_MAX, move || Config::survey(&environment)).await;
        let Some((config, problems)) = read else {
            let text = "a file that a setting names does not answer: its volume hangs";
            let cure = Cure::mount("the keys and secrets");
            let findings = vec![Finding::bad("settings", text, cure)];
            return Err(Diagnosis::new(findings, "unknown", started.elapsed(), Private::default()));
        };
        let given = env.given(service_kit::settings::Service::Gateway).len();
        Ok(Self { config, problems, given, clock, site })
    }

    /// Runs every check.
    pub async fn examine(&self) -> Diagnosis {
        let started = Instant::now();
        let policy = policy::Policy::read(self).await;
        let (way, disk, refresher, key, others, audit, engine, keys, ports, public) = tokio::join!(
            Box::pin(dremio::check(self, &policy)),
            files::check(self),
            refresher::check(self),
            token::check_gateway_key(self),
            replicas::check(self, &policy),
            audit::check(self),
            Box::pin(engine::check(self)),
            keys::check(self),
            listener::check(self),
            public::check(self),
        );
        let mut findings = vec![refresher.beside(&way)];
        let (settings, hosts) = (settings::check(self), hosts::check(self));
        findings.extend(policy::check(self, &policy));
        for found in [settings, way, disk, key, others, audit, engine, keys, ports, hosts, public] {
            findings.extend(found);
        }
        findings.sort_by_key(|finding| CHECKS.iter().position(|check| *check == finding.check));
        let engine = match self.config.engine {
            EngineConfig::Native => "native engine",
            EngineConfig::Official(_) => "official server",
        };
        Diagnosis::new(findings, engine, started.elapsed(), Private::of(self))
    }

    /// Whether one of these settings is wrong, so that what depends on it cannot be checked.
    fn is_wrong(&self, names: &[&str]) -> bool {
        self.problems.iter().any(|problem| names.contains(&problem.name.as_str()))
    }
}

/// Runs what may hang in a system call on a thread of its own, which nobody waits for after
/// `limit`. `None` when it does not end in time.
async fn on_thread<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (reply, done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("doctor".to_owned()).spawn(move || {
        // Nobody listens any more after the limit.
        let _ = reply.send(work());
    });
    drop(thread.ok()?);
    tokio::time::timeout(limit, done).await.ok()?.ok()
}
