//! One JSON-RPC message that keeps its own text, and knows where its id, parameters and result lie
//! in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service_kit::runtime::compute;

use super::error::ParseError;
use super::object::{insert_members, member, set_meta, string_literal};
use super::params::{Params, Spans, span_within};
use super::strict;
use crate::budget::Charge;

/// What a message is, by the members it has (JSON-RPC 2.0 §4, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Notification,
    Response,
}

/// A JSON-RPC message and its text. Cheap to splice, since it remembers the spans that change on
/// the way.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    text: String,
    kind: Kind,
    id: Option<Range<usize>>,
    method: String,
    params: Option<Range<usize>>,
    result: Option<Range<usize>>,
    error: Option<Range<usize>>,
    /// The room that it takes, if that is counted; its copies share it.
    charge: Option<Arc<Charge>>,
    /// Where the members of `params` lie, once they were read.
    spans: OnceLock<Result<Box<Spans>, ParseError>>,
}

/// Length of a request's id. It is kept as long as the request, and repeated in what comes of it.
const ID_BYTES_MAX: usize = 1024;

/// Where the id lies in a message that is made here.
const ID: Range<usize> = ID_START..ID_START + 1;
const ID_START: usize = r#"{"jsonrpc":"2.0","id":"#.len();

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells a member that is `null` from one that is absent.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// As much of a message as an answer to it needs when the rest cannot be read.
#[derive(Deserialize)]
struct IdOnly<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

impl Message {
    /// Classifies `text`, which a client wrote. What an engine might not be able to read, and would
    /// never answer, is refused here.
    ///
    /// # Errors
    /// Those of [`Message::parse`], and [`ParseError::NotStrict`]; each with the id of the request,
    /// as its JSON text, where that can be read although the rest is no message.
    pub(crate) fn parse_strictly(text: String) -> Result<Self, (ParseError, Option<String>)> {
        compute(text.len(), || Self::read_strictly(text))
    }

    fn read_strictly(text: String) -> Result<Self, (ParseError, Option<String>)> {
        let Err(cause) = strict::check(&text) else {
            return Self::read(text).map_err(|cause| (cause, None));
        };
        if serde_json::from_str::<&RawValue>(&text).is_err() {
            return Err((ParseError::NotJson, None));
        }
        let id = serde_json::from_str::<IdOnly<'_>>(&text).ok().map(|message| message.id.get());
        let id = id
            .filter(|id| id.len() <= ID_BYTES_MAX && is_id(id) && strict::check(id).is_ok())
            .map(str::to_owned);
        Err((cause.into(), id))
    }

    /// Classifies `text`.
    ///
    /// # Errors
    /// When it is not JSON, a batch, or JSON of another shape.
    pub(crate) fn parse(text: String) -> Result<Self, ParseError> {
        compute(text.len(), || Self::read(text))
    }

