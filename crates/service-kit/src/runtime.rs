//! The threads that run a service's tasks.

use std::num::NonZero;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// From this size of its input on, a computation takes long enough (some 1 ms) that other tasks
/// should not wait for it.
const LONG_FROM_BYTES: usize = 256 * 1024;

/// A runtime with a thread for every second processor, one at least: the service shares them with
/// a child and a Dremio, and each further thread costs every call a wake-up. tokio's own variable
/// `TOKIO_WORKER_THREADS` sets another number.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start() -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads((processors / 2).max(1));
    }
    builder.enable_all().build()
}

/// Runs a computation whose time grows with its `bytes` of input, so that other tasks go on
/// meanwhile even if there is one thread for all of them.
pub fn compute<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let is_long = bytes >= LONG_FROM_BYTES;
    let has_threads =
        || Handle::try_current().is_ok_and(|at| at.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_long && has_threads() { tokio::task::block_in_place(work) } else { work() }
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
