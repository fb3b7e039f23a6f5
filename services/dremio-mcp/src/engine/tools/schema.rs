//! `GetSchemaOfTable`: what tables and views are made of, and what spaces, sources and folders
//! hold.

mod profile;
mod sample;

use dremio_client::Page;
use serde::Deserialize;

use super::failure::Failure;
use super::lines::{Lines, tag_list, wiki_line};
use super::names::NameArgument;
use super::object::{self, Object};
use super::tool_call::{BadArguments, RUN_SQL_QUERY, parse};
use super::{ToolCall, job};
use crate::audit::CallAudit;
use crate::catalog::{Child, Entity, quoted};
use crate::guard::lexer::lex;

/// Longest start of a wiki text, in characters. `GetDescriptionOfTableOrSchema` shows all of it.
const WIKI_CHARS_MAX: usize = 1_200;

/// Longest type, in characters: a struct of JSON files may have hundreds of members.
const TYPE_CHARS_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    table_name: NameArgument<'a>,
    #[serde(default)]
    detail: Option<Detail>,
}

/// How much is shown of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Detail {
    #[default]
    Columns,
    Sample,
    Profile,
}

impl Detail {
    /// Whether a query is run for it.
    fn reads_rows(self) -> bool {
        matches!(self, Self::Sample | Self::Profile)
    }
}

/// See [`job::first_rows`].
async fn page(
    call: &mut ToolCall<'_>,
    sql: &str,
    doing: &str,
    rows_max: u32,
) -> Result<Page, String> {
    job::first_rows(call.room, call.tool, sql, rows_max, doing, &mut call.progress).await
}

/// Answers a call.
pub(super) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let arguments = parse::<Arguments<'_>>(call.arguments).ok_or(BadArguments {
        tool: call.tool,
        expected: "arguments {\"table_name\": …}: a string like \
                   \"\\\"source\\\".\\\"folder\\\".\\\"table\\\"\", or a list of strings like \
                   [\"source\", \"folder\", \"table\"]; and \"detail\", if at all, as columns, \
                   sample or profile",
    })?;
    if arguments.detail.is_some_and(Detail::reads_rows)
        && !call.progress.caller().may_call(RUN_SQL_QUERY)
    {
        CallAudit::note_denial("queries");
        return Err(Failure::new(
            "this key may run no queries, which sample and profile are",
            "Leave detail out: columns and their types need no query.",
        ));
    }
    let names = arguments.table_name.read("table_name")?;
    let _room = call.progress.room(object::ROOM_BYTES).await?;
    let found = object::all(call.room, &names).await?;
    let mut lines = Lines::new(call.room.answers.tokens_max);
    for (place, object) in found.into_iter().enumerate() {
        if place > 0 {
            lines.push("");
        }
        match object {
            Ok(object) => show(&mut call, &mut lines, &object, arguments.detail).await,
            Err(failure) => lines.push(&format!("[{}]", failure.sentence())),
        }
    }
    Ok(lines.finish("name fewer tables, or use DESCRIBE"))
}

async fn show(call: &mut ToolCall<'_>, lines: &mut Lines, object: &Object, detail: Option<Detail>) {
    let (path, columns) = match object {
        Object::Entity(entity) if entity.is_container() => {
            return show_children(lines, entity);
        }
        Object::Entity(entity) => {
            let notes = call.room.catalog.notes(entity).await;
            let path = entity.path();
            lines.push(&format!("{} {}{}", quoted(&path), entity.word(), tag_list(&notes)));
            if let Some(wiki) = wiki_line(&notes, WIKI_CHARS_MAX) {
                lines.push(&format!("wiki: {wiki}"));
            }
            let columns = entity.fields.iter().map(|field| {
                let data_type =
                    super::lines::one_line(&field.data_type.to_string(), TYPE_CHARS_MAX);
                (field.name.clone(), data_type)
            });
            (path, columns.collect())
        }
        Object::System { path, columns } => {
            lines.push(&format!("{} system table", quoted(path)));
            (path.clone(), columns.clone())
        }
    };
    match detail.unwrap_or_default() {
        Detail::Profile => profile::show(call, lines, &path, &columns).await,
        Detail::Columns => show_columns(lines, &columns),
        Detail::Sample => {
            show_columns(lines, &columns);
            sample::show(call, lines, &path).await;
        }
    }
}

