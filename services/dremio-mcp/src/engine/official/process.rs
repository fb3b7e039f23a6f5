//! Starts the child so that it cannot outlive the gateway, sees nothing that it does not need, and
//! leaves nothing behind: own process group, cleared environment, an empty private working
//! directory, confined to what it needs, killed together with its group.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};
use secrecy::{ExposeSecret, SecretString};
use service_kit::PrivateFolder;
use tokio::io::{AsyncBufRead, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::confinement::{Confinement, Enforced, Needs};
use super::last_words::LastWords;
use super::lines::{Line, next_line};
use super::port::{ReservedPort, arguments};
use crate::egress::{Activity, Calls, OpenCall};

/// Dremio's own server, and the settings that do not make it talk to anything but Dremio.
const OFFICIAL_PROGRAM: &str = "dremio-mcp-server";
const OFFICIAL_PREFIXES: [&str; 2] = ["DREMIOAI_DREMIO__", "DREMIOAI_TOOLS__"];

/// Longest line of the child's standard error that is logged in full.
const LOG_LINE_BYTES_MAX: usize = 8 * 1024;

/// How long a child may take to exit after its input was closed, and again after SIGTERM. The
/// official server needs 0.1 s when idle and 0.4 s when busy.
const LEAVE_WAIT: Duration = Duration::from_secs(2);

/// How long the output of a child that has ended is read: a grandchild may keep the pipe open
/// forever.
pub(super) const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);

/// How to start the child.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Program and arguments; run without a shell.
    pub(crate) command: Vec<String>,
    /// The gateway's environment variables that may be passed on, including `DREMIOAI_…`.
    pub(crate) environment: BTreeMap<String, String>,
    /// The address that the child takes for Dremio: the egress proxy.
    pub(crate) egress_uri: String,
    /// How the gateway speaks with it.
    pub(crate) transport: ChildTransport,
    /// The child's activity there.
    pub(crate) egress_activity: Activity,
    /// A child that is silent for this long, even to pings, is replaced.
    pub(crate) silence_max: Duration,
    /// A call of Dremio's own server is given up after this time, if it is certain that the server
    /// does nothing for it.
    pub(crate) forgotten_after: Duration,
    /// Whether a second child waits to take over.
    pub(crate) standby: bool,
    /// What the child must not reach; `None` if the operator wants no confinement.
    pub(crate) confinement: Option<Confinement>,
}

/// How the gateway speaks with a child.
#[derive(Debug)]
pub(crate) enum ChildTransport {
    /// Over its standard input and output. It presents the ticket of this call at the egress proxy,
    /// whatever it works on.
    Stdio(OpenCall),
    /// Over HTTP, if its program can do that as Dremio's own server does. It presents the ticket of
    /// the call that it works on, one of these.
    Http(Calls),
}

/// The gateway's ends of the connection to a child.
pub(super) enum Ends {
    Pipes { stdout: BufReader<ChildStdout>, stdin: ChildStdin },
    Port { port: ReservedPort, calls: Calls },
}

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(
        "MCP_SERVER_COMMAND: `{program}` was not found; install the official server or name its \
         full path"
    )]
    NotFound { program: String },
    #[error("MCP_SERVER_COMMAND: `{program}` cannot be started")]
    Refused { program: String, source: std::io::Error },
    #[error("cannot make a private folder for the MCP server process")]
    Folder(#[source] std::io::Error),
    #[error("the operating system gives no thread to start the MCP server process from")]
    Thread(#[source] std::io::Error),
    #[error("there is no free port for the MCP server process")]
    Port(#[source] std::io::Error),
    #[error("the MCP server process was started without its pipes")]
    NoPipes,
}

/// A running child. Dropping it kills its process group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    /// What the kernel enforces; `None` if confinement is switched off.
    enforced: Option<Enforced>,
    last_words: LastWords,
    /// Whether it ends when its input does.
    reads_input: bool,
    /// Reads its standard error to the end.
    stderr: JoinHandle<()>,
    _folder: PrivateFolder,
    /// Dropping it ends the thread that started the child, which must not end earlier: see
    /// [`die_with_parent`].
    _parent: mpsc::Sender<()>,
}

impl ChildTransport {
    /// What the child knows of its access to the egress proxy from its start on.
    fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Stdio(open) => Some(open.ticket()),
            Self::Http(_) => None,
        }
    }
}

