//! Which names this server answers to, and pages of which origins may use it (MCP, Streamable HTTP,
//! "Security Warning"; DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// The allowed hosts and origins. Loopback names and the listener's own address always are.
#[derive(Clone, Debug)]
pub(crate) struct HostRules {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl HostRules {
    /// `hosts` are `name` or `name:port`, or `*` for any; `origins` are `scheme://name[:port]`, or `*`.
    pub(crate) fn new(listener: SocketAddr, hosts: &[String], origins: &[String]) -> Self {
        let mut allowed = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        match listener.ip() {
            ip if ip.is_unspecified() => {}
            IpAddr::V4(ip) => allowed.push(ip.to_string()),
            IpAddr::V6(ip) => allowed.push(format!("[{ip}]")),
        }
        allowed.extend(hosts.iter().map(|host| host.to_ascii_lowercase()));
        Self { hosts: allowed, origins: origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect() }
    }

    /// Whether the request was meant for this server. A request without Host never is.
    pub(crate) fn host_allowed(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let authority = match (uri.authority(), named.next(), named.next()) {
            (_, Some(_), Some(_)) | (None, None, _) => None,
            // RFC 9112 §3.2.2: in absolute form, the Host header is ignored.
            (Some(authority), _, _) => Some(authority.clone()),
            (None, Some(host), None) => host.to_str().ok().and_then(|text| text.parse::<Authority>().ok()),
        };
        authority.is_some_and(|authority| self.authority_allowed(&authority))
    }

    /// Whether a page of `origin` may use this server: one served under one of its names, or a listed one.
    pub(crate) fn origin_allowed(&self, origin: &HeaderValue) -> bool {
        let Ok(text) = origin.to_str() else { return false };
        let text = text.to_ascii_lowercase();
        if self.origins.iter().any(|allowed| allowed == "*" || *allowed == text) {
            return true;
        }
        let authority =
            text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).and_then(|rest| rest.parse::<Authority>().ok());
        // `*` for hosts says what this server is called, not which pages may use it.
        authority.is_some_and(|authority| self.hosts.iter().any(|allowed| allowed != "*" && matches(allowed, &authority)))
    }

    fn authority_allowed(&self, authority: &Authority) -> bool {
        // A user part has no place in a Host header, and only confuses readers of it.
        !authority.as_str().contains('@') && self.hosts.iter().any(|allowed| allowed == "*" || matches(allowed, authority))
    }
}

/// Whether `allowed`, with or without port, covers `authority`. A name without port covers every port.
fn matches(allowed: &str, authority: &Authority) -> bool {
    allowed.eq_ignore_ascii_case(authority.host()) || allowed.eq_ignore_ascii_case(authority.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Uri, header};

    use super::HostRules;

    fn rules(hosts: &[&str], origins: &[&str]) -> HostRules {
        let own = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        HostRules::new("192.168.7.9:8000".parse().unwrap(), &own(hosts), &own(origins))
    }

    #[test]
    fn hosts() {
        for (allowed, host, expected) in [
            (&[][..], "localhost:8000", true),
            (&[], "LOCALHOST", true),
            (&[], "127.0.0.1:8000", true),
            (&[], "[::1]:8000", true),
            (&[], "192.168.7.9:8000", true),
            (&[], "192.168.7.10:8000", false),
            (&[], "evil.example", false),
            (&[], "localhost.evil.example", false),
            (&[], "localhost@evil.example", false),
            (&[], "evil.example@localhost", false),
            (&[], "", false),
            (&["mcp.example"], "mcp.example", true),
            (&["mcp.example"], "MCP.example:443", true),
            (&["mcp.example:443"], "mcp.example:443", true),
            (&["mcp.example:443"], "mcp.example:80", false),
            (&["*"], "anything.example", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            assert_eq!(rules(allowed, &[]).host_allowed(&headers, &Uri::from_static("/mcp")), expected, "{allowed:?} {host}");
        }
        assert!(!rules(&["*"], &[]).host_allowed(&HeaderMap::new(), &Uri::from_static("/mcp")), "no Host at all");
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
            (&[], &[], "https://evil.example", false),
            (&[], &[], "null", false),
            (&[], &[], "file://", false),
            (&["mcp.example"], &[], "https://mcp.example", true),
            (&["*"], &[], "https://evil.example", false),
            (&[], &["https://app.example"], "https://app.example", true),
            (&[], &["https://app.example/"], "https://APP.example", true),
            (&[], &["https://app.example"], "http://app.example", false),
            (&[], &["*"], "https://any.example", true),
        ] {
            let allowed = rules(hosts, origins).origin_allowed(&HeaderValue::from_str(origin).unwrap());
            assert_eq!(allowed, expected, "{hosts:?} {origins:?} {origin}");
        }
    }
}
