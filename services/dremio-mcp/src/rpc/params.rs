//! The members of `params` that decide how a message is routed, read once for each message.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::ParseError;

/// The members of `params` that a relay must know. Raw members are JSON text as it was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Params<'a> {
    pub(crate) meta: Meta<'a>,
    pub(crate) name: Option<&'a str>,
    pub(crate) uri: Option<&'a str>,
    /// Raw.
    pub(crate) arguments: Option<&'a str>,
    /// Raw.
    pub(crate) cursor: Option<&'a str>,
    /// Whether the call asks for a task (2025-11-25).
    pub(crate) asks_for_task: bool,
    /// Of `initialize`.
    pub(crate) protocol_version: Option<&'a str>,
    /// Of `notifications/cancelled`; raw.
    pub(crate) request_id: Option<&'a str>,
    /// Of `notifications/progress`; raw.
    pub(crate) progress_token: Option<&'a str>,
}

/// The members of `params._meta` that the protocol reserves (2026-07-28, basic, "General fields").
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meta<'a> {
    /// Raw.
    pub(crate) progress_token: Option<&'a str>,
    pub(crate) protocol_version: Option<&'a str>,
    /// Raw.
    pub(crate) client_capabilities: Option<&'a str>,
    /// Raw.
    pub(crate) log_level: Option<&'a str>,
    /// Of the client's own trace (W3C Trace Context).
    pub(crate) traceparent: Option<&'a str>,
}

impl Params<'_> {
    /// Whether a list is asked for from its beginning. An empty cursor is none: the reference
    /// servers take it so.
    pub(crate) fn is_first_page(&self) -> bool {
        self.cursor.is_none_or(|cursor| matches!(cursor, "null" | "\"\""))
    }
}

/// Where the members lie in the text of their message.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    meta_progress_token: Option<Range<usize>>,
    meta_protocol_version: Option<Text>,
    client_capabilities: Option<Range<usize>>,
    log_level: Option<Range<usize>>,
    traceparent: Option<Range<usize>>,
    name: Option<Text>,
    uri: Option<Text>,
    arguments: Option<Range<usize>>,
    cursor: Option<Range<usize>>,
    asks_for_task: bool,
    protocol_version: Option<Text>,
    request_id: Option<Range<usize>>,
    progress_token: Option<Range<usize>>,
}

/// A string without its quotes.
#[derive(Clone, Debug)]
enum Text {
    AsWritten(Range<usize>),
    /// It was written with escapes.
    Unescaped(String),
}

#[derive(Default, Deserialize)]
struct Raw<'a> {
    #[serde(borrow, rename = "_meta", default, deserialize_with = "null_is_default")]
    meta: RawMeta<'a>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow, default)]
    task: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "protocolVersion")]
    protocol_version: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct RawMeta<'a> {
    #[serde(borrow, default, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities")]
    client_capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traceparent: Option<&'a RawValue>,
}

/// Some clients spell an absent member as `null`.
fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Spans {
    /// Finds the members of the `params` that lie in `whole` at `params`. `null` is no params.
    ///
    /// # Errors
    /// When they are no object, or a member has the wrong type.
    pub(super) fn find(whole: &str, params: &Range<usize>) -> Result<Self, ParseError> {
        let text = whole.get(params.clone()).unwrap_or("null");
        if text == "null" {
            return Ok(Self::default());
        }
        if !text.starts_with('{') {
            return Err(ParseError::NotRpc("`params` is not an object"));
        }
        let raw: Raw<'_> = serde_json::from_str(text)
            .map_err(|_| ParseError::NotRpc("a member of `params` has the wrong type"))?;
        let span = |part: &RawValue| span_within(whole, part.get());
        let text = |part: Cow<'_, str>| match part {
            Cow::Borrowed(part) => Text::AsWritten(span_within(whole, part)),
            Cow::Owned(part) => Text::Unescaped(part),
        };
        Ok(Self {
            meta_progress_token: raw.meta.progress_token.map(span),
            meta_protocol_version: raw.meta.protocol_version.map(text),
            client_capabilities: raw.meta.client_capabilities.map(span),
            log_level: raw.meta.log_level.map(span),
            traceparent: raw.meta.traceparent.map(span),
            name: raw.name.map(text),
            uri: raw.uri.map(text),
            arguments: raw.arguments.map(span),
            cursor: raw.cursor.map(span),
            asks_for_task: raw.task.is_some(),
            protocol_version: raw.protocol_version.map(text),
            request_id: raw.request_id.map(span),
            progress_token: raw.progress_token.map(span),
        })
    }

    /// The members themselves.
    pub(super) fn read<'a>(&'a self, whole: &'a str) -> Params<'a> {
        let raw = |span: &Option<Range<usize>>| whole.get(span.clone()?);
        let text = |text: &'a Option<Text>| match text.as_ref()? {
            Text::AsWritten(span) => whole.get(span.clone()),
            Text::Unescaped(text) => Some(text.as_str()),
        };
        Params {
            meta: Meta {
                progress_token: raw(&self.meta_progress_token),
                protocol_version: text(&self.meta_protocol_version),
                client_capabilities: raw(&self.client_capabilities),
                log_level: raw(&self.log_level),
                traceparent: raw(&self.traceparent).map(|text| text.trim_matches('"')),
            },
            name: text(&self.name),
            uri: text(&self.uri),
            arguments: raw(&self.arguments),
            cursor: raw(&self.cursor),
            asks_for_task: self.asks_for_task,
            protocol_version: text(&self.protocol_version),
            request_id: raw(&self.request_id),
            progress_token: raw(&self.progress_token),
        }
    }

    /// Where the progress token lies: that of a call, or of a notification.
    pub(super) fn progress_token(&self) -> Option<Range<usize>> {
        self.meta_progress_token.clone().or(self.progress_token.clone())
    }
}

/// Where `part`, a slice of `whole`, lies in it.
pub(super) fn span_within(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}
