//! Dremio's types: their text form in our table definitions, their schema JSON (contract §4.5) and
//! their INFORMATION_SCHEMA names (§6.1).
//!
//! SQLite stores a column's declared type as text and hands it back with every result column that
//! refers to it, through views and subqueries. Declaring columns with Dremio's type text is
//! therefore all the bookkeeping that direct references need.

use std::fmt;

use serde_json::{Value, json};

/// The longest decimal, and the precision of every sum of decimals.
pub(crate) const DECIMAL_PRECISION_MAX: u8 = 38;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DremioType {
    Boolean,
    Integer,
    BigInt,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Varchar,
    Varbinary,
    Date,
    Time,
    Timestamp,
    IntervalDay,
    IntervalYear,
    List(Box<DremioType>),
    Struct(Vec<(String, DremioType)>),
    /// Keys are VARCHAR.
    Map(Box<DremioType>),
}

/// A column of a table or of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: DremioType,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, ty: DremioType) -> Self {
        Self { name: name.into(), ty }
    }

    /// `{"name":…,"type":{…}}`, as in result schemas and in a dataset's `fields`.
    pub(crate) fn to_json(&self) -> Value {
        json!({"name": self.name, "type": self.ty.to_json()})
    }
}

/// Columns from text like `id BIGINT, name, tags LIST<VARCHAR>`; without a type it is VARCHAR.
/// `None` if a type is not known.
pub(crate) fn columns(text: &str) -> Option<Vec<Column>> {
    split_top_level(text)
        .into_iter()
        .map(|column| {
            let (name, ty) = column.split_once(' ').unwrap_or((column, "VARCHAR"));
            Some(Column::new(name, DremioType::parse(ty)?))
        })
        .collect()
}

impl DremioType {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let upper = text.to_ascii_uppercase();
        let inside = |open: char, close: char| {
            let (_, rest) = text.split_once(open)?;
            rest.strip_suffix(close)
        };
        Some(match upper.as_str() {
            "BOOLEAN" => Self::Boolean,
            "INT" | "INTEGER" | "SMALLINT" | "TINYINT" => Self::Integer,
            "BIGINT" => Self::BigInt,
            "FLOAT" | "REAL" => Self::Float,
            "DOUBLE" | "DOUBLE PRECISION" => Self::Double,
            "VARBINARY" | "BINARY" => Self::Varbinary,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "TIMESTAMP" => Self::Timestamp,
            "INTERVAL DAY TO SECOND" => Self::IntervalDay,
            "INTERVAL YEAR TO MONTH" => Self::IntervalYear,
            "DECIMAL" | "NUMERIC" => Self::decimal(DECIMAL_PRECISION_MAX, 0),
            _ if upper.starts_with("REAL DECIMAL") || upper.starts_with("TEXT DECIMAL") => {
                return Self::parse(text.get(5..)?);
            }
            _ if upper.starts_with("VARCHAR") || upper.starts_with("CHAR") => Self::Varchar,
            _ if upper.starts_with("DECIMAL") || upper.starts_with("NUMERIC") => {
                let arguments = inside('(', ')')?;
                let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
                Self::decimal(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
            }
            _ if upper.starts_with("LIST<") => {
                Self::List(Box::new(Self::parse(inside('<', '>')?)?))
            }
            _ if upper.starts_with("MAP<") => {
                let (_, value) = inside('<', '>')?.split_once(',')?;
                Self::Map(Box::new(Self::parse(value)?))
            }
            _ if upper.starts_with("STRUCT<") => {
                let members = columns(inside('<', '>')?)?;
                Self::Struct(members.into_iter().map(|member| (member.name, member.ty)).collect())
            }
            _ => return None,
        })
    }

    pub(crate) fn decimal(precision: u8, scale: u8) -> Self {
        let precision = precision.min(DECIMAL_PRECISION_MAX);
        Self::Decimal { precision, scale: scale.min(precision) }
    }

    pub(crate) fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Struct(_) | Self::Map(_))
    }

    pub(crate) fn is_numeric(&self) -> bool {
        matches!(
            self,
            Self::Integer | Self::BigInt | Self::Float | Self::Double | Self::Decimal { .. }
        )
    }

    /// How the type is declared to SQLite. Its first letters choose how SQLite stores the values:
    /// decimals as REAL, because an integer would divide like one, and as text where REAL has
    /// too few digits.
    pub(crate) fn declaration(&self) -> String {
        match self {
            Self::Decimal { precision, .. } if *precision > 18 => format!("\"TEXT {self}\""),
            Self::Decimal { .. } => format!("\"REAL {self}\""),
            _ => format!("\"{self}\""),
        }
    }

    /// The name in `type.name` of a result schema.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal { .. } => "DECIMAL",
            Self::Varchar => "VARCHAR",
            Self::Varbinary => "VARBINARY",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp => "TIMESTAMP",
            Self::IntervalDay => "INTERVAL DAY TO SECOND",
            Self::IntervalYear => "INTERVAL YEAR TO MONTH",
            Self::List(_) => "LIST",
            Self::Struct(_) => "STRUCT",
            Self::Map(_) => "MAP",
        }
    }

    /// The name in INFORMATION_SCHEMA and DESCRIBE, which differs.
    pub(crate) fn information_schema_name(&self) -> &'static str {
        match self {
            Self::Varchar => "CHARACTER VARYING",
            Self::Varbinary => "BINARY VARYING",
            Self::List(_) => "ARRAY",
            Self::Struct(_) => "ROW",
            _ => self.name(),
        }
    }

    /// The `type` object of a schema element.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Decimal { precision, scale } => {
                json!({"name": self.name(), "precision": precision, "scale": scale})
            }
            Self::List(element) => {
                json!({"name": self.name(), "subSchema": [{"type": element.to_json()}]})
            }
            Self::Struct(members) => {
                let members: Vec<Value> = members
                    .iter()
                    .map(|(name, ty)| json!({"name": name, "type": ty.to_json()}))
                    .collect();
                json!({"name": self.name(), "subSchema": members})
            }
            Self::Map(value) => {
                let entry = Self::Struct(vec![
                    ("key".to_owned(), Self::Varchar),
                    ("value".to_owned(), (**value).clone()),
                ]);
                json!({"name": self.name(), "subSchema": [{"type": entry.to_json()}]})
            }
            _ => json!({"name": self.name()}),
        }
    }
}

impl fmt::Display for DremioType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            Self::List(element) => write!(f, "LIST<{element}>"),
            Self::Map(value) => write!(f, "MAP<VARCHAR,{value}>"),
            Self::Struct(members) => {
                f.write_str("STRUCT<")?;
                for (index, (name, ty)) in members.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{name} {ty}")?;
                }
                f.write_str(">")
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Precision and scale as INFORMATION_SCHEMA has them (contract §6.1).
pub(crate) fn numeric(ty: &DremioType) -> (Option<i64>, Option<i64>) {
    match ty {
        DremioType::Integer => (Some(32), Some(0)),
        DremioType::BigInt => (Some(64), Some(0)),
        DremioType::Float => (Some(24), None),
        DremioType::Double => (Some(53), None),
        DremioType::Decimal { precision, scale } => {
            (Some(i64::from(*precision)), Some(i64::from(*scale)))
        }
        _ => (None, None),
    }
}

fn split_top_level(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|char| {
        match char {
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

#[cfg(test)]
mod tests;
