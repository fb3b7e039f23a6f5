//! The process that runs with a folder: there is one at most, which holds a lock of the kernel for
//! as long as it lives. So whoever asks learns its id from the kernel, never from a file that a
//! killed process left behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, Pid, Signal, fcntl_getlk, kill_process};
use serde::{Deserialize, Serialize};
use service_kit::Clock;

use crate::config_dir::{ConfigDir, cannot};
use crate::screen::Facts;

const LOCK: &str = "lock";

/// What the running process says of itself.
const STATE: &str = "instance.json";

/// Ending the login at Dremio takes 2 s at most; the rest is for a busy machine.
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);

/// This process's claim to a folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    folder: ConfigDir,
    _lock: File,
}

/// What the file says: whose it is, since when, and what it serves.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// The process.
    pub(crate) process: i32,
    /// In seconds since 1970.
    pub(crate) since: u64,
    pub(crate) facts: Facts,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Pid,
    /// Nothing while it starts.
    pub(crate) state: Option<State>,
}

impl Instance {
    /// Claims the folder for this process.
    ///
    /// # Errors
    /// When another process runs with it, or the lock cannot be had.
    pub(crate) fn claim(folder: &ConfigDir) -> anyhow::Result<Self> {
        let lock = open_lock(folder, true)?;
        if fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let Some(running) = running(folder)? else {
                bail!("cannot lock {}", folder.file(LOCK).display());
            };
            bail!(already_runs(folder, &running));
        }
        let _absent = std::fs::remove_file(folder.file(STATE));
        Ok(Self { folder: folder.clone(), _lock: lock })
    }

    /// Tells others what this process serves.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn serves(&self, facts: &Facts) -> anyhow::Result<()> {
        let since = now(&Clock::system()).as_secs();
        let process = rustix::process::getpid().as_raw_nonzero().get();
        let state = State { process, since, facts: facts.clone() };
        self.folder.write(STATE, &serde_json::to_string(&state)?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Before the lock goes: the next process writes its own.
        let _absent = std::fs::remove_file(self.folder.file(STATE));
    }
}

/// The time since 1970.
pub(crate) fn now(clock: &Clock) -> Duration {
    Duration::from_secs(clock.now().as_second().try_into().unwrap_or_default())
}

/// The process that runs with the folder, if there is one.
///
/// # Errors
/// When the lock cannot be asked for.
pub(crate) fn running(folder: &ConfigDir) -> anyhow::Result<Option<Running>> {
    let lock = match open_lock(folder, false) {
        Ok(lock) => lock,
        Err(cause) if is_absent(&cause) => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let held = fcntl_getlk(&lock, &Flock::from(FlockType::WriteLock));
    let held = held.with_context(|| format!("cannot ask for {}", folder.file(LOCK).display()))?;
    let Some(held) = held else { return Ok(None) };
    let process = held.pid.context("it runs in another container")?;
    let state = state(folder).filter(|state| state.process == process.as_raw_nonzero().get());
    Ok(Some(Running { process, state }))
}

/// What a process that ended without a word left behind, which is removed.
pub(crate) fn remove_leftover(folder: &ConfigDir) -> Option<i32> {
    let process = state(folder)?.process;
    std::fs::remove_file(folder.file(STATE)).ok().map(|()| process)
}

/// Asks the process to stop, and waits until it has; gives its id.
///
/// # Errors
/// When it may not be asked, or does not end.
pub(crate) fn stop(folder: &ConfigDir, process: Pid) -> anyhow::Result<()> {
    kill_process(process, Signal::TERM)
        .with_context(|| format!("cannot stop process {}", process.as_raw_nonzero()))?;
    let asked = Instant::now();
    while running(folder)?.is_some_and(|now| now.process == process) {
        if asked.elapsed() > STOP_WAIT_MAX {
            bail!(
                "process {process} still runs after {} s; kill -9 {process} ends it at once",
                STOP_WAIT_MAX.as_secs(),
                process = process.as_raw_nonzero(),
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// That there is one already, and what helps.
pub(crate) fn already_runs(folder: &ConfigDir, running: &Running) -> String {
    let process = running.process.as_raw_nonzero();
    let serves = running
        .state
        .as_ref()
        .map_or(String::new(), |state| format!(", and serves agents at {}", state.facts.mcp_uri));
    let folder = folder.path().display();
    format!(
        "dremio-mcp-local runs already with {folder} (process {process}){serves}; \
         `dremio-mcp-local stop --config-dir '{folder}'` ends it, another --config-dir starts a \
         second one"
    )
}

fn state(folder: &ConfigDir) -> Option<State> {
    serde_json::from_slice(&std::fs::read(folder.file(STATE)).ok()?).ok()
}

fn open_lock(folder: &ConfigDir, create: bool) -> anyhow::Result<File> {
    let path = folder.file(LOCK);
    let opened = OpenOptions::new().read(true).write(true).create(create).mode(0o600).open(&path);
    opened.with_context(|| cannot("open", &path))
}

fn is_absent(cause: &anyhow::Error) -> bool {
    let io = cause.downcast_ref::<io::Error>();
    io.is_some_and(|io| io.kind() == io::ErrorKind::NotFound)
}
