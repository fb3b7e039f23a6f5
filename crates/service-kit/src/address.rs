//! The address that a listener is configured with, and the spellings of it that people try.

use std::net::{Ipv4Addr, SocketAddr};

/// Parses `127.0.0.1:8000`, `[::1]:8000`, or `localhost:8000`, which is 127.0.0.1.
///
/// # Errors
/// What is wrong, as a sentence fragment with the right form. `:8000` and a bare port are explained
/// and not guessed: elsewhere they mean every network of the machine.
pub fn parse_listen_addr(text: &str) -> Result<SocketAddr, String> {
    if let Ok(addr) = text.parse() {
        return Ok(addr);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = port.parse::<u16>().ok();
    Err(match (host, port) {
        (host, Some(port)) if host.eq_ignore_ascii_case("localhost") => {
            return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        ("" | "*", Some(port)) => {
            format!(
                "`{text}` has no address; write 127.0.0.1:{port} for this machine alone, \
                 or 0.0.0.0:{port} for all networks"
            )
        }
        _ if text.contains("://") => format!(
            "`{text}` is a URL; write only the address and the port, for example 127.0.0.1:8000"
        ),
        _ if text.parse::<std::net::IpAddr>().is_ok() => {
            format!("`{text}` has no port; write for example {}", with_port(text))
        }
        (host, Some(_)) if !host.contains([':', '"', '\'', ' ', '/']) => {
            format!(
                "`{host}` is a name; listen on an address of this machine, for example 127.0.0.1, \
                 or 0.0.0.0 for all of them"
            )
        }
        _ => format!(
            "`{text}` is not an address with a port; write for example 127.0.0.1:8000 or [::1]:8000"
        ),
    })
}

fn with_port(address: &str) -> String {
    if address.contains(':') { format!("[{address}]:8000") } else { format!("{address}:8000") }
}

#[cfg(test)]
mod tests {
    use super::parse_listen_addr;

    #[test]
    fn addresses_are_read_or_explained() {
        for (text, expected) in [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::]:8000"),
            ("localhost:0", "127.0.0.1:0"),
            ("LOCALHOST:80", "127.0.0.1:80"),
        ] {
            assert_eq!(parse_listen_addr(text).unwrap().to_string(), expected, "{text}");
        }
        for (text, named) in [
            (":8000", "write 127.0.0.1:8000 for this machine alone, or 0.0.0.0:8000"),
            ("8000", "write 127.0.0.1:8000 for this machine alone"),
            ("*:8000", "`*:8000` has no address"),
            ("http://127.0.0.1:8000", "is a URL"),
            ("0.0.0.0", "has no port; write for example 0.0.0.0:8000"),
            ("::1", "has no port; write for example [::1]:8000"),
            ("mcp.example:8000", "`mcp.example` is a name"),
            ("\"127.0.0.1:8000\"", "is not an address"),
            ("127.0.0.1:99999", "is not an address"),
            ("localhost", "is not an address"),
        ] {
            let problem = parse_listen_addr(text).unwrap_err();
            assert!(problem.contains(named), "{text}: {problem}");
        }
    }
}
