//! What `TOKEN_REFRESH_BEFORE` means.

use jiff::SignedDuration;

/// How long before its end a token is renewed, with this `TOKEN_REFRESH_BEFORE`: as that says,
/// unless it would leave less than half of the token's whole life, where that is known. Then it is
/// a third of that life; with the default, for lives under 12 hours.
#[must_use]
pub fn renewed_before(
    setting: SignedDuration,
    whole_life: Option<SignedDuration>,
) -> SignedDuration {
    match whole_life {
        Some(life) if setting > life / 2 => life / 3,
        _ => setting,
    }
}
