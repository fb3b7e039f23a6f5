//! Starts the child so that it cannot outlive the gateway, sees nothing it does not need, and leaves nothing
//! behind: own process group, cleared environment, an empty private folder to work in, killed with its group.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};
use secrecy::{ExposeSecret, SecretString};
use service_kit::PrivateFolder;
use tokio::io::{AsyncBufRead, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

use super::lines::{Line, next_line};

/// Variables of our own environment that the child gets. It gets no others but `DREMIOAI_…`.
const PASSED: [&str; 14] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    // numpy starts a thread per core unless told otherwise.
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
];

/// The official server's own switch for statements that write.
pub(crate) const ALLOW_DML: &str = "DREMIOAI_DREMIO__ALLOW_DML";

/// Longest line of the child's standard error that is logged whole.
const LOG_LINE_BYTES_MAX: usize = 8 * 1024;

/// How long a child may take to leave after its input was closed, and again after SIGTERM.
/// The official server needs 0.1 s when idle and 0.4 s when busy.
const LEAVE_WAIT: Duration = Duration::from_secs(2);

/// What is started.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Program and arguments; run without a shell.
    pub(crate) command: Vec<String>,
    /// Environment of the gateway that may be passed on, `DREMIOAI_…` included.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where the child finds "Dremio": the egress hop.
    pub(crate) hop_uri: String,
    /// What the child presents there. Worthless anywhere else.
    pub(crate) hop_secret: SecretString,
    /// A child that is silent for this long, pings included, is replaced.
    pub(crate) silence_max: Duration,
    /// Whether a second child waits to take over.
    pub(crate) standby: bool,
}

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("MCP_SERVER_COMMAND: `{program}` was not found; install the official server or name its full path")]
    NotFound { program: String },
    #[error("MCP_SERVER_COMMAND: `{program}` cannot be started")]
    Refused { program: String, source: std::io::Error },
    #[error("cannot make a private folder for the MCP server process")]
    Folder(#[source] std::io::Error),
    #[error("the thread that starts processes has ended")]
    SpawnerGone,
}

/// A running child. Dropping it kills its process group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    _folder: PrivateFolder,
}

impl Launch {
    /// The variables that a launch may pass on, taken from `env`. The server's own guard and what it says of its tools agree with ours.
    pub(crate) fn environment(env: &service_kit::env::Env, allow_writes: bool) -> BTreeMap<String, String> {
        let plain = PASSED.iter().filter_map(|&name| Some((name.to_owned(), env.get(name)?.to_owned())));
        // The URI and the token are the gateway's business: the child talks to the hop only.
        let own =
            env.with_prefix("DREMIOAI_").filter(|(name, _)| !matches!(*name, "DREMIOAI_DREMIO__URI" | "DREMIOAI_DREMIO__PAT" | ALLOW_DML));
        let writes = allow_writes.then(|| (ALLOW_DML.to_owned(), "true".to_owned()));
        plain.chain(own.map(|(name, value)| (name.to_owned(), value.to_owned()))).chain(writes).collect()
    }

    fn command(&self, folder: &Path) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .envs(&self.environment)
            .env("PYTHONUNBUFFERED", "1")
            .env("XDG_CONFIG_HOME", folder)
            .env("DREMIOAI_DREMIO__URI", &self.hop_uri)
            .env("DREMIOAI_DREMIO__PAT", self.hop_secret.expose_secret())
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        die_with_parent(&mut command);
        command
    }
}

/// Asks the kernel to kill the child when the gateway is killed; a child that hangs would not notice
/// the end of its input. The request is bound to the *thread* that forks, hence [`Spawner`].
#[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: the closure makes two system calls that are async-signal-safe and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the request was made. As PID 1 of a container it cannot.
            Ok(())
        });
    }
}

/// One thread, as old as the gateway, that forks all children.
#[derive(Clone, Debug)]
pub(super) struct Spawner(mpsc::Sender<(Command, oneshot::Sender<std::io::Result<Child>>)>);

impl Spawner {
    /// Starts the thread. It ends when the last handle is gone.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (tx, rx) = mpsc::channel::<(Command, oneshot::Sender<std::io::Result<Child>>)>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("child-spawner".into()).spawn(move || {
            while let Ok((mut command, reply)) = rx.recv() {
                let _in_runtime = runtime.enter();
                let _gone = reply.send(command.spawn());
            }
        })?;
        Ok(Self(tx))
    }

    /// Starts `launch` and forwards its standard error to the log.
    ///
    /// # Errors
    /// See [`StartError`].
    pub(super) async fn spawn(&self, launch: &Launch) -> Result<(Process, BufReader<ChildStdout>, ChildStdin), StartError> {
        let folder = private_folder().map_err(StartError::Folder)?;
        let (reply, spawned) = oneshot::channel();
        self.0.send((launch.command(folder.path()), reply)).map_err(|_| StartError::SpawnerGone)?;
        let program = launch.command.first().cloned().unwrap_or_default();
        let mut child = spawned.await.map_err(|_| StartError::SpawnerGone)?.map_err(|source| match source.kind() {
            ErrorKind::NotFound => StartError::NotFound { program: program.clone() },
            _ => StartError::Refused { program: program.clone(), source },
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(StartError::SpawnerGone);
        };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = pid.ok_or_else(|| StartError::Refused { program, source: ErrorKind::NotFound.into() })?;
        tokio::spawn(log_stderr(BufReader::new(stderr), group));
        Ok((Process { child, group, _folder: folder }, BufReader::new(stdout), stdin))
    }
}

/// An empty folder for the child to work in. The official server writes a configuration file where it finds
/// none and reads `.env` from its working directory, so both lie where nobody else writes.
fn private_folder() -> std::io::Result<PrivateFolder> {
    let folder = PrivateFolder::new("dremio-mcp-child")?;
    let config = folder.path().join("dremioai");
    std::fs::create_dir(&config)?;
    std::fs::write(config.join("config.yaml"), "")?;
    Ok(folder)
}

impl Process {
    pub(super) fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits for the child to end, and says how it did. Cancel safe.
    pub(super) async fn end_of(&mut self) -> String {
        self.child.wait().await.map_or_else(|_| "it ended".to_owned(), |status| format!("it ended ({status})"))
    }

    /// Kills the whole group at once: a child that hangs does not leave by itself.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Ends the child: its input is closed already; then SIGTERM, then SIGKILL, each to the whole group.
    pub(super) async fn stop(mut self) {
        if tokio::time::timeout(LEAVE_WAIT, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            if tokio::time::timeout(LEAVE_WAIT, self.child.wait()).await.is_err() {
                tracing::warn!(pid = self.pid(), "the MCP server process did not leave; killing it");
            }
        }
    }

    fn signal(&self, signal: Signal) {
        // An error means that the group is gone, which is what is wanted.
        let _gone = kill_process_group(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After every end: a grandchild may have stayed behind.
        self.signal(Signal::KILL);
    }
}

/// Forwards the child's log lines: bounded, at debug, because they may quote what clients asked.
/// A pipe that nobody drains would block the child.
async fn log_stderr<R: AsyncBufRead + Unpin>(mut stderr: R, group: Pid) {
    let pid = group.as_raw_nonzero().get();
    while let Ok(Some(line)) = next_line(&mut stderr, LOG_LINE_BYTES_MAX).await {
        let (Line::Whole(bytes) | Line::TooLong(bytes)) = line;
        let text = String::from_utf8_lossy(&bytes);
        if !text.trim().is_empty() {
            tracing::debug!(target: "dremio_mcp::child", pid, line = text.trim_end(), "stderr of the MCP server process");
        }
    }
}
