//! The address of Dremio's REST API, checked.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The base address of a Dremio: `http(s)://host[:port]`, with a path if a reverse proxy puts
/// Dremio under one.
///
/// It holds no credentials, so it may be shown anywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct DremioUri {
    /// Never has user information, a query, a fragment, or a slash at the end of its path.
    base: Url,
}

/// Why a text is not a Dremio address. No text repeats the input, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DremioUriError {
    /// Neither `http://` nor `https://` in front.
    #[error("must start with http:// or https://, for example http://dremio:9047")]
    Scheme,
    /// Not a URL at all.
    #[error("is not an address like http://dremio:9047")]
    Malformed,
    /// `user:password@` in front of the host.
    #[error(
        "must not contain a user name or password; use DREMIO_USERNAME and DREMIO_PASSWORD_FILE"
    )]
    Credentials,
    /// `?…` at the end.
    #[error("must not contain a query (?…)")]
    Query,
    /// `#…` at the end.
    #[error("must not contain a fragment (#…)")]
    Fragment,
    /// The path of the API is part of the address.
    #[error("must be the base address without /apiv2 or /api/v3, for example http://dremio:9047")]
    ApiPath,
}

impl DremioUri {
    /// Whether calls are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The host name or address, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The port, which may be that of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or_default()
    }

    /// Whether there is a path, as behind a reverse proxy.
    #[must_use]
    pub fn has_path(&self) -> bool {
        !matches!(self.base.path(), "" | "/")
    }

    /// The same host and path with this scheme and port.
    #[must_use]
    pub fn with(&self, is_https: bool, port: u16) -> Self {
        let mut base = self.base.clone();
        // Neither can fail for http and https, which have a host.
        let _ = base.set_scheme(if is_https { "https" } else { "http" });
        let _ = base.set_port(Some(port));
        Self { base }
    }

    /// The URL of `path_and_query` (like `/api/v3/job/x?limit=1`) at this Dremio. `None` if a URL
    /// cannot carry that text unchanged: the URL parser would turn a backslash into a slash,
    /// resolve `..` and `%2e%2e`, and encode characters, and the path sent would not be the one
    /// that the caller checked. No URL leads away from this Dremio or out of its base path.
    #[must_use]
    pub fn join(&self, path_and_query: &str) -> Option<Url> {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let path = format!(
            "{}/{}",
            self.base.path().trim_end_matches('/'),
            path.strip_prefix('/').unwrap_or(path)
        );
        let mut url = self.base.clone();
        url.set_path(&path);
        url.set_query(query);
        (url.path() == path && url.query() == query).then_some(url)
    }
}

impl FromStr for DremioUri {
    type Err = DremioUriError;

    fn from_str(text: &str) -> Result<Self, DremioUriError> {
        let text = text.trim();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            return Err(DremioUriError::Scheme);
        }
        // The URL parser silently drops tabs and line breaks and replaces backslashes: refuse what
        // it would repair.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(DremioUriError::Malformed);
        }
        let mut base = Url::parse(text).map_err(|_| DremioUriError::Malformed)?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(DremioUriError::Credentials);
        }
        if base.query().is_some() {
            return Err(DremioUriError::Query);
        }
        if base.fragment().is_some() {
            return Err(DremioUriError::Fragment);
        }
        let path = base.path().trim_end_matches('/').to_owned();
        if ["/apiv2", "/api/v3", "/api"].iter().any(|api| path.ends_with(api)) {
            return Err(DremioUriError::ApiPath);
        }
        base.set_path(&path);
        Ok(Self { base })
    }
}

impl fmt::Display for DremioUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for DremioUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
