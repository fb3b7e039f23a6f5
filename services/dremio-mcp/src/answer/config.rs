//! What an operator decides about answers.

use std::str::FromStr;
use std::time::Duration;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a line per row, and one below in brackets. Half the tokens of JSON.
    #[default]
    Csv,
    /// `{"result":[{…},…]}`, as the official server answers.
    Json,
    /// For the view of results, and for no model:
    /// `{"columns":[{"name":…,"type":…},…],"rows":[[…],…]` and the facts of the footer. A cell is
    /// a text in Dremio's spelling, or null.
    Cells,
}

/// What an operator decides about the answers to queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerConfig {
    /// Most tokens of one answer, as they are estimated here (`MCP_ANSWER_TOKENS`).
    pub tokens_max: usize,
    /// How rows are written where the call does not say (`MCP_RESULT_FORMAT`).
    pub format: Format,
    /// How long a call waits for a query; then it gets a handle to ask on with (`MCP_QUERY_WAIT`).
    pub query_wait: Duration,
    /// Whether an empty result comes with values that the query could have compared with
    /// (`MCP_SUGGEST_VALUES`).
    pub suggest_values: bool,
}

impl AnswerConfig {
    /// Below this, an answer has hardly room for a row; above, no model takes it.
    pub(crate) const TOKENS: std::ops::RangeInclusive<usize> = 500..=200_000;
}

impl Default for AnswerConfig {
    fn default() -> Self {
        Self {
            tokens_max: 8000,
            format: Format::Csv,
            query_wait: Duration::from_secs(45),
            suggest_values: false,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" | "CSV" => Ok(Self::Csv),
            "json" | "JSON" => Ok(Self::Json),
            other => Err(format!("`{other}` is not a format; use csv or json")),
        }
    }
}
