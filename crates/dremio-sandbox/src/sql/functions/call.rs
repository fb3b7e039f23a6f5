//! What a function computes with: its arguments, converted to the families of its row.

use rusqlite::types::Value;

use super::{FunctionError, cast, integer, no_number, real};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;
use crate::sql::moment::Moment;

/// What a function computes with.
pub(super) struct Call<'a> {
    pub(super) values: &'a [Value],
    pub(super) types: &'a [Option<&'a DremioType>],
    /// The type of the result.
    pub(super) ty: &'a DremioType,
    /// The time of the statement, as a TIMESTAMP.
    pub(super) now: &'a str,
}

impl Call<'_> {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn value(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    pub(super) fn is_null(&self, index: usize) -> bool {
        *self.value(index) == Value::Null
    }

    /// The type of an argument, after its conversion.
    pub(super) fn ty(&self, index: usize) -> Option<&DremioType> {
        self.types.get(index).copied().flatten()
    }

    pub(super) fn text(&self, index: usize) -> String {
        cast::to_text(self.value(index), self.ty(index))
    }

    pub(super) fn bytes(&self, index: usize) -> Vec<u8> {
        match self.value(index) {
            Value::Blob(bytes) => bytes.clone(),
            _ => self.text(index).into_bytes(),
        }
    }

    pub(super) fn integer(&self, index: usize) -> Result<i64, FunctionError> {
        integer(self.value(index))
    }

    pub(super) fn real(&self, index: usize) -> Result<f64, FunctionError> {
        real(self.value(index))
    }

    pub(super) fn boolean(&self, index: usize) -> bool {
        *self.value(index) == Value::Integer(1)
    }

    pub(super) fn decimal(&self, index: usize) -> Result<Decimal, FunctionError> {
        Decimal::from_value(self.value(index)).ok_or_else(|| no_number(&self.text(index)))
    }

    /// A number of characters or items: none for less than none.
    pub(super) fn count(&self, index: usize) -> Result<usize, FunctionError> {
        Ok(usize::try_from(self.integer(index)?).unwrap_or(0))
    }

    /// A date, a timestamp, or a time on the first day of 1970.
    pub(super) fn moment(&self, index: usize) -> Result<Moment, FunctionError> {
        let mut text = self.text(index);
        if self.ty(index) == Some(&DremioType::Time) {
            text.insert_str(0, "1970-01-01 ");
        }
        Moment::parse(&text)
            .ok_or_else(|| FunctionError(format!("Invalid timestamp string value \"{text}\"")))
    }
}
