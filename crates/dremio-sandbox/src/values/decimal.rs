//! Decimals as Dremio computes with them: exact, up to 38 digits.
//!
//! SQLite stores a decimal as REAL where a double holds all its digits, so that it compares and
//! sorts as it is, and as text where it does not. [`Decimal::to_value`] makes that choice and
//! nothing else does: equal decimals are equal values.

use rusqlite::types::Value;

/// Significant digits that survive the way into a double and back.
pub(crate) const EXACT_DIGITS_MAX: u8 = 15;
/// What a DECIMAL holds.
const DIGITS_MAX: u32 = 38;

/// `units` × 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    /// From an integer, a double by its shortest text, or a text of digits; `None` if it is no
    /// number or too long.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(Self { units: i128::from(*number), scale: 0 }),
            Value::Real(number) if number.is_finite() => Self::parse(&format!("{number:e}")),
            Value::Text(text) => Self::parse(text.trim()),
            Value::Real(_) | Value::Null | Value::Blob(_) => None,
        }
    }

    /// `-12.50`, `1e3`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let units: i128 = all.parse().ok()?;
        let units = if negative { -units } else { units };
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        match u32::try_from(scale) {
            Ok(scale) => Self { units, scale }.checked(),
            Err(_) => {
                Self { units: units.checked_mul(power_of_ten(scale.unsigned_abs())?)?, scale: 0 }
                    .checked()
            }
        }
    }

    /// The same number with another number of decimal places, rounded half away from zero.
    pub(crate) fn rescaled(self, scale: u32) -> Option<Self> {
        let units = if scale >= self.scale {
            self.units.checked_mul(power_of_ten(scale - self.scale)?)?
        } else {
            match power_of_ten(self.scale - scale) {
                Some(factor) => divided(self.units, factor),
                None => 0,
            }
        };
        Some(Self { units, scale })
    }

    /// The same number with fewer decimal places, the others cut off.
    pub(crate) fn truncated(self, scale: u32) -> Option<Self> {
        if scale >= self.scale {
            return Some(self);
        }
        Some(Self {
            units: power_of_ten(self.scale - scale).map_or(0, |factor| self.units / factor),
            scale,
        })
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let (left, right) = self.aligned(other)?;
        Self { units: left.units.checked_add(right.units)?, scale: left.scale }.checked()
    }

    pub(crate) fn negated(self) -> Self {
        Self { units: -self.units, ..self }
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let (left, right) = (self.shortest(), other.shortest());
        Self { units: left.units.checked_mul(right.units)?, scale: left.scale + right.scale }
            .checked()
    }

    /// The quotient with `scale` decimal places. `None` also for a divisor of zero.
    pub(crate) fn over(self, other: Self, scale: u32) -> Option<Self> {
        let (left, right) = (self.shortest(), other.shortest());
        if right.units == 0 {
            return None;
        }
        // left/right at `scale` is left × 10^(scale + right.scale - left.scale) / right.
        let shift = scale + right.scale;
        let (numerator, denominator) = if shift >= left.scale {
            (left.units.checked_mul(power_of_ten(shift - left.scale)?)?, right.units)
        } else {
            (left.units, right.units.checked_mul(power_of_ten(left.scale - shift)?)?)
        };
        Self { units: divided(numerator, denominator), scale }.checked()
    }

    /// What is left of a division, with the sign of the dividend.
    pub(crate) fn modulo(self, other: Self) -> Option<Self> {
        let (left, right) = self.aligned(other)?;
        Some(Self { units: left.units.checked_rem(right.units)?, scale: left.scale })
    }

    pub(crate) fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        let (left, right) = (self.shortest(), other.shortest());
        match left.aligned(right) {
            Some((left, right)) => Some(left.units.cmp(&right.units)),
            // Too far apart to have a common scale: the whole parts decide.
            None => Some(left.truncated(0)?.units.cmp(&right.truncated(0)?.units)),
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.units == 0
    }

    /// The whole number that it is in units of 10^-`scale`.
    pub(crate) fn units(self, scale: u32) -> Option<i128> {
        self.rescaled(scale).map(|number| number.units)
    }

    pub(crate) fn is_negative(self) -> bool {
        self.units < 0
    }

    /// Whether it has no more digits before the point than a DECIMAL of this precision and scale.
    pub(crate) fn fits(self, precision: u8, scale: u8) -> bool {
        let limit = power_of_ten(u32::from(precision));
        self.rescaled(u32::from(scale))
            .is_some_and(|number| limit.is_some_and(|limit| number.units.abs() < limit))
    }

    /// A whole number; the fraction is rounded away.
    pub(crate) fn to_integer(self) -> Option<i64> {
        i64::try_from(self.rescaled(0)?.units).ok()
    }

    /// Bytes that sort like the numbers of one `scale`.
    pub(crate) fn sort_key(self, scale: u32) -> Option<Value> {
        let mut bytes = self.rescaled(scale)?.units.to_be_bytes();
        if let Some(first) = bytes.first_mut() {
            *first ^= 0x80;
        }
        Some(Value::Blob(bytes.to_vec()))
    }

    /// A REAL if that holds all digits, else a text.
    pub(crate) fn to_value(self) -> Value {
        let number = self.shortest();
        let mut significant = number.units;
        while significant != 0 && significant % 10 == 0 {
            significant /= 10;
        }
        let exact = power_of_ten(u32::from(EXACT_DIGITS_MAX))
            .is_some_and(|limit| significant.abs() < limit);
        let text = number.to_string();
        match text.parse() {
            Ok(real) if exact => Value::Real(real),
            _ => Value::Text(text),
        }
    }

    fn shortest(mut self) -> Self {
        while self.scale > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    fn aligned(self, other: Self) -> Option<(Self, Self)> {
        let scale = self.scale.max(other.scale);
        Some((self.rescaled(scale)?, other.rescaled(scale)?))
    }

    fn checked(self) -> Option<Self> {
        let number = if self.scale > DIGITS_MAX { self.rescaled(DIGITS_MAX)? } else { self };
        (number.units.abs() < power_of_ten(DIGITS_MAX)?).then_some(number)
    }
}

