//! What is known of an argument before anything runs.

use rusqlite::types::Value;

use crate::catalog::DremioType;

/// An argument of a call: its type, and its value if that is in the text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Argument {
    /// `None` for NULL without a type.
    pub(crate) ty: Option<DremioType>,
    /// Its value, if it is a literal.
    pub(crate) literal: Option<Value>,
}

impl Argument {
    /// A literal text.
    #[cfg(test)]
    pub(crate) fn text(text: &str) -> Self {
        Self { ty: Some(DremioType::Varchar), literal: Some(Value::Text(text.to_owned())) }
    }

    /// The text of a literal.
    pub(crate) fn literal_text(&self) -> Option<&str> {
        match &self.literal {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a literal whole number.
    pub(crate) fn literal_integer(&self) -> Option<i64> {
        match &self.literal {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }
}
