//! The URL that the child requests, rewritten for Dremio. Each path segment and each part of the
//! query is decoded once, checked, and encoded again. No byte of the child's own spelling goes out,
//! so Dremio gets exactly what `rules` allowed, however servers and proxies on the way read
//! backslashes, dots, semicolons and percent signs.

use dremio_client::{encode_query, encode_segment};
use percent_encoding::percent_decode_str;

/// The only path prefix that the child may use.
const API: [&str; 2] = ["api", "v3"];

/// A path below `/api/v3` and a query, decoded and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    segments: Vec<String>,
    query: Vec<(String, Option<String>)>,
}

/// Why a target is not forwarded. The child's user sees these texts; they contain no text from
/// outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ambiguous {
    #[error("the path is not below /api/v3")]
    Elsewhere,
    #[error("a % in the address is not followed by two hexadecimal digits")]
    Percent,
    #[error("the address is not UTF-8")]
    NotUtf8,
    #[error("the address contains a control character")]
    Control,
    #[error("the path contains a backslash")]
    Backslash,
    #[error("the path contains an empty segment")]
    Empty,
    #[error("the path contains `.` or `..`")]
    Dots,
    #[error("the path contains a semicolon; send it as %3B")]
    Semicolon,
    #[error("the path contains an encoded slash where no name can have one")]
    Slash,
}

impl Target {
    /// Checks `path` and `query` as received.
    ///
    /// # Errors
    /// For a target that two readers could understand differently; see [`Ambiguous`].
    pub(super) fn parse(path: &str, query: Option<&str>) -> Result<Self, Ambiguous> {
        let segments = path
            .strip_prefix('/')
            .ok_or(Ambiguous::Elsewhere)?
            .split('/')
            .map(segment)
            .collect::<Result<Vec<_>, _>>()?;
        let Some((API, names)) = segments
            .split_first_chunk::<2>()
            .map(|(api, names)| (api.each_ref().map(String::as_str), names))
        else {
            return Err(Ambiguous::Elsewhere);
        };
        if names.is_empty() {
            return Err(Ambiguous::Elsewhere);
        }
        let is_slashed =
            |(at, name): (usize, &String)| name.contains('/') && !may_have_slash(names, at);
        if names.iter().enumerate().any(is_slashed) {
            return Err(Ambiguous::Slash);
        }
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(pair);
        Ok(Self { segments: names.to_vec(), query: pairs.collect::<Result<_, _>>()? })
    }

    /// The decoded names below `/api/v3`; at least one.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The decoded value of the query parameter `name`. Of several, Dremio takes the first, and so
    /// does this.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name)?.1.as_deref()
    }

    /// Path and query for Dremio.
    pub(super) fn path_and_query(&self) -> String {
        let names = API.into_iter().chain(self.segments.iter().map(String::as_str));
        let path: String =
            names.filter_map(encode_segment).map(|name| format!("/{name}")).collect();
        let pair = |(name, value): &(String, Option<String>)| match value {
            Some(value) => format!("{}={}", encode_query(name), encode_query(value)),
            None => encode_query(name),
        };
        let query = self.query.iter().map(pair).collect::<Vec<_>>().join("&");
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

/// Names of catalog objects may contain slashes, and so may the ids that Dremio makes up for
/// objects that it does not store.
fn may_have_slash(names: &[String], at: usize) -> bool {
    match names.first().map(String::as_str) {
        Some("catalog") if names.get(1).is_some_and(|name| name == "by-path") => at >= 2,
        Some("catalog" | "dataset") => {
            at == 1 && names.get(1).is_some_and(|id| id.starts_with("dremio:/"))
        }
        _ => false,
    }
}

fn segment(text: &str) -> Result<String, Ambiguous> {
    // Servlets cut parameters off before decoding: for one reader `..;x` is a step up, for another
    // a name.
    if text.contains(';') {
        return Err(Ambiguous::Semicolon);
    }
    let name = decode(text)?;
    if name.contains('\\') {
        return Err(Ambiguous::Backslash);
    }
    if name.is_empty() {
        return Err(Ambiguous::Empty);
    }
    // A proxy that decodes before it resolves dots would see steps within a name.
    let is_step = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
    if name.split('/').any(is_step) { Err(Ambiguous::Dots) } else { Ok(name) }
}

fn pair(text: &str) -> Result<(String, Option<String>), Ambiguous> {
    // A plus means a space in a query, and only there.
    let decode = |text: &str| decode(&text.replace('+', "%20"));
    match text.split_once('=') {
        Some((name, value)) => Ok((decode(name)?, Some(decode(value)?))),
        None => Ok((decode(text)?, None)),
    }
}

/// Percent-decodes `text` once, strictly (RFC 3986, section 2.1).
fn decode(text: &str) -> Result<String, Ambiguous> {
    let is_encoded = |rest: &str| {
        rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_encoded) {
        return Err(Ambiguous::Percent);
    }
    let text = percent_decode_str(text).decode_utf8().map_err(|_| Ambiguous::NotUtf8)?;
    if text.chars().any(char::is_control) { Err(Ambiguous::Control) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests;
