//! The one table of the tools, and what clients are told of them. Each word is paid for by every
//! conversation: what all tools share stands in `introduction`. Names and arguments are those of
//! the official server, so that prompts work with both engines.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::failure::Failure;
use super::handlers::{self, ToolCall};
use super::{get_query_result, run_sql_query};
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
    /// Answers a call.
    pub(in crate::engine) run: for<'c> fn(ToolCall<'c>) -> BoxFuture<'c, Result<String, Failure>>,
}

/// What a tool does at Dremio.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It only reads.
    Read,
    /// It runs what statement it is given.
    RunStatement,
}

/// All tools, in the order in which they are listed.
pub(in crate::engine) static TOOLS: &[Tool] = &[
    Tool {
        name: "RunSqlQuery",
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
        name: "GetSchemaOfTable",
        title: "Get the schema of a table",
        description: "Returns the columns of a table or view with their exact types (\"fields\"), \
                      its tags, and its wiki text (\"description\"), which often says what the \
                      columns mean. Use it before querying a table for the first time. If the \
                      name is a space, source or folder, the error lists what is in it.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": {
                    "table_name": {
                        "description": "The whole path of a table or view: as text with dots, \"source\".\"folder\".\"table\", where a part \
                                        that contains dots must be in double quotes; or as a list of its parts, without quotes.",
                        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
                    },
                },
                "required": ["table_name"],
            })
        },
        does: Does::Read,
        is_long: true,
        run: |call| Box::pin(handlers::schema_of_table(call)),
    },
    Tool {
        name: "GetUsefulSystemTableNames",
        title: "Get useful system tables",
        description: "Returns the system tables that help to find data and to understand this \
                      Dremio, each with what it is for: the tables, columns and views that exist, \
                      reflections, nodes, settings. Query them with RunSqlQuery.",
        input_schema: || json!({ "type": "object", "properties": {} }),
        does: Does::Read,
        is_long: false,
        run: |call| Box::pin(handlers::system_tables(call)),
    },
];

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
