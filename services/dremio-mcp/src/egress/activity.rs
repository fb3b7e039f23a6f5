//! Whether the child is using Dremio: a request is open until its answer has been read, and a job
//! runs until it is over.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use parking_lot::{Mutex, MutexGuard};
use service_kit::http::Keeping;
use tokio::time::Instant;

/// After a 429 the official server by default sleeps for up to 60 s and then repeats the call; its
/// settings allow more.
const AFTER_TOO_MANY: Duration = Duration::from_secs(5 * 60);

/// The child's activity at the egress proxy. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Activity {
    requests: Arc<Mutex<Requests>>,
    /// Whether one of its jobs runs, if it has any.
    any_job_runs: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

#[derive(Debug)]
struct Requests {
    open: usize,
    /// Since when no request is open and no job runs.
    quiet_since: Instant,
    /// When the child last got a 429.
    last_429: Option<Instant>,
}

/// A request, open until this is dropped.
pub(crate) struct Open(Activity);

impl Activity {
    /// The activity at an egress proxy where jobs may run.
    pub(super) fn of(any_job_runs: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { any_job_runs: Some(Arc::new(any_job_runs)), ..Self::none() }
    }

    /// An activity without any request or job.
    pub(crate) fn none() -> Self {
        let requests = Requests { open: 0, quiet_since: Instant::now(), last_429: None };
        Self { requests: Arc::new(Mutex::new(requests)), any_job_runs: None }
    }

    /// Since when the child has had no request open. `None` while it has one, while one of its jobs
    /// runs, and while it may be waiting to repeat a request after a 429.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        let mut requests = self.lock();
        if self.any_job_runs.as_ref().is_some_and(|any_runs| any_runs()) {
            requests.quiet_since = Instant::now();
            return None;
        }
        let waits = requests.last_429.is_some_and(|at| at.elapsed() < AFTER_TOO_MANY);
        (requests.open == 0 && !waits).then_some(requests.quiet_since)
    }

    /// Counts a request as open.
    pub(crate) fn open(&self) -> Open {
        self.lock().open += 1;
        Open(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock()
    }
}

impl std::fmt::Debug for Activity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lock().fmt(f)
    }
}

impl Open {
    /// The answer. The request stays open until the answer has been read or is dropped.
    pub(super) fn answered(self, response: Response) -> Response {
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            self.0.lock().last_429 = Some(Instant::now());
        }
        response.map(|body| Body::new(Keeping::new(body, self)))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut requests = self.0.lock();
        requests.open = requests.open.saturating_sub(1);
        requests.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};

    use super::{AFTER_TOO_MANY, Activity};

    #[tokio::test(start_paused = true)]
    async fn a_request_is_open_until_its_answer_is_read() {
        let activity = Activity::none();
        let before = activity.quiet_since().unwrap();
        let (first, second) = (activity.open(), activity.open());
        assert_eq!(activity.quiet_since(), None);
        tokio::time::advance(AFTER_TOO_MANY).await;
        let answer = first.answered(Response::new(Body::from("rows")));
        drop(second);
        assert_eq!(activity.quiet_since(), None, "the first is not read");
        assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await.unwrap(), "rows");
        assert!(activity.quiet_since().unwrap() > before);
        drop(activity.open().answered(Response::new(Body::from("nobody reads this"))));
        assert!(activity.quiet_since().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn after_429_the_child_may_be_waiting() {
        let activity = Activity::none();
        drop(activity.open().answered(StatusCode::TOO_MANY_REQUESTS.into_response()));
        assert_eq!(activity.quiet_since(), None);
        tokio::time::advance(AFTER_TOO_MANY).await;
        assert!(activity.quiet_since().is_some());
    }
}
