//! The command `connect`, as the gateway and `dremio-mcp-local` have it: it reads the environment,
//! prints, and knows whom a check may trust.

use std::path::Path;

use connect::{Arguments, Outcome, Surroundings};
use dremio_client::{ConnectConfig, Transport};
use service_kit::Exit;
use service_kit::env::Env;

/// What clients are set up for, unless the command line says something else.
#[derive(Clone, Copy, Debug)]
pub struct Server<'s> {
    /// Its address.
    pub url: &'s str,
    /// Whether it wants a key.
    pub wants_key: bool,
    /// The file that holds the key.
    pub key_file: Option<&'s Path>,
}

/// Shows how a client is set up for `server`, sets it up, or asks as it would; the exit code says
/// how that went.
pub async fn connect_client(arguments: &Arguments, server: Server<'_>, env: &Env) -> Exit {
    let Server { url, wants_key, key_file } = server;
    let surroundings = Surroundings {
        url,
        wants_key,
        key_file,
        variable: &|name| env.get(name).map(Into::into),
        http: &|url| http_to(url).map_err(|cause| format!("{cause:#}")),
    };
    let Outcome { text, problem } = connect::run(arguments, &surroundings).await;
    if !text.is_empty() {
        Exit::Success.print(&text);
    }
    let Some(problem) = problem else { return Exit::Success };
    let exit = if problem.is_usage() { Exit::Usage } else { Exit::Failure };
    exit.eprint(&format!("{:#}", anyhow::Error::from(problem)))
}

/// The client for a check: it trusts whom this machine trusts, and follows no redirects.
fn http_to(url: &str) -> anyhow::Result<reqwest::Client> {
    let transport = Transport::connect(&ConnectConfig::new(url.parse()?))?;
    Ok(transport.http().clone())
}
