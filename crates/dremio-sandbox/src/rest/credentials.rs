//! How a token is presented (contract §1.5), and who the caller is.
//!
//! Authentication and logout read the header differently: only authentication understands `Bearer`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::ApiError;
use crate::instance::Instance;

const PREFIX: &str = "_dremio";

/// The user that a call is made for. Extracting it is what makes a resource secured.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) String);

impl FromRequestParts<Arc<Instance>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        instance: &Arc<Instance>,
    ) -> Result<Self, ApiError> {
        presented(&parts.headers)
            .and_then(|token| instance.tokens.user_of(&token))
            // A token whose user was deleted is as bad as any other.
            .and_then(|user| instance.accounts.find(&user))
            .map(|user| Self(user.name))
            .ok_or(ApiError::Unauthorized)
    }
}

/// The token that authentication sees.
pub(crate) fn presented(headers: &HeaderMap) -> Option<String> {
    let header = joined(headers)?;
    if let Some(token) = header.strip_prefix(PREFIX) {
        return Some(token.trim().to_owned());
    }
    let token = match header.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header.trim(),
    };
    Some(token.to_owned())
}

/// The token that a logout sees: `Bearer x` is, literally, `Bearer x`.
pub(crate) fn to_log_out(headers: &HeaderMap) -> Option<String> {
    let header = joined(headers)?;
    let token = header.strip_prefix(PREFIX).unwrap_or(&header);
    Some(token.trim().to_owned())
}

/// Several headers are joined with a comma, which makes them one bad token.
fn joined(headers: &HeaderMap) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(HeaderValue::to_str)
        .collect::<Result<_, _>>()
        .ok()?;
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests;
