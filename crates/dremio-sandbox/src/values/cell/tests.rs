//! Tables of values and their JSON.

use super::*;

fn check(ty: &str, value: impl Into<Value>, expected: &str) {
    let value = value.into();
    let mut out = String::new();
    write(&mut out, &value, &DremioType::parse(ty).unwrap());
    assert_eq!(out, expected, "{ty} {value:?}");
}

#[test]
fn numbers_keep_every_digit() {
    check("BIGINT", i64::MAX, "9223372036854775807");
    check("INTEGER", 7_i64, "7");
    check("DECIMAL(10,2)", 12.5, "12.50");
    check("DECIMAL(10,2)", 12_i64, "12.00");
    check("DECIMAL(10,2)", 1.005, "1.01");
    check("DECIMAL(10,2)", -0.001, "0.00");
    check("DECIMAL(10,0)", 12.0, "12");
    check(
        "DECIMAL(38,2)",
        "123456789012345678901234567890123456.5".to_owned(),
        "123456789012345678901234567890123456.50",
    );
    check("DOUBLE", 12.5, "12.5");
    check("DOUBLE", 3_i64, "3.0");
    check("DOUBLE", 1e10, "1.0E10");
    check("DOUBLE", 1.25e-5, "1.25E-5");
    check("DOUBLE", f64::INFINITY, "\"Infinity\"");
    check("DOUBLE", "NaN".to_owned(), "\"NaN\"");
}

#[test]
fn moments_are_text_with_milliseconds() {
    check("DATE", "2024-01-31".to_owned(), "\"2024-01-31\"");
    check("TIME", "13:45:01".to_owned(), "\"13:45:01.000\"");
    check("TIMESTAMP", "2024-01-31 13:45:01.123".to_owned(), "\"2024-01-31 13:45:01.123\"");
    check("TIMESTAMP", "2024-01-31T13:45:01.5Z".to_owned(), "\"2024-01-31 13:45:01.500\"");
    check("TIMESTAMP", "2024-01-31".to_owned(), "\"2024-01-31 00:00:00.000\"");
}

#[test]
fn other_scalars() {
    check("BOOLEAN", 1_i64, "true");
    check("BOOLEAN", 0_i64, "false");
    check("VARCHAR", Value::Null, "null");
    check("VARCHAR", "say \"hi\"\n".to_owned(), r#""say \"hi\"\n""#);
    check("VARBINARY", vec![0xde_u8, 0xad], "\"3q0=\"");
}

#[test]
fn nested_values_follow_their_type() {
    check("LIST<VARCHAR>", r#"["a",null]"#.to_owned(), r#"["a",null]"#);
    check("LIST<DECIMAL(10,2)>", "[1,2.5]".to_owned(), "[1.00,2.50]");
    check("STRUCT<a VARCHAR, b BIGINT>", r#"{"a":null,"b":3}"#.to_owned(), r#"{"b":3}"#);
    check("MAP<VARCHAR,DOUBLE>", r#"{"x":1}"#.to_owned(), r#"{"x":1.0}"#);
}
