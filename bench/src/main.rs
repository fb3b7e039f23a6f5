//! `bench`: measures the gateway beside other bridges over the same child, and puts it under fire.
//! Everything runs on loopback, for a limited time, with a limited number of clients.
//! docs/BENCHMARKS.md has the results and how to get them.
//!
//! - `mcp` is the client, `load` the closed loop, `direct` the child without a bridge, `idle` the
//!   clients that do nothing
//! - `subject` starts bridges, `process_table` says what they use, `compare` runs all of it and
//!   prints tables
//! - `soak` is the long mixed run with faults

mod compare;
mod direct;
mod idle;
mod load;
mod mcp;
mod process_table;
mod samples;
mod soak;
mod subject;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::Plan;
use crate::subject::{Programs, Subject};

/// Measures the gateway beside other bridges, and puts it under fire.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios on every bridge that is installed, and print tables
    Compare(Compare),
    /// Mixed load with faults on the gateway; exit 1 when an answer was wrong or lost, or anything
    /// is left behind
    Soak(SoakArguments),
}

#[derive(Args)]
struct Compare {
    /// Which scenarios; all of them without this
    #[arg(long, value_enum, value_delimiter = ',')]
    scenario: Vec<Scenario>,
    /// Only the gateway, without its peers
    #[arg(long)]
    alone: bool,
    /// How often each measurement is made
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Length of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    programs: ProgramArguments,
}

#[derive(Args)]
struct SoakArguments {
    /// How long
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Clients at a time, half of them of each era
    #[arg(long, default_value_t = 48)]
    clients: usize,
    /// Seconds between two faults that kill the child or make it hang, on average
    #[arg(long, default_value_t = 12)]
    crash_seconds: u64,
    /// A setting of the gateway, for example MCP_STANDBY=true; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// The first number of the run's chance: what every client does follows from it, the faults
    /// and their moments too
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    programs: ProgramArguments,
}

#[derive(Args)]
struct ProgramArguments {
    /// The gateway; without this, the one beside this program
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Where bench/peers.sh has put the peers
    #[arg(long, default_value = "target/bench-peers")]
    peers: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Throughput,
    Latency,
    Sessions,
    ColdStart,
    Silent,
}

/// Prints what was found: this program's only output.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(text: &str) {
    println!("{text}");
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One thread, so that the load leaves a processor to what is measured.
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(run(arguments.command))
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) => {
            say(&format!("bench: {cause:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Compare(compare) => compare.run().await.map(|()| true),
        Command::Soak(soak) => {
            let beside = std::env::current_exe()?;
            let fixture = beside.with_file_name("stdio-fixture");
            let programs = Programs { child: fixture, ..soak.programs.find()? };
            let plan = soak::Plan {
                programs,
                length: Duration::from_secs(soak.minutes * 60),
                clients: soak.clients,
                seed: soak.seed,
                settings: soak.settings,
                crash_every: Duration::from_secs(soak.crash_seconds),
            };
            plan.run().await
        }
    }
}

impl Compare {
    async fn run(self) -> anyhow::Result<()> {
        let programs = self.programs.find()?;
        let subjects = if self.alone { vec![Subject::Gateway] } else { Subject::ALL.to_vec() };
        let (subjects, missing): (Vec<_>, Vec<_>) =
            subjects.into_iter().partition(|subject| subject.is_installed(&programs));
        for subject in missing {
            say(&format!(
                "{} is not installed and is left out; see bench/peers.sh",
                subject.name()
            ));
        }
        let plan = Plan {
            programs,
            subjects,
            repeats: self.repeats,
            length: Duration::from_secs(self.seconds),
        };
        let wanted = |scenario| self.scenario.is_empty() || self.scenario.contains(&scenario);
        if wanted(Scenario::ColdStart) {
            plan.cold_start().await?;
        }
        if wanted(Scenario::Latency) {
            plan.latency().await?;
        }
        if wanted(Scenario::Throughput) {
            plan.throughput().await?;
        }
        if wanted(Scenario::Sessions) {
            plan.sessions().await?;
        }
        if wanted(Scenario::Silent) {
            plan.silent().await?;
        }
        Ok(())
    }
}

impl ProgramArguments {
    fn find(self) -> anyhow::Result<Programs> {
        let beside = std::env::current_exe()?;
        let gateway = self.gateway.unwrap_or_else(|| beside.with_file_name("dremio-mcp"));
        let gateway = gateway
            .canonicalize()
            .with_context(|| format!("{}: build it first", gateway.display()))?;
        let peers = self.peers.canonicalize().unwrap_or(self.peers);
        Ok(Programs { gateway, child: beside.with_file_name("echo-child"), peers })
    }
}
