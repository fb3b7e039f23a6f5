//! Functions over points on the earth, given in degrees.

use rusqlite::types::Value;
use serde_json::json;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome, boolean};
use crate::catalog::DremioType;

const EARTH_RADIUS_METRES: f64 = 6_371_000.0;
const DIGITS: &str = "0123456789bcdefghjkmnpqrstuvwxyz";
/// Characters of a geohash, at most and if the call does not say how many.
const LENGTH_MAX: i64 = 20;

pub(super) const ROWS: &[Function] = &[
    row("GEO_DISTANCE", FOUR, Rule::Double, |call| Ok(Value::Real(distance(call)?))),
    row("GEO_NEARBY", FIVE, Rule::Boolean, |call| Ok(boolean(distance(call)? <= call.real(4)?))),
    row("GEO_BEYOND", FIVE, Rule::Boolean, |call| Ok(boolean(distance(call)? > call.real(4)?))),
    row("ST_GEOHASH", "number, number, int?", Rule::Varchar, hash),
    row("ST_FROMGEOHASH", "varchar", Rule::By(|_| Ok(point())), from_hash),
];

const FOUR: &str = "double, double, double, double";
const FIVE: &str = "double, double, double, double, number";

fn point() -> DremioType {
    let member = |name: &str| (name.to_owned(), DremioType::Double);
    DremioType::Struct(vec![member("latitude"), member("longitude")])
}

/// Metres along a great circle between two points of latitude and longitude.
fn distance(call: &Call<'_>) -> Result<f64, FunctionError> {
    // A FLOAT has 24 bits, and is widened with them.
    #[expect(clippy::cast_possible_truncation, reason = "the arguments are FLOATs")]
    let degrees = |index: usize| call.real(index).map(|number| f64::from(number as f32));
    let (latitude, longitude) = (degrees(0)?, degrees(1)?);
    let (other_latitude, other_longitude) = (degrees(2)?, degrees(3)?);
    let half = |one: f64, other: f64| ((other - one).to_radians() / 2.0).sin();
    let (by_latitude, by_longitude) =
        (half(latitude, other_latitude), half(longitude, other_longitude));
    let parallels = latitude.to_radians().cos() * other_latitude.to_radians().cos();
    let square = by_latitude * by_latitude + parallels * by_longitude * by_longitude;
    Ok(EARTH_RADIUS_METRES * 2.0 * square.sqrt().atan2((1.0 - square).sqrt()))
}

fn hash(call: &Call<'_>) -> Outcome {
    let (latitude, longitude) = (call.real(0)?, call.real(1)?);
    let length = if call.len() > 2 { call.integer(2)? } else { LENGTH_MAX };
    if !(1..=LENGTH_MAX).contains(&length) {
        return Err(FunctionError(format!("precision must be between 1 and {LENGTH_MAX}")));
    }
    let checked = |name: &str, degrees: f64, limit: f64| {
        if degrees.abs() <= limit {
            return Ok(());
        }
        Err(FunctionError(format!("{name} must be between –{limit}° and +{limit}°")))
    };
    checked("latitude", latitude, 90.0)?;
    checked("longitude", longitude, 180.0)?;
    // Halves of longitude and latitude by turns.
    let mut halves = [(longitude, -180.0, 180.0), (latitude, -90.0, 90.0)];
    let mut bits = 0_usize;
    let mut hash = String::new();
    for index in 0_i64.. {
        let turn = usize::from(index % 2 == 1);
        if let Some((degrees, low, high)) = halves.get_mut(turn) {
            let middle = (*low + *high) / 2.0;
            bits <<= 1;
            if *degrees > middle {
                bits |= 1;
                *low = middle;
            } else {
                *high = middle;
            }
        }
        if index % 5 == 4 {
            hash.extend(DIGITS.chars().nth(bits));
            bits = 0;
        }
        if index + 1 == length * 5 {
            break;
        }
    }
    Ok(Value::Text(hash))
}

fn from_hash(call: &Call<'_>) -> Outcome {
    let mut halves = [(-180.0, 180.0), (-90.0, 90.0)];
    let mut turn = 0;
    for digit in call.text(0).chars() {
        let bits = DIGITS.find(digit).ok_or_else(|| {
            FunctionError("geohash must be a valid, base32-encoded geohash".to_owned())
        })?;
        for bit in [16, 8, 4, 2, 1] {
            if let Some((low, high)) = halves.get_mut(turn) {
                let middle = (*low + *high) / 2.0;
                *if bits & bit != 0 { low } else { high } = middle;
            }
            turn = 1 - turn;
        }
    }
    let [(west, east), (south, north)] = halves;
    let point = json!({"latitude": (south + north) / 2.0, "longitude": (west + east) / 2.0});
    Ok(Value::Text(point.to_string()))
}
