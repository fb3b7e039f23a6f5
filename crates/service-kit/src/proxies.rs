//! Proxies that are trusted to say whom they speak for (`X-Forwarded-For`; RFC 7239 `Forwarded`).

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses and ranges of proxies. From any other address, what such headers say is not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and CIDR ranges, comma-separated.
    fn from_str(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read = |item: &str| {
            let one = item.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
            let wrong = || {
                format!(
                    "`{item}` is neither an address nor a range; write for example 10.0.0.5 or \
                     172.16.0.0/12"
                )
            };
            one.or_else(|_| item.parse::<IpNet>().map(canonical)).map_err(|_| wrong())
        };
        items.map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// The range as it is compared: without what stands behind its prefix, and in IPv4 where it is
/// IPv4 addresses in IPv6, as addresses are.
fn canonical(net: IpNet) -> IpNet {
    let net = net.trunc();
    match (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) {
        (ip @ IpAddr::V4(_), Some(prefix)) if net.addr().is_ipv6() => {
            IpNet::new(ip, prefix).unwrap_or(net)
        }
        _ => net,
    }
}

impl TrustedProxies {
    /// Whether there is a trusted proxy at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is a trusted proxy's.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The address of the client: `peer`, or, when that is a trusted proxy, the last address in
    /// `X-Forwarded-For` that is not. What stands to the left of that, the client wrote itself.
    /// `Forwarded` counts only where there is no `X-Forwarded-For`: proxies pass on the one
    /// that they do not write. Port 0 when the client's own is not known.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let mut client = peer.ip();
        if !self.contains(client) {
            return peer;
        }
        let lines = |name: &HeaderName| {
            headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap_or("?"))
                .collect::<Vec<_>>()
        };
        let (name, read): (_, fn(&str) -> Option<IpAddr>) =
            if headers.contains_key(&X_FORWARDED_FOR) {
                (&X_FORWARDED_FOR, node)
            } else {
                (&header::FORWARDED, forwarded_for)
            };
        for item in lines(name).iter().rev().flat_map(|line| line.rsplit(',')) {
            // Left of something that is no address, the author of each part is unknown.
            let Some(hop) = read(item.trim()) else { break };
            client = hop;
            if !self.contains(hop) {
                break;
            }
        }
        if client == peer.ip() { peer } else { SocketAddr::new(client, 0) }
    }
}

/// The address in one element of `Forwarded` (RFC 7239 §4): `for=192.0.2.43;proto=https`,
/// `for="[2001:db8::1]:4711"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = named.next()?;
    node(value.trim().trim_matches('"'))
}

/// `192.0.2.43`, `192.0.2.43:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let ip: IpAddr = text
        .parse()
        .ok()
        .or_else(bracketed)
        .or_else(|| text.parse::<SocketAddr>().ok().map(|addr| addr.ip()))?;
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::TrustedProxies;

    #[test]
    fn lists_are_read_for_what_they_are() {
        for good in ["", "10.0.0.1", " 10.0.0.0/8 , ::1,fd00::/8 ", "10.1.2.3/8", "::ffff:10.0.0.1"]
        {
            assert!(good.parse::<TrustedProxies>().is_ok(), "{good}");
        }
        for bad in [
            "caddy",
            "10.0.0.0/33",
            "*",
            "10.0.0.1:80",
            "http://10.0.0.1",
            "[\"10.0.0.1\"]",
            "10.0.0.1 10.0.0.2",
        ] {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_hold_the_addresses_that_they_name() {
        for (list, address, expected) in [
            ("", "10.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.0", false),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "10.0.0.1", false),
            ("fd00::/8, 10.0.0.1", "fd12::1", true),
        ] {
            let proxies: TrustedProxies = list.parse().unwrap();
            assert_eq!(proxies.contains(address.parse().unwrap()), expected, "{list} {address}");
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let proxies: TrustedProxies = "10.0.0.0/8, 2001:db8:1::/48".parse().unwrap();
        for (peer, lines, expected) in [
            ("192.0.2.1:5", &[("x-forwarded-for", "198.51.100.9")][..], "192.0.2.1:5"),
            ("192.0.2.1:5", &[("forwarded", "for=198.51.100.9")], "192.0.2.1:5"),
            ("[::ffff:192.0.2.1]:5", &[("x-forwarded-for", "198.51.100.9")], "192.0.2.1:5"),
            ("10.0.0.1:5", &[], "10.0.0.1:5"),
            ("10.0.0.1:5", &[("x-forwarded-for", "198.51.100.9")], "198.51.100.9:0"),
            ("[::ffff:10.0.0.1]:5", &[("x-forwarded-for", "198.51.100.9")], "198.51.100.9:0"),
            (
                "10.0.0.1:5",
                &[("x-forwarded-for", "1.1.1.1, 198.51.100.9, 10.0.0.7")],
                "198.51.100.9:0",
            ),
            (
                "10.0.0.1:5",
                &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.9")],
                "198.51.100.9:0",
            ),
            ("10.0.0.1:5", &[("x-forwarded-for", "10.0.0.2, 10.0.0.3")], "10.0.0.2:0"),
            ("10.0.0.1:5", &[("x-forwarded-for", "198.51.100.9, unknown, 10.0.0.3")], "10.0.0.3:0"),
            ("10.0.0.1:5", &[("x-forwarded-for", "<script>")], "10.0.0.1:5"),
            ("10.0.0.1:5", &[("x-forwarded-for", "198.51.100.9:4711")], "198.51.100.9:0"),
            ("[2001:db8:1::1]:5", &[("x-forwarded-for", "2001:db8:2::9")], "[2001:db8:2::9]:0"),
            (
                "10.0.0.1:5",
                &[("forwarded", "for=1.1.1.1, For=\"[2001:db8:2::9]:4711\";proto=https")],
                "[2001:db8:2::9]:0",
            ),
            ("10.0.0.1:5", &[("forwarded", "for=_hidden")], "10.0.0.1:5"),
            ("10.0.0.1:5", &[("forwarded", "by=203.0.113.1")], "10.0.0.1:5"),
            ("10.0.0.1:5", &[("forwarded", "for=198.51.100.9, for=10.0.0.2")], "198.51.100.9:0"),
            ("10.0.0.1:5", &[("forwarded", "for=198.51.100.9, for=unknown")], "10.0.0.1:5"),
            (
                "10.0.0.1:5",
                &[("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "198.51.100.9")],
                "198.51.100.9:0",
            ),
        ] {
            let mut headers = HeaderMap::new();
            for &(name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(
                proxies.client(peer.parse().unwrap(), &headers),
                expected.parse::<SocketAddr>().unwrap(),
                "{peer} {lines:?}"
            );
        }
    }
}
