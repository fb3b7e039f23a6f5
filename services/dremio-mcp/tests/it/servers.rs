//! The servers that stand behind the official engine in tests: the imitation, and Dremio's own
//! where it is installed.

use crate::setting::Setting;
use crate::support::TRANSPORTS;

/// A gateway over each of them, over stdio and over HTTP, with these settings, and a description of
/// it.
pub(crate) async fn each(settings: &[(&str, &str)]) -> Vec<(String, Setting)> {
    let mut all = Vec::new();
    for transport in TRANSPORTS {
        all.extend(each_over(transport, settings).await);
    }
    all
}

/// A gateway over each of them, over this transport.
pub(crate) async fn each_over(
    transport: &[(&str, &str)],
    settings: &[(&str, &str)],
) -> Vec<(String, Setting)> {
    let mut all = Vec::new();
    for server in dremios_own() {
        let mut settings = [settings, transport].concat();
        settings.push(("MCP_SERVER_COMMAND", &server));
        all.push((format!("{server} {transport:?}"), Setting::with(&settings).await));
    }
    all
}

/// The command lines of Dremio's own server. `DREMIO_MCP_SERVER` names the installed one; without,
/// the imitation alone is tested, and the test says so.
pub(crate) fn dremios_own() -> Vec<String> {
    let imitation = format!("{} Dremio", stdio_fixture::executable().display());
    let installed = std::env::var_os("DREMIO_MCP_SERVER").filter(|command| !command.is_empty());
    let installed = installed.map(|command| command.into_string().unwrap());
    #[expect(clippy::print_stderr, reason = "nobody must take this for a test that ran")]
    if installed.is_none() {
        eprintln!(
            "NOT TESTED with Dremio's own server: set DREMIO_MCP_SERVER to its command line \
             (dremio-mcp-server run …). The imitation alone was tested."
        );
    }
    std::iter::once(imitation).chain(installed).collect()
}
