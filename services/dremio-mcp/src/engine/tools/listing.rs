//! What the engine says about itself: its introduction, and the one table of its tools. The texts
//! teach; a model reads them before it writes its first query. Names and arguments are those
//! of the official server, so that prompts work with both engines.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::failure::Failure;
use super::handlers::{self, ToolCall};
use crate::guard::Guard;

/// The revision that the engine's answers are written for. The session layer negotiates the one
/// that a client gets.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// What a model should know about Dremio before it uses any tool.
const INSTRUCTIONS: &str = "\
This server answers questions from the data in a Dremio (Community Edition). {writes}

How to work: find tables in INFORMATION_SCHEMA.\"TABLES\", look at a table with GetSchemaOfTable, \
                            then query it with RunSqlQuery.

Dremio SQL:
- Put every name in double quotes, each part of a path on its own: SELECT \"date\" FROM \
                            \"source\".\"folder\".\"table\". Many common names are reserved words \
                            (date, time, year, month, day, count, value, user, position, rank, \
                            result) and fail without quotes.
- Names are looked up without regard to case. Strings are in single quotes, '' for a quote; there \
                            are no backslash escapes.
- Give the whole path of a table. A user's home is \"@user\". Each call is a session of its own: \
                            USE and SET have no effect on the next.
- One statement per call. Answers are cut at 200 KiB: aggregate in SQL, name the columns that you \
                            need, and add LIMIT.
- Timestamps are UTC without a zone. 64-bit integers and decimals come with every digit.";

/// No answer is longer: 200 KiB of rows or columns, and what stands around them.
const RESULT_CHARS_MAX: usize = 225 * 1024;

/// What statements the tool for queries accepts.
const READS: &str = "Only statements that read are accepted: SELECT, WITH, VALUES, TABLE, EXPLAIN \
                     PLAN FOR, DESCRIBE and SHOW.";
const WRITES: &str = "Statements that write are accepted, too: INSERT, UPDATE, DELETE, MERGE, \
                      CREATE, DROP, ALTER and the rest of Dremio's SQL. What they do cannot be \
                      undone here.";

/// A tool: what a client is told of it, and what it does.
pub(in crate::engine) struct Tool {
    /// The name by which clients call it.
    pub(in crate::engine) name: &'static str,
    title: &'static str,
    /// `{statements}` stands for what statements are accepted.
    description: &'static str,
    input_schema: fn() -> Value,
    does: Does,
    /// How many characters of an answer Claude Code should show, if that is more than it shows by
    /// itself.
    result_chars_max: Option<usize>,
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
        description: "Runs one SQL statement in Dremio and returns its rows as {\"result\": \
                      [{column: value, …}, …]}, a row a line. Tables are listed in \
                      INFORMATION_SCHEMA.\"TABLES\", columns in INFORMATION_SCHEMA.\"COLUMNS\". \
                      {statements}\nPut names in double quotes, each part of a path on its own: \
                      SELECT \"date\", COUNT(*) AS \"n\" FROM \"source\".\"folder\".\"table\" \
                      GROUP BY \"date\". Reserved words like date, month, count, value or user \
                      need the quotes whenever they are names.\nAt most 200 KiB of rows are \
                      returned. A longer result is cut after a whole row and marked with \
                      \"truncated\": true, the full \"row_count\" and a note; then aggregate, \
                      filter, select fewer columns, or add LIMIT.",
        input_schema: || {
            json!({
                "type": "object",
                "properties": { "query": { "type": "string", "description": "One SQL statement in Dremio's dialect. A ; at its end is fine." } },
                "required": ["query"],
            })
        },
        does: Does::RunStatement,
        result_chars_max: Some(RESULT_CHARS_MAX),
        run: |call| Box::pin(handlers::run_sql_query(call)),
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
        result_chars_max: Some(RESULT_CHARS_MAX),
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
        result_chars_max: None,
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
    fn meta(&self) -> Value {
        let mut meta = json!({ "anthropic/alwaysLoad": true });
        if let (Some(chars), Some(members)) = (self.result_chars_max, meta.as_object_mut()) {
            members.insert("anthropic/maxResultSizeChars".to_owned(), chars.into());
        }
        meta
    }

    fn to_value(&self, guard: Guard) -> Value {
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
            "_meta": self.meta(),
        })
    }
}

/// The `InitializeResult`.
pub(in crate::engine) fn initialize_result(guard: Guard) -> String {
    let writes = if guard.allow_writes {
        "It reads, and runs statements that write."
    } else {
        "It only reads."
    };
    json!({
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": { "name": env!("CARGO_PKG_NAME"), "title": "Dremio", "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS.replace("{writes}", writes),
    })
    .to_string()
}

/// The result of `tools/list`: one page.
pub(in crate::engine) fn tools_list(guard: Guard) -> String {
    let tools: Vec<Value> = TOOLS.iter().map(|tool| tool.to_value(guard)).collect();
    json!({ "tools": tools }).to_string()
}
