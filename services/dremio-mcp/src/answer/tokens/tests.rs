//! The estimate against a real vocabulary, on the kinds of results that queries have.

use std::fmt::Write as _;

use super::estimate;

/// Rows of CSV, made from their number.
fn rows(count: usize, header: &str, row: impl Fn(usize) -> String) -> String {
    (0..count).fold(format!("{header}\n"), |mut text, number| {
        writeln!(text, "{}", row(number)).unwrap();
        text
    })
}

/// A number that looks like chance.
fn mixed(number: usize) -> usize {
    number.wrapping_mul(2_654_435_761) >> 7
}

fn result_sets() -> Vec<(&'static str, String)> {
    let cities = ["Hamburg", "New York", "Sao Paulo", "Zürich", "東京", "Kraków"];
    let names = ["Ada Lovelace", "Grace Hopper", "Edsger W. Dijkstra", "Barbara Liskov"];
    let states = ["COMPLETED", "FAILED", "CANCELED", "RUNNING"];
    vec![
        (
            "trips",
            rows(200, "pickup_datetime,passenger_count,trip_distance_mi,total_amount", |n| {
                format!(
                    "2013-{:02}-{:02} {:02}:{:02}:00.000,{},{}.{:02},{}.{}",
                    n % 12 + 1,
                    n % 28 + 1,
                    n % 24,
                    n % 60,
                    n % 6,
                    n % 20,
                    n % 100,
                    n % 70,
                    n % 10
                )
            }),
        ),
        (
            "customers",
            rows(200, "customer_id,name,email,city,segment", |n| {
                let name = names[n % 4];
                let mail = name.to_lowercase().replace([' ', '.'], "-");
                format!("{n},{name},{mail}{n}@example.com,{},enterprise", cities[n % 6])
            }),
        ),
        (
            "jobs",
            rows(100, "job_id,status,query_type,query", |n| {
                format!(
                    "1b{:06x}-2c3d-4e5f-6071-{:012x},{},REST,\"SELECT \"\"region\"\", \
                         SUM(\"\"amount\"\") FROM \"\"Sales\"\".\"\"orders\"\" GROUP BY 1\"",
                    mixed(n) & 0xff_ffff,
                    mixed(n * 7) & 0xffff_ffff_ffff,
                    states[n % 4]
                )
            }),
        ),
        (
            "columns",
            rows(200, "TABLE_SCHEMA,TABLE_NAME,COLUMN_NAME,DATA_TYPE", |n| {
                let types = ["CHARACTER VARYING", "BIGINT", "DOUBLE", "TIMESTAMP", "DECIMAL"];
                format!(
                    "Samples.samples dremio com,order_items_{},unit_price_{},{}",
                    n % 30,
                    n,
                    types[n % 5]
                )
            }),
        ),
        (
            "aggregates",
            rows(100, "month,region,revenue,share", |n| {
                format!(
                    "2024-{:02},EMEA,{}.{:02},0.{}",
                    n % 12 + 1,
                    mixed(n) % 10_000_000,
                    n % 100,
                    mixed(n * 3) % 100_000_000
                )
            }),
        ),
        (
            "comments",
            rows(100, "id,comment", |n| {
                format!(
                    "{n},\"The delivery to {} came two days late, and the box was damaged; \
                         customer asks for a refund\\nSecond line.\"",
                    cities[n % 6]
                )
            }),
        ),
        (
            "nested",
            rows(100, "id,tags,address", |n| {
                format!(
                    "{n},\"[\"\"red\"\",\"\"size-{}\"\"]\",\"{{\"\"city\"\":\"\"{}\"\",\"\"zip\"\
                         \":\"\"{:05}\"\"}}\"",
                    n % 9,
                    cities[n % 6],
                    mixed(n) % 100_000
                )
            }),
        ),
        (
            "digests",
            rows(100, "name,sha256", |n| {
                format!("part-{n:05}.parquet,{:016x}{:016x}", mixed(n), mixed(n * 31))
            }),
        ),
        ("nulls", rows(200, "a,b,c,d,e,f", |n| format!("{n},,,,{}.5,", n % 3))),
        ("japanese", rows(100, "番号,都市", |n| format!("{n},東京都千代田区丸の内{}丁目", n % 9))),
    ]
}

#[test]
fn the_estimate_is_near_what_a_real_vocabulary_counts() {
    let vocabulary = tiktoken_rs::cl100k_base_singleton();
    let mut wrong = Vec::new();
    for (name, text) in result_sets() {
        let (real, estimated) = (vocabulary.encode_ordinary(&text).len(), estimate(&text));
        let ratio = estimated as f64 / real as f64;
        let line = format!("{name}: {estimated} of {real} tokens, {ratio:.2}");
        if !(0.97..=1.45).contains(&ratio) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn parts_cost_what_the_whole_does() {
    for (text, tokens) in [
        ("", 0),
        ("a", 1),
        ("hello", 1),
        ("customers", 2),
        ("1234567", 3),
        ("a, b", 3),
        ("        ", 1),
        ("été", 3),
        ("Berlin", 2),
        ("SELECT", 2),
        ("\n", 1),
    ] {
        assert_eq!(estimate(text), tokens, "{text:?}");
    }
    assert_eq!(estimate("one,two\n") + estimate("3,4\n"), estimate("one,two\n3,4\n"));
}
