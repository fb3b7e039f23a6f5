//! What stands below the rows: which ones they are, how to get the others, and what was left out.

use std::fmt::Write as _;

use service_kit::wording::counted;

use super::column::Column;
use super::config::Format;
use super::tokens::estimate;
use crate::rpc::string_literal;

/// Tokens that are kept free for what stands below the rows.
pub(super) const FOOTER_TOKENS: usize = 200;

/// The last note where rows follow: advice to a model.
pub const ADVICE: &str = "better: aggregate or filter";

/// Where the rows of an answer stand in their result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The number of the first one, from 0 on.
    pub(crate) offset: u64,
    /// All rows of the result.
    pub(crate) total: u64,
    /// What `GetQueryResult` takes for the rest.
    pub(crate) handle: &'a str,
}

/// What was left out of the rows that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    /// The shortest length in characters at which a cell was cut.
    pub(super) cut_at: Option<usize>,
    /// Columns shown, and all there are, if those are more.
    pub(super) columns: Option<(usize, usize)>,
}

/// The facts of a footer, for `count` rows.
pub(super) struct Footer<'a> {
    pub(super) place: Place<'a>,
    pub(super) count: u64,
    pub(super) columns: &'a [Column],
    pub(super) left: Left,
    /// What else there is to say.
    pub(super) note: Option<String>,
}

impl Footer<'_> {
    /// The last line of CSV.
    pub(super) fn csv(&self) -> String {
        let mut parts = vec![self.rows()];
        if let Some(offset) = self.next() {
            let handle = self.place.handle;
            parts.push(format!("next: GetQueryResult(job_id=\"{handle}\", offset={offset})"));
        }
        parts.extend(self.notes());
        format!("[{}]", parts.join("; "))
    }

    /// The members behind `result`, each with a comma before it. None where all rows are there as
    /// they are.
    pub(super) fn json(&self) -> String {
        let mut members = String::new();
        let notes = self.notes().join("; ");
        let is_whole = self.place.offset == 0 && self.count == self.place.total;
        if !is_whole {
            let _infallible = write!(members, r#","rows":{}"#, string_literal(&self.rows()));
        }
        if let Some(offset) = self.next() {
            let handle = string_literal(self.place.handle);
            let _infallible = write!(
                members,
                r#","next":{{"job_id":{handle},"offset":{offset},"format":"json"}}"#
            );
        }
        if !notes.is_empty() {
            let _infallible = write!(members, r#","note":{}"#, string_literal(&notes));
        }
        members
    }

    /// The members behind `rows` for the view, each with a comma before it.
    pub(super) fn cells(&self) -> String {
        let mut members = format!(r#","total":{}"#, self.place.total);
        if let Some(offset) = self.next() {
            let _infallible = write!(members, r#","next":{offset}"#);
        }
        if let Some(chars) = self.left.cut_at {
            let _infallible = write!(members, r#","cut_at":{chars}"#);
        }
        if let Some((_, all)) = self.left.columns {
            let _infallible = write!(members, r#","columns_total":{all}"#);
        }
        members
    }

    /// The offset of the rows that follow, if there are any.
    fn next(&self) -> Option<u64> {
        let next = self.place.offset.saturating_add(self.count);
        (self.count > 0 && next < self.place.total).then_some(next)
    }

    fn rows(&self) -> String {
        let Self { place: Place { offset, total, .. }, count, .. } = *self;
        match count {
            _ if count == total => counted(total, "row"),
            0 => format!("no rows from offset {offset} on: the result has {total}"),
            _ => format!("rows {}-{} of {total}", offset + 1, offset + count),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.count == 0 && self.place.total == 0 {
            notes.push(types(self.columns));
        }
        notes.extend(self.note.clone());
        if let Some(chars) = self.left.cut_at {
            notes.push(format!(
                "cells that end in …[cut] are longer than {chars} characters: \
                 SUBSTR(column, {}) reads on",
                chars + 1
            ));
        }
        if let Some((shown, all)) = self.left.columns {
            notes.push(format!("columns 1-{shown} of {all}: name the ones you need"));
        }
        if self.next().is_some() {
            notes.push(ADVICE.to_owned());
        }
        notes
    }
}

/// What stands in place of rows while their query runs, `seconds` after it was asked for.
pub(crate) fn still_running(format: Format, seconds: u64, handle: &str) -> String {
    let said = format!("still running after {seconds} s");
    match format {
        Format::Csv => format!("[{said}; GetQueryResult(job_id=\"{handle}\") waits on]"),
        // Without `result`, which would look like an empty one.
        Format::Json => {
            let handle = string_literal(handle);
            format!(r#"{{"next":{{"job_id":{handle},"format":"json"}},"note":"{said}"}}"#)
        }
        Format::Cells => r#"{"is_running":true}"#.to_owned(),
    }
}

/// The names and types of columns, as many as there is room for.
fn types(columns: &[Column]) -> String {
    let mut text = "columns: ".to_owned();
    let mut tokens = 0;
    for (number, Column { name, data_type }) in columns.iter().enumerate() {
        let part = format!("{}{name} {data_type}", if number > 0 { ", " } else { "" });
        tokens += estimate(&part);
        if tokens > FOOTER_TOKENS {
            text.push_str(", …");
            break;
        }
        text.push_str(&part);
    }
    text
}
