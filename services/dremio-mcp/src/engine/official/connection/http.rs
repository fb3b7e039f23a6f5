//! Messages as requests of MCP's streamable HTTP (specification 2025-11-25, "Transports"), to a
//! child that keeps no sessions, as Dremio's own server: each request opens a stream of its own,
//! which ends with the answer. The ticket of the call is its bearer, and the child presents that
//! at the egress proxy. Dropping a request closes its connection, which cancels the call.

mod events;

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use futures_util::{Stream, StreamExt};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use self::events::next_event;
use super::{Connection, LINE_BYTES_MAX};
use crate::budget::{self, NoRoom};
use crate::egress::{Calls, OpenCall};
use crate::engine::official::PROTOCOL_VERSION;
use crate::engine::official::lines::Line;
use crate::engine::{CallContext, CallError};
use crate::methods;
use crate::rpc::{Kind, Message};

/// Uvicorn closes a connection that is idle for 5 s. One that is about to be closed must not be
/// used: nobody could tell whether the child has read the request.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// Loopback answers at once, unless the child's backlog is full.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Largest head of an answer. Uvicorn's has 250 bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long the end of a stream may come after the answer: a connection that was read to its end
/// serves the next call.
const END_WAIT_MAX: Duration = Duration::from_millis(100);

/// How long after a broken connection the end of the child may be noticed.
const LOST_WAIT_MAX: Duration = Duration::from_millis(500);

/// How many bytes of an answer take room at a time while it comes.
const ROOM_STEP: usize = 256 * 1024;

/// The child's endpoint.
pub(super) struct HttpChild {
    uri: String,
    client: Client<HttpConnector, Body>,
    calls: Calls,
}

impl HttpChild {
    pub(super) fn new(port: u16, calls: Calls) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_MAX));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Self { uri: format!("http://127.0.0.1:{port}/mcp"), client, calls }
    }

    /// The calls whose tickets the child presents.
    pub(super) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Sends the request `line`, whose id is `id`, and gives its answer. What comes before that
    /// goes to `connection`. Dropping the future cancels the call at the child.
    ///
    /// # Errors
    /// [`CallError::AnswerTooLarge`], [`CallError::NoRoom`], and [`CallError::BrokenOff`] when
    /// there is no answer.
    pub(super) async fn exchange(
        &self,
        connection: &Connection,
        id: u64,
        line: String,
        open: &OpenCall,
        context: Option<&CallContext>,
    ) -> Result<Message, CallError> {
        let broken_off = async |cause: String| {
            tracing::warn!(id, cause, "the MCP server process has not answered a call");
            // If that is because it has ended, the call is about to be told so.
            tokio::time::sleep(LOST_WAIT_MAX).await;
            Err(CallError::BrokenOff)
        };
        let response = match self.post(line, open.ticket()).await {
            Ok(response) => response,
            Err(cause) => return broken_off(cause.to_string()).await,
        };
        match answer_in(response, connection, id, context).await {
            Ok(answer) => Ok(answer),
            Err(Unread::Call(cause)) => Err(cause),
            Err(Unread::BrokenOff(cause)) => broken_off(cause).await,
        }
    }

    /// Sends a notification of the gateway's own.
    ///
    /// # Errors
    /// [`CallError::BrokenOff`] when the child does not take it.
    pub(super) async fn notify(&self, text: &str) -> Result<(), CallError> {
        let open = self.calls.open_for_child().map_err(|_| CallError::NotReady)?;
        let answer = self.post(text.to_owned(), open.ticket()).await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            _ => Err(CallError::BrokenOff),
        }
    }

    async fn post(
        &self,
        text: String,
        ticket: &SecretString,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", ticket.expose_secret()))?;
        bearer.set_sensitive(true);
        let request = Request::post(&self.uri)
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", PROTOCOL_VERSION)
            .body(Body::from(text))?;
        Ok(self.client.request(request).await?)
    }
}

