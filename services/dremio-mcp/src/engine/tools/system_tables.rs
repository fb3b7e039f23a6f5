//! `GetUsefulSystemTableNames`: the system tables of Dremio Community Edition that are worth an
//! agent's look (contract §6). The `sys.project.*` and `sys.organization.*` names of Dremio Cloud
//! do not exist there, and `sys.roles`, `sys.privileges` and `sys.membership` cannot be queried, so
//! they are not here.

use super::ToolCall;
use super::failure::Failure;
use super::tool_call::{BadArguments, parse};

/// Names, ready to be pasted behind `FROM`, and what each is for.
pub(in crate::engine) const SYSTEM_TABLES: [(&str, &str); 11] = [
    ("INFORMATION_SCHEMA.\"TABLES\"", "all tables and views"),
    ("INFORMATION_SCHEMA.\"COLUMNS\"", "their columns"),
    ("INFORMATION_SCHEMA.\"VIEWS\"", "the SQL of views, view_definition"),
    ("INFORMATION_SCHEMA.\"SCHEMATA\"", "spaces, sources, folders"),
    ("sys.reflections", "accelerations with status, failures, hits"),
    ("sys.materializations", "their stored copies"),
    ("sys.nodes", "nodes, memory"),
    ("sys.version", "of Dremio"),
    ("sys.options", "settings"),
    ("sys.user_defined_functions", "functions"),
    ("sys.jobs_recent", "queries of 30 days"),
];

/// Where the job history may be asked, the question that is asked most.
pub(in crate::engine) const FAILED_QUERIES: &str = "\
SELECT submitted_ts, error_msg, query FROM sys.jobs_recent \
WHERE status = 'FAILED' AND query_type = 'REST' ORDER BY submitted_ts DESC LIMIT 5";

/// Answers a call. It takes no arguments.
pub(super) async fn run(call: ToolCall<'_>) -> Result<String, Failure> {
    parse::<serde::de::IgnoredAny>(call.arguments)
        .ok_or(BadArguments { tool: call.tool, expected: "no arguments, or an empty object" })?;
    Ok(match text(|sql| call.room.gate.lets_pass(sql)) {
        none if none.is_empty() => "[this key may query no system table]".to_owned(),
        tables => tables,
    })
}

/// The tables that an agent may query, one a line.
fn text(is_allowed: impl Fn(&str) -> bool) -> String {
    let tables = SYSTEM_TABLES.iter().filter(|(name, _)| is_allowed(&format!("TABLE {name}")));
    let mut lines: Vec<String> = tables.map(|(name, what)| format!("{name}: {what}")).collect();
    if is_allowed(FAILED_QUERIES) {
        lines.push(format!("My last failed queries: {FAILED_QUERIES}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use tiktoken_rs::cl100k_base_singleton;

    use super::text;
    use crate::guard::Guard;

    #[test]
    fn the_answer_is_short_and_names_only_what_may_be_asked() {
        let text = |guard: Guard| text(|sql| guard.check(sql).is_ok());
        let tokens = |text: &str| cl100k_base_singleton().encode_ordinary(text).len();
        let all = text(Guard { allow_job_history: true, ..Guard::default() });
        assert!(tokens(&all) <= 200, "{} {all}", tokens(&all));
        assert!(all.contains("My last failed queries: SELECT"), "{all}");
        let some = text(Guard::default());
        assert!(!some.contains("jobs_recent") && some.len() < all.len(), "{some}");
    }
}
