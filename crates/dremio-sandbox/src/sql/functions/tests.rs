//! The rows as a whole, and what the documented examples leave out.

use std::collections::BTreeSet;

use super::*;
use crate::catalog::DremioType;

/// A call of literals: whole numbers, texts in quotes, decimals, dates, NULL.
fn call(name: &str, arguments: &[&str]) -> Result<Value, String> {
    let literal = |text: &&str| -> (Argument, Value) {
        let typed = |ty: DremioType, value: Value| {
            (Argument { ty: Some(ty), literal: Some(value.clone()) }, value)
        };
        if *text == "NULL" {
            return (Argument::default(), Value::Null);
        }
        if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return (Argument::text(quoted), Value::Text(quoted.to_owned()));
        }
        if let Some((ty, text)) = text.split_once(' ') {
            let ty = DremioType::parse(ty).unwrap();
            return typed(ty, Value::Text(text.to_owned()));
        }
        match text.parse() {
            Ok(number) => typed(DremioType::Integer, Value::Integer(number)),
            Err(_) => typed(DremioType::Double, Value::Real(text.parse().unwrap())),
        }
    };
    let (arguments, values): (Vec<_>, Vec<_>) = arguments.iter().map(literal).unzip();
    let bound = bind(name, &arguments).map_err(|cause| format!("{cause:?}"))?;
    let text = bound.sql(&vec![String::new(); values.len()]);
    let signature = text.split('\'').nth(1).unwrap();
    let read = Bound::parse(&signature.replace("''", "'")).unwrap();
    assert_eq!(read.ty, bound.ty, "{name} on its way through SQLite");
    read.run(values, "2024-02-29 12:34:56.789").map_err(|cause| cause.0)
}

fn check(name: &str, arguments: &[&str], expected: &str) {
    let found = call(name, arguments).map(|value| match value {
        Value::Null => "NULL".to_owned(),
        value => text(&value),
    });
    assert_eq!(found.as_deref(), Ok(expected), "{name}({})", arguments.join(", "));
}

fn check_failed(name: &str, arguments: &[&str], expected: &str) {
    match call(name, arguments) {
        Err(message) => assert!(message.contains(expected), "{name}: {message}"),
        Ok(value) => panic!("{name}({}) is {value:?}", arguments.join(", ")),
    }
}

