//! What the engine says about itself: its introduction, and its tools with their descriptions. The
//! texts teach; a model reads them before it writes its first query. Names and arguments are those
//! of the official server, so that prompts work with both engines.

use serde_json::{Value, json};

use crate::guard::Guard;

/// The revision that the engine's answers are written for. The session layer negotiates the one
/// that a client gets.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// What a model should know about Dremio before it uses any tool.
const INSTRUCTIONS: &str = "\
This server answers questions from the data in a Dremio (Community Edition). {writes}

How to work: find tables in INFORMATION_SCHEMA.\"TABLES\", look at a table with GetSchemaOfTable, then query it with RunSqlQuery.

Dremio SQL:
- Put every name in double quotes, each part of a path on its own: SELECT \"date\" FROM \"source\".\"folder\".\"table\". Many common \
names are reserved words (date, time, year, month, day, count, value, user, position, rank, result) and fail without quotes.
- Names are looked up without regard to case. Strings are in single quotes, '' for a quote; there are no backslash escapes.
- Give the whole path of a table. A user's home is \"@user\". Each call is a session of its own: USE and SET have no effect on the next.
- One statement per call. Answers are cut at 200 KiB: aggregate in SQL, name the columns that you need, and add LIMIT.
- Timestamps are UTC without a zone. 64-bit integers and decimals come with every digit.";

/// No answer is longer: 200 KiB of rows or columns, and what stands around them.
const RESULT_CHARS_MAX: usize = 225 * 1024;

/// What statements the tool for queries accepts.
const READS: &str = "Only statements that read are accepted: SELECT, WITH, VALUES, TABLE, EXPLAIN PLAN FOR, DESCRIBE and SHOW.";
const WRITES: &str = "Statements that write are accepted, too: INSERT, UPDATE, DELETE, MERGE, CREATE, DROP, ALTER and the rest of Dremio's \
                      SQL. What they do cannot be undone here.";

/// The tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    RunSqlQuery,
    GetSchemaOfTable,
    GetUsefulSystemTableNames,
}

impl Tool {
    /// All tools, in the order in which they are listed.
    pub(super) const ALL: [Self; 3] =
        [Self::RunSqlQuery, Self::GetSchemaOfTable, Self::GetUsefulSystemTableNames];

    /// The tool of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The name by which clients call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RunSqlQuery => "RunSqlQuery",
            Self::GetSchemaOfTable => "GetSchemaOfTable",
            Self::GetUsefulSystemTableNames => "GetUsefulSystemTableNames",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::RunSqlQuery => "Run a SQL query",
            Self::GetSchemaOfTable => "Get the schema of a table",
            Self::GetUsefulSystemTableNames => "Get useful system tables",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::RunSqlQuery => {
                "Runs one SQL statement in Dremio and returns its rows as {\"result\": [{column: value, …}, …]}, a row a line. Tables are \
                 listed in INFORMATION_SCHEMA.\"TABLES\", columns in INFORMATION_SCHEMA.\"COLUMNS\". {statements}\n\
                 Put names in double quotes, each part of a path on its own: SELECT \"date\", COUNT(*) AS \"n\" FROM \
                 \"source\".\"folder\".\"table\" GROUP BY \"date\". Reserved words like date, month, count, value or user need the quotes \
                 whenever they are names.\n\
                 At most 200 KiB of rows are returned. A longer result is cut after a whole row and marked with \"truncated\": true, the \
                 full \"row_count\" and a note; then aggregate, filter, select fewer columns, or add LIMIT."
            }
            Self::GetSchemaOfTable => {
                "Returns the columns of a table or view with their exact types (\"fields\"), its tags, and its wiki text \
                 (\"description\"), which often says what the columns mean. Use it before querying a table for the first time. If the name \
                 is a space, source or folder, the error lists what is in it."
            }
            Self::GetUsefulSystemTableNames => {
                "Returns the system tables that help to find data and to understand this Dremio, each with what it is for: the tables, \
                 columns and views that exist, reflections, nodes, settings. Query them with RunSqlQuery."
            }
        }
    }

    fn input_schema(self) -> Value {
        match self {
            Self::RunSqlQuery => json!({
                "type": "object",
                "properties": { "query": { "type": "string", "description": "One SQL statement in Dremio's dialect. A ; at its end is fine." } },
                "required": ["query"],
            }),
            Self::GetSchemaOfTable => json!({
                "type": "object",
                "properties": {
                    "table_name": {
                        "description": "The whole path of a table or view: as text with dots, \"source\".\"folder\".\"table\", where a part \
                                        that contains dots must be in double quotes; or as a list of its parts, without quotes.",
                        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
                    },
                },
                "required": ["table_name"],
            }),
            Self::GetUsefulSystemTableNames => json!({ "type": "object", "properties": {} }),
        }
    }

    /// What Claude Code asks of tools: to be there without a search, and how long an answer it
    /// should show whole.
    fn meta(self) -> Value {
        match self {
            Self::RunSqlQuery | Self::GetSchemaOfTable => {
                json!({ "anthropic/alwaysLoad": true, "anthropic/maxResultSizeChars": RESULT_CHARS_MAX })
            }
            Self::GetUsefulSystemTableNames => json!({ "anthropic/alwaysLoad": true }),
        }
    }

    fn to_value(self, guard: Guard) -> Value {
        let writes = self == Self::RunSqlQuery && guard.allow_writes;
        json!({
            "name": self.name(),
            "title": self.title(),
            "description": self.description().replace("{statements}", if guard.allow_writes { WRITES } else { READS }),
            "inputSchema": self.input_schema(),
            "annotations": {
                "title": self.title(),
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
pub(super) fn initialize_result(guard: Guard) -> String {
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
pub(super) fn tools_list(guard: Guard) -> String {
    json!({ "tools": Tool::ALL.map(|tool| tool.to_value(guard)) }).to_string()
}
