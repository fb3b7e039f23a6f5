//! Whether the host and port of `DREMIO_URI` take connections from here.

use dremio_client::{Unreached, reach};

use super::seconds;
use crate::doctor::finding::{Cure, Finding};
use crate::doctor::{CHECK_MAX, Doctor};

/// The port of Dremio's REST API.
pub(super) const API_PORT: u16 = 9047;

/// # Errors
/// The one finding, when nobody is reached.
pub(super) async fn check(doctor: &Doctor) -> Result<Vec<Finding>, Vec<Finding>> {
    let uri = &doctor.config.dremio.uri;
    match reach(uri, CHECK_MAX).await {
        Ok(address) => {
            let text = format!("{uri} takes connections, at {address}");
            Ok(vec![Finding::good("address", text)])
        }
        Err(cause) => Err(vec![unreached(doctor, cause)]),
    }
}

fn unreached(doctor: &Doctor, cause: Unreached) -> Finding {
    let uri = &doctor.config.dremio.uri;
    let (host, port) = (uri.host(), uri.port());
    let scheme = if uri.is_https() { "https" } else { "http" };
    let is_loopback = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    let outside = |port| Cure::Set(format!("DREMIO_URI={scheme}://host.docker.internal:{port}"));
    let at_api_port = || Cure::Set(format!("DREMIO_URI={}", uri.with(uri.is_https(), API_PORT)));
    let (text, cure) = match cause {
        Unreached::UnknownName { host } if doctor.site.in_container && host == "dremio" => (
            "no container is called dremio here: DREMIO_URI is not set, and neither of the \
             profiles `sandbox` and `dremio` runs"
                .to_owned(),
            outside(API_PORT),
        ),
        Unreached::UnknownName { host } => (
            format!("the name {host} is not known on this machine"),
            Cure::Set(format!("DREMIO_URI={scheme}://NAME-OR-ADDRESS:{port}")),
        ),
        Unreached::Refused { .. } if doctor.site.in_container && is_loopback => {
            (format!("{host} is this container itself, and no Dremio runs in it"), outside(port))
        }
        Unreached::Refused { host, port } if port != API_PORT => (
            format!("nobody listens on port {port} of {host}; the API of Dremio has {API_PORT}"),
            at_api_port(),
        ),
        Unreached::Refused { host, port } => (
            format!(
                "nobody listens on port {port} of {host}: Dremio does not run there, or still \
                 starts, or listens on 127.0.0.1 alone"
            ),
            doctor.site.run("docker compose up --detach dremio", "sudo systemctl start dremio"),
        ),
        Unreached::Silent { host, port } => (
            format!(
                "port {port} of {host} does not answer within {}: the machine is off, or a \
                 firewall is between",
                seconds(CHECK_MAX)
            ),
            Cure::Change(format!("let this machine through to TCP port {port} of {host}")),
        ),
        other => (
            format!("{:#}", anyhow::Error::from(other)),
            Cure::Set(format!("DREMIO_URI={scheme}://NAME-OR-ADDRESS:{port}")),
        ),
    };
    Finding::bad("address", text, cure)
}
