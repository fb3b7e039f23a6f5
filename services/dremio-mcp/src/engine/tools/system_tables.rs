//! The system tables of Dremio Community Edition that are worth an agent's look (contract §6). The
//! `sys.project.*` and `sys.organization.*` names of Dremio Cloud do not exist there, and
//! `sys.roles`, `sys.privileges` and `sys.membership` cannot be queried, so they are not here.

use crate::guard::Guard;

/// Names, ready to be pasted behind `FROM`, and what each is for.
pub(in crate::engine) const SYSTEM_TABLES: [(&str, &str); 14] = [
    (
        "INFORMATION_SCHEMA.\"TABLES\"",
        "All tables and views: TABLE_SCHEMA (the path to it, joined by dots), TABLE_NAME, \
         TABLE_TYPE (TABLE, VIEW or SYSTEM_TABLE). Filter out SYSTEM_TABLE to see what users made.",
    ),
    (
        "INFORMATION_SCHEMA.\"COLUMNS\"",
        "The columns of tables that Dremio has read before: TABLE_SCHEMA, TABLE_NAME, \
         COLUMN_NAME, ORDINAL_POSITION, DATA_TYPE. The place to look for a column by its name.",
    ),
    ("INFORMATION_SCHEMA.\"VIEWS\"", "The views with their SQL in VIEW_DEFINITION."),
    ("INFORMATION_SCHEMA.\"SCHEMATA\"", "All sources, spaces, folders and homes: SCHEMA_NAME."),
    (
        "sys.\"jobs_recent\"",
        "Every query of the last 30 days, of all users: job_id, status, query_type, user_name, \
         queried_datasets, submitted_ts, final_state_ts, rows_scanned, rows_returned, \
         accelerated, error_msg, query. Missing values are '' or 0 or 1970-01-01, not NULL.",
    ),
    ("sys.\"jobs\"", "The queries that run now; the same columns as jobs_recent."),
    (
        "sys.\"reflections\"",
        "Reflections (accelerations): reflection_name, type, dataset_name, status, num_failures, \
         last_failure_message, record_count, current_footprint_bytes, considered_count, \
         matched_count, accelerated_count.",
    ),
    (
        "sys.\"materializations\"",
        "The stored copies of reflections: reflection_id, state, created, expires, size_bytes, \
         failure_msg.",
    ),
    (
        "sys.\"reflection_dependencies\"",
        "What each reflection is built from: reflection_id, dependency_type, dependency_path.",
    ),
    (
        "sys.\"refreshes\"",
        "Refresh jobs of reflections: reflection_id, job_id, job_start, job_end, input_records, \
         output_records.",
    ),
    (
        "sys.\"nodes\"",
        "The nodes of this cluster: name, hostname, cpu, memory, status, is_coordinator, \
         is_executor, version.",
    ),
    ("sys.\"version\"", "The version of this Dremio, in one row."),
    (
        "sys.\"options\"",
        "Settings with their values: name, type, status (CHANGED if not the default), num_val, \
         string_val, bool_val.",
    ),
    (
        "sys.\"user_defined_functions\"",
        "Functions that users made: name, argList, returnType, sql.",
    ),
];

/// The tables that `guard` lets an agent query, as one JSON object, as the official server answers.
pub(in crate::engine) fn to_json(guard: Guard) -> String {
    let is_allowed = |name: &str| guard.check(&format!("TABLE {name}")).is_ok();
    let members: serde_json::Map<_, _> = SYSTEM_TABLES
        .iter()
        .filter(|(name, _)| is_allowed(name))
        .map(|(name, use_for)| ((*name).to_owned(), (*use_for).into()))
        .collect();
    serde_json::Value::Object(members).to_string()
}
