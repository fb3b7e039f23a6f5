//! What the gateway's tools answer in JSON: rows as Dremio spelt them, and what is said below them.

use std::fmt::{self, Formatter};

use anyhow::Context;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The rows of one answer.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Answer {
    /// From the first one that was asked for, as many as fit.
    #[serde(rename = "result")]
    pub(crate) rows: Vec<Row>,
    /// Which ones they are, where these are not all: `rows 1-160 of 3000`.
    #[serde(rename = "rows")]
    pub(crate) place: Option<String>,
    /// What `GetQueryResult` takes for the rest.
    pub(crate) next: Option<Next>,
    /// What was cut or left out.
    pub(crate) note: Option<String>,
}

/// Where the rows that follow are.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Next {
    pub(crate) job_id: String,
    pub(crate) offset: u64,
}

/// One row: its members in their order, its values as they were spelt.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) Vec<(String, Box<RawValue>)>);

impl Answer {
    /// Reads the text of an answer.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("the tool's answer holds no rows")
    }

    /// What the note says of the rows; the advice to models that follows it is of no use to who
    /// prints all of them.
    pub(crate) fn note_on_rows(&self) -> Option<&str> {
        let note = self.note.as_deref()?;
        let note = note.strip_suffix(dremio_mcp::ADVICE).unwrap_or(note);
        Some(note.trim_end_matches("; ")).filter(|note| !note.is_empty())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Row;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Row(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The handle of the job, if an answer only says that it is still running.
pub(crate) fn running_job(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Running {
        result: Option<serde::de::IgnoredAny>,
        next: Job,
    }
    #[derive(serde::Deserialize)]
    struct Job {
        job_id: String,
    }
    let Running { result, next } = serde_json::from_str(text).ok()?;
    result.is_none().then_some(next.job_id)
}

/// JSON without the blanks between its tokens: lists and structs come with line ends and indents.
pub(crate) fn compact(json: &str) -> String {
    let (mut in_string, mut is_escaped) = (false, false);
    let keep = |char: &char| {
        let keeps = in_string || !char.is_ascii_whitespace();
        if *char == '"' && !is_escaped {
            in_string = !in_string;
        }
        is_escaped = *char == '\\' && !is_escaped;
        keeps
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::running_job;

    #[test]
    fn a_job_that_runs_is_no_empty_result() {
        let running = r#"{"next":{"job_id":"14f8-a","format":"json"},"note":"still running"}"#;
        assert_eq!(running_job(running).as_deref(), Some("14f8-a"));
        for answer in [
            r#"{"result":[],"next":{"job_id":"14f8-a","offset":0,"format":"json"}}"#,
            r#"{"result":[{"a":1}]}"#,
            "not JSON",
        ] {
            assert_eq!(running_job(answer), None, "{answer}");
        }
    }
}
