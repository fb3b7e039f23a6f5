//! The long mixed run: clients of both eras that call, wait, cancel, vanish and come back, over a
//! child that is made to crash, hang and babble all the time. What must hold: no answer is wrong,
//! none is missing, and nothing is left behind.
//!
//! - `client` is one client, `judge` says what an answer is worth
//! - `faults` harms the child, `tally` counts

mod client;
mod faults;
mod judge;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::client::Worker;
use self::tally::Tally;
use crate::mcp::Era;
use crate::process_table::{open_files, tree, usage};
use crate::say;
use crate::subject::{Programs, Running, Subject};

/// `MCP_CALL_TIMEOUT` of the gateway under test: short, so that calls that never end do end.
const CALL_TIMEOUT: &str = "20s";

/// When an answer counts as lost: the limit of a call, and time for it to travel on a busy machine.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// `MCP_ENGINE_TIMEOUT` of the gateway under test: a child that hangs is to be found out often.
const ENGINE_TIMEOUT: &str = "2s";

/// How long the gateway may take to be as it was, once all clients have left: it may just have
/// begun to replace a child.
const SETTLE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Time for the gateway to be all there.
const SETTLE: Duration = Duration::from_secs(2);

/// What to do, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) programs: Programs,
    pub(crate) length: Duration,
    pub(crate) clients: usize,
    pub(crate) seed: u64,
    /// Between two faults that cost the child its life, on average.
    pub(crate) crash_every: Duration,
    /// More of the gateway's settings, `NAME=VALUE` each.
    pub(crate) settings: Vec<String>,
}

impl Plan {
    /// Runs it, prints the counts, and says whether everything held.
    ///
    /// # Errors
    /// When the gateway does not start.
    pub(crate) async fn run(self) -> anyhow::Result<bool> {
        // What loses its parent becomes a child of this process, so that nothing left behind can
        // hide.
        rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1))?;
        let mut settings =
            vec![("MCP_CALL_TIMEOUT", CALL_TIMEOUT), ("MCP_ENGINE_TIMEOUT", ENGINE_TIMEOUT)];
        settings.extend(self.settings.iter().filter_map(|setting| setting.split_once('=')));
        let (running, _) = Subject::Gateway.start(&self.programs, &settings).await?;
        // A child on standby takes its time too.
        tokio::time::sleep(SETTLE).await;
        let before = Remains::of(&running);
        say(&format!("before: {before}"));
        let tally = Arc::new(Tally::default());
        let end = Instant::now() + self.length;
        let mut tasks = JoinSet::new();
        for number in 0..self.clients {
            let era = if number % 2 == 0 { Era::Legacy } else { Era::Modern };
            let chance = fastrand::Rng::with_seed(
                self.seed.wrapping_mul(1_000_003).wrapping_add(u64::try_from(number)?),
            );
            let worker =
                Worker::new(running.endpoint.clone(), era, number, chance, Arc::clone(&tally));
            tasks.spawn(worker.run(end));
        }
        let chance = || fastrand::Rng::with_seed(self.seed.wrapping_mul(7_000_003));
        tasks.spawn(faults::harmless(running.endpoint.clone(), chance(), Arc::clone(&tally), end));
        tasks.spawn(faults::deadly(
            running.endpoint.clone(),
            running.pid,
            self.crash_every,
            chance(),
            Arc::clone(&tally),
            end,
        ));
        let mut minute = tokio::time::interval(Duration::from_secs(60));
        minute.tick().await;
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    Some(done) => done.context("a client of the bench panicked")?,
                    None => break,
                },
                _ = minute.tick() => {
                    let left = end.saturating_duration_since(Instant::now()).as_secs();
                    say(&format!("{left:>4} s to go: {}", tally.line()));
                }
            }
        }
        self.conclude(running, &before, &tally).await
    }

    async fn conclude(
        self,
        running: Running,
        before: &Remains,
        tally: &Tally,
    ) -> anyhow::Result<bool> {
        let settled = Instant::now();
        let mut after = Remains::of(&running);
        while after.differs(before) && settled.elapsed() < SETTLE_WAIT_MAX {
            tokio::time::sleep(Duration::from_millis(200)).await;
            after = Remains::of(&running);
        }
        say(&format!("after:  {after}"));
        // What it logs while it stops is of no interest here; what it leaves behind is.
        let log = running.log();
        let exit = running.stop().await;
        let own = i32::try_from(std::process::id())?;
        let stragglers: Vec<String> = tree(own)
            .into_iter()
            .filter(|process| process.pid != own)
            .map(|process| format!("{} {}", process.pid, process.name))
            .collect();
        let panics = log.lines().filter(|line| line.contains("panicked")).count();
        let errors = log.lines().filter(|line| line.contains(r#""level":"ERROR""#)).count();
        say(&tally.table());
        let lines: BTreeMap<&str, usize> =
            warnings(&log).fold(BTreeMap::new(), |mut lines, line| {
                *lines.entry(line).or_default() += 1;
                lines
            });
        say(&format!("gateway's warnings: {lines:?}"));
        say(&format!(
            "exit code {exit:?}, panics {panics}, error lines {errors}, processes left behind \
             {stragglers:?}"
        ));
        let verdict = [
            ("wrong answers", tally.wrong() == 0),
            ("lost answers", tally.lost() == 0),
            ("panics", panics == 0),
            ("process table, open files and temporary folders as before", !after.differs(before)),
            ("clean stop", exit == Some(0) && stragglers.is_empty()),
        ];
        for (what, good) in verdict {
            say(&format!("{} {what}", if good { "PASS" } else { "FAIL" }));
        }
        Ok(verdict.iter().all(|(_, good)| *good))
    }
}

/// The messages of the warnings in the gateway's log.
fn warnings(log: &str) -> impl Iterator<Item = &str> {
    let warnings = log.lines().filter(|line| line.contains(r#""level":"WARN""#));
    warnings.filter_map(|line| line.split_once(r#""message":""#)?.1.split('"').next())
}

/// What a run may leave behind.
#[derive(Debug)]
struct Remains {
    /// Names, without pids: a child may have been replaced.
    processes: Vec<String>,
    open_files: usize,
    folders: usize,
    rss_mb: f64,
}

impl Remains {
    fn of(running: &Running) -> Self {
        let mut processes: Vec<String> =
            tree(running.pid).into_iter().map(|process| process.name).collect();
        processes.sort_unstable();
        let folders = std::fs::read_dir(running.folder.path().join("tmp"))
            .map(Iterator::count)
            .unwrap_or_default();
        Self {
            processes,
            open_files: open_files(running.pid),
            folders,
            rss_mb: usage(running.pid).own_rss_mb,
        }
    }

    /// Memory is reported and not judged: an allocator keeps some.
    fn differs(&self, before: &Self) -> bool {
        self.processes != before.processes
            || self.open_files > before.open_files
            || self.folders != before.folders
    }
}

impl std::fmt::Display for Remains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processes, open_files, folders, rss_mb } = self;
        write!(
            f,
            "processes {processes:?}, open files {open_files}, temporary folders {folders}, \
             gateway {rss_mb:.1} MB"
        )
    }
}
