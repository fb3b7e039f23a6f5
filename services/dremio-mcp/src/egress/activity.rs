//! Whether the child asks Dremio for anything: a request is open here until its answer was read,
//! and a job runs until it is over.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use parking_lot::{Mutex, MutexGuard};
use service_kit::http::Keeping;
use tokio::time::Instant;

use super::jobs::Jobs;

/// After an answer 429 the official server sleeps for up to 60 s by its default, and goes on with
/// the same call; more can be set.
const AFTER_TOO_MANY: Duration = Duration::from_secs(5 * 60);

/// What the child does at the egress proxy. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Activity {
    requests: Arc<Mutex<Requests>>,
    jobs: Option<Arc<Jobs>>,
}

#[derive(Debug)]
struct Requests {
    open: usize,
    /// Since when there is none, and no job.
    quiet_since: Instant,
    /// When the child was last told to come back later.
    told_to_wait: Option<Instant>,
}

/// A request that is open until this is dropped.
pub(crate) struct Open(Activity);

impl Activity {
    /// That of an egress proxy which runs these jobs.
    pub(super) fn of(jobs: &Arc<Jobs>) -> Self {
        Self { jobs: Some(Arc::clone(jobs)), ..Self::none() }
    }

    /// That of an egress proxy at which nothing ever happens.
    pub(crate) fn none() -> Self {
        let requests = Requests { open: 0, quiet_since: Instant::now(), told_to_wait: None };
        Self { requests: Arc::new(Mutex::new(requests)), jobs: None }
    }

    /// Since when the child has had no request open; `None` while it has one, while a job of its
    /// runs that it may ask for again, and while it may be waiting to repeat a request.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        let mut requests = self.lock();
        if self.jobs.as_ref().is_some_and(|jobs| jobs.any_runs()) {
            requests.quiet_since = Instant::now();
            return None;
        }
        let waits = requests.told_to_wait.is_some_and(|told| told.elapsed() < AFTER_TOO_MANY);
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
    /// The answer, with which the request stays open until it was read, or nobody reads on.
    pub(super) fn answered(self, response: Response) -> Response {
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            self.0.lock().told_to_wait = Some(Instant::now());
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
    async fn a_request_is_open_until_its_answer_was_read() {
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
    async fn a_child_that_was_told_to_come_back_later_may_be_waiting() {
        let activity = Activity::none();
        drop(activity.open().answered(StatusCode::TOO_MANY_REQUESTS.into_response()));
        assert_eq!(activity.quiet_since(), None);
        tokio::time::advance(AFTER_TOO_MANY).await;
        assert!(activity.quiet_since().is_some());
    }
}
