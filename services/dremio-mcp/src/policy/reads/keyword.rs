//! The words by which the walk knows where a table can stand.

use crate::guard::{Kind, Token};

/// The words that mean something to the walk, at least in some places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Apply,
    As,
    At,
    /// `WHERE`, `HAVING`, `UNION`.
    EndsFrom,
    /// `EXCEPT`, `INTERSECT`.
    EndsFromOrName,
    From,
    /// `GROUP`, `ORDER`.
    GroupOrOrder,
    Join,
    Lateral,
    Multiset,
    Select,
    Table,
    Unnest,
    Values,
    With,
}

impl Keyword {
    /// The one that `token` is.
    pub(super) fn of(token: &Token<'_>) -> Option<Self> {
        const BYTES_MAX: usize = "INTERSECT".len();
        if token.kind != Kind::Word || token.text.len() < 2 {
            return None;
        }
        let mut upper = [0; BYTES_MAX];
        let upper = upper.get_mut(..token.text.len())?;
        upper.copy_from_slice(token.text.as_bytes());
        upper.make_ascii_uppercase();
        match &*upper {
            b"APPLY" => Some(Self::Apply),
            b"AS" => Some(Self::As),
            b"AT" => Some(Self::At),
            b"WHERE" | b"HAVING" | b"UNION" => Some(Self::EndsFrom),
            b"EXCEPT" | b"INTERSECT" => Some(Self::EndsFromOrName),
            b"FROM" => Some(Self::From),
            b"GROUP" | b"ORDER" => Some(Self::GroupOrOrder),
            b"JOIN" => Some(Self::Join),
            b"LATERAL" => Some(Self::Lateral),
            b"MULTISET" => Some(Self::Multiset),
            b"SELECT" => Some(Self::Select),
            b"TABLE" => Some(Self::Table),
            b"UNNEST" => Some(Self::Unnest),
            b"VALUES" => Some(Self::Values),
            b"WITH" => Some(Self::With),
            _ => None,
        }
    }

    /// Whether it may be a part of a path without quotes.
    pub(super) fn may_be_a_name(self) -> bool {
        matches!(self, Self::Apply | Self::At | Self::EndsFromOrName)
    }
}
