//! Units of time: where Dremio wants them as a word, where as text, and where not at all.

use super::reading::Reading;
use crate::guard::Kind;

const UNITS: [&str; 24] = [
    "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "YEARS", "QUARTERS",
    "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS", "YY", "YYYY", "QQ", "MM", "DD", "WK",
    "HH", "DOW",
];

/// The unit that a word or a text means, in upper case and singular.
pub(super) fn unit(text: &str) -> Option<&'static str> {
    let text = text.trim_matches(['\'', '"']).to_ascii_uppercase();
    let known = UNITS.iter().find(|known| **known == text)?;
    Some(match *known {
        "YY" | "YYYY" | "YEARS" => "YEAR",
        "QQ" | "QUARTERS" => "QUARTER",
        "MM" | "MONTHS" => "MONTH",
        "WK" | "WEEKS" => "WEEK",
        "DD" | "DAYS" => "DAY",
        "HH" | "HOURS" => "HOUR",
        "MINUTES" => "MINUTE",
        "SECONDS" => "SECOND",
        other => other,
    })
}

/// Functions of time that take a unit first, and how Dremio has them; `{u}` is the unit.
const CALLS: [(&str, usize, &str); 16] = [
    ("DATEADD", 3, "TIMESTAMPADD({u}, {1}, {2})"),
    ("DATE_ADD", 3, "TIMESTAMPADD({u}, {1}, {2})"),
    ("TIMESTAMP_ADD", 3, "TIMESTAMPADD({u}, {1}, {2})"),
    ("TIMEADD", 3, "TIMESTAMPADD({u}, {1}, {2})"),
    ("DATEDIFF", 3, "TIMESTAMPDIFF({u}, {1}, {2})"),
    ("DATE_DIFF", 3, "TIMESTAMPDIFF({u}, {1}, {2})"),
    ("TIMESTAMP_DIFF", 3, "TIMESTAMPDIFF({u}, {1}, {2})"),
    ("TIMEDIFF", 3, "TIMESTAMPDIFF({u}, {1}, {2})"),
    ("TIMESTAMPADD", 3, "TIMESTAMPADD({u}, {1}, {2})"),
    ("TIMESTAMPDIFF", 3, "TIMESTAMPDIFF({u}, {1}, {2})"),
    ("DATETRUNC", 2, "DATE_TRUNC('{u}', {1})"),
    ("DATE_TRUNC", 2, "DATE_TRUNC('{u}', {1})"),
    ("TIMESTAMP_TRUNC", 2, "DATE_TRUNC('{u}', {1})"),
    ("DATEPART", 2, "DATE_PART('{u}', {1})"),
    ("DATE_PART", 2, "DATE_PART('{u}', {1})"),
    ("DATENAME", 2, "TO_CHAR({1}, 'MONTH') or TO_CHAR({1}, 'DAY')"),
];

/// A call with a unit of time that Dremio writes otherwise: where it stands, and the cure.
pub(super) fn call(reading: &Reading<'_>) -> Option<(usize, String)> {
    reading.indexes().find_map(|at| {
        let name = reading.token(at).filter(|token| token.kind == Kind::Word)?.text;
        if !reading.is_symbol(at + 1, "(") {
            return None;
        }
        if name.eq_ignore_ascii_case("EXTRACT") {
            return extract(reading, at);
        }
        let (known, count, form) =
            CALLS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
        let mut arguments: Vec<String> =
            reading.arguments(at + 1).into_iter().map(|range| reading.text(range)).collect();
        if arguments.len() != *count {
            return None;
        }
        // The unit may stand last, as in other systems.
        let place = arguments.iter().position(|argument| unit(argument).is_some())?;
        let unit_text = arguments.remove(place);
        let unit = unit(&unit_text)?;
        let mut fixed = form.replace("{u}", unit);
        for (number, argument) in arguments.iter().enumerate() {
            fixed = fixed.replace(&format!("{{{}}}", number + 1), argument);
        }
        // TIMESTAMP_DIFF(end, start, DAY) has its ends the other way round.
        if place == 2
            && fixed.starts_with("TIMESTAMPDIFF")
            && let [end, start] = arguments.as_slice()
        {
            fixed = format!("TIMESTAMPDIFF({unit}, {start}, {end})");
        }
        if place == 2
            && fixed.starts_with("TIMESTAMPADD")
            && let [time, number] = arguments.as_slice()
        {
            fixed = format!("TIMESTAMPADD({unit}, {number}, {time})");
        }
        let written = format!("{known}({unit_text}");
        let is_right = known.eq_ignore_ascii_case(fixed.split('(').next().unwrap_or_default())
            && place == 0
            && unit_text.starts_with('\'') == form.contains("'{u}'")
            && unit_text.trim_matches('\'').eq_ignore_ascii_case(unit);
        (!is_right).then(|| (at, format!("Write {fixed} instead of {written}, ...).")))
    })
}

