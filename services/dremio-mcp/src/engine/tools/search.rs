//! `SearchTableAndViews`: finds tables and views for a question, and lists what a space, source or
//! folder holds.

use std::borrow::Cow;

use serde::Deserialize;

use super::ToolCall;
use super::failure::Failure;
use super::lines::{Lines, tag_list, wiki_line};
use super::object;
use super::schema::{list_children, show_children};
use super::tool_call::{BadArguments, parse};
use crate::catalog::{Hit, Kind, QuestionError, quoted};
use crate::guard::TableName;

/// Tables that are shown where the call does not say how many, and at most.
const HITS: usize = 5;
const HITS_MAX: usize = 50;

/// Columns of a table that are named, and the start of its wiki, in characters.
const COLUMNS_MAX: usize = 10;
const WIKI_CHARS_MAX: usize = 160;

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow, default)]
    query: Cow<'a, str>,
    #[serde(default, rename = "topN")]
    top_n: Option<f64>,
}

/// Answers a call.
pub(super) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let arguments = parse::<Arguments<'_>>(call.arguments).ok_or(BadArguments {
        tool: call.tool,
        expected: "arguments {\"query\": \"…\", \"topN\": 5}: words to look for, the path of a \
                   space, source or folder, or \"\" for the top level",
    })?;
    let _room = call.progress.room(object::ROOM_BYTES).await?;
    let query = arguments.query.trim();
    let mut lines = Lines::new(call.room.answers.tokens_max);
    if query.is_empty() {
        let top = call.room.catalog.top().await?;
        list_children(&mut lines, &top);
        return Ok(lines.finish("search for words"));
    }
    if let Some(path) = path_of(query)
        && let Ok(entity) = call.room.catalog.entity(path.parts()).await
        && entity.is_container()
    {
        show_children(&mut lines, &entity);
        return Ok(lines.finish("search for words, or list a folder below it"));
    }
    let limit = hits_wanted(arguments.top_n);
    let found = call
        .room
        .catalog
        .search(query, limit)
        .await
        .map_err(|cause| unread(&cause).permitted(&call.room.gate))?;
    if found.hits.is_empty() {
        return Ok(
            "[nothing found; try fewer or other words, or query=\"\" to see what there is. System \
             tables: GetUsefulSystemTableNames]"
                .to_owned(),
        );
    }
    for hit in &found.hits {
        lines.push(&line(hit));
    }
    let shown = found.hits.len();
    if found.total > shown && !lines.is_cut() {
        lines.push(&format!("[{shown} of {}; topN shows more]", found.total));
    }
    if found.is_partial {
        lines.push("[Dremio has more tables than are searched by column here]");
    }
    Ok(lines.finish("use other words, or a smaller topN"))
}

/// `query` as the path of something that may hold tables: written as a path, or one word.
fn path_of(query: &str) -> Option<TableName> {
    let is_path = query.contains(['.', '"', '@', '[']) || !query.contains(char::is_whitespace);
    if !is_path {
        return None;
    }
    match serde_json::from_str::<Vec<String>>(query) {
        Ok(parts) => TableName::from_parts(parts).ok(),
        Err(_) => TableName::parse(query).ok(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 1 and 50; models write 5.0"
)]
fn hits_wanted(top_n: Option<f64>) -> usize {
    top_n.filter(|it| it.is_finite()).map_or(HITS, |it| it.clamp(1.0, HITS_MAX as f64) as usize)
}

/// A table on one line: path, kind, tags, columns, and how its wiki starts.
fn line(hit: &Hit) -> String {
    let kind = if hit.kind == Kind::View { "view" } else { "table" };
    let mut columns: Vec<&str> = hit.columns.iter().take(COLUMNS_MAX).map(String::as_str).collect();
    let more = format!("… ({} columns)", hit.columns.len());
    if hit.columns.len() > COLUMNS_MAX {
        columns.push(&more);
    }
    let wiki = wiki_line(&hit.notes, WIKI_CHARS_MAX).map(|wiki| format!(" / {wiki}"));
    format!(
        "{} {kind}{} {}{}",
        quoted(&hit.path),
        tag_list(&hit.notes),
        columns.join(", "),
        wiki.unwrap_or_default()
    )
}

/// Why Dremio's catalog is not known.
fn unread(cause: &QuestionError) -> Failure {
    match cause {
        QuestionError::Dremio(cause) => Failure::of_dremio(cause),
        _ => Failure::new(
            format!("Dremio's catalog cannot be read: {cause}"),
            "Try it again in a minute, or query INFORMATION_SCHEMA.\"TABLES\".",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hit, Kind, TableName, hits_wanted, line, path_of};
    use crate::catalog::Notes;

    #[test]
    fn a_table_is_a_line() {
        let mut hit = Hit {
            path: vec!["Sales".to_owned(), "customers".to_owned()],
            kind: Kind::View,
            columns: vec!["customer_id".to_owned(), "name".to_owned()],
            notes: Notes {
                tags: vec!["sales".to_owned(), "pii".to_owned()],
                wiki: Some("# Customers\nOne row per customer.".to_owned()),
            },
        };
        assert_eq!(
            line(&hit),
            "\"Sales\".\"customers\" view [sales, pii] customer_id, name / Customers One row per \
             customer."
        );
        hit.columns = (0..30).map(|it| format!("c{it}")).collect();
        hit.notes = Notes::default();
        assert!(line(&hit).ends_with("c8, c9, … (30 columns)"), "{}", line(&hit));
    }

    #[test]
    fn a_path_is_told_from_words() {
        let check = |query: &str, expected: Option<&[&str]>| {
            let path = path_of(query);
            assert_eq!(
                path.as_ref().map(TableName::parts),
                expected
                    .map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
                    .as_deref(),
                "{query}"
            );
        };
        check("Sales", Some(&["Sales"]));
        check("Samples.\"samples.dremio.com\"", Some(&["Samples", "samples.dremio.com"]));
        check("[\"a\", \"b c\"]", Some(&["a", "b c"]));
        check("@ada", Some(&["@ada"]));
        check("customer orders", None);
        check("\"open", None);
    }

    #[test]
    fn any_number_of_hits_may_be_asked_for() {
        for (asked, expected) in [
            (None, 5),
            (Some(3.0), 3),
            (Some(0.0), 1),
            (Some(-7.0), 1),
            (Some(1e300), 50),
            (Some(f64::NAN), 5),
        ] {
            assert_eq!(hits_wanted(asked), expected);
        }
    }
}
