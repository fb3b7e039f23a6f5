//! Who writes the audit file: one thread, because a disk makes it wait. Calls hand it their lines
//! through a queue with a place for each call from its start on, so that a line is never refused at
//! the end of a call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use service_kit::admin::Condition;
use service_kit::lifecycle::{Hangups, Shutdown};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::chain::ChainKey;
use super::file::{AuditFile, FileError};
use super::members::Members;
use crate::conditions::{ConditionName, Readiness};
use crate::signer::{SharedKey, Signer};

/// Calls that may have a line to write. More than the connections that clients can have.
const CALLS_MAX: usize = 32_768;

/// Lines that are written at once.
const BATCH_LINES_MAX: usize = 256;

/// Pause between two tries to write.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// How often the chain's head is logged.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);

/// How long a stop waits for calls that have not ended, and for a file that cannot be written.
const STOP_WAIT_MAX: Duration = Duration::from_secs(2);

/// What the thread does.
enum Work {
    /// Write this line, and tell the call.
    Line(Members, Option<oneshot::Sender<()>>),
    /// Begin another file.
    Rotate,
    /// Log the chain's head.
    Head,
}

/// The audit file as calls see it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AuditLog {
    work: mpsc::Sender<Work>,
    is_broken: watch::Receiver<bool>,
}

/// A place in the queue for the line of one call.
pub(crate) struct Place {
    permit: mpsc::OwnedPermit<Work>,
    is_broken: watch::Receiver<bool>,
}

/// The thread, for who looks after it.
pub(crate) struct Writing {
    work: mpsc::Sender<Work>,
    stopping: Arc<AtomicBool>,
    has_ended: oneshot::Receiver<()>,
}

/// A line that is being written.
pub(crate) struct Handed {
    written: oneshot::Receiver<()>,
    is_broken: watch::Receiver<bool>,
}

impl AuditLog {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system gives none.
    pub(super) fn start(
        file: AuditFile,
        signer: Arc<Signer>,
        readiness: Readiness,
    ) -> std::io::Result<(Self, Writing)> {
        readiness.set(
            ConditionName::Audit,
            Condition::unmet("starting", "the audit file is being opened"),
        );
        let (work, queue) = mpsc::channel(CALLS_MAX);
        let (state, is_broken) = watch::channel(true);
        let stopping = Arc::new(AtomicBool::new(false));
        let (ended, has_ended) = oneshot::channel();
        let writer = Writer {
            file,
            signer,
            key: None,
            queue,
            state,
            readiness,
            stopping: Arc::clone(&stopping),
            _ended: ended,
        };
        std::thread::Builder::new().name("audit".into()).spawn(move || writer.run())?;
        let writing = Writing { work: work.clone(), stopping, has_ended };
        Ok((Self { work, is_broken }, writing))
    }

    /// A place for the line of a call that begins. `None` when nothing can be written, so that the
    /// call must not be made.
    pub(crate) fn place(&self) -> Option<Place> {
        let is_broken = self.is_broken.clone();
        let permit = self.work.clone().try_reserve_owned().ok()?;
        Some(Place { permit, is_broken })
    }

    /// Whether lines are not written at the moment.
    pub(crate) fn is_broken(&self) -> bool {
        *self.is_broken.borrow()
    }
}