fn extract(reading: &Reading<'_>, at: usize) -> Option<(usize, String)> {
    let text = reading.token(at + 2)?;
    let close = reading.partner(at + 1)?;
    let unit = unit(text.text)?;
    if text.kind == Kind::Text && reading.is(at + 3, "FROM") {
        return Some((
            at,
            format!(
                "Write EXTRACT({unit} FROM {}): the unit stands without quotes.",
                reading.text(at + 4..close)
            ),
        ));
    }
    if reading.is_symbol(at + 3, ",") {
        return Some((at, format!("Write EXTRACT({unit} FROM {}).", reading.text(at + 4..close))));
    }
    None
}

/// Whether the word there is the unit in a call of a function of time.
pub(super) fn is_unit_of_call(reading: &Reading<'_>, at: usize) -> bool {
    let call = reading.call_around(at);
    let name = call.and_then(|call| reading.name(call)).unwrap_or_default();
    let is_unit = reading.name(at).is_some_and(|word| unit(&word).is_some());
    let is_alone = ["(", ","]
        .iter()
        .any(|symbol| at.checked_sub(1).is_some_and(|before| reading.is_symbol(before, symbol)))
        && [")", ","].iter().any(|symbol| reading.is_symbol(at + 1, symbol));
    is_unit
        && is_alone
        && (CALLS.iter().any(|(known, _, _)| known.eq_ignore_ascii_case(&name))
            || name.eq_ignore_ascii_case("EXTRACT"))
}

/// A unit of time that Dremio takes for a column: it stands as an argument.
pub(super) fn unit_as_column(reading: &Reading<'_>, name: &str) -> Option<String> {
    unit(name)?;
    let (at, fix) = call(reading)?;
    let inside = at..reading.partner(at + 1).unwrap_or(reading.len());
    inside
        .clone()
        .any(|at| reading.token(at).is_some_and(|token| token.text.eq_ignore_ascii_case(name)))
        .then_some(fix)
}

/// An interval that is not written as Dremio reads it.
pub(super) fn interval(reading: &Reading<'_>) -> Option<(usize, String)> {
    reading.indexes().filter(|at| reading.is(*at, "INTERVAL")).find_map(|at| {
        let value = reading.token(at + 1)?;
        let text = value.text.trim_matches('\'');
        let (number, in_text) =
            text.split_once(' ').map_or((text, None), |(number, unit)| (number, Some(unit)));
        let unit_word = in_text.or_else(|| {
            reading.token(at + 2).filter(|token| token.kind == Kind::Word).map(|token| token.text)
        })?;
        let unit = unit(unit_word)?;
        if number.trim_start_matches(['-', '+']).parse::<f64>().is_err() {
            return None;
        }
        let is_right = value.kind == Kind::Text
            && in_text.is_none()
            && unit.eq_ignore_ascii_case(unit_word)
            && !matches!(unit, "WEEK" | "QUARTER");
        let times =
            |factor: i64| number.parse::<i64>().ok().and_then(|number| number.checked_mul(factor));
        let right = match unit {
            "WEEK" => times(7).map(|days| format!("INTERVAL '{days}' DAY")),
            "QUARTER" => times(3).map(|months| format!("INTERVAL '{months}' MONTH")),
            _ => None,
        };
        let right = right.unwrap_or_else(|| format!("INTERVAL '{number}' {unit}"));
        (!is_right).then(|| {
            (at, format!("Write {right}: the number in single quotes, the unit behind it."))
        })
    })
}
