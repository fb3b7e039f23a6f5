//! Results as people see them, in clients that show user interfaces of tools: MCP Apps (extension
//! `io.modelcontextprotocol/ui`, revision 2026-01-26).
//!
//! `RunSqlQuery` and `GetQueryResult` name a page, [`URI`]. The client shows it, and hands it the
//! tool's result, whose `_meta` says where the rows are. The page fetches them with a tool that
//! only pages may call, [`ROWS_TOOL`]: the model's text stays what it is, and costs nothing more.
//!
//! - `page`: the page, made of the files in `page/`: no build step, no network, nothing from
//!   elsewhere
//! - `listing`: what is said of it to clients that declare the extension, and to no others
//! - `answers`: the page, its rows, and what results say for it

mod answers;
mod listing;
mod page;

pub(super) use self::answers::{Asked, completed, page_answer};
pub(crate) use self::listing::{introduced, is_shown_by};

/// The extension's name.
const EXTENSION: &str = "io.modelcontextprotocol/ui";

/// What the page is, in the extension's words.
const MIME_TYPE: &str = "text/html;profile=mcp-app";

/// The page's name.
const URI: &str = "ui://dremio/result";

/// The tool by which the page gets rows.
pub(crate) const ROWS_TOOL: &str = "dremio_result_rows";

/// The tool whose rows these are.
pub(super) const ROWS_OF: &str = "GetQueryResult";

/// What a result says in `_meta` for the page: `{"job_id":…,"offset":…}`.
const RESULT_META: &str = "dremio/result";

/// The tools whose results it shows.
const SHOWN_TOOLS: [&str; 2] = ["RunSqlQuery", "GetQueryResult"];

#[cfg(test)]
mod tests;