impl std::fmt::Debug for HttpChild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpChild").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Why a request could not be sent.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the request could not be sent: {0}")]
    Sending(#[from] hyper_util::client::legacy::Error),
    #[error("the request could not be written: {0}")]
    Writing(#[from] axum::http::Error),
    #[error("the ticket could not be written: {0}")]
    Ticket(#[from] header::InvalidHeaderValue),
}

/// Why there is no answer in a response.
enum Unread {
    Call(CallError),
    BrokenOff(String),
}

impl From<std::io::Error> for Unread {
    fn from(cause: std::io::Error) -> Self {
        match cause.get_ref().and_then(|cause| cause.downcast_ref::<NoRoom>()) {
            Some(no_room) => Self::Call(CallError::NoRoom(*no_room)),
            None => Self::BrokenOff(format!("the answer could not be read: {cause}")),
        }
    }
}

/// The answer to request `id` in the response to it. What comes before goes to `connection`.
async fn answer_in(
    response: Response<hyper::body::Incoming>,
    connection: &Connection,
    id: u64,
    context: Option<&CallContext>,
) -> Result<Message, Unread> {
    let status = response.status();
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let mut body = pin!(StreamReader::new(in_room(response.into_body(), context)));
    if !is_stream {
        return whole(status, body, id).await;
    }
    let ours = id.to_string();
    loop {
        let bytes = match next_event(&mut body, LINE_BYTES_MAX).await? {
            Some(Line::Whole(bytes)) => bytes,
            Some(Line::TooLong(_)) => return Err(too_large()),
            None => return Err(Unread::BrokenOff("its stream ended before".to_owned())),
        };
        connection.note_life();
        let Some(message) = String::from_utf8(bytes).ok().and_then(|t| Message::parse(t).ok())
        else {
            continue;
        };
        match message.kind() {
            Kind::Response if message.id() == Some(ours.as_str()) => {
                let mut nowhere = tokio::io::sink();
                let rest = tokio::io::copy(&mut body, &mut nowhere);
                let _closed = tokio::time::timeout(END_WAIT_MAX, rest).await;
                return Ok(message);
            }
            Kind::Notification if is_of(&message, &ours) => drop(connection.notification(message)),
            // A child without sessions can neither be answered, nor speak of another call.
            _ => tracing::warn!(id, "the MCP server process sent a message of another call"),
        }
    }
}

/// Whether a notification is not of another call.
fn is_of(notification: &Message, ours: &str) -> bool {
    notification.method() != methods::PROGRESS
        || notification.params().is_ok_and(|params| params.progress_token == Some(ours))
}

/// The answer in a response that is no stream: also an error that does not say which request it is
/// about, as the child cannot read it.
async fn whole(status: StatusCode, body: impl AsyncBufRead, id: u64) -> Result<Message, Unread> {
    let mut bytes = Vec::new();
    let body = pin!(body);
    body.take(LINE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > LINE_BYTES_MAX {
        return Err(too_large());
    }
    let id = id.to_string();
    let message = String::from_utf8(bytes).ok().and_then(|text| Message::parse(text).ok());
    match message {
        Some(message) if message.id() == Some(id.as_str()) => Some(message),
        Some(message) if !status.is_success() => message
            .error()
            .and_then(|error| Message::parse(Message::from_error(error).with_id(&id)).ok()),
        _ => None,
    }
    .ok_or_else(|| Unread::BrokenOff(format!("its HTTP status is {status}, without an answer")))
}

fn too_large() -> Unread {
    Unread::Call(CallError::AnswerTooLarge { bytes_max: LINE_BYTES_MAX })
}

/// The bytes of `body`, in room of the call's principal but for the first few: there may be as many
/// answers on their way as there are permits.
fn in_room(
    body: hyper::body::Incoming,
    context: Option<&CallContext>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let (mut bytes, mut charges) = (0, Vec::new());
    Body::new(body).into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        bytes += chunk.len();
        while let Some(context) = context
            && bytes > (charges.len() + 1) * ROOM_STEP
        {
            let charge = context.try_take(budget::Kind::Answers, ROOM_STEP);
            charges.push(charge.map_err(std::io::Error::other)?);
        }
        Ok(chunk)
    })
}
