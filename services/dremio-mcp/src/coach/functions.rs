//! Functions that Dremio does not have, or has with other arguments.

mod tables;

use self::tables::{ARGUMENTS, OTHERS};
use super::dates;
use super::names::{nearest, or};
use super::reading::Reading;
use crate::guard::Kind;

/// Dremio's functions, as far as people call them: from the list that its own tests keep
/// (`FunctionFactoryTests.production.yaml` of 25.2).
const FUNCTIONS: &str = include_str!("functions.txt");

const LIKENESS_MIN: f64 = 0.88;
const NEAREST_MAX: usize = 3;

fn exists(name: &str) -> bool {
    FUNCTIONS.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(name))
}

/// What to do about a function that Dremio does not find with these arguments.
pub(super) fn not_found(reading: &Reading<'_>, name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    if let Some((_, fix)) = dates::call(reading)
        .filter(|(at, _)| reading.name(*at).is_some_and(|other| other.eq_ignore_ascii_case(name)))
    {
        return fix;
    }
    if let Some(fix) = json_path(reading, name).or_else(|| equivalent(reading, name)) {
        return fix;
    }
    if let Some(fix) = arguments(name) {
        return fix;
    }
    if exists(name) {
        return format!(
            "{} exists with other arguments: CAST them to the types that it takes, or check their \
             number.",
            name.to_ascii_uppercase()
        );
    }
    let known = FUNCTIONS.split_ascii_whitespace().map(|known| (known, known.to_owned()));
    let near = nearest(name, known, LIKENESS_MIN, NEAREST_MAX);
    if near.is_empty() {
        return format!(
            "Dremio has no function {}: write it with CASE, CAST, arithmetic, or another function; \
             SHOW FUNCTIONS lists those that there are.",
            name.to_ascii_uppercase()
        );
    }
    format!("Dremio has no function {}. Did you mean {}?", name.to_ascii_uppercase(), or(&near))
}

/// How Dremio says what a function of another system does, with the arguments of the call.
pub(super) fn equivalent(reading: &Reading<'_>, name: &str) -> Option<String> {
    let (name, form, note) =
        OTHERS.iter().find(|(other, _, _)| other.eq_ignore_ascii_case(name))?;
    let given: Vec<String> = reading
        .call(name)
        .map(|(_, open)| {
            reading.arguments(open).into_iter().map(|range| reading.text(range)).collect()
        })
        .unwrap_or_default();
    let write = filled(form, &given);
    let note = if note.is_empty() { String::new() } else { format!(" {}", filled(note, &given)) };
    Some(format!("Dremio has no {name} like this: write {write}.{note}"))
}

/// How Dremio reaches into JSON text and structs, for a function that takes `$.a.b`.
fn json_path(reading: &Reading<'_>, name: &str) -> Option<String> {
    const TAKE_A_PATH: [&str; 6] = [
        "JSON_EXTRACT",
        "JSON_EXTRACT_SCALAR",
        "JSON_EXTRACT_PATH_TEXT",
        "GET_JSON_OBJECT",
        "JSON_EXTRACT_STRING",
        "GET_PATH",
    ];
    TAKE_A_PATH.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    let (_, open) = reading.call(name)?;
    let arguments = reading.arguments(open);
    let (value, path) = (arguments.first()?, arguments.get(1)?);
    let (value, path) = (reading.text(value.clone()), reading.text(path.clone()));
    let path = path.trim_matches('\'').trim_start_matches('$');
    let steps: String = path
        .split(['.', '[', ']'])
        .filter(|step| !step.is_empty())
        .map(|step| match step.parse::<u32>() {
            Ok(number) => format!("[{number}]"),
            Err(_) => format!("['{}']", step.trim_matches(['"', '\''])),
        })
        .collect();
    Some(format!(
        "Dremio has no {}: write {value}{steps} for a struct, or CONVERT_FROM({value}, \
         'JSON'){steps} for JSON as text.",
        name.to_ascii_uppercase()
    ))
}

/// How a function of Dremio's is called.
pub(super) fn arguments(name: &str) -> Option<String> {
    let (_, form) = ARGUMENTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(format!("It is called like this: {form}."))
}

/// A form with the arguments that were given, and letters for those that were not.
fn filled(form: &str, given: &[String]) -> String {
    (0..4).zip(["a", "b", "c", "d"]).fold(form.to_owned(), |form, (number, letter)| {
        let argument = given.get(number).map_or(letter, String::as_str);
        form.replace(&format!("{{{number}}}"), argument)
    })
}

/// The first call of a function that Dremio does not have, for a text that does not parse.
pub(super) fn foreign_call(reading: &Reading<'_>) -> Option<(usize, String)> {
    reading.indexes().find_map(|at| {
        let token = reading.token(at).filter(|token| token.kind == Kind::Word)?;
        let is_call = reading.is_symbol(at + 1, "(")
            && !exists(token.text)
            && !reading.before(at, 1).is_some_and(|before| before.is("AS"));
        is_call.then(|| equivalent(reading, token.text)).flatten().map(|fix| (at, fix))
    })
}
