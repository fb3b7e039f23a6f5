//! Aggregates that SQLite lacks: lists, bits, and how two columns go together.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::{FunctionError, integer, json, real, text, unsupported};
use crate::catalog::DremioType;

/// The list of a group: `dremio_array_agg(value, type of the value)`.
pub(super) const ARRAY_AGG: &str = "dremio_array_agg";

pub(super) const NAMES: &[&str] =
    &[ARRAY_AGG, "bit_and", "bit_or", "corr", "covar_pop", "covar_samp"];

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function(ARRAY_AGG, 2, flags, ArrayAgg)?;
    // Dremio begins with the highest INTEGER, and so loses the sign of negative numbers.
    let highest = i64::from(i32::MAX);
    let and = Bits { start: highest, join: |one, other| one & other };
    connection.create_aggregate_function("bit_and", 1, flags, and)?;
    let or = Bits { start: 0, join: |one, other| one | other };
    connection.create_aggregate_function("bit_or", 1, flags, or)?;
    for (name, measure) in [
        ("corr", Together::Correlation),
        ("covar_pop", Together::Population),
        ("covar_samp", Together::Sample),
    ] {
        connection.create_aggregate_function(name, 2, flags, measure)?;
    }
    Ok(())
}

fn outward(error: FunctionError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}

struct ArrayAgg;

impl Aggregate<Vec<Json>, Option<String>> for ArrayAgg {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Vec<Json>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, items: &mut Vec<Json>) -> rusqlite::Result<()> {
        let value: Value = context.get(0)?;
        if value == Value::Null {
            return Err(outward(unsupported("ARRAY_AGG of NULL")));
        }
        let ty = DremioType::parse(&text(&context.get(1)?));
        items.push(json::to_json(&value, ty.as_ref()).map_err(outward)?);
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        items: Option<Vec<Json>>,
    ) -> rusqlite::Result<Option<String>> {
        if items.is_none() {
            return Err(outward(unsupported("ARRAY_AGG of no rows")));
        }
        Ok(items.map(|items| Json::Array(items).to_string()))
    }
}

struct Bits {
    start: i64,
    join: fn(i64, i64) -> i64,
}

impl Aggregate<Option<i64>, Option<i64>> for Bits {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Option<i64>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, bits: &mut Option<i64>) -> rusqlite::Result<()> {
        let value: Value = context.get(0)?;
        if value != Value::Null {
            let number = integer(&value).map_err(outward)?;
            *bits = Some((self.join)(bits.unwrap_or(self.start), number));
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        bits: Option<Option<i64>>,
    ) -> rusqlite::Result<Option<i64>> {
        Ok(bits.flatten())
    }
}

#[derive(Debug, Clone, Copy)]
enum Together {
    Correlation,
    Population,
    Sample,
}

impl Aggregate<Vec<(f64, f64)>, Option<f64>> for Together {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Vec<(f64, f64)>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, pairs: &mut Vec<(f64, f64)>) -> rusqlite::Result<()> {
        let (one, other): (Value, Value) = (context.get(0)?, context.get(1)?);
        if one != Value::Null && other != Value::Null {
            pairs.push((real(&one).map_err(outward)?, real(&other).map_err(outward)?));
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        pairs: Option<Vec<(f64, f64)>>,
    ) -> rusqlite::Result<Option<f64>> {
        let pairs = pairs.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
        let count = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
        let (one_mean, other_mean) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            pairs.iter().map(|(one, other)| of(one - one_mean, other - other_mean)).sum()
        };
        let together = sum(&|one, other| one * other);
        Ok(match self {
            Self::Population if count > 0.0 => Some(together / count),
            Self::Sample if count > 1.0 => Some(together / (count - 1.0)),
            Self::Correlation => {
                let spread = sum(&|one, _| one * one) * sum(&|_, other| other * other);
                (spread > 0.0).then(|| together / spread.sqrt())
            }
            Self::Population | Self::Sample => None,
        })
    }
}
