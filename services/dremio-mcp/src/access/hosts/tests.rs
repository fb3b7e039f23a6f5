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
        let allowed = rules(hosts, origins).origin_allowed(&HeaderValue::from_str(origin).unwrap());
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
