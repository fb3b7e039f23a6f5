//! How a call to Dremio ended, told once: what the metrics count, what readiness shows, and what it
//! says about the token that was sent all follow from this.

use dremio_client::{Error, ErrorClass};

/// How a call to Dremio ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome<'e> {
    /// Dremio did what was asked.
    Done,
    /// Dremio answered, with a status of this class.
    Answered(ErrorClass),
    /// There is no answer that can be passed on.
    Failed(&'e Error),
}

/// What the end of a call says about the token that was sent with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Dremio took it.
    Accepted,
    /// Dremio rejected it, before it did anything.
    Rejected,
    /// Nothing: some answers do not come from Dremio, or come before it has looked at the token.
    Unknown,
}

impl<'e> Outcome<'e> {
    /// Of a call whose answer was read here: any refusal of Dremio's is an error.
    pub(super) fn of<T>(answer: &'e Result<T, Error>) -> Self {
        answer.as_ref().map_or_else(Self::Failed, |_| Self::Done)
    }

    /// Of a call whose answer is passed on as it came: only its status counts.
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
        self.class().map_or("ok", ErrorClass::as_str)
    }

    /// What it says about the token.
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
    fn an_answer_says_the_same_whether_it_is_read_or_passed_on() {
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
    fn silence_says_nothing_about_the_token() {
        let silence = Err(Error::Timeout { operation: OPERATION, limit: Duration::from_secs(1) });
        let outcome = Outcome::of_passed_on(&silence);
        assert_eq!((outcome.verdict(), outcome.word()), (Verdict::Unknown, "timeout"));
    }
}
