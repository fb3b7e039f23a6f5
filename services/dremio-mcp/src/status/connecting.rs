//! How agents are set up for this gateway, from the table of clients.

use std::net::SocketAddr;

use connect::{Endpoint, Key, VARIABLE, clients, render};

use crate::access::AllowedHost;

/// The name under which agents list this gateway.
const NAME: &str = "dremio";

/// Bytes of set-ups that are shown, so that the page stays small however many clients there are.
const TEXT_BYTES_MAX: usize = 20 * 1024;

/// A client, and what a person does to set it up; nothing where there is no room for it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) title: &'static str,
    pub(super) text: Option<String>,
}

/// The set-up of each client for the endpoint at `url`; nothing where no client could use it.
pub(super) fn entries(url: &str, wants_key: bool) -> Vec<Entry> {
    let key = Key { variable: VARIABLE.to_owned(), file: None, value: None };
    let Ok(endpoint) = Endpoint::new(NAME, url, wants_key.then_some(key)) else {
        return Vec::new();
    };
    let mut left = TEXT_BYTES_MAX;
    let entry = |client: &'static connect::Client| {
        let text = render(client, &endpoint, None);
        // Its first line is the title, its last the source.
        let text = text.split_once('\n').map_or("", |(_, text)| text).trim();
        let text = text.rsplit_once("\n\n").map_or(text, |(text, _)| text);
        let rest = left.checked_sub(text.len());
        left = rest.unwrap_or(left);
        Entry { title: client.title, text: rest.map(|_| text.to_owned()) }
    };
    clients().map(entry).collect()
}

/// Where agents probably connect: by the first name that is allowed, with TLS in front of it unless
/// that has a port or is an address; else where the gateway listens.
pub(crate) fn agents_url(listens: SocketAddr, allowed: &[AllowedHost]) -> String {
    let named = allowed.iter().find_map(|host| match host {
        AllowedHost::Named { host, port } => Some((host, *port)),
        AllowedHost::Any => None,
    });
    match named {
        Some((host, Some(port))) => format!("http://{host}:{port}/mcp"),
        Some((host, None)) if is_name(host) => format!("https://{host}/mcp"),
        Some((host, None)) => format!("http://{host}:{}/mcp", listens.port()),
        None if listens.ip().is_unspecified() => {
            format!("http://127.0.0.1:{}/mcp", listens.port())
        }
        None => format!("http://{listens}/mcp"),
    }
}

/// Whether it is a name of the network, and no address or machine's own name.
fn is_name(host: &str) -> bool {
    host.contains('.') && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{agents_url, entries};

    #[test]
    fn the_address_that_agents_probably_use() {
        for (listens, allowed, expected) in [
            ("127.0.0.1:8000", &[][..], "http://127.0.0.1:8000/mcp"),
            ("0.0.0.0:8000", &[], "http://127.0.0.1:8000/mcp"),
            ("[::]:8000", &["*"], "http://127.0.0.1:8000/mcp"),
            ("10.0.0.5:80", &[], "http://10.0.0.5:80/mcp"),
            ("0.0.0.0:8000", &["*", "mcp.example.com"], "https://mcp.example.com/mcp"),
            ("0.0.0.0:8000", &["mcp.example.com:8080"], "http://mcp.example.com:8080/mcp"),
            ("0.0.0.0:8000", &["10.0.0.5"], "http://10.0.0.5:8000/mcp"),
            ("0.0.0.0:8000", &["gateway"], "http://gateway:8000/mcp"),
            ("0.0.0.0:8000", &["[::1]"], "http://[::1]:8000/mcp"),
        ] {
            let allowed: Vec<_> = allowed.iter().map(|host| host.parse().unwrap()).collect();
            assert_eq!(agents_url(listens.parse().unwrap(), &allowed), expected);
        }
    }

    #[test]
    fn every_client_has_lines_with_the_address_and_no_key() {
        for wants_key in [true, false] {
            let entries = entries("https://mcp.example.com/mcp", wants_key);
            assert!(entries.len() >= 20);
            for entry in entries {
                let text = entry.text.expect("there is room for all of today");
                assert!(text.contains("https://mcp.example.com/mcp"), "{}", entry.title);
                assert!(!text.starts_with(entry.title) && !text.contains("read on"), "{text}");
            }
        }
        assert!(entries("no address", true).is_empty());
    }
}
