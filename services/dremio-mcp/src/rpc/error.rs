//! JSON-RPC errors that the gateway itself makes, and why a text is no message. Errors of the
//! engine pass through as they are.

use serde_json::{Value, json};

use super::strict::Unreadable;

/// Codes of JSON-RPC 2.0 §5.1 and of MCP 2026-07-28 ("Error Codes").
///
/// What went wrong inside the gateway is `Internal` with a stable `data.reason`: the protocol
/// reserves every other code below -32000 and gives local conditions none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    Parse = -32700,
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    Internal = -32603,
    /// Of no revision, but of the reference SDKs: clients look for it beside the status 404.
    SessionNotFound = -32001,
    HeaderMismatch = -32020,
    UnsupportedProtocolVersion = -32022,
}

/// A JSON-RPC error object.
#[derive(Clone, Debug)]
pub(crate) struct RpcError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}

impl RpcError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// A condition inside the gateway. `reason` is stable; the message says what helps.
    pub(crate) fn internal(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::Internal,
            message: message.into(),
            data: Some(json!({ "reason": reason })),
        }
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// The error object.
    pub(crate) fn object(&self) -> String {
        let mut object = json!({ "code": self.code as i32, "message": self.message });
        if let (Some(data), Some(members)) = (&self.data, object.as_object_mut()) {
            members.insert("data".to_owned(), data.clone());
        }
        object.to_string()
    }

    /// The whole response. `id` is raw JSON; an id that could not be read is `null` (JSON-RPC 2.0
    /// §5).
    pub(crate) fn response(&self, id: Option<&str>) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#, id.unwrap_or("null"), self.object())
    }
}

/// Why a text is not one JSON-RPC message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body is an array: batches are not supported by this protocol version")]
    Batch,
    #[error("the body is JSON, but not a JSON-RPC 2.0 request, notification or response: {0}")]
    NotRpc(&'static str),
    #[error("the body is JSON that not every reader takes (RFC 7493): {0}")]
    NotStrict(#[from] Unreadable),
}

impl ParseError {
    /// The error that the client gets (JSON-RPC 2.0 §5.1).
    pub(crate) fn to_rpc(&self) -> RpcError {
        let code = match self {
            Self::NotJson | Self::NotStrict(_) => ErrorCode::Parse,
            Self::Batch | Self::NotRpc(_) => ErrorCode::InvalidRequest,
        };
        let text = self.to_string();
        let mut chars = text.chars();
        RpcError::new(
            code,
            chars
                .next()
                .map(|first| first.to_uppercase().chain(chars).collect::<String>())
                .unwrap_or_default(),
        )
    }
}
