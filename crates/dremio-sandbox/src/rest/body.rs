//! JSON request bodies as Jackson reads them (contract §0.2): unknown properties are refused by
//! name, malformed text is a plain-text 400, and scalars are turned into strings where a string is
//! wanted.

use http::StatusCode;
use serde_json::{Map, Value};

use super::ApiError;

/// A JSON object with known properties only.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body; `None` for `null` and for no body, which Dremio meets in the handler.
    ///
    /// # Errors
    /// 400: not JSON, not an object, or a property that is not `known`.
    pub(crate) fn parse(body: &[u8], known: &[&str]) -> Result<Option<Self>, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let value =
            serde_json::from_slice(body).map_err(|cause| ApiError::Malformed(cause.to_string()))?;
        match value {
            Value::Null => Ok(None),
            Value::Object(fields) => match fields.keys().find(|key| !known.contains(&key.as_str()))
            {
                Some(unknown) => Err(invalid(unknown)),
                None => Ok(Some(Self(fields))),
            },
            _ => Err(ApiError::by_hand(StatusCode::BAD_REQUEST, "Invalid value.")),
        }
    }

    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, ApiError> {
        self.0.get(name).map_or(Ok(None), |value| as_string(value, name))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| as_string(value, name).map(Option::unwrap_or_default))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(invalid(name)),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| invalid(name)),
        }
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_object().map(Some).ok_or_else(|| invalid(name)),
        }
    }
}

pub(crate) fn invalid(property: &str) -> ApiError {
    ApiError::by_hand(StatusCode::BAD_REQUEST, format!("Invalid value found at: {property}"))
}

fn as_string(value: &Value, name: &str) -> Result<Option<String>, ApiError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(invalid(name)),
    }
}
