//! The examples of Dremio's documentation of its functions: each one has the documented result, or
//! is refused as something that this stand-in does not support.
//!
//! `examples.jsonl` holds statement and documented result of each example that needs no table and
//! no clock. Results are written there as people read them: `True`, `2022-01-31`, `['a', 'b']`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Fixture;

const EXAMPLES: &str = include_str!("examples.jsonl");

/// Examples whose documented result Dremio does not give, with the reason.
const MISTAKEN: &[(&str, &str)] = &[
    ("SELECT 'dremio' IS NOT NULL", "a text is not NULL"),
    ("SELECT CHR(33)", "33 is the exclamation mark"),
    ("SELECT ARRAY_POSITION(NULL, array_col)", "there is no column"),
    ("SELECT MAP_KEYS(properties)", "there is no column"),
];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Right,
    Refused,
    Mistaken,
    Wrong,
    Denied,
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what one runs it for")]
async fn documented_examples_are_right_or_refused() {
    let fixture = Fixture::start().await;
    let mut verdicts: BTreeMap<Verdict, Vec<String>> = BTreeMap::new();
    for line in EXAMPLES.lines() {
        let example: Value = serde_json::from_str(line).expect("JSON");
        let (sql, documented) = (text(&example["sql"]), text(&example["documented"]));
        let (verdict, found) = judge(&fixture, sql, documented).await;
        let note = format!("{sql}\n    documented {documented}\n    found      {found}");
        verdicts.entry(verdict).or_default().push(note);
    }
    let count = |verdict: &Verdict| verdicts.get(verdict).map_or(0, Vec::len);
    println!(
        "right {}, refused {}, wrong {}, denied {}, mistaken in the documentation {}",
        count(&Verdict::Right),
        count(&Verdict::Refused),
        count(&Verdict::Wrong),
        count(&Verdict::Denied),
        count(&Verdict::Mistaken),
    );
    for note in verdicts.get(&Verdict::Refused).into_iter().flatten() {
        println!("refused: {note}");
    }
    let failures: Vec<&String> = [Verdict::Wrong, Verdict::Denied]
        .iter()
        .filter_map(|bad| verdicts.get(bad))
        .flatten()
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(count(&Verdict::Mistaken), MISTAKEN.len(), "one of MISTAKEN is right now");
}

async fn judge(fixture: &Fixture, sql: &str, documented: &str) -> (Verdict, String) {
    let id = fixture.submit(sql.trim_end_matches(';')).await;
    let job = fixture.ended(&id).await;
    if let Some(message) = job["errorMessage"].as_str().filter(|message| !message.is_empty()) {
        let refused = message.contains("not supported by this stand-in for Dremio");
        let verdict = if refused { Verdict::Refused } else { Verdict::Denied };
        return (unless_mistaken(sql, verdict), message.to_owned());
    }
    let (_, page) = fixture.get(&format!("/api/v3/job/{id}/results")).await;
    let row = page["rows"][0].as_object().expect("a row");
    let found: Vec<&Value> = row.values().collect();
    let agrees = match found.as_slice() {
        [found] => agrees(documented, found),
        _ => {
            let documented: Vec<&str> = documented.split(", ").collect();
            documented.len() == found.len()
                && documented
                    .iter()
                    .zip(&found)
                    .all(|(documented, found)| agrees(documented, found))
        }
    };
    let verdict = if agrees { Verdict::Right } else { unless_mistaken(sql, Verdict::Wrong) };
    (verdict, format!("{found:?}"))
}

fn unless_mistaken(sql: &str, verdict: Verdict) -> Verdict {
    let mistaken = MISTAKEN.iter().any(|(mistaken, _)| *mistaken == sql);
    if mistaken { Verdict::Mistaken } else { verdict }
}

/// Whether a result is the documented one, apart from how it is written.
fn agrees(documented: &str, found: &Value) -> bool {
    let documented = documented.trim();
    match found {
        Value::Null => documented.eq_ignore_ascii_case("null"),
        Value::Bool(found) => documented.eq_ignore_ascii_case(&found.to_string()),
        Value::Number(found) => same_number(documented, &found.to_string()),
        Value::String(found) => {
            let found = found.trim();
            documented == found || same_number(documented, found) || same_time(documented, found)
        }
        Value::Array(_) | Value::Object(_) => {
            let documented = documented.replace('\'', "\"");
            serde_json::from_str::<Value>(&documented).is_ok_and(|documented| documented == *found)
        }
    }
}

/// Up to the last digit of a double, in which two mathematical libraries may differ.
fn same_number(documented: &str, found: &str) -> bool {
    if documented == found {
        return true;
    }
    let (Ok(one), Ok(other)) = (documented.parse::<f64>(), found.parse::<f64>()) else {
        return false;
    };
    (one - other).abs() <= 4.0 * f64::EPSILON * one.abs()
}

/// A time with or without its milliseconds.
fn same_time(documented: &str, found: &str) -> bool {
    found.strip_suffix(".000").is_some_and(|found| {
        documented == found && documented.ends_with(|last: char| last.is_ascii_digit())
    })
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