impl Writing {
    /// Begins another file at each of `hangups`, and has the head logged now and then, until
    /// `shutdown` drains. Resolves when all is written.
    pub(crate) async fn run(self, hangups: Hangups, shutdown: Shutdown) {
        // With a handler, a file beyond the limit of the process (`ulimit -f`) is an error like a
        // full disk; without one it is the end of the process.
        let _kept = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
        let mut heads = tokio::time::interval(HEAD_INTERVAL);
        heads.tick().await;
        loop {
            // If there is no room, the thread is busy, and will do it at its end.
            let _ = tokio::select! {
                _ = heads.tick() => self.work.try_send(Work::Head),
                () = hangups.next() => self.work.try_send(Work::Rotate),
                () = shutdown.draining() => break,
            };
        }
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = self.work.try_send(Work::Head);
        let _ = self.has_ended.await;
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("is_broken", &self.is_broken()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl Place {
    /// Hands the line over. It is never lost from here on, whether anybody waits for it or not.
    pub(crate) fn write(self, line: Members) -> Handed {
        let (done, written) = oneshot::channel();
        self.permit.send(Work::Line(line, Some(done)));
        Handed { written, is_broken: self.is_broken }
    }

    /// The same, for a call that cannot wait.
    pub(crate) fn leave(self, line: Members) {
        self.permit.send(Work::Line(line, None));
    }
}

impl Handed {
    /// Waits until the line is in the file. Returns `false` if it is not yet: then it will be as
    /// soon as the file can be written again. Cancel safe.
    pub(crate) async fn done(mut self) -> bool {
        tokio::select! {
            biased;
            written = &mut self.written => written.is_ok(),
            _ = self.is_broken.wait_for(|is_broken| *is_broken) => false,
        }
    }
}

struct Writer {
    file: AuditFile,
    signer: Arc<Signer>,
    /// Derived once from each key that the signer has.
    key: Option<(SharedKey, ChainKey)>,
    queue: mpsc::Receiver<Work>,
    state: watch::Sender<bool>,
    readiness: Readiness,
    stopping: Arc<AtomicBool>,
    _ended: oneshot::Sender<()>,
}

/// A stop does not wait any longer.
struct GivenUp;

/// What a batch is to do.
#[derive(Default)]
struct Batch {
    lines: Vec<Members>,
    callers: Vec<oneshot::Sender<()>>,
    rotates: bool,
    shows_head: bool,
}

impl Batch {
    fn add(&mut self, work: Work) {
        match work {
            Work::Line(line, caller) => {
                self.lines.push(line);
                self.callers.extend(caller);
            }
            Work::Rotate => self.rotates = true,
            Work::Head => self.shows_head = true,
        }
    }
}

impl Writer {
    fn run(mut self) {
        let mut lost = 0;
        if self.persist(Self::prepare).is_ok() {
            while !self.stopping.load(Ordering::Relaxed) {
                let Some(first) = self.queue.blocking_recv() else { break };
                let mut batch = Batch::default();
                batch.add(first);
                while batch.lines.len() < BATCH_LINES_MAX
                    && let Ok(more) = self.queue.try_recv()
                {
                    batch.add(more);
                }
                lost += self.write(batch);
            }
        }
        lost += self.write_the_rest();
        if lost > 0 {
            tracing::error!(
                lines = lost,
                "stopping without these lines of the audit file: it could not be written"
            );
        }
        self.sync();
        self.show_head();
    }

    /// Writes the lines of calls that are still ending.
    fn write_the_rest(&mut self) -> usize {
        self.queue.close();
        let deadline = Instant::now() + STOP_WAIT_MAX;
        let (mut batch, mut lost) = (Batch::default(), 0);
        loop {
            match self.queue.try_recv() {
                Ok(work) => batch.add(work),
                Err(mpsc::error::TryRecvError::Empty) if Instant::now() < deadline => {
                    lost += self.write(std::mem::take(&mut batch));
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(_) => return lost + self.write(batch),
            }
        }
    }

    /// Writes a batch, however often it takes. Gives how many lines are lost, by a stop.
    fn write(&mut self, batch: Batch) -> usize {
        let count = batch.lines.len();
        if batch.rotates && self.persist(|writer| writer.file.rotate().map_err(shown)).is_err() {
            return count;
        }
        if count > 0 || batch.rotates {
            if self.persist(Self::prepare).is_err() {
                return count;
            }
            batch.lines.iter().for_each(|line| self.file.add(line));
            if self.persist(|writer| writer.file.flush().map_err(shown)).is_err() {
                return count;
            }
        }
        for caller in batch.callers {
            // A caller that has gone does not need to know.
            let _ = caller.send(());
        }
        if batch.shows_head {
            self.sync();
            self.show_head();
        }
        0
    }

    fn prepare(&mut self) -> Result<(), Trouble> {
        if let Some(shared) = self.signer.shared_key()
            && self.key.as_ref().is_none_or(|(from, _)| *from != shared)
            && let Some(key) = shared.key().map(ChainKey::of)
        {
            self.key = Some((shared, key));
        }
        let Some((_, key)) = &self.key else {
            return Err(Trouble {
                reason: "no_gateway_key",
                text: "it is sealed with the gateway key, and there is none beside the token file"
                    .to_owned(),
            });
        };
        self.file.prepare(key).map_err(shown)
    }

    /// Tries again until it works. Meanwhile the file counts as broken.
    fn persist(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<(), Trouble>,
    ) -> Result<(), GivenUp> {
        let mut deadline = None;
        while let Err(trouble) = attempt(self) {
            self.state.send_replace(true);
            let text = format!(
                "the audit file {} cannot be written: {}. Tool calls are refused until it can",
                self.file.path().display(),
                trouble.text
            );
            self.readiness.set(ConditionName::Audit, Condition::unmet(trouble.reason, text));
            if self.stopping.load(Ordering::Relaxed)
                && Instant::now() > *deadline.get_or_insert(Instant::now() + STOP_WAIT_MAX)
            {
                return Err(GivenUp);
            }
            std::thread::sleep(RETRY_PAUSE);
        }
        if *self.state.borrow() {
            self.readiness.set(ConditionName::Audit, Condition::met());
            self.state.send_replace(false);
        }
        Ok(())
    }

    fn sync(&self) {
        if let Err(cause) = self.file.sync() {
            tracing::warn!(error = %cause, "the disk does not confirm the audit file");
        }
    }

    /// Logs the head: whoever keeps the log elsewhere can tell whether lines are missing at the
    /// end of the file.
    fn show_head(&self) {
        let Some(head) = self.file.head() else { return };
        tracing::info!(
            target: "audit",
            event = "audit_head",
            head = %head,
            file = %self.file.path().display(),
            "the audit file ends with this line",
        );
    }
}

/// Why nothing can be written, for readiness.
struct Trouble {
    reason: &'static str,
    text: String,
}

fn shown(cause: FileError) -> Trouble {
    let reason = match &cause {
        FileError::Taken => "taken",
        FileError::NotAFile => "not_a_file",
        FileError::Full | FileError::Io(_) => "unwritable",
    };
    Trouble { reason, text: cause.to_string() }
}
