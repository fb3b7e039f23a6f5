//! One request and its answer: sent, bounded and classified before the content is parsed.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use crate::cells::CellCutter;
use crate::transport::{PAGE_PATIENCE, Transport};
use crate::{Error, RemoteMessage};

/// Largest error body that is read. Dremio's are a few hundred bytes; of a larger one only the
/// status counts.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// What is read of a page, although hardly anything of it is kept, once it has a row: the others
/// can be asked for again.
const PAGE_READ_MAX: usize = 16 * 1024 * 1024;

/// What is read for a single row: fifty cells of 5 MB.
const ROW_READ_MAX: usize = 256 * 1024 * 1024;

/// How a token is sent in the header.
#[derive(Clone, Copy)]
pub(crate) enum Credential<'a> {
    /// `Bearer <token>`, which every call but the logout accepts.
    Bearer(&'a SecretString),
    /// `_dremio<token>`: the only form that the logout accepts as well (it takes `Bearer` as part
    /// of the token).
    Dremio(&'a SecretString),
}

/// The description of a request.
pub(crate) struct Call<'a> {
    /// The operation, for error texts.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) path_and_query: &'a str,
    pub(crate) credential: Option<Credential<'a>>,
    pub(crate) body: Option<Vec<u8>>,
    /// Size limit of a successful answer.
    pub(crate) answer_bytes_max: usize,
    /// Whether the answer may be long. It may then take [`PAGE_PATIENCE`] times the limit, as long
    /// as no single pause reaches the limit.
    pub(crate) is_bulk: bool,
    /// Whether callers get Dremio's message about a failure. Not for sign-in: it names the user.
    pub(crate) keeps_message: bool,
}

/// Limits for the whole answer and for each pause in it, including the first.
#[derive(Clone, Copy)]
struct Limits {
    pause: Duration,
    whole: Duration,
}

/// A successful (2xx) answer.
pub(crate) struct Answer {
    operation: &'static str,
    content_type_is_json: bool,
    status: StatusCode,
    body: Bytes,
    /// Whether the answer was cut at the limit.
    is_cut: bool,
    date: Option<HeaderValue>,
}

/// What to do with an answer beyond its limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Refuse,
    /// Keep its start; of each cell, if it is a page of results, at most so many characters.
    Cut {
        cell_chars_max: Option<usize>,
    },
}

/// How much of an answer is kept.
#[derive(Clone, Copy)]
struct Bounds {
    bytes: usize,
    beyond: Beyond,
}

/// The useful members of Dremio's error bodies.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "errorMessage")]
    error_message: String,
}

/// The answer to a login while Dremio has no user (contract: `NoUserFilter`).
const NO_USER_MESSAGE: &str = "No User Available";

impl Transport {
    /// Sends `call` and returns its answer if it is a success, else the matching [`Error`].
    pub(crate) async fn exchange(&self, call: Call<'_>) -> Result<Answer, Error> {
        let (operation, limit_bytes) = (call.operation, call.answer_bytes_max);
        let answer = self.send(call, Beyond::Refuse).await?;
        if answer.is_cut { Err(Error::TooLarge { operation, limit_bytes }) } else { Ok(answer) }
    }

    /// The same for callers that can use a partial answer: one beyond the limit is cut there.
    /// With `cell_chars_max`, it is a page of results, and cells are cut there, too.
    pub(crate) async fn exchange_start(
        &self,
        call: Call<'_>,
        cell_chars_max: Option<usize>,
    ) -> Result<Answer, Error> {
        self.send(call, Beyond::Cut { cell_chars_max }).await
    }

    async fn send(&self, call: Call<'_>, beyond: Beyond) -> Result<Answer, Error> {
        let operation = call.operation;
        let pause = self.request_timeout();
        let limits =
            Limits { pause, whole: if call.is_bulk { pause * PAGE_PATIENCE } else { pause } };
        let url = self.url(call.path_and_query).ok_or(Error::UnsafePath { operation })?;
        let mut request = self.http().request(call.method, url).header(ACCEPT, "application/json");
        if let Some(credential) = call.credential {
            request = request.header(
                AUTHORIZATION,
                authorization(credential).ok_or(Error::RejectedCredentials { operation })?,
            );
        }
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let sent = tokio::time::timeout(pause, request.timeout(limits.whole).send()).await;
        let response = sent.map_err(|_| Error::Timeout { operation, limit: pause })?;
        let response = response.map_err(|cause| Error::from_transport(operation, pause, cause))?;
        let status = response.status();
        let kind = content_kind(response.headers());
        let date = response.headers().get(DATE).cloned();
        if status.is_success() {
            let bounds = Bounds { bytes: call.answer_bytes_max, beyond };
            let (body, is_cut) = read_body(response, operation, limits, bounds).await?;
            return Ok(Answer {
                operation,
                content_type_is_json: kind == JSON,
                status,
                body,
                is_cut,
                date,
            });
        }
        // The status is enough: a broken, cut or too large body only loses the details.
        let message = if kind == JSON {
            let bounds = Bounds { bytes: ERROR_BYTES_MAX, beyond: Beyond::Refuse };
            match read_body(response, operation, limits, bounds).await {
                Ok((body, false)) => error_message(&body),
                _ => None,
            }
        } else {
            None
        };
        Err(classify(operation, status, kind, message.as_deref(), call.keeps_message))
    }
}

