//! Who may ask the admin address: operators' tools, and no web page. A page of any site that an
//! operator has open can send requests to addresses of the operator's network, so what has an
//! `Origin` is refused, and so is a `Host` that a stranger's name server could have led here (DNS
//! rebinding). Such a name has a dot, and is not one that was listed.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// Where the kernel says what this machine or container is called.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// The names with a dot by which the admin address may be asked, besides this machine's own; `*` is
/// any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminHosts(Arc<[String]>);

impl FromStr for AdminHosts {
    type Err = String;

    /// Names, comma-separated.
    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let read = |name: &str| {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if is_name || name == "*" {
                Ok(name.to_ascii_lowercase())
            } else {
                Err(format!(
                    "`{name}` is not a host name; write names only, for example \
                     gateway.internal,metrics.example"
                ))
            }
        };
        names.map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl AdminHosts {
    /// `router`, for requests that are meant for it; others get 403 with the reason.
    pub fn guard(self, router: Router) -> Router {
        let own =
            std::fs::read_to_string(HOST_NAME_FILE).unwrap_or_default().trim().to_ascii_lowercase();
        let hosts = Self(self.0.iter().cloned().chain([own]).collect());
        router.layer(middleware::from_fn_with_state(hosts, check))
    }

    fn allows(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        let host = authority.host().to_ascii_lowercase();
        let address =
            host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        !authority.as_str().contains('@')
            && !host.is_empty()
            && (!host.contains(['.', ':'])
                || address.parse::<IpAddr>().is_ok()
                || self.0.iter().any(|name| name == "*" || *name == host))
    }
}

async fn check(State(hosts): State<AdminHosts>, request: Request, next: Next) -> Response {
    let refuse = |message: &'static str| {
        (StatusCode::FORBIDDEN, [(header::CONNECTION, "close")], message).into_response()
    };
    if request.headers().contains_key(header::ORIGIN) {
        return refuse("this address is not for web pages\n");
    }
    let mut named = request.headers().get_all(header::HOST).iter();
    let is_allowed = match (request.uri().authority(), named.next(), named.next()) {
        (_, _, Some(_)) => false,
        (Some(authority), _, None) => hosts.allows(authority.as_str()),
        (None, Some(host), None) => host.to_str().is_ok_and(|host| hosts.allows(host)),
        // Probes that speak HTTP/1.0; a browser always names the host.
        (None, None, None) => true,
    };
    if is_allowed {
        next.run(request).await
    } else {
        refuse("the Host header is not a name of this service; add it to ADMIN_ALLOWED_HOSTS\n")
    }
}

#[cfg(test)]
mod tests {
    use super::AdminHosts;

    #[test]
    fn hosts() {
        let hosts: AdminHosts = "metrics.example, Gateway.Internal".parse().unwrap();
        for (host, expected) in [
            ("127.0.0.1:9464", true),
            ("[::1]:9464", true),
            ("10.1.2.3", true),
            ("localhost:9464", true),
            ("dremio-mcp:9464", true),
            ("METRICS.example:80", true),
            ("gateway.internal", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost@evil.example", false),
            ("evil.example@localhost", false),
            ("localhost.", false),
            ("", false),
        ] {
            assert_eq!(hosts.allows(host), expected, "{host}");
        }
        assert!("*".parse::<AdminHosts>().unwrap().allows("any.example"));
        for bad in [
            "http://metrics.example",
            "metrics.example:9464",
            "*.example",
            "[\"a.example\"]",
            "a.example b.example",
        ] {
            assert!(bad.parse::<AdminHosts>().is_err(), "{bad}");
        }
    }
}
