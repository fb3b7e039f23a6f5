//! How a call to Dremio ended. Metrics, readiness, and the verdict on the token all follow from it.

use dremio_client::{Error, ErrorClass};

/// How a call to Dremio ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome<'e> {
    /// Dremio did what was requested.
    Done,
    /// Dremio answered, with a status of this class.
    Answered(ErrorClass),
    /// There is no answer that can be forwarded.
    Failed(&'e Error),
}

/// What the end of a call shows about its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Dremio accepted it.
    Accepted,
    /// Dremio rejected it before doing anything.
    Rejected,
    /// Nothing: some answers do not come from Dremio, or come before it has checked the token.
    Unknown,
}

impl<'e> Outcome<'e> {
    /// Of a call whose answer was read here: any refusal of Dremio is an error.
    pub(super) fn of<T>(answer: &'e Result<T, Error>) -> Self {
        answer.as_ref().map_or_else(Self::Failed, |_| Self::Done)
    }

    /// Of a call whose answer is forwarded: only its status counts.
    pub(super) fn of_passed_on(answer: &'e Result<reqwest::Response, Error>) -> Self {
        match answer.as_ref().map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Self::Done,
            Ok(401) => Self::Answered(ErrorClass::RejectedCredentials),
            Ok(400..=499) => Self::Answered(ErrorClass::Refused),
            Ok(_) => Self::Answered(ErrorClass::ServerStatus),
            Err(cause) => Self::Failed(cause),
        }
    }

    /// The stable word for metrics.
    pub(super) fn word(self) -> &'static str {
        self.error().unwrap_or("ok")
    }

    /// The same, if it is an error.
    pub(super) fn error(self) -> Option<&'static str> {
        self.class().map(ErrorClass::as_str)
    }

    /// The verdict on the token.
    pub(super) fn verdict(self) -> Verdict {
        match self.class() {
            None => Verdict::Accepted,
            Some(ErrorClass::RejectedCredentials) => Verdict::Rejected,
            Some(_) => Verdict::Unknown,
        }
    }

    fn class(self) -> Option<ErrorClass> {
        match self {
            Self::Done => None,
            Self::Answered(class) => Some(class),
            Self::Failed(cause) => Some(cause.class()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Response;
    use dremio_client::Error;

    use super::{Outcome, Verdict};

    const OPERATION: &str = "a test";

    fn passed_on(status: u16) -> Result<reqwest::Response, Error> {
        Ok(Response::builder().status(status).body("").unwrap().into())
    }

    #[test]
    fn read_and_forwarded_answers_have_the_same_outcome() {
        let refused = |status| Error::Refused { operation: OPERATION, status, message: None };
        let server = |status| Error::ServerStatus { operation: OPERATION, status, message: None };
        for (status, error, verdict) in [
            (401, Error::RejectedCredentials { operation: OPERATION }, Verdict::Rejected),
            (400, refused(400), Verdict::Unknown),
            (409, refused(409), Verdict::Unknown),
            (500, server(500), Verdict::Unknown),
            (503, server(503), Verdict::Unknown),
        ] {
            let (read, passed_on) = (Err::<(), _>(error), passed_on(status));
            let (read, passed_on) = (Outcome::of(&read), Outcome::of_passed_on(&passed_on));
            assert_eq!((read.verdict(), passed_on.verdict()), (verdict, verdict), "{status}");
            assert_eq!(read.word(), passed_on.word(), "{status}");
        }
        for status in [200, 204] {
            let (read, passed_on) = (Ok(()), passed_on(status));
            let (read, passed_on) = (Outcome::of(&read), Outcome::of_passed_on(&passed_on));
            assert_eq!((read.verdict(), passed_on.verdict()), (Verdict::Accepted, read.verdict()));
            assert_eq!((read.word(), passed_on.word()), ("ok", "ok"), "{status}");
        }
    }

    #[test]
    fn no_answer_means_no_verdict_on_the_token() {
        let silence = Err(Error::Timeout { operation: OPERATION, limit: Duration::from_secs(1) });
        let outcome = Outcome::of_passed_on(&silence);
        assert_eq!((outcome.verdict(), outcome.word()), (Verdict::Unknown, "timeout"));
    }
}