fn show_columns(lines: &mut Lines, columns: &[(String, String)]) {
    if columns.is_empty() {
        lines.push("[no columns are known yet; a query makes Dremio read them]");
    }
    for (name, data_type) in columns {
        lines.push(&format!("{} {data_type}", column_name(name)));
    }
}

/// What a container holds. A name that cannot be queried like a table says what it is.
pub(super) fn show_children(lines: &mut Lines, entity: &Entity) {
    let path = quoted(&entity.path());
    match entity.children.len() {
        0 => lines.push(&format!("{path} {}, empty", entity.entity_type)),
        count => lines.push(&format!("{path} {} of {count}:", entity.entity_type)),
    }
    list_children(lines, &entity.children);
}

/// Paths, each with what it is.
pub(super) fn list_children(lines: &mut Lines, children: &[Child]) {
    for child in children {
        lines.push(&format!("{} {}", quoted(&child.path), child.words()));
    }
}

/// A column's name as a query needs it: in quotes, unless it is a plain word that is not reserved.
fn column_name(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && lex(name).is_ok_and(|lexed| matches!(&*lexed.tokens, [word] if word.name().is_some()))
        && !RESERVED.contains(&&*name.to_ascii_uppercase());
    if is_plain { name.to_owned() } else { quoted(&[name]) }
}

/// Reserved words that are names of columns often (contract §7.5).
const RESERVED: [&str; 46] = [
    "DATE",
    "TIME",
    "TIMESTAMP",
    "DAY",
    "MONTH",
    "YEAR",
    "HOUR",
    "MINUTE",
    "SECOND",
    "USER",
    "VALUE",
    "VALUES",
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "RANK",
    "POSITION",
    "RESULT",
    "START",
    "END",
    "METHOD",
    "PARAMETER",
    "LANGUAGE",
    "SYSTEM",
    "OFFSET",
    "FILTER",
    "ROW",
    "ROWS",
    "RANGE",
    "PERCENT",
    "PERIOD",
    "TABLES",
    "FILES",
    "ORDER",
    "GROUP",
    "INTERVAL",
    "CURRENT",
    "CONDITION",
    "REF",
    "LOCAL",
    "PRECISION",
    "SCRIPT",
    "PRIMARY",
    "REFERENCES",
];

#[cfg(test)]
mod tests {
    use super::{Lines, column_name, show_children};
    use crate::catalog::Entity;

    #[test]
    fn names_of_columns_can_be_pasted() {
        for (name, expected) in [
            ("order_id", "order_id"),
            ("Amount2", "Amount2"),
            ("date", "\"date\""),
            ("my col", "\"my col\""),
            ("2024", "\"2024\""),
            ("größe", "\"größe\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a.b", "\"a.b\""),
            ("", "\"\""),
        ] {
            assert_eq!(column_name(name), expected);
        }
    }

    #[test]
    fn what_a_container_holds_is_listed() {
        let said = |text: &str| {
            let mut lines = Lines::new(1000);
            show_children(&mut lines, &serde_json::from_str::<Entity>(text).unwrap());
            lines.finish("")
        };
        let folder = said(
            r#"{"entityType":"folder","id":"1","path":["a","b"],"children":[
            {"path":["a","b","t"],"type":"DATASET","datasetType":"PROMOTED"},
            {"path":["a","b","v"],"type":"DATASET","datasetType":"VIRTUAL"},
            {"path":["a","b","x.csv"],"type":"FILE"},
            {"path":["a","b","d"],"type":"CONTAINER","containerType":"FOLDER"},
            {"path":["a","b","f"],"type":"CONTAINER","containerType":"FUNCTION"}]}"#,
        );
        let expected = r#""a"."b" folder of 5:
"a"."b"."t" table
"a"."b"."v" view
"a"."b"."x.csv" file, not formatted as a table
"a"."b"."d" folder
"a"."b"."f" function"#;
        assert_eq!(folder, expected);
        let empty = said(r#"{"entityType":"space","id":"1","name":"Sales"}"#);
        assert_eq!(empty, "\"Sales\" space, empty");
    }
}
