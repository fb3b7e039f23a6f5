//! The failures of a call to Dremio, in classes that callers act on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::{RemoteMessage, TlsProblem};

/// A call to Dremio that did not succeed.
///
/// `Display` names the operation and the cause, without tokens, passwords or text from the network.
/// `source` is the technical cause, with the same guarantee.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection: refused, no route, or unknown name. Dremio is down, still starting (it opens
    /// its port last), or elsewhere.
    #[error("{operation}: Dremio cannot be reached")]
    Unreachable {
        /// The operation.
        operation: &'static str,
        /// The network error.
        #[source]
        source: reqwest::Error,
    },
    /// The connection ended during the exchange. Dremio may have done what was requested.
    #[error("{operation}: the connection to Dremio was lost in the middle of the call")]
    Interrupted {
        /// The operation.
        operation: &'static str,
        /// The network error.
        #[source]
        source: reqwest::Error,
    },
    /// No complete answer in time. Dremio may have done what was requested.
    #[error("{operation}: Dremio did not answer within {}", seconds(*.limit))]
    Timeout {
        /// The operation.
        operation: &'static str,
        /// The limit that was exceeded.
        limit: Duration,
    },
    /// No trusted, encrypted connection: the certificate is unknown, expired or for another name,
    /// or the port does not speak TLS.
    #[error("{operation}: no trusted TLS connection to Dremio ({problem})")]
    Tls {
        /// The operation.
        operation: &'static str,
        /// What is wrong.
        problem: TlsProblem,
        /// The error of the TLS library.
        #[source]
        source: reqwest::Error,
    },
    /// Dremio, or a proxy in front of it, failed (5xx) or asked for patience (408, 429).
    #[error("{operation}: Dremio answered with status {status}")]
    ServerStatus {
        /// The operation.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// Dremio's message, in calls about statements and objects.
        message: Option<RemoteMessage>,
    },
    /// 401: the user name or password is wrong, or the token is unknown, expired or revoked. Dremio
    /// does not say which.
    #[error("{operation}: Dremio rejected the credentials")]
    RejectedCredentials {
        /// The operation.
        operation: &'static str,
    },
    /// 403 from a fresh Dremio whose first user does not exist yet.
    #[error(
        "{operation}: this Dremio has no users yet; open it in a browser and create the first one"
    )]
    NoUserYet {
        /// The operation.
        operation: &'static str,
    },
    /// Something answered, but not in HTTP: another of Dremio's ports (only 9047 is the REST
    /// API's), or one that wants TLS.
    #[error(
        "{operation}: the port does not speak HTTP; should DREMIO_URI start with https://, or have \
         another port?"
    )]
    NotHttp {
        /// The operation.
        operation: &'static str,
        /// What was wrong with the answer.
        #[source]
        source: reqwest::Error,
    },
    /// A web page, a redirect or something else that Dremio's API never sends: another server, or a
    /// wrong path.
    #[error(
        "{operation}: the answer is not from Dremio's REST API (status {status}, {kind}); check \
         the host, port and path of DREMIO_URI"
    )]
    NotDremioApi {
        /// The operation.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The kind of content that came instead of JSON.
        kind: &'static str,
    },
    /// JSON that is broken, cut short, or lacks a required member.
    #[error("{operation}: Dremio's answer cannot be used ({problem})")]
    BadAnswer {
        /// The operation.
        operation: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The answer exceeds the limit for this call. Asking for less may help.
    #[error("{operation}: Dremio's answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The operation.
        operation: &'static str,
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The job or object does not exist.
    #[error("{operation}: not found")]
    NotFound {
        /// The operation.
        operation: &'static str,
        /// Dremio's message.
        message: Option<RemoteMessage>,
    },
    /// The path would not be sent as written. Nothing was sent.
    #[error("{operation}: the path cannot be sent as it is")]
    UnsafePath {
        /// The operation.
        operation: &'static str,
    },
    /// Dremio understood the request and refused it (any other 4xx).
    #[error("{operation}: Dremio refused the request with status {status}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// Dremio's message, in calls about statements and objects.
        message: Option<RemoteMessage>,
    },
}

