//! The names that this server answers to, and the origins whose pages may use it (MCP, Streamable
//! HTTP, "Security Warning"; DNS rebinding).

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
            self.hosts
                .iter()
                .any(|allowed| *allowed != AllowedHost::Any && allowed.covers(&authority))
        })
    }

    fn authority_allowed(&self, authority: &Authority) -> bool {
        // A user part is not valid in a Host header and only confuses readers.
        !authority.as_str().contains('@')
            && self.hosts.iter().any(|allowed| allowed.covers(authority))
    }
}

impl AllowedHost {
    /// A name without port covers every port. One with the port of HTTP or HTTPS also covers the
    /// name alone, since clients omit such a port.
    fn covers(&self, authority: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Named { host, port } => {
                canonical(authority.host()) == *host
                    && port.is_none_or(|port| match authority.port_u16() {
                        Some(asked) => asked == port,
                        None => matches!(port, 80 | 443) && authority.as_str() == authority.host(),
                    })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Uri, header};

    use super::{AllowedHost, AllowedOrigin, HostRules};

    fn rules(hosts: &[&str], origins: &[&str]) -> HostRules {
        let hosts: Vec<AllowedHost> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let origins: Vec<AllowedOrigin> =
            origins.iter().map(|origin| origin.parse().unwrap()).collect();
        HostRules::new("192.168.7.9:8000".parse().unwrap(), &hosts, &origins)
    }

    #[test]
    fn hosts() {
        for (allowed, host, expected) in [
            (&[][..], "localhost:8000", true),
            (&[], "LOCALHOST", true),
            (&[], "127.0.0.1:8000", true),
            (&[], "[::1]:8000", true),
            (&[], "[0:0:0:0:0:0:0:1]:8000", true),
            (&[], "192.168.7.9:8000", true),
            (&[], "192.168.7.10:8000", false),
            (&[], "evil.example", false),
            (&[], "localhost.evil.example", false),
            (&[], "localhost@evil.example", false),
            (&[], "evil.example@localhost", false),
            (&[], "", false),
            (&["mcp.example"], "mcp.example", true),
            (&["mcp.example"], "MCP.example:443", true),
            (&["MCP.example"], "mcp.example", true),
            (&["mcp.example:443"], "mcp.example:443", true),
            (&["mcp.example:443"], "mcp.example", true),
            (&["mcp.example:443"], "mcp.example:80", false),
            (&["mcp.example:8000"], "mcp.example", false),
            (&["[fd00::7]:8000"], "[FD00:0::7]:8000", true),
            (&["fd00::7"], "[fd00::7]:8000", true),
            (&["10.0.0.5:8000"], "10.0.0.5:8000", true),
            (&["*"], "anything.example", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            assert_eq!(
                rules(allowed, &[]).host_allowed(&headers, &Uri::from_static("/mcp")),
                expected,
                "{allowed:?} {host}"
            );
        }
        assert!(
            !rules(&["*"], &[]).host_allowed(&HeaderMap::new(), &Uri::from_static("/mcp")),
            "no Host at all"
        );
        let mut two = HeaderMap::new();
        two.append(header::HOST, HeaderValue::from_static("localhost"));
        two.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!rules(&[], &[]).host_allowed(&two, &Uri::from_static("/mcp")));
    }

    #[test]
    fn origins() {
        for (hosts, origins, origin, expected) in [
            (&[][..], &[][..], "http://localhost:6274", true),
            (&[], &[], "http://127.0.0.1", true),
            (&[], &[], "http://[::1]:6274", true),
            (&[], &[], "https://evil.example", false),
            (&[], &[], "http://evil@localhost", false),
            (&[], &[], "http://localhost/path", false),
            (&[], &[], "null", false),
            (&[], &[], "file://", false),
            (&[], &["file://"], "file://", true),
            (&[], &["file:///"], "file://", true),
            (&[], &["file://"], "null", false),
            (&[], &["null"], "null", true),
            (&[], &["null"], "file://", false),
            (&["mcp.example"], &[], "https://evil.example:x@mcp.example", false),
            (&["mcp.example"], &[], "https://mcp.example", true),
            (&["*"], &[], "https://evil.example", false),
            (&[], &["https://app.example"], "https://app.example", true),
            (&[], &["https://app.example/"], "https://APP.example", true),
            (&[], &["https://app.example:443"], "https://app.example", true),
            (&[], &["https://app.example"], "http://app.example", false),
            (&[], &["https://app.example"], "https://app.example:8443", false),
            (&[], &["app://obsidian.md"], "app://obsidian.md", true),
            (&[], &["chrome-extension://abcdefghij"], "chrome-extension://abcdefghij", true),
            (&[], &["*"], "https://any.example", true),
        ] {
            let allowed =
                rules(hosts, origins).origin_allowed(&HeaderValue::from_str(origin).unwrap());
            assert_eq!(allowed, expected, "{hosts:?} {origins:?} {origin}");
        }
    }

    #[test]
    fn elements_that_match_nothing_are_refused() {
        for (element, named) in [
            (
                "https://mcp.example.com/mcp",
                "`https://mcp.example.com/mcp` is a URL; write only the name: mcp.example.com",
            ),
            ("*.example.com", "has a wildcard"),
            ("\"mcp.example.com\"", "has quotes"),
            ("a.example b.example", "is more than one; separate them by commas"),
            ("a.example;b.example", "is more than one"),
            ("mcp.example.com/mcp", "is not the name of a server"),
            ("ada@mcp.example.com", "has a user in front"),
            ("mcp.example.com:", "has a port that is none"),
            ("mcp.example.com:99999", "has a port that is none"),
            ("[mcp.example.com]", "is not the name of a server"),
            ("größe.example", "is not ASCII"),
            (":8000", "is not the name of a server"),
        ] {
            let problem = element.parse::<AllowedHost>().unwrap_err().to_string();
            assert!(problem.contains(named), "{element}: {problem}");
        }
        for (element, named) in [
            (
                "app.example.com",
                "`app.example.com` has no scheme; write for example https://app.example.com",
            ),
            ("https://*.example.com", "has a wildcard"),
            ("'https://app.example.com'", "has quotes"),
            ("https://a.example https://b.example", "is more than one"),
            ("https://app.example.com/page", "has a path"),
            ("https://", "has no proper name"),
            ("https:///", "has no proper name"),
            ("://app.example.com", "has no proper scheme"),
            ("https://app.example.com:x", "has no proper name"),
            ("file:///home/ada/page.html", "has a path"),
        ] {
            let problem = element.parse::<AllowedOrigin>().unwrap_err().to_string();
            assert!(problem.contains(named), "{element}: {problem}");
        }
    }
}
