//! The comparison: every scenario on every bridge that is installed, each repeated, the middle one
//! of each figure reported.

use std::time::Duration;

use anyhow::Context;

use crate::idle::{self, Rest};
use crate::load::{self, Measured};
use crate::mcp::Era;
use crate::samples::median;
use crate::subject::{Programs, Subject};
use crate::{direct, say};

const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// The sessions that each bridge must hold. One that starts a process for each session is asked for
/// fewer.
const SESSIONS: usize = 1000;
const SESSIONS_FORKING: usize = 200;

const SILENT: usize = 5000;

/// The usual default of `ulimit -n`, and more than the scenario needs.
const FILES_MAX: [u64; 2] = [1024, 8192];

/// What is measured, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) programs: Programs,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) repeats: usize,
    pub(crate) length: Duration,
}

impl Plan {
    /// Throughput, latency and processor time.
    ///
    /// # Errors
    /// When a bridge does not start.
    pub(crate) async fn throughput(&self) -> anyhow::Result<()> {
        let cases: Vec<(Subject, Era, usize)> = Era::BOTH
            .into_iter()
            .flat_map(|era| CONNECTIONS.map(|connections| (era, connections)))
            .flat_map(|(era, connections)| {
                let limits = [Subject::StdioLimit, Subject::Limit];
                let subjects = self.subjects.iter().copied().chain(limits);
                subjects.map(move |subject| (subject, era, connections)).collect::<Vec<_>>()
            })
            .collect();
        let mut runs: Vec<Runs> = cases.iter().map(|_| Runs::default()).collect();
        // Bridges take turns within each repetition, so that what else the machine does meets all
        // of them.
        for _ in 0..self.repeats {
            for (&(subject, era, connections), runs) in cases.iter().zip(&mut runs) {
                if runs.is_refused {
                    continue;
                }
                let (running, _) = subject.start(&self.programs, &[]).await?;
                match load::run(&running.endpoint, running.pid, era, connections, self.length).await
                {
                    Ok(measured) => {
                        say(&format!(
                            "raw {} {} {connections} {measured:.3?}",
                            subject.name(),
                            era.name()
                        ));
                        runs.measured.push(measured);
                    }
                    Err(cause) => {
                        say(&format!(
                            "raw {} {} {connections}: {cause:#}",
                            subject.name(),
                            era.name()
                        ));
                        runs.is_refused = true;
                    }
                }
                running.stop().await;
            }
        }
        say("\n| bridge | era | connections | calls/s | p50 ms | p99 ms | max ms \
             | CPU ms/call, bridge | with children | processes | MB | bad |");
        say("|---|---|---|---|---|---|---|---|---|---|---|---|");
        for (&(subject, era, connections), runs) in cases.iter().zip(&runs) {
            say(&throughput_row(subject, era, connections, &runs.measured));
        }
        Ok(())
    }

