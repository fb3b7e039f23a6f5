//! The rows of the `sys` tables (contract §6.2) that a server with nothing but a demo would have;
//! their columns are in `data::system`.
//!
//! `sys.roles`, `sys.privileges` and `sys.membership` exist and fail.

use rusqlite::types::Value;

use crate::catalog::{CREATED_AT_SQL, Dataset, Namespace};
use crate::instance::{Instance, VERSION};
use crate::jobs::Job;
use crate::options::OptionValue;
use crate::{clock, data};

/// Characters of a query that the job tables show (`jobs.sql.truncate.length`).
const QUERY_CHARACTERS_MAX: usize = 32_000;

/// Tables that are listed and cannot be read: their listing manager is null in OSS.
pub(super) fn always_fails(dataset: &Dataset) -> bool {
    matches!(dataset.table.as_str(), "sys.roles" | "sys.privileges" | "sys.membership")
}

/// The rows of a system table now.
pub(super) fn rows(
    instance: &Instance,
    namespace: &Namespace,
    dataset: &Dataset,
) -> Vec<Vec<Value>> {
    if dataset.schema() == "INFORMATION_SCHEMA" {
        return data::information_schema_rows(namespace, dataset.name());
    }
    match dataset.table.as_str() {
        "sys.jobs" => instance
            .jobs
            .all()
            .iter()
            .filter(|job| !job.is_finished())
            .map(|job| job_row(job))
            .collect(),
        "sys.jobs_recent" => instance.jobs.all().iter().map(|job| job_row(job)).collect(),
        "sys.options" => options(instance),
        "sys.version" => vec![vec![
            text(VERSION),
            text("a963b970"),
            text("dremio-sandbox: a stand-in for Dremio"),
            text("24.10.2024 @ 12:00:00 UTC"),
            text(""),
            text("24.10.2024 @ 14:28:10 UTC"),
        ]],
        "sys.nodes" => vec![node(instance)],
        "sys.services" => vec![vec![
            text("master"),
            text("localhost"),
            Value::Integer(31_010),
            Value::Integer(45_678),
        ]],
        "sys.memory" => vec![vec![
            text("localhost"),
            text("localhost"),
            text("45678"),
            Value::Integer(536_870_912),
            Value::Integer(4_294_967_296),
            Value::Integer(16_777_216),
            Value::Integer(16_777_216),
            Value::Integer(8_589_934_592),
        ]],
        "sys.timezone_names" => {
            vec![vec![text("UTC"), text("+00:00"), text("+00:00"), Value::Integer(0)]]
        }
        "sys.user_defined_functions" => namespace
            .functions()
            .map(|(entity, function)| {
                vec![
                    text(function.arguments),
                    text(entity.path.join(".")),
                    text(function.body),
                    text(function.returns),
                    text(CREATED_AT_SQL),
                    text(CREATED_AT_SQL),
                    text("dremio"),
                ]
            })
            .collect(),
        "sys.timezone_abbrevs" => vec![vec![text("UTC"), text("+00:00"), Value::Integer(0)]],
        _ => Vec::new(),
    }
}

fn node(instance: &Instance) -> Vec<Value> {
    let port = i64::from(instance.gate.addr().port());
    vec![
        text("localhost"),
        text("localhost"),
        text("127.0.0.1"),
        Value::Integer(port),
        Value::Integer(45_678),
        Value::Real(0.05),
        Value::Real(0.25),
        text("green"),
        Value::Integer(1),
        Value::Integer(1),
        Value::Integer(1),
        text(""),
        text(VERSION),
        Value::Real(0.0),
        Value::Integer(4),
        Value::Integer(4),
        Value::Integer(1),
        text(CREATED_AT_SQL),
    ]
}

fn options(instance: &Instance) -> Vec<Vec<Value>> {
    instance
        .options
        .rows(&instance.tokens)
        .into_iter()
        .map(|option| {
            let (kind, long, boolean, double) = match option.value {
                OptionValue::Long(value) => {
                    ("LONG", Value::Integer(value), Value::Null, Value::Null)
                }
                OptionValue::Boolean(value) => {
                    ("BOOLEAN", Value::Null, Value::Integer(i64::from(value)), Value::Null)
                }
                OptionValue::Double(value) => {
                    ("DOUBLE", Value::Null, Value::Null, Value::Real(value))
                }
            };
            let status = if option.changed { "CHANGED" } else { "DEFAULT" };
            vec![
                text(option.name),
                text(kind),
                text("SYSTEM"),
                text(status),
                long,
                Value::Null,
                boolean,
                double,
            ]
        })
        .collect()
}

/// A job as a row. What is not known is empty, zero or 1970, never NULL: these columns come from
/// proto3 scalars.
fn job_row(job: &Job) -> Vec<Value> {
    let view = job.peek();
    let submission = job.submission();
    let submitted = job.submitted_at();
    let started = view.started_at;
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    // Submitted, attempt, metadata, planning, enqueued, engine, execution planning, execution,
    // final.
    let moments = [
        Some(submitted),
        Some(submitted),
        Some(submitted),
        Some(submitted),
        started,
        None,
        started,
        started,
        view.finished_at,
    ]
    .map(|moment| moment.unwrap_or(epoch));
    let returned = i64::try_from(view.row_count).unwrap_or(i64::MAX);
    let query: String = submission.sql.chars().take(QUERY_CHARACTERS_MAX).collect();
    let mut row = vec![
        text(job.id()),
        text(view.state.as_str()),
        text("REST"),
        text(submission.user.as_str()),
        text(bracketed(&view.queried)),
        text(bracketed(&view.scanned)),
        Value::Integer(1),
    ];
    row.extend(moments.iter().map(|moment| text(clock::sql_timestamp(*moment))));
    row.extend(moments.iter().map(|moment| Value::Integer(moment.as_millisecond())));
    row.push(Value::Real(0.0));
    row.extend([0, 0, returned, 0].map(Value::Integer));
    row.push(Value::Integer(0));
    row.push(text(if started.is_some() { "SMALL" } else { "" }));
    row.push(text(""));
    row.push(text(view.error.unwrap_or_default()));
    row.push(text(query));
    row.extend([0, 0, 0].map(Value::Integer));
    row
}

/// As `JobsServiceUtil` writes datasets: `[a.b.c, d.e]`, and `[]` for none.
fn bracketed(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}
