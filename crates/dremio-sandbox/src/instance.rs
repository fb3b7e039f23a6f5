//! Everything that one running sandbox consists of, shared by its connections, its jobs and its
//! control handle.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::catalog::Catalog;
use crate::config::SandboxConfig;
use crate::data::Demo;
use crate::faults::FaultBoard;
use crate::gate::Gate;
use crate::jobs::Jobs;
use crate::journal::Journal;
use crate::options::Options;
use crate::tokens::Tokens;

/// The version that the stand-in claims to be.
pub(crate) const VERSION: &str = "25.2.0-202410241428100111-a963b970";
/// The cluster id, the same in every run.
pub(crate) const CLUSTER_ID: &str = "5a4dbd0c-0000-4000-8000-64726d696f00";

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) gate: Arc<Gate>,
    pub(crate) journal: Journal,
    pub(crate) faults: FaultBoard,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) catalog: Catalog,
    pub(crate) options: Options,
    pub(crate) jobs: Jobs,
}

impl Instance {
    pub(crate) fn new(
        config: &SandboxConfig,
        demo: &'static Demo,
        gate: Gate,
        stop: CancellationToken,
    ) -> Self {
        let catalog = Catalog::new(demo.namespace.clone(), &demo.notes, &demo.database);
        for (name, _) in &config.users {
            catalog.ensure_home(name);
        }
        Self {
            gate: Arc::new(gate),
            journal: Journal::default(),
            faults: FaultBoard::default(),
            accounts: Accounts::new(&config.users),
            tokens: Tokens::new(config.token_lifetime, config.token_cache_lifetime),
            catalog,
            options: Options::default(),
            jobs: Jobs::new(config.job_duration, stop),
        }
    }
}
