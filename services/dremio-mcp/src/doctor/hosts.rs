//! The names by which agents may call: against `MCP_PUBLIC_URL`, and whether there are limits.

use axum::http::uri::Authority;

use super::Doctor;
use super::finding::{Cure, Finding};
use crate::access::{AllowedHost, HostRules};

pub(super) fn check(doctor: &Doctor) -> Vec<Finding> {
    if doctor.is_wrong(&["MCP_ALLOWED_HOSTS", "MCP_ADDR"]) {
        return vec![Finding::not_checked("hosts", "its settings are wrong, see above")];
    }
    let config = &doctor.config;
    let rules = HostRules::new(config.mcp_addr, &config.allowed_hosts, &[]);
    if let Some(url) = &config.public_url
        && let Some(host) = url.host_str()
    {
        let named = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let is_allowed = named.parse().is_ok_and(|name: Authority| rules.authority_allowed(&name));
        if !is_allowed {
            let own = config.allowed_hosts.iter().map(ToString::to_string);
            let list = own.chain([host.to_owned()]).collect::<Vec<_>>().join(",");
            let text = format!("agents call {host}, and MCP_ALLOWED_HOSTS does not have that name");
            let cure = Cure::Set(format!("MCP_ALLOWED_HOSTS={list}"));
            return vec![Finding::bad("hosts", text, cure)];
        }
    }
    if config.allowed_hosts.contains(&AllowedHost::Any) {
        let text = "agents may call by any name, so a web page that gives its own name to this \
                    address may, too";
        let cure = Cure::Set("MCP_ALLOWED_HOSTS=mcp.example.com".to_owned());
        return vec![Finding::warning("hosts", text).with_cure(cure)];
    }
    let mut names = rules.names();
    // The listener's own address may be one of those that always count.
    names.sort();
    names.dedup();
    let names = names.join(", ");
    vec![Finding::good("hosts", format!("agents may call it {names}"))]
}
