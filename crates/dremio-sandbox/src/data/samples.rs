//! The source `Samples`: Dremio's well-known names, with dots and dashes in them, and one table
//! that shows every type.

use jiff::ToSpan as _;
use jiff::civil::date;
use rusqlite::types::Value;

use super::builder::Builder;
use super::numbers::Numbers;
use super::warehouse::text;
use crate::catalog::Source;

const TRIPS: i64 = 2_000;
const FOLDER: &str = "samples.dremio.com";

pub(super) fn add(builder: &mut Builder) -> Result<(), String> {
    builder.source(
        "Samples",
        Source {
            ty: "S3",
            plugin: "com.dremio.plugins.s3.store.S3StoragePlugin",
            is_file_system: true,
            is_internal: false,
        },
    );
    builder.folder(&["Samples", FOLDER]);
    builder.folder(&["Samples", FOLDER, "Dremio University"]);
    builder.table(
        &["Samples", FOLDER, "NYC-taxi-trips"],
        Some("Parquet"),
        "pickup_datetime TIMESTAMP, passenger_count BIGINT, trip_distance_mi DOUBLE, fare_amount \
            DOUBLE, tip_amount DOUBLE, \
         total_amount DOUBLE",
        &trips(),
    )?;
    builder.table(
        &["Samples", FOLDER, "zips.json"],
        Some("JSON"),
        "city, loc LIST<DOUBLE>, pop BIGINT, state, _id",
        &zips(),
    )?;
    builder.table(
        &["Samples", FOLDER, "Dremio University", "all_types.parquet"],
        Some("Parquet"),
        "a_boolean BOOLEAN, an_integer INTEGER, a_bigint BIGINT, a_float FLOAT, a_double DOUBLE, \
            a_decimal DECIMAL(10,2), \
         a_long_decimal DECIMAL(38,10), a_varchar VARCHAR, a_varbinary VARBINARY, a_date DATE, \
         a_time TIME, a_timestamp TIMESTAMP, \
         an_interval INTERVAL DAY TO SECOND, a_list LIST<INTEGER>, a_struct STRUCT<name VARCHAR, \
         score DOUBLE, nothing VARCHAR>, \
         a_map MAP<VARCHAR,BIGINT>",
        &all_types(),
    )?;
    builder.note(
        &["Samples", FOLDER, "NYC-taxi-trips"],
        &["sample", "taxi"],
        "# NYC taxi trips\nA small extract in the shape of the data set that Dremio ships. \
            Distances are in miles, amounts in USD.",
    );
    Ok(())
}

fn trips() -> Vec<Vec<Value>> {
    let mut numbers = Numbers::seeded(2013);
    (0..TRIPS)
        .map(|_| {
            let start = date(2013, 5, 27).at(0, 0, 0, 0);
            let pickup = start.saturating_add(numbers.below(14 * 86_400).seconds());
            let (day, time) = (pickup.date(), pickup.time());
            let distance = numbers.between(3, 120);
            let fare = 250 + distance * 25 + numbers.below(200);
            let tip = if numbers.chance(60) { fare * numbers.between(10, 25) / 100 } else { 0 };
            vec![
                text(format!(
                    "{day} {:02}:{:02}:{:02}.000",
                    time.hour(),
                    time.minute(),
                    time.second()
                )),
                Value::Integer(numbers.between(1, 5)),
                hundredths(distance * 10),
                hundredths(fare),
                hundredths(tip),
                hundredths(fare + tip),
            ]
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn hundredths(number: i64) -> Value {
    Value::Real(number as f64 / 100.0)
}

fn zips() -> Vec<Vec<Value>> {
    let zips = [
        ("AGAWAM", -72.622_739, 42.070_206, 15_338, "MA", "01001"),
        ("CUSHMAN", -72.515_65, 42.377_017, 36_963, "MA", "01002"),
        ("BARRE", -72.108_354, 42.409_698, 4_546, "MA", "01005"),
        ("BELCHERTOWN", -72.410_953, 42.275_103, 10_579, "MA", "01007"),
        ("BLANDFORD", -72.936_114, 42.182_949, 1_240, "MA", "01008"),
        ("NEW YORK", -73.996_705, 40.748_8, 21_102, "NY", "10001"),
        ("BROOKLYN", -73.956_985, 40.646_694, 111_396, "NY", "11226"),
        ("CHICAGO", -87.715_7, 41.849_015, 112_047, "IL", "60623"),
        ("LOS ANGELES", -118.258_189, 34.007_856, 96_074, "CA", "90011"),
        ("WEST TISBURY", -70.651_8, 41.391_6, 0, "MA", "02575"),
    ];
    zips.into_iter()
        .map(|(city, lon, lat, people, state, id)| {
            let place = serde_json::json!([lon, lat]).to_string();
            vec![text(city), text(place), Value::Integer(people), text(state), text(id)]
        })
        .collect()
}

fn all_types() -> Vec<Vec<Value>> {
    let full = vec![
        Value::Integer(1),
        Value::Integer(i64::from(i32::MAX)),
        Value::Integer(i64::MAX),
        Value::Real(1.5),
        Value::Real(1e10),
        Value::Real(12.5),
        text("1234567890123456789012345678.9012345678"),
        text("Grüße, \"quoted\" and 100 %"),
        Value::Blob(vec![0xde, 0xad, 0xbe, 0xef]),
        text("2024-01-31"),
        text("13:45:01.123"),
        text("2024-01-31 13:45:01.123"),
        text("+001 02:03:04.005"),
        text("[1,null,3]"),
        text(r#"{"name":"Ada","score":9.5,"nothing":null}"#),
        text(r#"{"x":1,"y":2}"#),
    ];
    let odd = vec![
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(i64::MIN),
        text("NaN"),
        Value::Real(f64::NEG_INFINITY),
        Value::Real(-0.01),
        text("0"),
        text(""),
        Value::Blob(Vec::new()),
        text("1969-12-31"),
        text("00:00:00.000"),
        text("1969-12-31 23:59:59.999"),
        text("-000 00:00:00.001"),
        text("[]"),
        text(r#"{"name":null,"score":null,"nothing":null}"#),
        text("{}"),
    ];
    let nothing = vec![Value::Null; full.len()];
    vec![full, odd, nothing]
}