#[test]
fn every_row_is_a_function_of_dremio() {
    let mut forms = BTreeSet::new();
    for row in rows() {
        assert!(row.name.starts_with('$') || exists(row.name), "{}", row.name);
        assert!(forms.insert((row.name, row.takes)), "{}({}) twice", row.name, row.takes);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the count is what one runs it for")]
fn names_that_run_are_counted() {
    let names: BTreeSet<&str> = rows().map(|row| row.name).filter(|name| exists(name)).collect();
    println!("{} names have rows", names.len());
    assert!(names.len() > 250);
}

#[test]
fn texts_are_cut_from_either_end() {
    check("LEFT", &["'Dremio'", "-2"], "Drem");
    check("LEFT", &["'abc'", "-5"], "");
    check("RIGHT", &["'Dremio'", "-2"], "emio");
    check("RIGHT", &["'abc'", "5"], "abc");
    check("SUBSTRING", &["'abcdef'", "-2"], "ef");
    check("SUBSTRING", &["'abcdef'", "-9", "2"], "");
    check("SUBSTRING", &["'abcdef'", "2", "-1"], "");
    check("SUBSTRING_INDEX", &["'a.b.c'", "'.'", "-1"], "c");
    check("LPAD", &["'abc'", "-1", "'x'"], "");
    check("LPAD", &["111", "5"], "  111");
    check("SPLIT_PART", &["'a-b'", "'-'", "3"], "");
    check_failed("SPLIT_PART", &["'a-b'", "'-'", "0"], "must be positive");
    check("LOCATE", &["'b'", "'abcb'", "3"], "4");
    check_failed("LOCATE", &["'b'", "'abcb'", "0"], "must be greater than 0");
    check("TRANSLATE", &["'abcba'", "'ab'", "'x'"], "xcx");
    check("CONCAT_WS", &["'-'", "'a'", "NULL", "'b'"], "a-b");
    check("CONCAT", &["'a'", "NULL", "1"], "a1");
    check("SOUNDEX", &["'Miller'"], "M460");
    check("SOUNDEX", &["NULL"], "");
    check("ASCII", &["'अ'"], "-32");
    check("PARSE_URL", &["'http://dremio.com'", "'FILE'"], "");
    check("SHA1", &["12345"], "7963aaf7bfffbb0bc0ee3d461063d76073f6b790");
    check("LEVENSHTEIN", &["'kitten'", "'sitting'"], "3");
}

#[test]
fn dates_are_read_and_written_by_formats() {
    let read = |text: &str, format: &str, expected: &str| {
        check("TO_TIMESTAMP", &[&format!("'{text}'"), &format!("'{format}'")], expected);
    };
    read("05/24/22", "MM/DD/YY", "2022-05-24 00:00:00.000");
    read("05/24/85", "MM/DD/YY", "1985-05-24 00:00:00.000");
    read("24 Jul 2022", "DD MON YYYY", "2022-07-24 00:00:00.000");
    read("july 4, 2022", "MONTH DD, YYYY", "2022-07-04 00:00:00.000");
    read("2022-01-01 12:05", "YYYY-MM-DD HH12:MI", "2022-01-01 00:05:00.000");
    read("2022-01-01 01:05 PM", "YYYY-MM-DD HH:MI AM", "2022-01-01 13:05:00.000");
    read("20220131T", "YYYYMMDD\"T\"", "2022-01-31 00:00:00.000");
    read("2022-060", "YYYY-DDD", "2022-03-01 00:00:00.000");
    read("12:00:00.5 +02:00", "HH24:MI:SS.F TZO", "1970-01-01 10:00:00.500");
    read("12:00 PST", "HH24:MI TZD", "1970-01-01 20:00:00.000");
    check_failed("TO_DATE", &["'2022-13-01'", "'YYYY-MM-DD'"], "cannot be formatted");
    check_failed("TO_DATE", &["'13:00'", "'HH:MI'"], "cannot be formatted");
    check_failed("TO_DATE", &["'x'", "'QQ'"], "Failure parsing the formatting string");
    check_failed("TO_DATE", &["'Mon'", "'DY'"], "not supported by this stand-in");
    check("TO_DATE", &["'x'", "'YYYY'", "1"], "NULL");
    let write = |format: &str, expected: &str| {
        let format = format!("'{format}'");
        check("TO_CHAR", &["TIMESTAMP 2024-02-29 00:05:07.089", &format], expected);
    };
    write("DY, MON D", "Thu, Feb 5");
    write("HH:MI AM", "12:05 AM");
    write("YY DDD WW F FF FFF", "24 060 09 0 08 089");
}

#[test]
fn dates_are_computed() {
    check("TIMESTAMPDIFF", &["'MONTH'", "DATE 2019-01-31", "DATE 2019-02-28"], "1");
    check("TIMESTAMPDIFF", &["'MONTH'", "DATE 2019-02-28", "DATE 2019-01-29"], "-1");
    check("ADD_MONTHS", &["DATE 2024-01-31", "1"], "2024-02-29");
    check("ADD_HOURS", &["TIMESTAMP 2024-01-31 23:00:00", "2"], "2024-02-01 01:00:00.000");
    check("MONTHS_BETWEEN", &["DATE 2024-02-29", "DATE 2024-01-31"], "1.0");
    check("NEXT_DAY", &["DATE 2024-02-29", "'THURSDAY'"], "2024-03-07");
    check_failed("NEXT_DAY", &["DATE 2024-02-29", "'XX'"], "not a recognized day");
    check("DATE_TRUNC", &["'DECADE'", "DATE 2024-02-29"], "2020-01-01");
    check("DATE_TRUNC", &["'CENTURY'", "DATE 2000-02-29"], "1901-01-01");
    check("EXTRACT", &["'CENTURY'", "DATE 2000-02-29"], "20");
    check("ISDATE", &["'2021-02-30'"], "0");
    check("CURRENT_TIME", &[], "12:34:56.789");
    check("UNIX_TIMESTAMP", &[], "1709210096");
    check(
        "CONVERT_TIMEZONE",
        &["'Europe/Berlin'", "TIMESTAMP 2024-07-01 12:00:00"],
        "2024-07-01 14:00:00.000",
    );
    check_failed(
        "CONVERT_TIMEZONE",
        &["'Mars/Base'", "TIMESTAMP 2024-07-01 12:00:00"],
        "Unknown time-zone ID",
    );
}

#[test]
fn regular_expressions_are_those_of_java() {
    check("REGEXP_LIKE", &["'the data'", "'da'"], "1");
    check("REGEXP_LIKE", &["'a.b'", r"'\Qa.b\E'"], "1");
    check("REGEXP_LIKE", &["'٣'", r"'\d'"], "0");
    check("REGEXP_REPLACE", &["'john doe'", r"'(\w+) (\w+)'", r"'$2 \$$1'"], "doe $john");
    check_failed("REGEXP_REPLACE", &["'a'", "'a'", "'$1'"], "Invalid replacement string");
    check("REGEXP_EXTRACT", &["'abc'", "'x(y)'", "1"], "");
    check_failed("REGEXP_EXTRACT", &["'abc'", "'a'", "1"], "Invalid group index");
    for pattern in ["(?=a)", r"(a)\1", "a++", "("] {
        let pattern = format!("'{pattern}'");
        check_failed("REGEXP_LIKE", &["'a'", &pattern], "not supported by this stand-in");
    }
    check("SIMILAR_TO", &["'abc'", "'(a|x)b_'"], "1");
    check("SIMILAR_TO", &["'abcd'", "'ab_'"], "0");
}

#[test]
fn numbers_are_formatted_as_in_java() {
    let check_format = |number: &str, format: &str, expected: &str| {
        check("TO_CHAR", &[number, &format!("'{format}'")], expected);
    };
    check_format("1234567.891", "#,##0.00", "1,234,567.89");
    check_format("0.125", "#.##", "0.12");
    check_format("-5", "000", "-005");
    check_format("7", "$#", "$7");
    check("TO_NUMBER", &["'1,234.5'", "'#,###.#'"], "1234.5");
    check_failed("TO_NUMBER", &["'x'", "'#'"], "Cannot parse input");
    check_failed("TO_CHAR", &["1", "'0E0'"], "not supported by this stand-in");
}

#[test]
fn bits_are_those_of_java() {
    check("RSHIFTUNSIGNED", &["-16", "2"], "1073741820");
    check("LSHIFT", &["1", "33"], "2");
    check("PMOD", &["3", "-4"], "-1");
    check("PMOD", &["-5.1", "-3.0"], "-5.1");
    check("MOD", &["101", "0"], "101");
    check("BIN", &["5"], "101");
}

#[test]
fn lists_count_from_0() {
    let list = |text: &str| format!("LIST<INTEGER> {text}");
    check("ARRAY_SLICE", &[&list("[1,2,3]"), "-2"], "[2,3]");
    check("ARRAY_SLICE", &[&list("[1,2,3]"), "2", "9"], "[]");
    check("SUBLIST", &[&list("[1,2,3]"), "-2", "2"], "[2,3]");
    check("ARRAY_INSERT", &[&list("[1]"), "2", "9"], "[1,null,9]");
    check("ARRAY_CONTAINS", &[&list("[1,null]"), "2"], "NULL");
    check("ARRAY_MAX", &[&list("[1,3,2]")], "3");
    check("ARRAY_SUM", &[&list("[1,null,2]")], "3");
    check("ARRAY_SORT", &[&list("[3,1,2]")], "[1,2,3]");
    check("ARRAY_COMPACT", &[&list("[1,null]")], "[1]");
    check("ARRAY_REMOVE", &[&list("[1,2,1]"), "1"], "[2]");
}

#[test]
fn what_does_not_fit_is_refused() {
    check_failed("NOPE", &["1"], "No match found for function signature NOPE(<NUMERIC>)");
    check_failed("COT", &["1"], "not supported by this stand-in");
    check_failed("ABS", &["'1'"], "CAST them");
    check_failed("ABS", &["1", "2"], "not supported by this stand-in");
    check_failed("CONVERT_FROM", &["'[1, \"a\"]'", "'json'"], "not supported by this stand-in");
    check_failed("CONVERT_FROM", &["'{'", "'json'"], "Error parsing JSON");
    check_failed("MOD", &["1", "0.0"], "zero");
    check_failed("PMOD", &["1", "0"], "zero");
    check_failed("FACTORIAL", &["21"], "cause overflow");
}