impl Launch {
    /// `port` is the one to listen on, for a child that is spoken with over HTTP.
    fn command(&self, folder: &Path, port: Option<u16>) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .envs(&self.environment)
            .env("PYTHONUNBUFFERED", "1")
            .env("XDG_CONFIG_HOME", folder)
            .env("TMPDIR", folder)
            .env("DREMIOAI_DREMIO__URI", &self.egress_uri)
            .current_dir(folder)
            .process_group(0)
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(secret) = self.transport.secret() {
            command.env("DREMIOAI_DREMIO__PAT", secret.expose_secret());
        }
        match port {
            Some(port) => command
                .args(arguments(&port.to_string()))
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
            None => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        die_with_parent(&mut command);
        command
    }

    /// The program as `exec` will find it.
    fn program(&self) -> Option<PathBuf> {
        let name = Path::new(self.command.first()?);
        if name.components().count() > 1 {
            return Some(name.to_owned());
        }
        let path = self.environment.get("PATH").map_or("", String::as_str);
        path.split(':').map(|folder| Path::new(folder).join(name)).find(|program| program.is_file())
    }

    /// The egress proxy's port, if the child needs no other. That is so for Dremio's own server,
    /// unless its settings make it talk to others too; another server may need anything.
    fn only_port(&self) -> Option<u16> {
        let is_official = self.program()?.file_name()? == OFFICIAL_PROGRAM;
        let port = self.egress_uri.rsplit(':').next()?.parse().ok()?;
        (is_official && self.asks_only_dremio()).then_some(port)
    }

    /// Whether Dremio's own server talks to Dremio only: all its settings are known here, and it
    /// has no settings file.
    pub(super) fn asks_only_dremio(&self) -> bool {
        let is_known = |name: &str| {
            !name.starts_with("DREMIOAI_")
                || OFFICIAL_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        let names_file = |word: &str| word.starts_with("-c") || word.starts_with("--cfg");
        self.environment.keys().all(|name| is_known(name))
            && !self.command.iter().any(|word| names_file(word))
    }
}

/// Asks the kernel to kill the child when the gateway is killed; a child that hangs would not
/// notice the end of its input. The request is bound to the *thread* that forks, so
/// [`Process::start`] keeps that thread alive.
#[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: the closure makes two system calls that are async-signal-safe and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before this request, but not if it is PID 1 of a container.
            Ok(())
        });
    }
}

/// An empty working directory for the child. The official server writes a configuration file if it
/// finds none and reads `.env` from its working directory, so nobody else may write there.
fn private_folder() -> std::io::Result<PrivateFolder> {
    let folder = PrivateFolder::new("dremio-mcp-child")?;
    let config = folder.path().join("dremioai");
    std::fs::create_dir(&config)?;
    std::fs::write(config.join("config.yaml"), "")?;
    Ok(folder)
}

