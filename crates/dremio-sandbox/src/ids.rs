//! Identifiers in the shapes that Dremio gives them: tokens, job ids, entity ids.

use getrandom::Error;
use jiff::Timestamp;

const TOKEN_ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i',
    'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
];

/// A login token: 26 base-32 digits, 130 random bits (contract §1.1).
pub(crate) fn token() -> Result<String, Error> {
    let mut bytes = [0_u8; 26];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().filter_map(|byte| TOKEN_ALPHABET.get(usize::from(byte & 31))).collect())
}

/// A job id: a descending clock in front so that newer ids sort first, `00` as the last byte
/// (contract §4.1).
pub(crate) fn job(now: Timestamp) -> Result<String, Error> {
    let clock = i64::from(i32::MAX).saturating_sub(now.as_second()) & 0xffff_ffff;
    let mut random = [0_u8; 11];
    getrandom::fill(&mut random)?;
    let mut hex = format!("{clock:08x}");
    for byte in random {
        hex.push_str(&format!("{byte:02x}"));
    }
    hex.push_str("00");
    Ok(hyphenated(&hex))
}

/// The id of a catalog entity or user: a UUID that depends on the name alone, so that it is the
/// same in every run.
pub(crate) fn for_name(kind: &str, path: &[String]) -> String {
    let name = format!("{kind}:{}", path.join("\u{1f}")).to_lowercase();
    let high = fnv1a(0xcbf2_9ce4_8422_2325, name.as_bytes());
    let low = fnv1a(high ^ 0x9e37_79b9_7f4a_7c15, name.as_bytes());
    // Version 4, variant 1: what a UUID library expects to see.
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    hyphenated(&format!("{high:016x}{low:016x}"))
}

/// Whether `id` has the 8-4-4-4-12 hexadecimal shape; other shapes are a different error when a job
/// is cancelled (contract §4.4).
pub(crate) fn is_uuid_shaped(id: &str) -> bool {
    let mut groups = id.split('-');
    [8, 4, 4, 4, 12].iter().all(|len| {
        groups.next().is_some_and(|group| {
            group.len() == *len && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }) && groups.next().is_none()
}

fn hyphenated(hex: &str) -> String {
    let mut out = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

fn fnv1a(seed: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
