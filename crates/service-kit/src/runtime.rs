//! The threads that run a service's tasks.

use std::num::NonZero;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// From this size of its input on, a computation takes long enough that other tasks should not
/// wait for it: reading so much JSON or SQL takes about 1 ms.
const LONG_FROM_BYTES: usize = 64 * 1024;

/// A runtime with a thread for every second processor, one at least: the service shares the
/// processors with a child or a Dremio, and each further thread costs every call a wake-up.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start() -> std::io::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads((processors / 2).max(1)).enable_all().build()
}

/// Runs a computation that may take long, so that other tasks go on meanwhile even if there is one
/// thread for all of them. Another thread takes them over, which costs about 30 µs.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let has_threads =
        Handle::try_current().is_ok_and(|at| at.runtime_flavor() == RuntimeFlavor::MultiThread);
    if has_threads { tokio::task::block_in_place(work) } else { work() }
}

/// The same for a computation whose time grows with its `bytes` of input: a short one runs at once.
pub fn compute<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes >= LONG_FROM_BYTES { aside(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::runtime::Builder;

    use super::{LONG_FROM_BYTES, compute};

    #[test]
    fn other_tasks_go_on_during_a_long_computation_on_the_only_thread() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (other, from_other) = mpsc::channel();
        let long = runtime.spawn(async move {
            tokio::spawn(async move { other.send("done") });
            // Ends only when the other task has run.
            compute(LONG_FROM_BYTES, || from_other.recv_timeout(Duration::from_secs(60)))
        });
        assert_eq!(runtime.block_on(long).unwrap(), Ok("done"));
    }

    #[tokio::test]
    async fn a_runtime_without_other_threads_computes_in_place() {
        assert_eq!(compute(LONG_FROM_BYTES, || 1), 1);
    }
}
