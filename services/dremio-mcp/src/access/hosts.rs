//! The names that this server answers to, and the origins whose pages may use it (MCP, Streamable
//! HTTP, "Security Warning"; DNS rebinding).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// One element of `MCP_ALLOWED_HOSTS`: `name` or `address`, with or without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// `*`: any name.
    Any,
    /// A lower-case name, or an address; IPv6 in brackets.
    Named {
        /// The name.
        host: String,
        /// The only port, if given.
        port: Option<u16>,
    },
}

/// As it is set.
impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Named { host, port: Some(port) } => write!(f, "{host}:{port}"),
            Self::Named { host, port: None } => f.write_str(host),
        }
    }
}

/// One element of `MCP_ALLOWED_ORIGINS`, or an `Origin` header, as browsers write it:
/// `scheme://host[:port]` (RFC 6454 §6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every page.
    Any,
    /// Lower-case and without a default port; also `null`, and `file://`, which has no host.
    Exactly(String),
}

/// Why an element of a list can match nothing. The text names it and shows the right form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{element}` {problem}")]
pub struct BadElement {
    element: String,
    problem: String,
}

impl BadElement {
    fn new(element: &str, problem: impl Into<String>) -> Self {
        Self { element: element.to_owned(), problem: problem.into() }
    }
}

/// Rejects what no element of either list may contain.
fn check_characters(element: &str, example: &str) -> Result<(), BadElement> {
    let problem = if element.contains(['"', '\'', '`']) {
        format!("has quotes; write it without, for example {example}")
    } else if element.contains(char::is_whitespace) || element.contains([';', '|']) {
        format!("is more than one; separate them by commas, for example localhost,{example}")
    } else if element.contains('*') {
        "has a wildcard in it; list every one, or write * alone to allow all".to_owned()
    } else if element.contains('@') {
        format!("has a user in front; write for example {example}")
    } else if !element.is_ascii() {
        "is not ASCII; write it as it stands in requests (xn--…)".to_owned()
    } else {
        return Ok(());
    };
    Err(BadElement::new(element, problem))
}

impl FromStr for AllowedHost {
    type Err = BadElement;

    fn from_str(text: &str) -> Result<Self, BadElement> {
        const EXAMPLE: &str = "mcp.example.com or 10.0.0.5:8000";
        if text == "*" {
            return Ok(Self::Any);
        }
        check_characters(text, EXAMPLE)?;
        if let Some((_, rest)) = text.split_once("://") {
            let name = rest.split('/').next().unwrap_or_default();
            return Err(BadElement::new(text, format!("is a URL; write only the name: {name}")));
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self::Named { host: format!("[{address}]"), port: None });
        }
        let authority =
            text.parse::<Authority>().ok().filter(|authority| is_host(authority.host()));
        let authority = authority.ok_or_else(|| {
            BadElement::new(
                text,
                format!("is not the name of a server; write for example {EXAMPLE}"),
            )
        })?;
        // The parser drops an invalid port, such as 99999 or nothing after the colon.
        let port = authority.port_u16();
        if authority.as_str() != authority.host() && port.is_none() {
            return Err(BadElement::new(
                text,
                "has a port that is none; write a number up to 65535, or leave it out",
            ));
        }
        Ok(Self::Named { host: canonical(authority.host()), port })
    }
}

impl FromStr for AllowedOrigin {
    type Err = BadElement;

    fn from_str(text: &str) -> Result<Self, BadElement> {
        const EXAMPLE: &str = "https://app.example.com";
        match text {
            "*" => return Ok(Self::Any),
            "null" => return Ok(Self::Exactly("null".to_owned())),
            // Pages from files: some browsers and shells send this, others send `null`.
            "file:" | "file:/" | "file://" | "file:///" => {
                return Ok(Self::Exactly("file://".to_owned()));
            }
            _ => {}
        }
        check_characters(text, EXAMPLE)?;
        let problem =
            |problem: &str| BadElement::new(text, format!("{problem}, for example {EXAMPLE}"));
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(BadElement::new(
                text,
                format!("has no scheme; write for example https://{text}"),
            ));
        };
        let is_scheme_rest =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.bytes().all(is_scheme_rest)
        {
            return Err(problem("has no proper scheme; write scheme, name and perhaps a port"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(problem("has a path; an origin is only scheme, name and perhaps a port"));
        }
        let Some(AllowedHost::Named { host, port }) = rest.parse().ok() else {
            return Err(problem(
                "has no proper name; an origin is scheme, name and perhaps a port",
            ));
        };
        let scheme = scheme.to_ascii_lowercase();
        let port = port
            .filter(|&port| Some(port) != default_port(&scheme))
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Ok(Self::Exactly(format!("{scheme}://{host}{port}")))
    }
}

/// Whether `host` is valid in a Host header: a name, an IPv4 address, or an IPv6 address in
/// brackets.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    }
}

