//! What `/proc` says about a server and everything that it started: processes, processor time,
//! memory, open files.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// `USER_HZ`: fixed at 100 for every architecture that Linux and Rust share.
const TICK: Duration = Duration::from_millis(10);

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    parent: i32,
    pub(crate) name: String,
    zombie: bool,
    cpu: Duration,
}

/// What a tree of processes uses. Memory that processes share counts once (PSS).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) processes: usize,
    /// Of the first process alone.
    pub(crate) own_cpu: Duration,
    /// Of all of them.
    pub(crate) tree_cpu: Duration,
    /// Resident memory of the first process alone.
    pub(crate) own_rss_mb: f64,
    pub(crate) tree_pss_mb: f64,
}

/// `root` and its descendants. Zombies that `root` itself has to reap are left out: they are gone
/// but for the book-keeping.
pub(crate) fn tree(root: i32) -> Vec<Process> {
    let all: BTreeMap<i32, Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, read(pid)?)))
        .collect();
    let belongs = |process: &Process| {
        let parents = std::iter::successors(Some(process.pid), |pid| {
            all.get(pid).map(|process| process.parent)
        });
        // No tree is deeper; a pid that is reused while we read could make a circle.
        parents.take(64).any(|pid| pid == root)
    };
    all.values()
        .filter(|process| belongs(process) && !(process.zombie && process.parent == root))
        .cloned()
        .collect()
}

/// What `root` and its descendants use now.
pub(crate) fn usage(root: i32) -> Usage {
    let tree = tree(root);
    let own = tree.iter().find(|process| process.pid == root);
    Usage {
        processes: tree.len(),
        own_cpu: own.map(|process| process.cpu).unwrap_or_default(),
        tree_cpu: tree.iter().map(|process| process.cpu).sum(),
        own_rss_mb: kib(root, "status", "VmRSS:") / 1024.0,
        tree_pss_mb: tree
            .iter()
            .map(|process| kib(process.pid, "smaps_rollup", "Pss:"))
            .sum::<f64>()
            / 1024.0,
    }
}

/// How many files a process has open.
pub(crate) fn open_files(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or_default()
}

fn read(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, brackets included.
    let (before, after) = stat.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    // proc(5) counts from 1 and includes pid and name: field N is index N - 3.
    let cpu = TICK * (ticks(11)? + ticks(12)?);
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        name,
        zombie: fields.first() == Some(&"Z"),
        cpu,
    })
}

fn kib(pid: i32, file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
}