    /// One connection against the bare child, in turns, so that both meet the same machine.
    ///
    /// # Errors
    /// When a bridge does not start or answer.
    pub(crate) async fn latency(&self) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for &subject in &self.subjects {
            for era in Era::BOTH {
                let (mut bare, mut bridged) = (Vec::new(), Vec::new());
                for _ in 0..self.repeats {
                    let mut samples = direct::run(&self.programs.child, self.length)?;
                    let (running, _) = subject.start(&self.programs, &[]).await?;
                    let measured =
                        load::run(&running.endpoint, running.pid, era, 1, self.length).await;
                    running.stop().await;
                    let Ok(measured) = measured else { continue };
                    let (p50, p99) = (samples.at_ms(500), samples.at_ms(990));
                    say(&format!(
                        "raw latency {} {} direct p50 {p50:.4} p99 {p99:.4}, {measured:.3?}",
                        subject.name(),
                        era.name()
                    ));
                    bare.push((p50, p99));
                    bridged.push(measured);
                }
                if bridged.is_empty() {
                    rows.push(format!(
                        "| {} | {} | does not speak it | | |",
                        subject.name(),
                        era.name()
                    ));
                    continue;
                }
                let p50s =
                    bare.iter().zip(&bridged).map(|((bare, _), bridged)| bridged.p50_ms - bare);
                let p99s = bridged.iter().map(|bridged| bridged.p99_ms);
                let direct = median(bare.iter().map(|(p50, _)| *p50));
                let (added, p99) = (median(p50s), median(p99s));
                rows.push(format!(
                    "| {} | {} | {direct:.3} | {added:.3} | {p99:.3} |",
                    subject.name(),
                    era.name()
                ));
            }
        }
        say(
            "\n| bridge | era | bare child p50 ms | added p50 ms | p99 ms |\n|---|---|---|---|---|",
        );
        rows.iter().for_each(|row| say(row));
        Ok(())
    }

    /// Sessions that rest.
    ///
    /// # Errors
    /// When a bridge does not start.
    pub(crate) async fn sessions(&self) -> anyhow::Result<()> {
        say("\n| bridge | idle sessions | clients | MB before | MB with (bridge alone) \
             | MB with (all processes) | processes before | with |");
        say("|---|---|---|---|---|---|---|---|");
        for &subject in &self.subjects {
            let counts: &[usize] = match subject {
                Subject::SupergatewayNpm => &[SESSIONS_FORKING],
                Subject::Gateway
                | Subject::Limit
                | Subject::StdioLimit
                | Subject::McpProxyNpm
                | Subject::McpProxyPypi => &[SESSIONS_FORKING, SESSIONS],
            };
            for &count in counts {
                for rest in [Rest::Away, Rest::Listening] {
                    let (running, _) = subject.start(&self.programs, &[]).await?;
                    let row = match idle::sessions(&running, count, rest).await {
                        Ok((before, with)) => format!(
                            "{:.1} | {:.1} | {:.1} | {} | {}",
                            before.own_rss_mb,
                            with.own_rss_mb,
                            with.tree_pss_mb,
                            before.processes,
                            with.processes
                        ),
                        Err(cause) => format!("failed: {cause:#} | | | |"),
                    };
                    let clients =
                        if rest == Rest::Away { "gone" } else { "connected, stream open" };
                    say(&format!("| {} | {count} | {clients} | {row} |", subject.name()));
                    running.stop().await;
                }
            }
        }
        Ok(())
    }

    /// From the start of the process to the first answer to `tools/list`.
    ///
    /// # Errors
    /// When a bridge does not start.
    pub(crate) async fn cold_start(&self) -> anyhow::Result<()> {
        say("\n| bridge | cold start ms | processes | MB |\n|---|---|---|---|");
        for &subject in &self.subjects {
            let (mut times, mut rest) = (Vec::new(), None);
            for _ in 0..self.repeats.max(3) {
                let (running, took) = subject.start(&self.programs, &[]).await?;
                times.push(took.as_secs_f64() * 1e3);
                rest = Some(crate::process_table::usage(running.pid));
                running.stop().await;
            }
            let rest = rest.context("no run")?;
            say(&format!("raw cold start {} {times:.0?}", subject.name()));
            say(&format!(
                "| {} | {:.0} | {} | {:.1} |",
                subject.name(),
                median(times),
                rest.processes,
                rest.tree_pss_mb
            ));
        }
        Ok(())
    }

    /// Connections that say nothing, and one that speaks. The gateway alone: it is the one that
    /// promises something.
    ///
    /// # Errors
    /// When the gateway does not start.
    pub(crate) async fn silent(&self) -> anyhow::Result<()> {
        say("\n| open files allowed | silent connections | the next one was served after \
             | 15 s later after | files open | MB | accept failed |");
        say("|---|---|---|---|---|---|---|");
        for files_max in FILES_MAX {
            let served = idle::silent(&self.programs, SILENT, files_max).await?;
            let took = |took: &anyhow::Result<Duration>| match took {
                Ok(took) => format!("{:.1} ms", took.as_secs_f64() * 1e3),
                Err(cause) => format!("never: {cause:#}"),
            };
            say(&format!(
                "| {files_max} | {} | {} | {} | {} | {:.1} | {} |",
                served.connected,
                took(&served.first),
                took(&served.later),
                served.open_files,
                served.rss_mb,
                served.accept_failures
            ));
        }
        Ok(())
    }
}

/// The repetitions of one case.
#[derive(Default)]
struct Runs {
    measured: Vec<Measured>,
    /// The bridge does not speak the era.
    is_refused: bool,
}

fn throughput_row(subject: Subject, era: Era, connections: usize, runs: &[Measured]) -> String {
    if runs.is_empty() {
        return format!(
            "| {} | {} | {connections} | does not speak it | | | | | | | | |",
            subject.name(),
            era.name()
        );
    }
    let middle = |figure: fn(&Measured) -> f64| median(runs.iter().map(figure));
    format!(
        "| {} | {} | {connections} | {:.0} | {:.3} | {:.3} | {:.1} | {:.3} | {:.3} | {} | {:.0} \
         | {} |",
        subject.name(),
        era.name(),
        middle(|run| run.per_second),
        middle(|run| run.p50_ms),
        middle(|run| run.p99_ms),
        middle(|run| run.max_ms),
        middle(|run| run.own_cpu_ms),
        middle(|run| run.tree_cpu_ms),
        runs.iter().map(|run| run.usage.processes).max().unwrap_or_default(),
        middle(|run| run.usage.tree_pss_mb),
        runs.iter().map(|run| run.bad).sum::<usize>(),
    )
}
