//! The one table of the tools, and what clients are told of them. Each word is paid for by every
//! conversation: what all tools share stands in `introduction`. Names and arguments are those of
//! the official server, so that prompts work with both engines.

use std::sync::LazyLock;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::failure::Failure;
use super::tool_call::{RUN_SQL_QUERY, ToolCall};
use super::{description, get_query_result, lineage, run_sql_query, schema, search, system_tables};
use crate::guard::Guard;

/// Characters of an answer for each of its tokens, at most: so much is Claude Code asked to show
/// whole.
const CHARS_PER_TOKEN: usize = 8;

/// What statements the tool for queries accepts.
const READS: &str = "Only statements that read: SELECT, WITH, EXPLAIN PLAN FOR, DESCRIBE, SHOW.";
const WRITES: &str = "Statements that write are accepted, too; what they do cannot be undone here.";

/// A tool: what a client is told of it, and what it does.
pub(in crate::engine) struct Tool {
    /// The name by which clients call it.
    pub(in crate::engine) name: &'static str,
    title: &'static str,
    /// `{statements}` stands for what statements are accepted.
    description: &'static str,
    input_schema: fn() -> Value,
    does: Does,
    /// Whether an answer may be as long as the budget allows.
    is_long: bool,
    /// Answers a call; [`Tool::answer`] counts what it takes.
    pub(super) run: for<'c> fn(ToolCall<'c>) -> BoxFuture<'c, Result<String, Failure>>,
}

/// What a tool does at Dremio.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It only reads.
    Read,
    /// It runs what statement it is given.
    RunStatement,
}

/// The names of all tools.
pub(crate) static TOOL_NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| TOOLS.iter().map(|tool| tool.name).collect());

/// All tools, in the order in which they are listed.
pub(in crate::engine) static TOOLS: &[Tool] = &[
    Tool {
        name: RUN_SQL_QUERY,
        title: "Run a SQL query",
        description: "Runs one SQL statement in Dremio and returns its rows as CSV. {statements}\n\
                      Put every name in double quotes, each part of a path on its own: SELECT \
                      \"date\", COUNT(*) AS \"n\" FROM \"source\".\"folder\".\"table\" GROUP BY \
                      \"date\".\nIf rows do not fit, or the query runs on, the last line says how \
                      to get them.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": {
                    "query": { "type": "string" },
                    "max_rows": { "type": "integer" },
                    "format": { "type": "string", "enum": ["csv", "json"] },
                },
                "required": ["query"],
            })
        },
        does: Does::RunStatement,
        is_long: true,
        run: |call| Box::pin(run_sql_query::run(call)),
    },
    Tool {
        name: "GetQueryResult",
        title: "Get more of a result",
        description: "More rows of a RunSqlQuery, or the result of one that still ran. job_id and \
                      offset are in the answer before.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": {
                    "job_id": { "type": "string" },
                    "offset": { "type": "integer" },
                    "max_rows": { "type": "integer" },
                },
                "required": ["job_id"],
            })
        },
        does: Does::Read,
        is_long: true,
        run: |call| Box::pin(get_query_result::run(call)),
    },
    Tool {
        name: "SearchTableAndViews",
        title: "Search tables and views",
        description: "Finds tables and views by words of their names, columns, tags and wikis; \
                      shows path, kind, [tags], columns / wiki. A path, or \"\", lists what is \
                      in it.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": {
                    "query": { "type": "string" },
                    "topN": { "type": "integer", "default": 5 },
                },
                "required": ["query"],
            })
        },
        does: Does::Read,
        is_long: true,
        run: |call| Box::pin(search::run(call)),
    },
    Tool {
        name: "GetSchemaOfTable",
        title: "Get the schema of a table",
        description: "Columns with types, tags and wiki of tables or views; of a space or folder, \
                      what it holds. table_name is \"source\".\"folder\".\"table\", its parts as a \
                      list, or a list of several. Use it before the first query.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": {
                    "table_name": name_or_list(),
                    "detail": { "type": "string", "enum": ["columns", "sample", "profile"] },
                },
                "required": ["table_name"],
            })
        },
        does: Does::Read,
        is_long: true,
        run: |call| Box::pin(schema::run(call)),
    },
    Tool {
        name: "GetDescriptionOfTableOrSchema",
        title: "Get the description of a table or schema",
        description: "Wiki and tags of tables or folders, and of what holds them.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": { "name": name_or_list() },
                "required": ["name"],
            })
        },
        does: Does::Read,
        is_long: false,
        run: |call| Box::pin(description::run(call)),
    },
    Tool {
        name: "GetTableOrViewLineage",
        title: "Get the lineage of a table or view",
        description: "What a view reads, and which views read it.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": { "table_name": name_or_list() },
                "required": ["table_name"],
            })
        },
        does: Does::Read,
        is_long: false,
        run: |call| Box::pin(lineage::run(call)),
    },
    Tool {
        name: "GetUsefulSystemTableNames",
        title: "Get useful system tables",
        description: "System tables: reflections, nodes, settings, catalog.",
        input_schema: || json!({ "type": "object", "properties": {} }),
        does: Does::Read,
        is_long: false,
        run: |call| Box::pin(system_tables::run(call)),
    },
];

/// A name in either form. Some clients refuse a list without `items`.
fn name_or_list() -> Value {
    json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

impl Tool {
    /// The tool of this name.
    pub(in crate::engine) fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// What Claude Code asks of tools: to be there without a search, and how long an answer it
    /// should show whole.
    fn meta(&self, tokens_max: usize) -> Value {
        let mut meta = json!({ "anthropic/alwaysLoad": true });
        if let Some(members) = meta.as_object_mut().filter(|_| self.is_long) {
            let chars = tokens_max * CHARS_PER_TOKEN;
            members.insert("anthropic/maxResultSizeChars".to_owned(), chars.into());
        }
        meta
    }

    fn to_value(&self, guard: Guard, tokens_max: usize) -> Value {
        let writes = self.does == Does::RunStatement && guard.allow_writes;
        let statements = if guard.allow_writes { WRITES } else { READS };
        json!({
            "name": self.name,
            "title": self.title,
            "description": self.description.replace("{statements}", statements),
            "inputSchema": (self.input_schema)(),
            "annotations": {
                "title": self.title,
                "readOnlyHint": !writes,
                "destructiveHint": writes,
                "idempotentHint": !writes,
                "openWorldHint": false,
            },
            "_meta": self.meta(tokens_max),
        })
    }
}

/// The result of `tools/list`: one page. An answer has up to `tokens_max` tokens.
pub(in crate::engine) fn tools_list(guard: Guard, tokens_max: usize) -> String {
    let tools: Vec<Value> = TOOLS.iter().map(|tool| tool.to_value(guard, tokens_max)).collect();
    json!({ "tools": tools }).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tiktoken_rs::cl100k_base_singleton;

    use super::TOOLS;

    #[test]
    fn what_every_client_pays_for_the_tools_that_look_at_tables_is_little() {
        let tokens = TOOLS.iter().filter(|tool| !tool.name.contains("Query")).map(|tool| {
            let listed = json!({
                "name": tool.name,
                "description": tool.description,
                "inputSchema": (tool.input_schema)(),
            });
            (tool.name, cl100k_base_singleton().encode_ordinary(&listed.to_string()).len())
        });
        let tokens: Vec<_> = tokens.collect();
        let sum: usize = tokens.iter().map(|(_, tokens)| tokens).sum();
        assert!(tokens.len() == 5 && sum <= 400, "{sum}: {tokens:?}");
    }
}
