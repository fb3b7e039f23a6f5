//! Aggregates that SQLite lacks: spread and median.

use std::ops::RangeInclusive;

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::Value;

use super::{FunctionError, real};

/// The value at a fraction of a sorted group: `dremio_percentile(value, fraction, how)`, with
/// `how` like `CONT ASC`.
const PERCENTILE: &str = "dremio_percentile";

pub(super) const NAMES: &[&str] =
    &["stddev_samp", "stddev_pop", "var_samp", "var_pop", "median", PERCENTILE];

/// What computes an aggregate of Dremio, by its name in capitals.
pub(crate) fn aggregate(name: &str) -> Option<&'static str> {
    Some(match name {
        "COUNT" | "APPROX_COUNT_DISTINCT" | "NDV" => "count",
        "SUM" => "dremio_sum",
        "AVG" => "dremio_avg",
        "MIN" | "ANY_VALUE" | "BOOL_AND" => "min",
        "MAX" | "BOOL_OR" => "max",
        "BIT_AND" | "EVERY" => "bit_and",
        "BIT_OR" => "bit_or",
        "CORR" => "corr",
        "COVAR_POP" => "covar_pop",
        "COVAR_SAMP" => "covar_samp",
        "ARRAY_AGG" => super::gathering::ARRAY_AGG,
        "STDDEV" | "STDDEV_SAMP" => "stddev_samp",
        "STDDEV_POP" => "stddev_pop",
        "VARIANCE" | "VAR_SAMP" => "var_samp",
        "VAR_POP" => "var_pop",
        "MEDIAN" => "median",
        "LISTAGG" => "group_concat",
        "PERCENTILE_CONT" | "PERCENTILE_DISC" => PERCENTILE,
        _ => return None,
    })
}

/// What computes a function that exists only with OVER, and how many arguments it takes.
pub(crate) fn ranking(name: &str) -> Option<(&'static str, RangeInclusive<usize>)> {
    Some(match name {
        "ROW_NUMBER" => ("row_number", 0..=0),
        "RANK" => ("rank", 0..=0),
        "DENSE_RANK" => ("dense_rank", 0..=0),
        "PERCENT_RANK" => ("percent_rank", 0..=0),
        "CUME_DIST" => ("cume_dist", 0..=0),
        "NTILE" => ("ntile", 1..=1),
        "LAG" => ("lag", 1..=3),
        "LEAD" => ("lead", 1..=3),
        "FIRST_VALUE" => ("first_value", 1..=1),
        "LAST_VALUE" => ("last_value", 1..=1),
        "NTH_VALUE" => ("nth_value", 2..=2),
        _ => return None,
    })
}

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, measure) in [
        ("stddev_samp", Measure::StddevSamp),
        ("stddev_pop", Measure::StddevPop),
        ("var_samp", Measure::VarSamp),
        ("var_pop", Measure::VarPop),
        ("median", Measure::Median),
    ] {
        connection.create_aggregate_function(name, 1, flags, measure)?;
    }
    connection.create_aggregate_function(PERCENTILE, 3, flags, Percentile)
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    StddevSamp,
    StddevPop,
    VarSamp,
    VarPop,
    Median,
}

impl Aggregate<Vec<f64>, Option<f64>> for Measure {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Vec<f64>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, numbers: &mut Vec<f64>) -> rusqlite::Result<()> {
        let value: Value = context.get(0)?;
        if value != Value::Null {
            let number = real(&value)
                .map_err(|cause| rusqlite::Error::UserFunctionError(Box::new(cause)))?;
            numbers.push(number);
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        numbers: Option<Vec<f64>>,
    ) -> rusqlite::Result<Option<f64>> {
        let mut numbers = numbers.unwrap_or_default();
        Ok(match self {
            Self::StddevSamp => variance(&numbers, 1.0).map(f64::sqrt),
            Self::StddevPop => variance(&numbers, 0.0).map(f64::sqrt),
            Self::VarSamp => variance(&numbers, 1.0),
            Self::VarPop => variance(&numbers, 0.0),
            Self::Median => median(&mut numbers),
        })
    }
}

struct Percentile;

/// The values of a group, and the fraction and the way that the last row named.
#[derive(Default)]
struct Sample {
    values: Vec<(f64, Value)>,
    fraction: f64,
    how: String,
}

impl Aggregate<Sample, Value> for Percentile {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Sample> {
        Ok(Sample::default())
    }

    fn step(&self, context: &mut Context<'_>, sample: &mut Sample) -> rusqlite::Result<()> {
        let outward = |error: FunctionError| rusqlite::Error::UserFunctionError(Box::new(error));
        let value: Value = context.get(0)?;
        sample.fraction = real(&context.get(1)?).map_err(outward)?;
        if !(0.0..=1.0).contains(&sample.fraction) {
            let message = "a percentile is a number from 0 to 1";
            return Err(outward(FunctionError(message.to_owned())));
        }
        sample.how = context.get(2)?;
        if value != Value::Null {
            sample.values.push((real(&value).map_err(outward)?, value));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sample: Option<Sample>) -> rusqlite::Result<Value> {
        let mut sample = sample.unwrap_or_default();
        sample.values.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        if sample.how.ends_with("DESC") {
            sample.values.reverse();
        }
        let numbers: Vec<f64> = sample.values.iter().map(|(number, _)| *number).collect();
        if sample.how.starts_with("CONT") {
            return Ok(continuous(&numbers, sample.fraction).map_or(Value::Null, Value::Real));
        }
        // The first value whose share of the rows reaches the fraction.
        let reaches = |index: &usize| count_of(index + 1) >= sample.fraction * count(&numbers);
        let index = (0..numbers.len()).find(reaches);
        let found = index.and_then(|index| sample.values.into_iter().nth(index));
        Ok(found.map_or(Value::Null, |(_, value)| value))
    }
}

/// Between two neighbours in proportion.
fn continuous(sorted: &[f64], fraction: f64) -> Option<f64> {
    let place = fraction * (count(sorted) - 1.0);
    let before = (0..sorted.len()).take_while(|index| count_of(*index) <= place).last()?;
    let lower = *sorted.get(before)?;
    let upper = sorted.get(before + 1).copied().unwrap_or(lower);
    Some(lower + (upper - lower) * (place - count_of(before)))
}

fn variance(numbers: &[f64], less: f64) -> Option<f64> {
    let count = count(numbers);
    if count <= less {
        return None;
    }
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some(squares / (count - less))
}

fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *numbers.get(middle.checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

fn count(numbers: &[f64]) -> f64 {
    count_of(numbers.len())
}

#[expect(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
fn count_of(rows: usize) -> f64 {
    rows as f64
}