impl Answer {
    /// Parses the body, which must be JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, problem: &'static str) -> Result<T, Error> {
        if !self.content_type_is_json {
            return Err(Error::NotDremioApi {
                operation: self.operation,
                status: self.status.as_u16(),
                kind: NOT_JSON,
            });
        }
        // serde's message is dropped because it quotes the input.
        serde_json::from_slice(&self.body)
            .map_err(|_| Error::BadAnswer { operation: self.operation, problem })
    }

    /// The header `Date`.
    pub(crate) fn date(&self) -> Option<&HeaderValue> {
        self.date.as_ref()
    }

    /// Whether the answer was cut at the limit.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Parses the body of a cut answer into `seed`, as far as it goes.
    pub(crate) fn json_start<'a>(&'a self, seed: impl DeserializeSeed<'a>) -> Result<(), Error> {
        if !self.content_type_is_json {
            return Err(Error::NotDremioApi {
                operation: self.operation,
                status: self.status.as_u16(),
                kind: NOT_JSON,
            });
        }
        // The body ends in the middle, so an error is expected.
        let _ = seed.deserialize(&mut serde_json::Deserializer::from_slice(&self.body));
        Ok(())
    }

    /// Checks for 204, the answer of calls that return nothing.
    pub(crate) fn no_content(&self) -> Result<(), Error> {
        match self.status {
            StatusCode::NO_CONTENT => Ok(()),
            status => Err(Error::NotDremioApi {
                operation: self.operation,
                status: status.as_u16(),
                kind: NOT_EMPTY,
            }),
        }
    }
}

const JSON: &str = "JSON";
const NOT_JSON: &str = "not JSON";
const NOT_EMPTY: &str = "an unexpected body";
const REDIRECT: &str = "a redirect";

/// The kind of content that the answer claims to be, in our own words.
fn content_kind(headers: &http::HeaderMap) -> &'static str {
    let content_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        JSON
    } else if essence.eq_ignore_ascii_case("text/html") {
        "a web page"
    } else if essence.is_empty() {
        "no content type"
    } else {
        NOT_JSON
    }
}

fn classify(
    operation: &'static str,
    status: StatusCode,
    kind: &'static str,
    message: Option<&str>,
    keeps_message: bool,
) -> Error {
    let code = status.as_u16();
    let kept = || message.filter(|_| keeps_message).and_then(RemoteMessage::new);
    match status {
        StatusCode::UNAUTHORIZED => Error::RejectedCredentials { operation },
        StatusCode::FORBIDDEN if message == Some(NO_USER_MESSAGE) => Error::NoUserYet { operation },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Error::ServerStatus { operation, status: code, message: kept() }
        }
        _ if status.is_server_error() => {
            Error::ServerStatus { operation, status: code, message: kept() }
        }
        _ if status.is_redirection() => {
            Error::NotDremioApi { operation, status: code, kind: REDIRECT }
        }
        // Malformed JSON is answered in plain text; every other refusal of the API is JSON.
        _ if kind != JSON && status != StatusCode::BAD_REQUEST => {
            Error::NotDremioApi { operation, status: code, kind }
        }
        StatusCode::NOT_FOUND => Error::NotFound { operation, message: kept() },
        _ if status.is_client_error() => {
            Error::Refused { operation, status: code, message: kept() }
        }
        _ => Error::NotDremioApi { operation, status: code, kind },
    }
}

fn error_message(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error_message)
}

/// The `Authorization` header that carries `token`, for calls that are forwarded rather than made
/// here; marked as sensitive. `None` if a header cannot carry the token; Dremio would reject such a
/// token, too.
#[must_use]
pub fn bearer(token: &SecretString) -> Option<HeaderValue> {
    authorization(Credential::Bearer(token))
}

/// The header, or `None` if a header cannot carry the token; Dremio would reject such a token, too.
fn authorization(credential: Credential<'_>) -> Option<HeaderValue> {
    let (scheme, token) = match credential {
        Credential::Bearer(token) => ("Bearer ", token),
        Credential::Dremio(token) => ("_dremio", token),
    };
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut value = HeaderValue::from_str(&format!("{scheme}{token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Up to `bounds.bytes` of the body, after its cells were shortened, and whether there is more.
async fn read_body(
    mut response: reqwest::Response,
    operation: &'static str,
    limits: Limits,
    bounds: Bounds,
) -> Result<(Bytes, bool), Error> {
    let declared_bytes =
        response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared_bytes > bounds.bytes && bounds.beyond == Beyond::Refuse {
        return Ok((Bytes::new(), true));
    }
    let mut cutter = match bounds.beyond {
        Beyond::Refuse => None,
        Beyond::Cut { cell_chars_max } => cell_chars_max.map(CellCutter::new),
    };
    // Grows as data arrives: the declared length is no reason to reserve memory.
    let (mut body, mut read_bytes) = (Vec::new(), 0_usize);
    loop {
        let read = tokio::time::timeout(limits.pause, response.chunk()).await;
        let read = read.map_err(|_| Error::Timeout { operation, limit: limits.pause })?;
        let Some(chunk) =
            read.map_err(|cause| Error::from_transport(operation, limits.whole, cause))?
        else {
            break;
        };
        read_bytes += chunk.len();
        let is_enough = match &mut cutter {
            Some(cutter) => {
                cutter.copy(&chunk, &mut body);
                let read_max = if cutter.rows() > 0 { PAGE_READ_MAX } else { ROW_READ_MAX };
                read_bytes > read_max
            }
            None => {
                body.extend_from_slice(&chunk);
                false
            }
        };
        if is_enough || body.len() > bounds.bytes {
            body.truncate(bounds.bytes);
            return Ok((body.into(), true));
        }
    }
    Ok((body.into(), false))
}

#[cfg(test)]
mod tests;
