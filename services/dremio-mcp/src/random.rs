//! Random names.

use std::fmt::Write;

/// 256 random bits as 64 hex digits.
///
/// # Errors
/// When the operating system gives no random numbers.
pub(crate) fn hex_256() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// 64 random bits as 16 hex digits: for names that only need to be different.
///
/// # Errors
/// When the operating system gives no random numbers.
pub(crate) fn hex_64() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
