//! Aggregates that SQLite lacks: spread and median.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::Value;

use super::real;

pub(super) const NAMES: &[&str] =
    &["stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "median"];

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for name in NAMES {
        let measure = match *name {
            "stddev_pop" => Measure::StddevPop,
            "var_pop" => Measure::VarPop,
            "variance" | "var_samp" => Measure::VarSamp,
            "median" => Measure::Median,
            _ => Measure::StddevSamp,
        };
        connection.create_aggregate_function(*name, 1, flags, measure)?;
    }
    Ok(())
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
                .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
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

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
fn count(numbers: &[f64]) -> f64 {
    numbers.len() as f64
}
