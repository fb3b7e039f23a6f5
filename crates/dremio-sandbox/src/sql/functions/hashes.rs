//! Hashes of texts, bytes and numbers.

use md5::Md5;
use rusqlite::types::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::bytes::hex;
use super::call::Call;
use super::row::{Function, Rule, row};
use super::{FunctionError, Outcome};
use crate::catalog::DremioType;
use crate::sql::decimal::Decimal;

pub(super) const ROWS: &[Function] = &[
    row("MD5", "varchar|bytes|int|double", Rule::Varchar, md5),
    row("HASHMD5", "varchar|bytes|int|double", Rule::Varchar, md5),
    row("SHA", "varchar|bytes|int|double", Rule::Varchar, sha1),
    row("SHA1", "varchar|bytes|int|double", Rule::Varchar, sha1),
    row("HASHSHA1", "varchar|bytes|int|double", Rule::Varchar, sha1),
    row("SHA256", "varchar|bytes|int|double", Rule::Varchar, sha256),
    row("HASHSHA256", "varchar|bytes|int|double", Rule::Varchar, sha256),
    row("CRC32", "text|bytes", Rule::BigInt, |call| {
        Ok(Value::Integer(i64::from(crc32fast::hash(&call.bytes(0)))))
    }),
    row("HASH64", "varchar|bytes|bool|number, int?", Rule::BigInt, |call| {
        let seed = if call.len() > 1 && !call.is_null(1) { call.integer(1)? } else { 0 };
        if call.is_null(0) {
            return Ok(Value::Integer(seed));
        }
        Ok(Value::Integer(murmur3(&hashed(call)?, seed).cast_signed()))
    })
    .with_nulls(),
];

fn md5(call: &Call<'_>) -> Outcome {
    Ok(Value::Text(hex(&Md5::digest(hashed(call)?), false)))
}

fn sha1(call: &Call<'_>) -> Outcome {
    Ok(Value::Text(hex(&Sha1::digest(hashed(call)?), false)))
}

pub(super) fn sha256(call: &Call<'_>) -> Outcome {
    Ok(Value::Text(hex(&Sha256::digest(hashed(call)?), false)))
}

/// The bytes that are hashed: a decimal's units as 16 bytes, of other numbers those of a double.
fn hashed(call: &Call<'_>) -> Result<Vec<u8>, FunctionError> {
    Ok(match call.ty(0) {
        Some(DremioType::Decimal { scale, .. }) => {
            let decimal = Decimal::from_value(call.value(0))
                .and_then(|number| number.units(u32::from(*scale)))
                .ok_or_else(super::arithmetic::overflow)?;
            decimal.to_le_bytes().to_vec()
        }
        Some(ty) if ty.is_numeric() || *ty == DremioType::Boolean => {
            call.real(0)?.to_bits().to_le_bytes().to_vec()
        }
        _ => call.bytes(0),
    })
}

/// The first half of `MurmurHash3_x64_128` (Austin Appleby, in the public domain).
fn murmur3(bytes: &[u8], seed: i64) -> u64 {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let word =
        |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let first = |word: u64| word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |word: u64| word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    // Of the seed, 32 bits with their sign count.
    #[expect(clippy::cast_possible_truncation, reason = "the 32 bits that count")]
    let seed = i64::from(seed as i32).cast_unsigned();
    let (mut one, mut two) = (seed, seed);
    let mut blocks = bytes.chunks_exact(16);
    for block in &mut blocks {
        let (low, high) = block.split_at(8);
        one ^= first(word(low));
        one = one.rotate_left(27).wrapping_add(two).wrapping_mul(5).wrapping_add(0x52dc_e729);
        two ^= second(word(high));
        two = two.rotate_left(31).wrapping_add(one).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let rest = blocks.remainder();
    let (low, high) = rest.split_at(rest.len().min(8));
    if !high.is_empty() {
        two ^= second(word(high));
    }
    if !low.is_empty() {
        one ^= first(word(low));
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    one ^= length;
    two ^= length;
    one = one.wrapping_add(two);
    two = two.wrapping_add(one);
    let mixed = |mut word: u64| {
        word ^= word >> 33;
        word = word.wrapping_mul(0xff51_afd7_ed55_8ccd);
        word ^= word >> 33;
        word = word.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        word ^ word >> 33
    };
    mixed(one).wrapping_add(mixed(two))
}
