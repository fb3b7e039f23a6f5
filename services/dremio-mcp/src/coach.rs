//! What an agent reads when its query has failed: Dremio's sentence, and the one thing that helps.
//!
//! One query goes: `said` (the sentence in Dremio's text, and what kind of complaint it is) →
//! `elsewhere` (what is not the query's fault) → the file of its kind: `columns`, `objects`,
//! `grouping`, `functions`, `values`, or `syntax`, which finds out by the tokens what does not
//! parse (`quoting`, `reserved`, `dialects`, `dates`, `types`, `clauses`). `reading` is the
//! statement, read by
//! the guard's lexer as far as it can be; `names` compares names and writes them.
//!
//! Pure, and quick whatever the texts are: nothing is asked of Dremio, and nothing is rewritten and
//! run. The advice is made of the agent's own words, Dremio's sentence, and names of the catalog.

mod clauses;
mod columns;
mod compared;
mod dates;
mod dialects;
mod elsewhere;
mod functions;
mod grouping;
mod names;
mod objects;
mod quoting;
mod reading;
mod reserved;
mod said;
mod sets;
mod syntax;
mod types;
mod values;

use std::time::Duration;

pub(crate) use self::compared::{Compared, compared_texts, most_alike};
pub(crate) use self::names::literal;
use self::reading::Reading;
use self::said::Complaint;
use crate::catalog::Snapshot;

/// How long a failed query waits for the catalog: advice must not delay an answer.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// What to say of a failed query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Dremio's own sentence, without what it expected instead.
    pub(crate) said: String,
    /// What helps.
    pub(crate) fix: String,
}

/// What to say of `sql`, which failed with what Dremio `said`. `catalog` is what there is to
/// compare names with.
pub(crate) fn advise(sql: &str, said: &str, catalog: Option<&Snapshot>) -> Advice {
    if let Some(advice) = not_the_querys_fault(said) {
        return advice;
    }
    let said = said::sentence(said);
    let complaint = said::complaint(&said);
    let fix = fix(&Reading::of(sql), catalog, &said, complaint);
    Advice { said, fix }
}

/// What to say of a failure that has nothing to do with how the query is written: it needs neither
/// the query nor the catalog. `None` where it may have.
pub(crate) fn not_the_querys_fault(said: &str) -> Option<Advice> {
    if let Some(advice) = broken_view(said) {
        return Some(advice);
    }
    let said = said::sentence(said);
    let is_certain = !matches!(
        said::complaint(&said),
        Complaint::Other | Complaint::Value | Complaint::Unparsed { .. }
    );
    if is_certain {
        return None;
    }
    let fix = elsewhere::advice(&said)?.to_owned();
    Some(Advice { said, fix })
}

fn fix(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    said: &str,
    complaint: Complaint,
) -> String {
    match complaint {
        Complaint::NoColumn { name, table } => types::unknown(reading, &name)
            .unwrap_or_else(|| columns::not_found(reading, catalog, &name, table.as_deref())),
        Complaint::NoObject { name, within } => {
            objects::not_found(reading, catalog, &name, within.as_deref())
        }
        Complaint::NoTable(name) => types::unknown(reading, &name)
            .unwrap_or_else(|| objects::no_table(reading, catalog, &name)),
        Complaint::Ambiguous(name) => columns::ambiguous(reading, catalog, &name),
        Complaint::NotGrouped(expression) => grouping::not_grouped(reading, catalog, &expression),
        Complaint::Aggregate { clause, is_window } => {
            grouping::misplaced(reading, &clause, is_window)
        }
        Complaint::NestedAggregates => grouping::nested(reading),
        Complaint::NoWindow => grouping::no_window(reading),
        Complaint::NoOver => grouping::no_over(reading),
        Complaint::SetOperation(column) => sets::uneven(reading, catalog, column),
        Complaint::NoField(name) => columns::no_field(reading, catalog, &name),
        Complaint::NoFunction(name) => functions::not_found(reading, &name),
        Complaint::Arguments { of, types } => values::arguments(reading, catalog, &of, &types),
        Complaint::NoType(name) => types::unknown(reading, &name)
            .unwrap_or_else(|| columns::not_found(reading, catalog, &name, None)),
        Complaint::DivisionByZero => values::division(reading),
        Complaint::Value => values::unfit(reading, catalog, said),
        Complaint::Literal { kind, text } => values::literal_form(reading, &kind, &text),
        Complaint::Unparsed { found, position } => {
            syntax::unparsed(reading, catalog, found.as_deref(), position)
        }
        Complaint::Plain(cure) => cure.to_owned(),
        Complaint::Other => elsewhere::unexplained(said)
            .map(str::to_owned)
            .or_else(|| syntax::diagnosis(reading, catalog, None))
            .unwrap_or_else(|| "Correct the query by what Dremio says, and try again.".to_owned()),
    }
}

/// What to say where a view's own text no longer works, because its tables or columns have
/// changed: nothing that the agent wrote is wrong. `None` if Dremio says something else.
pub(crate) fn broken_view(said: &str) -> Option<Advice> {
    let (_, after) = said.split_once("rror while expanding view ")?;
    // A name with dots in it ends at the first dot with a blank behind it.
    let view = after.split(". ").next().unwrap_or(after).trim_end_matches('.');
    let fix = format!(
        "Nothing is wrong with the request. The view {view} is broken: its own SQL no longer fits \
         what it reads. Its owner must mend it in Dremio; until then, query the tables below it. \
         VIEW_DEFINITION in INFORMATION_SCHEMA.\"VIEWS\" names them."
    );
    Some(Advice { said: said::sentence(said), fix })
}

#[cfg(test)]
mod tests;
