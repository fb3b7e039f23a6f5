//! Random names.

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
    let digit = |value: u8| char::from(value + if value < 10 { b'0' } else { b'a' - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0x00, 0x09, 0x0a, 0x0f, 0x90, 0xa0, 0xff]), "00090a0f90a0ff");
        assert_eq!(hex(&[]), "");
    }
}