impl Process {
    /// Starts `launch` and forwards its standard error to the log.
    ///
    /// The child has its own thread in the gateway, which confines itself, starts the child, and
    /// then waits until the child is gone: Landlock restricts a thread permanently, with all
    /// processes that the thread starts.
    ///
    /// # Errors
    /// See [`StartError`].
    pub(super) async fn start(launch: &Launch) -> Result<(Self, Ends), StartError> {
        let folder = private_folder().map_err(StartError::Folder)?;
        let calls = match &launch.transport {
            ChildTransport::Stdio(_) => None,
            ChildTransport::Http(calls) => {
                Some((ReservedPort::new().map_err(StartError::Port)?, calls.clone()))
            }
        };
        let listens = calls.as_ref().map(|(port, _)| port.number());
        let mut command = launch.command(folder.path(), listens);
        let (confinement, working_folder) = (launch.confinement.clone(), folder.path().to_owned());
        let (found, port) = (launch.program(), launch.only_port());
        let (parent, child_is_gone) = mpsc::channel::<()>();
        let (reply, spawned) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new().name("child-parent".into()).spawn(move || {
            let needs = Needs { program: found.as_deref(), folder: &working_folder, port, listens };
            let enforced = confinement.map(|confinement| {
                confinement.apply(&needs).unwrap_or_else(|cause| {
                    tracing::warn!(
                        %cause,
                        "the kernel refused the confinement of the MCP server process",
                    );
                    Enforced::Not("the kernel refused the rules")
                })
            });
            let child = {
                let _in_runtime = runtime.enter();
                command.spawn()
            };
            if reply.send((enforced, child)).is_ok() {
                // Nothing is ever sent; the sender is dropped with the child.
                let _ = child_is_gone.recv();
            }
        });
        drop(thread.map_err(StartError::Thread)?);
        let program = launch.command.first().cloned().unwrap_or_default();
        let (enforced, child) = spawned.await.map_err(|_| StartError::NoPipes)?;
        let mut child = child.map_err(|source| match source.kind() {
            ErrorKind::NotFound => StartError::NotFound { program: program.clone() },
            _ => StartError::Refused { program: program.clone(), source },
        })?;
        let stderr = child.stderr.take().ok_or(StartError::NoPipes)?;
        let ends = match (calls, child.stdin.take(), child.stdout.take()) {
            (Some((port, calls)), ..) => Ends::Port { port, calls },
            (None, Some(stdin), Some(stdout)) => {
                Ends::Pipes { stdout: BufReader::new(stdout), stdin }
            }
            _ => return Err(StartError::NoPipes),
        };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group =
            pid.ok_or_else(|| StartError::Refused { program, source: ErrorKind::NotFound.into() })?;
        let last_words = LastWords::redacting(launch.transport.secret().cloned());
        let stderr = tokio::spawn(log_stderr(BufReader::new(stderr), group, last_words.clone()));
        let process = Self {
            child,
            group,
            enforced,
            last_words,
            reads_input: listens.is_none(),
            stderr,
            _folder: folder,
            _parent: parent,
        };
        Ok((process, ends))
    }

    /// What the kernel enforces; `None` if confinement is switched off.
    pub(super) fn enforced(&self) -> Option<Enforced> {
        self.enforced
    }

    pub(super) fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits for the child to end, and describes how it did. Cancel safe.
    pub(super) async fn end_of(&mut self) -> String {
        self.child
            .wait()
            .await
            .map_or_else(|_| "it ended".to_owned(), |status| format!("it ended ({status})"))
    }

    /// Whether it has not ended yet.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The code with which it has ended by itself.
    pub(super) fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten()?.code()
    }

    /// From now on the child works for clients, and its output may hold their data.
    pub(super) fn has_introduced_itself(&self) {
        self.last_words.forget();
    }

    /// `why`, followed by what the child wrote to standard error if it never introduced itself.
    pub(super) async fn with_last_words(&mut self, why: String) -> String {
        // What it wrote before it ended may still be in the pipe.
        let _ = tokio::time::timeout(LAST_WORDS_WAIT, &mut self.stderr).await;
        match self.last_words.say() {
            Some(words) => format!("{why}; its last words: {words}"),
            None => why,
        }
    }

    /// Kills the whole group at once: a child that hangs does not exit by itself.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Ends the child: its input is already closed, if it reads that; then SIGTERM, then SIGKILL,
    /// each to the whole group.
    pub(super) async fn stop(mut self) {
        if !self.reads_input {
            self.signal(Signal::TERM);
        }
        if tokio::time::timeout(LEAVE_WAIT, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            if tokio::time::timeout(LEAVE_WAIT, self.child.wait()).await.is_err() {
                tracing::warn!(
                    pid = self.pid(),
                    "the MCP server process did not leave; killing it"
                );
            }
        }
    }

    fn signal(&self, signal: Signal) {
        // An error means that the group is gone already.
        let _ = kill_process_group(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Always, because a grandchild may have stayed behind.
        self.signal(Signal::KILL);
    }
}

/// Forwards the child's log lines, cut to a limit, at debug because they may quote what clients
/// sent. A pipe that is not read would block the child.
async fn log_stderr<R: AsyncBufRead + Unpin>(mut stderr: R, group: Pid, last_words: LastWords) {
    let pid = group.as_raw_nonzero().get();
    while let Ok(Some(line)) = next_line(&mut stderr, LOG_LINE_BYTES_MAX).await {
        let (Line::Whole(bytes) | Line::TooLong(bytes)) = line;
        let text = String::from_utf8_lossy(&bytes);
        if !text.trim().is_empty() {
            last_words.hear(text.trim_end());
            tracing::debug!(
                target: "dremio_mcp::child",
                pid,
                line = text.trim_end(),
                "stderr of the MCP server process",
            );
        }
    }
}
