//! Texts that Dremio cannot parse: what is wrong is found in the text itself, since Dremio's
//! position is where it noticed, and often missing.

use super::reading::{Finding, Reading};
use super::{clauses, dates, dialects, functions, quoting, reserved, types};
use crate::catalog::Snapshot;

/// Looks for one kind of mistake.
type Rule = fn(&Reading<'_>, Option<&Snapshot>) -> Option<Finding>;

/// How far from Dremio's position, in tokens, a mistake may be that is preferred to a guess.
const NEAR: usize = 25;

/// What is wrong for certain, in the order of preference where Dremio names no position.
const MISTAKES: &[Rule] = &[
    |reading, _| quoting::curly_quotes(reading),
    |reading, _| quoting::back_ticks(reading),
    |reading, _| quoting::square_brackets(reading),
    |reading, _| quoting::unquoted_apostrophe(reading),
    quoting::odd_path,
    |reading, _| quoting::variable(reading),
    |reading, _| quoting::path_as_text(reading),
    reserved::in_path,
    |reading, _| dialects::table_function(reading),
    |reading, _| dialects::top(reading),
    |reading, _| dialects::limit_with_start(reading),
    |reading, _| types::double_colon(reading),
    |reading, _| types::cast_with_comma(reading),
    |reading, _| types::try_cast(reading),
    |reading, _| dates::call(reading),
    |reading, _| dates::interval(reading),
    dialects::star_except,
    |reading, _| dialects::phrase(reading),
    |reading, _| dialects::operator(reading),
    |reading, _| dialects::pattern_operator(reading),
    |reading, _| dialects::null_test(reading),
    |reading, _| dialects::placeholder(reading),
    |reading, _| dialects::call_form(reading),
    |reading, _| functions::foreign_call(reading),
    |reading, _| types::foreign(reading),
    reserved::as_names,
    |reading, _| quoting::text_as_alias(reading),
    |reading, _| clauses::stray_comma(reading),
    |reading, _| clauses::missing_by(reading),
    |reading, _| clauses::out_of_order(reading),
    |reading, _| clauses::bare_subquery(reading),
    |reading, _| clauses::dangling(reading),
];

/// What is perhaps wrong.
const GUESSES: &[fn(&Reading<'_>) -> Option<Finding>] = &[
    clauses::misspelt_keyword,
    clauses::case_without_end,
    clauses::open_text,
    clauses::lone_bracket,
    clauses::missing_comma,
    quoting::number_first,
];

/// What to do about a text that Dremio cannot parse. `position` is where it noticed, as line and
/// column.
pub(super) fn unparsed(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    found: Option<&str>,
    position: Option<(usize, usize)>,
) -> String {
    let noticed = position.and_then(|(line, column)| reading.at_position(line, column));
    if let Some(fix) = diagnosis(reading, catalog, noticed) {
        return fix;
    }
    let found = found.filter(|found| !found.contains('<')).map(str::trim).unwrap_or_default();
    let near = noticed
        .map(|at| reading.text(at.saturating_sub(3)..(at + 3).min(reading.len())))
        .filter(|text| !text.is_empty());
    match near {
        Some(near) if !found.is_empty() => format!(
            "{found} cannot stand there: look at the text \
                                                    around it, {near}. A name that is a reserved \
                                                    word needs double quotes, text needs single \
                                                    quotes."
        ),
        Some(near) => format!(
            "The statement breaks off: look at its end, {near}. A bracket, a \
                               quote or the end of a clause is missing."
        ),
        None => "Check the syntax. Names that are reserved words, like \"date\", \"count\", \
                 \"value\" or \"user\", need double quotes; strings need single quotes."
            .to_owned(),
    }
}

/// The mistake that is most likely meant, if any is found.
pub(super) fn diagnosis(
    reading: &Reading<'_>,
    catalog: Option<&Snapshot>,
    noticed: Option<usize>,
) -> Option<String> {
    let mistakes = MISTAKES.iter().filter_map(|rule| rule(reading, catalog));
    let Some(noticed) = noticed else {
        let mut mistakes = mistakes;
        return mistakes
            .next()
            .or_else(|| GUESSES.iter().find_map(|rule| rule(reading)))
            .map(|(_, fix)| fix);
    };
    // What is wrong stands at the position or before it, seldom behind it.
    let distance = |at: usize| if at <= noticed { noticed - at } else { 2 * (at - noticed) };
    let (distance, fix) = mistakes
        .map(|(at, fix)| (distance(at), fix))
        .min_by_key(|(distance, _)| *distance)
        .map_or((usize::MAX, None), |(distance, fix)| (distance, Some(fix)));
    if distance <= NEAR {
        return fix;
    }
    let guess = GUESSES.iter().find_map(|rule| rule(reading)).map(|(_, fix)| fix);
    guess.or(fix)
}
