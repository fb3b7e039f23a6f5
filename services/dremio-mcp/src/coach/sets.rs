//! UNION, INTERSECT and EXCEPT.

use std::ops::Range;

use super::names;
use super::reading::Reading;
use crate::catalog::Snapshot;

/// What to do about SELECTs that do not fit together: in the column with this number, or in how
/// many columns they have.
pub(super) fn uneven(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    column: Option<usize>,
) -> String {
    let selects = selects(reading);
    let Some(number) = column else {
        let counts: Vec<String> = selects
            .iter()
            .map(|columns| {
                count(reading, catalog, columns)
                    .map_or_else(|| "*".to_owned(), |count| count.to_string())
            })
            .collect();
        return format!(
            "Each SELECT needs the same number of columns, in the same order; these have {}. Name \
             the columns in each, and fill a gap with CAST(NULL AS type).",
            counts.join(" and ")
        );
    };
    let texts: Vec<String> = selects
        .iter()
        .filter_map(|columns| columns.get(number.checked_sub(1)?))
        .map(|column| {
            let name = column.end.checked_sub(1).and_then(|last| reading.name(last));
            let ty = name.and_then(|name| type_of(reading, catalog, &name));
            let ty = ty.map_or_else(String::new, |ty| format!(" ({ty})"));
            format!("{}{ty}", reading.text(column.clone()))
        })
        .collect();
    format!(
        "Column {number} of the SELECTs has different types: {}. CAST one to the type of the \
         other, or both AS VARCHAR; or put the columns in the same order.",
        texts.join(" and ")
    )
}

/// The columns of the SELECTs that a set operation joins: those outside of brackets.
fn selects(reading: &Reading<'_>) -> Vec<Vec<Range<usize>>> {
    let all: Vec<usize> = reading.indexes().filter(|at| reading.is(*at, "SELECT")).collect();
    let depth = all.iter().map(|at| reading.depth(*at)).min().unwrap_or_default();
    let outer = all.into_iter().filter(|at| reading.depth(*at) == depth);
    outer.map(|select| reading.columns_of(select)).collect()
}

fn count(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    columns: &[Range<usize>],
) -> Option<usize> {
    let mut count = 0;
    for column in columns {
        if column.end.checked_sub(1).is_some_and(|last| reading.is_symbol(last, "*")) {
            let relations = reading.relations();
            let table = relations
                .iter()
                .find(|relation| relation.at > column.start)
                .and_then(|relation| names::table(catalog, &relation.path))?;
            count += table.columns.len();
        } else {
            count += 1;
        }
    }
    Some(count)
}

fn type_of(reading: &Reading<'_>, catalog: Option<&Snapshot>, name: &str) -> Option<String> {
    reading.relations().iter().find_map(|relation| {
        let table = names::table(catalog, &relation.path)?;
        Some(names::column(table, name)?.data_type.to_string())
    })
}