/// The kind of an [`Error`], for metrics, readiness and decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// [`Error::Unreachable`].
    Unreachable,
    /// [`Error::Interrupted`].
    Interrupted,
    /// [`Error::Timeout`].
    Timeout,
    /// [`Error::Tls`].
    Tls,
    /// [`Error::ServerStatus`].
    ServerStatus,
    /// [`Error::RejectedCredentials`].
    RejectedCredentials,
    /// [`Error::NoUserYet`].
    NoUserYet,
    /// [`Error::NotDremioApi`] and [`Error::NotHttp`].
    NotDremioApi,
    /// [`Error::BadAnswer`].
    BadAnswer,
    /// [`Error::TooLarge`].
    TooLarge,
    /// [`Error::NotFound`].
    NotFound,
    /// [`Error::Refused`] and [`Error::UnsafePath`].
    Refused,
}

impl ErrorClass {
    /// Every class, for metrics that also show zeros.
    pub const ALL: [ErrorClass; 12] = [
        ErrorClass::Unreachable,
        ErrorClass::Interrupted,
        ErrorClass::Timeout,
        ErrorClass::Tls,
        ErrorClass::ServerStatus,
        ErrorClass::RejectedCredentials,
        ErrorClass::NoUserYet,
        ErrorClass::NotDremioApi,
        ErrorClass::BadAnswer,
        ErrorClass::TooLarge,
        ErrorClass::NotFound,
        ErrorClass::Refused,
    ];

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::Unreachable => "unreachable",
            ErrorClass::Interrupted => "interrupted",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Tls => "tls",
            ErrorClass::ServerStatus => "server_status",
            ErrorClass::RejectedCredentials => "rejected_credentials",
            ErrorClass::NoUserYet => "no_user_yet",
            ErrorClass::NotDremioApi => "not_dremio_api",
            ErrorClass::BadAnswer => "bad_answer",
            ErrorClass::TooLarge => "too_large",
            ErrorClass::NotFound => "not_found",
            ErrorClass::Refused => "refused",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// The kind of error.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Unreachable { .. } => ErrorClass::Unreachable,
            Error::Interrupted { .. } => ErrorClass::Interrupted,
            Error::Timeout { .. } => ErrorClass::Timeout,
            Error::Tls { .. } => ErrorClass::Tls,
            Error::ServerStatus { .. } => ErrorClass::ServerStatus,
            Error::RejectedCredentials { .. } => ErrorClass::RejectedCredentials,
            Error::NoUserYet { .. } => ErrorClass::NoUserYet,
            Error::NotHttp { .. } | Error::NotDremioApi { .. } => ErrorClass::NotDremioApi,
            Error::BadAnswer { .. } => ErrorClass::BadAnswer,
            Error::TooLarge { .. } => ErrorClass::TooLarge,
            Error::NotFound { .. } => ErrorClass::NotFound,
            Error::Refused { .. } | Error::UnsafePath { .. } => ErrorClass::Refused,
        }
    }

    /// Whether the same call may succeed later by itself.
    ///
    /// Not transient are: wrong credentials, trust and addresses, answers that would be the same
    /// again, and refusals.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.class(),
            ErrorClass::Unreachable
                | ErrorClass::Interrupted
                | ErrorClass::Timeout
                | ErrorClass::ServerStatus
        )
    }

    /// Dremio's message, where it may be passed on to the user who made the call: about statements,
    /// jobs and catalog objects.
    #[must_use]
    pub fn remote_message(&self) -> Option<&str> {
        match self {
            Error::ServerStatus { message, .. }
            | Error::NotFound { message, .. }
            | Error::Refused { message, .. } => message.as_ref().map(RemoteMessage::as_str),
            _ => None,
        }
    }

    /// Classifies a failure below HTTP, also for callers that forward with
    /// [`Transport::http`](crate::Transport::http). The address is removed from the technical
    /// cause; `limit` is the time limit of the call.
    #[must_use]
    pub fn from_transport(operation: &'static str, limit: Duration, error: reqwest::Error) -> Self {
        let source = error.without_url();
        if let Some(problem) = cause(&source).map(TlsProblem::of) {
            return Error::Tls { operation, problem, source };
        }
        // Before the check for a timeout: a connection attempt has its own limit.
        if source.is_connect() {
            return Error::Unreachable { operation, source };
        }
        if source.is_timeout() {
            return Error::Timeout { operation, limit };
        }
        if cause::<hyper::Error>(&source).is_some_and(hyper::Error::is_parse) {
            return Error::NotHttp { operation, source };
        }
        Error::Interrupted { operation, source }
    }
}

/// Finds an error of one type in the chain of causes. An `io::Error` hides its inner error from
/// `source`.
fn cause<E: StdError + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        cause = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

#[cfg(test)]
mod tests;
