use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::cell::CELL_CHARS_MAX;
use super::super::column::Column;
use super::super::{Format, Place, columns, estimate};
use super::{NotARow, Sheet};

const HANDLE: &str = "1b0a2c3d-0000-1111-2222-333344445500-0123456789abcdef";

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn described(names: &[&str]) -> Vec<Column> {
    let schema: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "type": { "name": "VARCHAR" } })).collect();
    columns(&raw(&json!(schema).to_string())).unwrap()
}

/// The answer for rows from `offset` on of a result of `total`, and how many fit.
fn answer(sheet: Sheet, offset: u64, total: u64, rows: &[&str]) -> (String, u64) {
    let mut sheet = sheet;
    for row in rows {
        sheet.add(&raw(row)).unwrap();
    }
    let count = sheet.count();
    (sheet.finish(Place { offset, total, handle: HANDLE }), count)
}

fn csv(names: &[&str]) -> Sheet {
    Sheet::new(Format::Csv, described(names), 8000, u64::MAX)
}

fn as_json(names: &[&str]) -> Sheet {
    Sheet::new(Format::Json, described(names), 8000, u64::MAX)
}

#[test]
fn a_whole_result_is_its_rows_and_how_many_they_are() {
    let rows = [r#"{"a":12.50,"b":"x, y"}"#, r#"{"a":null,"b":""}"#];
    let (text, _) = answer(csv(&["a", "b"]), 0, 2, &rows);
    assert_eq!(text, "a,b\n12.50,\"x, y\"\n,\"\"\n[2 rows]");
    let (text, _) = answer(as_json(&["a", "b"]), 0, 2, &rows);
    let expected = "{\"result\":[\n{\"a\":12.50,\"b\":\"x, y\"},\n{\"a\":null,\"b\":\"\"}\n]}";
    assert_eq!(text, expected);
    assert_eq!(answer(csv(&["n"]), 0, 1, &[r#"{"n":1}"#]).0, "n\n1\n[1 row]");
}

#[test]
fn the_view_gets_texts_and_nulls_with_their_columns() {
    let schema = r#"[{"name":"a\"b","type":{"name":"DECIMAL","precision":38,"scale":10}},
        {"name":"c","type":{"name":"LIST"}},{"name":"d","type":{"name":"BOOLEAN"}}]"#;
    let sheet =
        |rows_max| Sheet::new(Format::Cells, columns(&raw(schema)).unwrap(), 8000, rows_max);
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let shown = json!([
        { "name": "a\"b", "type": "DECIMAL(38,10)" },
        { "name": "c", "type": "LIST" },
        { "name": "d", "type": "BOOLEAN" },
    ]);
    let rows = [
        r#"{"a\"b":1234567890123456789.0123456789,"c":[1,"</script>\n"],"d":true}"#,
        r#"{"a\"b":null,"c":null,"d":null}"#,
        r#"{"a\"b":0,"c":[],"d":false}"#,
    ];
    let (text, count) = answer(sheet(2), 5, 8, &rows);
    let expected = json!({
        "columns": shown,
        "rows": [
            ["1234567890123456789.0123456789", "[1,\"</script>\\n\"]", "true"],
            [null, null, null],
        ],
        "total": 8,
        "next": 7,
    });
    assert_eq!((value(&text), count), (expected, 2));
    let (text, _) = answer(sheet(9), 7, 8, &rows[2..]);
    let expected = json!({ "columns": shown, "rows": [["0", "[]", "false"]], "total": 8 });
    assert_eq!(value(&text), expected);
    let (text, _) = answer(sheet(9), 0, 0, &[]);
    assert_eq!(value(&text), json!({ "columns": shown, "rows": [], "total": 0 }));
}

#[test]
fn an_empty_result_names_columns_and_types() {
    let schema = r#"[{"name":"id","type":{"name":"BIGINT"}},
        {"name":"amount","type":{"name":"DECIMAL","precision":10,"scale":2}}]"#;
    let sheet = |format| Sheet::new(format, columns(&raw(schema)).unwrap(), 8000, 10);
    let note = "columns: id BIGINT, amount DECIMAL(10,2)";
    assert_eq!(answer(sheet(Format::Csv), 0, 0, &[]).0, format!("id,amount\n[0 rows; {note}]"));
    let (text, _) = answer(sheet(Format::Json), 0, 0, &[]);
    assert_eq!(text, format!(r#"{{"result":[],"note":"{note}"}}"#));
    assert_eq!(columns(&raw(r#"{"name":1}"#)), None);
}

#[test]
fn a_part_says_which_rows_they_are_and_what_comes_next() {
    let sheet = |format| Sheet::new(format, described(&["n"]), 8000, 2);
    let rows = [r#"{"n":6}"#, r#"{"n":7}"#, r#"{"n":8}"#];
    let (text, count) = answer(sheet(Format::Csv), 5, 3000, &rows);
    let expected = format!(
        "n\n6\n7\n[rows 6-7 of 3000; next: GetQueryResult(job_id=\"{HANDLE}\", offset=7); better: \
         aggregate or filter]"
    );
    assert_eq!((text, count), (expected, 2));
    let (text, _) = answer(sheet(Format::Json), 5, 3000, &rows);
    let whole: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(whole["rows"], "rows 6-7 of 3000");
    assert_eq!(whole["next"], json!({ "job_id": HANDLE, "offset": 7, "format": "json" }));
    assert_eq!(whole["note"], "better: aggregate or filter");
    // The last part has no next one.
    assert_eq!(answer(csv(&["n"]), 9, 10, &[r#"{"n":1}"#]).0, "n\n1\n[rows 10-10 of 10]");
    let past = "n\n[no rows from offset 10 on: the result has 10]";
    assert_eq!(answer(csv(&["n"]), 10, 10, &[]).0, past);
}

#[test]
fn long_cells_are_cut_first_and_then_rows_are_left() {
    let row = format!(r#"{{"n":1,"x":"{}","y":[{}1]}}"#, "word ".repeat(5000), "1,".repeat(5000));
    let rows = vec![row.as_str(); 20];
    for format in [Format::Csv, Format::Json] {
        let sheet = Sheet::new(format, described(&["n", "x", "y"]), 8000, u64::MAX);
        let (text, count) = answer(sheet, 0, 20, &rows);
        assert!((2..20).contains(&count) && estimate(&text) <= 8000, "{count}");
        let note = format!("longer than {CELL_CHARS_MAX} characters: SUBSTR(column, 2001)");
        let marks = u64::try_from(text.matches("…[cut]").count()).unwrap();
        assert!(text.contains(&note) && marks == 2 * count + 1, "{marks}");
        if format == Format::Json {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
    let sheet = Sheet::new(Format::Cells, described(&["n", "x", "y"]), 8000, u64::MAX);
    let (text, count) = answer(sheet, 0, 20, &rows);
    assert!((2..20).contains(&count) && estimate(&text) <= 8000, "{count}");
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&page["cut_at"], &page["next"]), (&json!(CELL_CHARS_MAX), &json!(count)));
}

#[test]
fn a_row_that_is_alone_too_large_is_there_with_shorter_cells() {
    let names: Vec<String> = (0..300).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cells: Vec<String> =
        names.iter().map(|name| format!(r#""{name}":"{}""#, "word ".repeat(400))).collect();
    let row = format!("{{{}}}", cells.join(","));
    for format in [Format::Csv, Format::Json] {
        let sheet = Sheet::new(format, described(&names), 8000, u64::MAX);
        let (text, count) = answer(sheet, 0, 2, &[&row, &row]);
        assert!((1..=2).contains(&count) && estimate(&text) <= 8000, "{}", estimate(&text));
        assert!(text.contains("SUBSTR(column, "), "{text}");
    }
}

#[test]
fn columns_that_would_fill_the_answer_by_their_names_are_named_as_left_out() {
    let names: Vec<String> = (0..6000).map(|number| format!("column_{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cells: Vec<String> =
        names.iter().map(|name| format!(r#""{name}":{}"#, "9".repeat(38))).collect();
    let row = format!("{{{}}}", cells.join(","));
    for format in [Format::Csv, Format::Json] {
        let (text, count) =
            answer(Sheet::new(format, described(&names), 8000, u64::MAX), 0, 1, &[&row]);
        assert!(count == 1 && estimate(&text) <= 8000, "{}", estimate(&text));
        assert!(text.contains(" of 6000: name the ones you need"), "{text:.200}");
    }
    let (text, _) = answer(Sheet::new(Format::Cells, described(&names), 8000, 9), 0, 1, &[&row]);
    let page: Value = serde_json::from_str(&text).unwrap();
    let (shown, cells) = (page["columns"].as_array().unwrap(), page["rows"][0].as_array().unwrap());
    assert!(estimate(&text) <= 8000 && shown.len() == cells.len(), "{}", estimate(&text));
    assert!(shown.len() < 6000 && page["columns_total"] == 6000, "{}", shown.len());
}

#[test]
fn a_text_that_looks_like_our_last_line_is_quoted() {
    let rows = [r#"{"[n]":"[0 rows]"}"#, r#"{"[n]":"\n[0 rows]"}"#];
    let (text, _) = answer(csv(&["[n]"]), 0, 2, &rows);
    assert_eq!(text, "\"[n]\"\n\"[0 rows]\"\n\\n[0 rows]\n[2 rows]");
}

#[test]
fn members_may_come_in_any_order_and_names_may_be_escaped() {
    let rows = [r#"{"b":2,"a\n":1}"#, r#"{"b":3}"#];
    assert_eq!(answer(csv(&["a\n", "b"]), 0, 2, &rows).0, "a\\n,b\n1,2\n,3\n[2 rows]");
    assert_eq!(csv(&["a"]).add(&raw("[1]")), Err(NotARow));
}
