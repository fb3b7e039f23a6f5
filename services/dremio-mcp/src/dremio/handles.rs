//! How a client names a job of its own in a later call: the job's id, and a tag over it and the
//! client's key, made with the gateway key. Dremio lets every user read every job, and lists
//! all ids; so only the tag says whose a job is. No table is kept: another replica knows a
//! handle, and so does this one after a restart.
//!
//! A handle is `{job id}-{16 hex digits}`, and holds as long as its client has the same rights.
//! Guesses are counted for each principal.

use std::sync::Arc;
use std::time::Duration;

use dremio_client::JobId;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::principal::{ByPrincipal, Principal};
use crate::signer::Signer;

const LABEL: &str = "handle";

/// Wrong handles of one principal in [`PERIOD`], after which none of its handles is looked at.
const WRONG_MAX: u32 = 10;

const PERIOD: Duration = Duration::from_secs(60);

/// Why a handle is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHandle {
    /// It does not look like one: it is not whole, or something else.
    #[error("this is no job_id that RunSqlQuery gave")]
    Malformed,
    /// It was made for another principal, under other rights, with a key that is gone, or
    /// elsewhere.
    #[error("this job_id was not given to you")]
    Wrong,
    /// There were too many wrong ones before.
    #[error("too many wrong values of job_id")]
    TooMany {
        /// How long until the next is looked at.
        wait: Duration,
    },
}

/// Makes handles, and reads them again.
#[derive(Debug)]
pub(crate) struct Handles {
    signer: Arc<Signer>,
    wrong: Mutex<ByPrincipal<Wrong>>,
}

/// The wrong handles of one principal.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    since: Instant,
    count: u32,
}

impl Handles {
    pub(crate) fn new(signer: Arc<Signer>) -> Self {
        Self { signer, wrong: Mutex::default() }
    }

    /// The handle of `job` for `principal`, who has these `rights` in words.
    pub(crate) fn issue(&self, principal: &Principal, rights: &str, job: &JobId) -> String {
        let tag = self.signer.short_tag(LABEL, &content(principal, rights, job));
        format!("{job}-{tag}")
    }

    /// The job that `handle` names, if it was issued to `principal` under the same `rights`.
    ///
    /// # Errors
    /// [`BadHandle`].
    pub(crate) fn open(
        &self,
        principal: &Principal,
        rights: &str,
        handle: &str,
    ) -> Result<JobId, BadHandle> {
        if let Some(wait) = self.locked(principal) {
            return Err(BadHandle::TooMany { wait });
        }
        let (id, tag) = handle.trim().rsplit_once('-').ok_or(BadHandle::Malformed)?;
        let job: JobId = id.parse().map_err(|_| BadHandle::Malformed)?;
        let tag = tag.to_ascii_lowercase();
        if self.signer.is_short_tag(LABEL, &content(principal, rights, &job), &tag) {
            Ok(job)
        } else {
            self.note_wrong(principal);
            Err(BadHandle::Wrong)
        }
    }

    /// How long `principal` must wait, if it has to.
    fn locked(&self, principal: &Principal) -> Option<Duration> {
        let mut all = self.wrong.lock();
        let wrong = *all.get(principal)?;
        let wait = (wrong.since + PERIOD).saturating_duration_since(Instant::now());
        if wait.is_zero() {
            all.remove(principal);
        }
        (!wait.is_zero() && wrong.count >= WRONG_MAX).then_some(wait)
    }

    fn note_wrong(&self, principal: &Principal) {
        let mut all = self.wrong.lock();
        let first = Wrong { since: Instant::now(), count: 0 };
        let wrong = all.entry(principal.clone()).or_insert(first);
        wrong.count += 1;
        if wrong.count == WRONG_MAX {
            tracing::warn!(%principal, "many wrong values of job_id: is somebody guessing?");
        }
    }
}

/// What is signed. No name of a principal, and no job's id, has the byte between them.
fn content(principal: &Principal, rights: &str, job: &JobId) -> Vec<u8> {
    [principal.as_str(), "\0", job.as_str(), "\0", rights].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use dremio_client::JobId;

    use super::{BadHandle, Handles, WRONG_MAX};
    use crate::principal::Principal;
    use crate::signer::Signer;

    const RIGHTS: &str = "ada\0Sales";

    fn job() -> JobId {
        "1b0a2c3d-0000-1111-2222-333344445500".parse().unwrap()
    }

    #[tokio::test]
    async fn a_handle_opens_for_its_principal_with_the_same_rights_only() {
        let (ours, others) = (Principal::of_key(&[1; 32]), Principal::of_key(&[2; 32]));
        let signer = Arc::new(Signer::new().unwrap());
        let (here, replica) = (Handles::new(Arc::clone(&signer)), Handles::new(signer));
        let handle = here.issue(&ours, RIGHTS, &job());
        assert_eq!(handle.len(), 36 + 1 + 16, "{handle}");
        for text in [handle.clone(), format!(" {handle}\n"), handle.to_uppercase()] {
            assert_eq!(here.open(&ours, RIGHTS, &text), Ok(job()), "{text}");
        }
        assert_eq!(replica.open(&ours, RIGHTS, &handle), Ok(job()));
        assert_eq!(here.open(&others, RIGHTS, &handle), Err(BadHandle::Wrong));
        for rights in ["", "ada\0", "bob\0Sales"] {
            assert_eq!(here.open(&ours, rights, &handle), Err(BadHandle::Wrong), "{rights:?}");
        }
        let elsewhere = Handles::new(Arc::new(Signer::new().unwrap()));
        assert_eq!(elsewhere.open(&ours, RIGHTS, &handle), Err(BadHandle::Wrong));
        let other_job = handle.replacen('1', "2", 1);
        assert_eq!(here.open(&ours, RIGHTS, &other_job), Err(BadHandle::Wrong));
        for text in ["", "-", "14f8…", job().as_str(), "a-b", &handle[..40]] {
            let expected = if text.len() == 40 { BadHandle::Wrong } else { BadHandle::Malformed };
            assert_eq!(here.open(&ours, RIGHTS, text), Err(expected), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_is_stopped_for_a_minute() {
        let (guesser, other) = (Principal::of_key(&[1; 32]), Principal::of_key(&[2; 32]));
        let handles = Handles::new(Arc::new(Signer::new().unwrap()));
        let right = handles.issue(&guesser, RIGHTS, &job());
        for guess in 0..WRONG_MAX {
            let text = format!("{}-{guess:016x}", job());
            assert_eq!(handles.open(&guesser, RIGHTS, &text), Err(BadHandle::Wrong));
        }
        let locked = Err(BadHandle::TooMany { wait: Duration::from_secs(60) });
        assert_eq!(handles.open(&guesser, RIGHTS, &right), locked);
        assert_eq!(handles.open(&other, RIGHTS, &handles.issue(&other, RIGHTS, &job())), Ok(job()));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(handles.open(&guesser, RIGHTS, &right), Ok(job()));
    }
}