/// Lower case; an IPv6 address in its shortest form.
fn canonical(host: &str) -> String {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .and_then(|host| host.parse::<Ipv6Addr>().ok());
    address.map_or_else(|| host.to_ascii_lowercase(), |address| format!("[{address}]"))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// The allowed hosts and origins. Loopback names and the listener's own address are always allowed.
#[derive(Clone, Debug)]
pub(crate) struct HostRules {
    hosts: Vec<AllowedHost>,
    origins: Vec<AllowedOrigin>,
}

impl HostRules {
    pub(crate) fn new(
        listener: SocketAddr,
        hosts: &[AllowedHost],
        origins: &[AllowedOrigin],
    ) -> Self {
        let named = |host: &str| AllowedHost::Named { host: host.to_owned(), port: None };
        let mut allowed = vec![named("localhost"), named("127.0.0.1"), named("[::1]")];
        match listener.ip() {
            ip if ip.is_unspecified() => {}
            IpAddr::V4(ip) => allowed.push(named(&ip.to_string())),
            IpAddr::V6(ip) => allowed.push(named(&format!("[{ip}]"))),
        }
        allowed.extend_from_slice(hosts);
        Self { hosts: allowed, origins: origins.to_vec() }
    }

    /// Whether the request was meant for this server. A request without Host never is.
    pub(crate) fn host_allowed(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let authority = match (uri.authority(), named.next(), named.next()) {
            (_, Some(_), Some(_)) | (None, None, _) => None,
            // RFC 9112 §3.2.2: in absolute form, the Host header is ignored.
            (Some(authority), _, _) => Some(authority.clone()),
            (None, Some(host), None) => {
                host.to_str().ok().and_then(|text| text.parse::<Authority>().ok())
            }
        };
        authority.is_some_and(|authority| self.authority_allowed(&authority))
    }

    /// The names, as they are set.
    pub(crate) fn names(&self) -> Vec<String> {
        self.hosts.iter().map(ToString::to_string).collect()
    }

    /// Whether a page of `origin` may use this server: one served under its own names, or a listed
    /// one.
    pub(crate) fn origin_allowed(&self, origin: &HeaderValue) -> bool {
        let parsed = origin.to_str().ok().and_then(|text| text.parse::<AllowedOrigin>().ok());
        let Some(origin @ AllowedOrigin::Exactly(text)) = &parsed else { return false };
        if self.origins.iter().any(|allowed| *allowed == AllowedOrigin::Any || allowed == origin) {
            return true;
        }
        let authority = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
            .and_then(|rest| rest.parse::<Authority>().ok());
        // `*` for hosts covers this server's names, not the pages that may use it.
        authority.is_some_and(|authority| {
            let host = canonical(authority.host());
            self.hosts
                .iter()
                .any(|allowed| *allowed != AllowedHost::Any && allowed.covers(&host, &authority))
        })
    }

    pub(crate) fn authority_allowed(&self, authority: &Authority) -> bool {
        let host = canonical(authority.host());
        // A user part is not valid in a Host header and only confuses readers.
        !authority.as_str().contains('@')
            && self.hosts.iter().any(|allowed| allowed.covers(&host, authority))
    }
}

impl AllowedHost {
    /// Whether it covers `authority`, whose canonical host is `asked`. A name without port covers
    /// every port. One with the port of HTTP or HTTPS also covers the
    /// name alone, since clients omit such a port.
    fn covers(&self, asked: &str, authority: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Named { host, port } => {
                asked == host
                    && port.is_none_or(|port| match authority.port_u16() {
                        Some(asked) => asked == port,
                        None => matches!(port, 80 | 443) && authority.as_str() == authority.host(),
                    })
            }
        }
    }
}

#[cfg(test)]
mod tests;
