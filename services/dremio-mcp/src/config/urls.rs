//! The settings that are addresses of servers.

use service_kit::env::Reader;
use service_kit::settings::{self, Setting};
use url::Url;

/// `REFRESHER_URL`, with a slash at its end.
pub(super) fn refresher(reader: &mut Reader<'_>) -> Option<Url> {
    let mut url = server(reader, &settings::REFRESHER_URL, "http://token-refresher:9465")?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

/// `MCP_PUBLIC_URL`, whose path has no slash at its end.
pub(super) fn public(reader: &mut Reader<'_>) -> Option<Url> {
    const EXAMPLE: &str = "https://mcp.example.com";
    let mut url = server(reader, &settings::MCP_PUBLIC_URL, EXAMPLE)?;
    if !url.username().is_empty() || url.password().is_some() {
        reader.problem(&settings::MCP_PUBLIC_URL, "must not contain a user name or password");
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/mcp") {
        let problem = format!("is the address without /mcp at its end; for example {EXAMPLE}");
        reader.problem(&settings::MCP_PUBLIC_URL, problem);
        return None;
    }
    url.set_path(&path);
    Some(url)
}

fn server(reader: &mut Reader<'_>, setting: &'static Setting, example: &str) -> Option<Url> {
    let url: Url = reader.optional(setting)?;
    if !matches!(url.scheme(), "http" | "https")
        || url.host().is_none()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        let problem = format!("is not an http(s) address; for example {example}");
        reader.problem(setting, problem);
        return None;
    }
    Some(url)
}