    fn read(text: String) -> Result<Self, ParseError> {
        let first = text.trim_start().as_bytes().first().copied();
        if first != Some(b'{') {
            return Err(match serde_json::from_str::<&RawValue>(&text) {
                Err(_) => ParseError::NotJson,
                Ok(_) if first == Some(b'[') => ParseError::Batch,
                Ok(_) => ParseError::NotRpc("it is not an object"),
            });
        }
        let envelope: Envelope<'_> =
            serde_json::from_str(&text).map_err(|cause| match cause.classify() {
                serde_json::error::Category::Data => {
                    ParseError::NotRpc("a member has the wrong type or stands twice")
                }
                _ => ParseError::NotJson,
            })?;
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            return Err(ParseError::NotRpc("`jsonrpc` is not \"2.0\""));
        }
        let span = |raw: &RawValue| span_within(&text, raw.get());
        // Some write `null` for a member that is absent.
        let is_null = |raw: &&RawValue| raw.get() == "null";
        let (method, error) = (&envelope.method, envelope.error.filter(|raw| !is_null(raw)));
        let result =
            envelope.result.filter(|raw| !is_null(raw) || (method.is_none() && error.is_none()));
        let needs_no_answer =
            method.as_deref().is_some_and(|method| method.starts_with("notifications/"));
        let id = envelope.id.filter(|raw| !is_null(raw) || !needs_no_answer);
        let kind = match (method, id, result, error) {
            (Some(_), Some(id), None, None) if id.get().len() > ID_BYTES_MAX => {
                return Err(ParseError::NotRpc("`id` is too long"));
            }
            (Some(_), Some(id), None, None) if is_id(id.get()) => Kind::Request,
            (Some(_), Some(_), None, None) => {
                return Err(ParseError::NotRpc("`id` is neither a string nor a number"));
            }
            (Some(_), None, None, None) => Kind::Notification,
            (None, Some(_), Some(_), None) | (None, _, None, Some(_)) => Kind::Response,
            _ => {
                return Err(ParseError::NotRpc(
                    "it has neither a `method` nor a `result` or `error`",
                ));
            }
        };
        let (id, params) = (id.map(span), envelope.params.map(span));
        let (result, error) = (result.map(span), error.map(span));
        let method = envelope.method.unwrap_or_default().into_owned();
        Ok(Self {
            text,
            kind,
            id,
            method,
            params,
            result,
            error,
            charge: None,
            spans: OnceLock::new(),
        })
    }

    /// A request with `params`, which must be one JSON object. The sender sets its id.
    pub(crate) fn request(method: &str, params: &str) -> Self {
        Self::calling(r#"{"jsonrpc":"2.0","id":0,"method":"#, method, Some(params), Some(ID))
    }

    /// A notification, with `params` or without; they must be one JSON object.
    pub(crate) fn notification(method: &str, params: Option<&str>) -> Self {
        Self::calling(r#"{"jsonrpc":"2.0","method":"#, method, params, None)
    }

    fn calling(head: &str, method: &str, params: Option<&str>, id: Option<Range<usize>>) -> Self {
        let mut text = format!("{head}{}", string_literal(method));
        let params = params.map(|params| {
            text.push_str(r#","params":"#);
            text.push_str(params);
            text.len() - params.len()..text.len()
        });
        text.push('}');
        let kind = if id.is_some() { Kind::Request } else { Kind::Notification };
        Self {
            text,
            kind,
            id,
            method: method.to_owned(),
            params,
            result: None,
            error: None,
            charge: None,
            spans: OnceLock::new(),
        }
    }

    /// A response around `result`, which must be one JSON value. Its id is to be set by
    /// [`Message::with_id`].
    pub(crate) fn from_result(result: &str) -> Self {
        Self::response(format!(r#"{{"jsonrpc":"2.0","id":0,"result":{result}}}"#), result, true)
    }

    /// A response around `error`, which must be one JSON object.
    pub(crate) fn from_error(error: &str) -> Self {
        Self::response(format!(r#"{{"jsonrpc":"2.0","id":0,"error":{error}}}"#), error, false)
    }

    fn response(text: String, payload: &str, is_result: bool) -> Self {
        let end = text.len() - 1;
        let span = Some(end - payload.len()..end);
        let (result, error) = if is_result { (span, None) } else { (None, span) };
        Self {
            text,
            kind: Kind::Response,
            id: Some(ID),
            method: String::new(),
            params: None,
            result,
            error,
            charge: None,
            spans: OnceLock::new(),
        }
    }

    /// The message in this room, which is given back with the last copy of it.
    pub(crate) fn charged(self, charge: Charge) -> Self {
        Self { charge: Some(Arc::new(charge)), ..self }
    }

    /// The message out of its room, for what the gateway keeps for itself.
    pub(crate) fn uncharged(self) -> Self {
        Self { charge: None, ..self }
    }

    /// The room that the message is in, for what of it outlives it.
    pub(crate) fn room(&self) -> Option<Arc<Charge>> {
        self.charge.clone()
    }

    /// Takes the room from the message, if it has one to itself.
    pub(crate) fn take_charge(&mut self) -> Option<Charge> {
        Arc::into_inner(self.charge.take()?)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The method of a request or notification, empty for a response.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The id as it was written: a string with its quotes, or a number.
    pub(crate) fn id(&self) -> Option<&str> {
        self.slice(self.id.as_ref())
    }

    /// The `params` as they were written.
    pub(crate) fn params_text(&self) -> Option<&str> {
        self.slice(self.params.as_ref())
    }

    /// The `result` as it was written.
    pub(crate) fn result(&self) -> Option<&str> {
        self.slice(self.result.as_ref())
    }

    /// The `error` as it was written.
    pub(crate) fn error(&self) -> Option<&str> {
        self.slice(self.error.as_ref())
    }

    /// The members of `params` that a relay must know, which are looked for once. Absent params are
    /// empty params, and so is `null`.
    ///
    /// # Errors
    /// When `params` is not an object, or one of those members has the wrong type.
    pub(crate) fn params(&self) -> Result<Params<'_>, ParseError> {
        Ok(self.spans()?.map_or_else(Params::default, |spans| spans.read(&self.text)))
    }

    fn spans(&self) -> Result<Option<&Spans>, ParseError> {
        let Some(params) = &self.params else { return Ok(None) };
        let found = self.spans.get_or_init(|| {
            compute(params.len(), || Spans::find(&self.text, params).map(Box::new))
        });
        found.as_ref().map(|spans| Some(&**spans)).map_err(Clone::clone)
    }

    /// The text with another id.
    pub(crate) fn with_id(&self, id: &str) -> String {
        self.id
            .as_ref()
            .map_or_else(|| self.text.clone(), |span| splice(&self.text, &mut [(span.clone(), id)]))
    }

    /// The text with another id and another progress token, in one line, for a peer that frames by
    /// lines.
    pub(crate) fn to_line(&self, id: &str, progress_token: Option<&str>) -> String {
        let mut edits = Vec::with_capacity(2);
        edits.extend(self.id.clone().map(|span| (span, id)));
        if let (Some(token), Ok(Some(spans))) = (progress_token, self.spans()) {
            edits.extend(spans.progress_token().map(|span| (span, token)));
        }
        in_one_line(splice(&self.text, &mut edits))
    }

    /// The message with `more` at the end of the text in the argument `name`, and all else as it
    /// is; `None` if there is no text in it.
    pub(crate) fn with_longer_argument(&self, name: &str, more: &str) -> Option<Self> {
        let argument = member(self.params().ok()?.arguments?, name)?;
        let end = span_within(&self.text, argument.strip_suffix('"')?).end;
        let more = string_literal(more);
        let more = more.strip_prefix('"')?.strip_suffix('"')?;
        let text = splice(&self.text, &mut [(end..end, more)]);
        Some(Self { charge: self.charge.clone(), ..Self::parse(text).ok()? })
    }

    /// A response with this result in place of its own, in the same room.
    pub(crate) fn with_result(self, result: &str) -> Self {
        Self { charge: self.charge, ..Self::from_result(result) }
    }

    /// The text with its `result` (or `error`) replaced and another id.
    pub(crate) fn with_payload(&self, id: &str, payload: &str) -> String {
        let mut edits: Vec<_> = self.id.clone().map(|span| (span, id)).into_iter().collect();
        edits.extend(self.result.clone().or(self.error.clone()).map(|span| (span, payload)));
        splice(&self.text, &mut edits)
    }

    /// The text with `_meta` of its `params` saying `name`, whatever that said before. `value` must
    /// be one JSON value.
    pub(crate) fn with_meta(&self, name: &str, value: &str) -> String {
        match &self.params {
            Some(span) => {
                let params = set_meta(self.slice(Some(span)).unwrap_or("{}"), name, value);
                splice(&self.text, &mut [(span.clone(), &params)])
            }
            None => insert_members(
                &self.text,
                &[format!(r#""params":{}"#, set_meta("{}", name, value))],
            ),
        }
    }

    fn slice(&self, span: Option<&Range<usize>>) -> Option<&str> {
        span.and_then(|span| self.text.get(span.clone()))
    }
}

/// Whether a raw JSON value may be a request id in MCP: a string or a number, never `null`.
fn is_id(raw: &str) -> bool {
    matches!(raw.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// Replaces each span. Spans must not overlap.
fn splice(text: &str, edits: &mut [(Range<usize>, &str)]) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut out =
        String::with_capacity(text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut from = 0;
    for (span, new) in edits.iter() {
        out.push_str(text.get(from..span.start).unwrap_or_default());
        out.push_str(new);
        from = span.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// JSON has line ends only between tokens (inside a string they are escaped), so a blank means the
/// same.
fn in_one_line(mut text: String) -> String {
    let bytes = text.as_bytes();
    if bytes.contains(&b'\n') || bytes.contains(&b'\r') {
        text = text.replace(['\n', '\r'], " ");
    }
    text
}
