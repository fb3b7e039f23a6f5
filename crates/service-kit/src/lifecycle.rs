//! How a service starts, runs and stops: one signal drains, the second stops now; every long-lived
//! task has a name and an owner, and one that ends unasked stops the process with a failure code.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Exit;

/// Lets this process open as many files and connections as the system allows it: the default of
/// 1024 is for programs that use `select`. Processes that it starts inherit the limit; they are
/// used to it from containers.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if let Err(cause) =
        setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum })
    {
        tracing::warn!(error = %cause, limit = now.current, "cannot raise the limit on open files");
    }
}

/// Keeps other processes of this user from this process's memory and environment, which hold
/// secrets: the kernel gives neither a debugger nor `/proc/PID/mem` and `/proc/PID/environ` to
/// anybody but root, and writes no core dump (`PR_SET_DUMPABLE`, `prctl(2)`). Programs that this
/// process starts are not affected. For the `main` of a service, not for tests.
pub fn close_memory() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(cause) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(
            error = %cause,
            "other processes of this user can read this process's memory: the kernel refused \
             PR_SET_DUMPABLE"
        );
    }
}

/// The two stops. `draining` means: take no new work, finish what runs. `now` means: drop
/// everything.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    now: CancellationToken,
    hangups: Hangups,
}

/// The SIGHUPs of a service that has a use for them.
#[derive(Clone, Debug, Default)]
pub struct Hangups(Arc<(AtomicBool, Notify)>);

impl Hangups {
    /// Resolves at the next SIGHUP, or at once for one that nobody has waited for. Cancel safe.
    pub async fn next(&self) {
        self.0.1.notified().await;
    }

    fn has_come(&self) -> bool {
        let is_wanted = self.0.0.load(Ordering::Relaxed);
        if is_wanted {
            self.0.1.notify_one();
        }
        is_wanted
    }
}

impl Shutdown {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a drain; a second call asks for a stop at once.
    pub fn request(&self) {
        if self.draining.is_cancelled() {
            self.now.cancel();
        }
        self.draining.cancel();
    }

    /// Stops at once.
    pub fn stop_now(&self) {
        self.draining.cancel();
        self.now.cancel();
    }

    /// Resolves when a drain was asked for. Cancel safe.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Resolves when everything must stop now. Cancel safe.
    pub async fn now(&self) {
        self.now.cancelled().await;
    }

    /// Whether a drain was asked for.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// From now on SIGHUP does not stop the service: who takes them does something else.
    #[must_use]
    pub fn take_hangups(&self) -> Hangups {
        self.hangups.0.0.store(true, Ordering::Relaxed);
        self.hangups.clone()
    }

    /// Installs handlers for SIGTERM, SIGINT and SIGHUP (a closed terminal, unless
    /// [`Shutdown::take_hangups`] gives it another meaning), before anything slow: PID 1 ignores an
    /// unhandled SIGTERM.
    ///
    /// # Errors
    /// When the operating system refuses the handlers.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut hangup = signal(SignalKind::hangup())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            while !shutdown.now.is_cancelled() {
                let name = tokio::select! {
                    _ = term.recv() => "SIGTERM",
                    _ = int.recv() => "SIGINT",
                    _ = hangup.recv() => {
                        if shutdown.hangups.has_come() {
                            continue;
                        }
                        "SIGHUP"
                    }
                    () = shutdown.now() => return,
                };
                tracing::info!(signal = name, again = shutdown.is_draining(), "asked to stop");
                shutdown.request();
            }
        });
        Ok(())
    }
}

/// The named long-lived tasks of a service.
#[derive(Debug)]
pub struct Tasks {
    shutdown: Shutdown,
    set: JoinSet<&'static str>,
}

impl Tasks {
    /// No task yet; they all obey `shutdown`.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { shutdown, set: JoinSet::new() }
    }

    /// Runs `task` under `name` until the service stops. It should end soon after `shutdown`
    /// drains.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            task.await;
            name
        });
    }

    /// Waits until a stop is asked for, then until every task has ended, `deadline` at most.
    /// A task that ends (or panics) before that starts the stop itself and makes it a failure.
    pub async fn run(mut self, deadline: Duration) -> Exit {
        let mut exit = Exit::Success;
        tokio::select! {
            () = self.shutdown.draining() => {}
            ended = self.set.join_next(), if !self.set.is_empty() => {
                if !self.shutdown.is_draining() {
                    let task = ended.and_then(Result::ok).unwrap_or("a task that panicked");
                    tracing::error!(task, "a task that should run for ever ended; stopping");
                    exit = Exit::TaskDied;
                    // Only here: where a drain was asked for already, asking again would mean
                    // "now".
                    self.shutdown.request();
                }
            }
        }
        let shutdown = self.shutdown.clone();
        let all_ended = async { while self.set.join_next().await.is_some() {} };
        tokio::select! {
            () = all_ended => {}
            () = tokio::time::sleep(deadline) => {
                tracing::warn!(?deadline, "not everything finished in time");
            }
            () = shutdown.now() => {}
        }
        self.shutdown.stop_now();
        self.set.shutdown().await;
        exit
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Shutdown, Tasks};
    use crate::Exit;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_unasked_is_a_failure() {
        let mut tasks = Tasks::new(Shutdown::new());
        tasks.spawn("short", async {});
        assert_eq!(tasks.run(Duration::from_secs(1)).await, Exit::TaskDied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_tasks_and_a_deadline_ends_them() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());
        let seen = shutdown.clone();
        tasks.spawn("obedient", async move { seen.draining().await });
        tasks.spawn("stuck", std::future::pending());
        shutdown.request();
        let start = tokio::time::Instant::now();
        assert_eq!(tasks.run(Duration::from_secs(7)).await, Exit::Success);
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_as_soon_as_asked_does_not_cut_the_others_short() {
        // Which of the two is seen first is a matter of chance, so many times.
        for _ in 0..64 {
            let shutdown = Shutdown::new();
            let mut tasks = Tasks::new(shutdown.clone());
            let (quick, slow, finished) = (shutdown.clone(), shutdown.clone(), Shutdown::new());
            let done = finished.clone();
            tasks.spawn("quick", async move { quick.draining().await });
            tasks.spawn("slow", async move {
                slow.draining().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                done.request();
            });
            tokio::task::yield_now().await;
            shutdown.request();
            tokio::task::yield_now().await;
            assert_eq!(tasks.run(Duration::from_secs(7)).await, Exit::Success);
            assert!(finished.is_draining(), "the slow task was cut short");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_request_stops_now() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.spawn("stuck", std::future::pending());
        shutdown.request();
        shutdown.request();
        let start = tokio::time::Instant::now();
        assert_eq!(tasks.run(Duration::from_secs(7)).await, Exit::Success);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