impl std::fmt::Display for Decimal {
    /// With all decimal places of its scale: `12.50`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = usize::try_from(self.scale).unwrap_or(0);
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        if self.units < 0 {
            f.write_str("-")?;
        }
        f.write_str(whole)?;
        if places > 0 { write!(f, ".{fraction}") } else { Ok(()) }
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Rounded half away from zero; `denominator` is not zero.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    if rest.unsigned_abs() >= denominator.unsigned_abs() - rest.unsigned_abs() {
        return quotient + if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_are_exact() {
        let check = |found: Option<Decimal>, expected: &str| {
            assert_eq!(found.unwrap().to_string(), expected);
        };
        check(decimal("12345678901234567890.12").plus(decimal("0.01")), "12345678901234567890.13");
        check(decimal("0.1").plus(decimal("0.2")), "0.3");
        check(decimal("-1.50").times(decimal("3.00")), "-4.5");
        check(decimal("10").over(decimal("3"), 6), "3.333333");
        check(decimal("20").over(decimal("-3"), 6), "-6.666667");
        check(decimal("2.675").rescaled(2), "2.68");
        check(decimal("-2.675").rescaled(2), "-2.68");
        check(decimal("2.679").truncated(2), "2.67");
        check(decimal("7.5").modulo(decimal("2")), "1.5");
        check(Decimal::parse("1e3"), "1000");
        check(Decimal::parse("-1.25e-2"), "-0.0125");
        assert_eq!(decimal("99999999999999999999").times(decimal("99999999999999999999")), None);
        assert_eq!(decimal("1").over(decimal("0"), 2), None);
        for text in ["", "abc", "1.2.3", "-", "NaN", "0x1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_exact_decimals_become_doubles() {
        assert_eq!(decimal("12.50").to_value(), Value::Real(12.5));
        assert_eq!(decimal("999999999999.999").to_value(), Value::Real(999_999_999_999.999));
        assert_eq!(decimal("1e20").to_value(), Value::Real(1e20));
        assert_eq!(
            decimal("1234567890123456.70").to_value(),
            Value::Text("1234567890123456.7".to_owned())
        );
    }
}
