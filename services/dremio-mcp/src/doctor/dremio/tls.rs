//! Whether Dremio's certificate is trusted, now and for a while.

use std::time::Duration;

use dremio_client::{ConnectError, DremioClient, Error, TlsProblem, Transport};

use crate::doctor::finding::{Cure, Finding};
use crate::doctor::{CHECK_MAX, Doctor};

/// A certificate that ends so soon should have been renewed: authorities that issue for 90 days
/// renew 30 before the end.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// For a server that has been called and is trusted now.
pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let config = &doctor.config.dremio;
    let warning = |text: &str| vec![Finding::warning("tls", text)];
    if !config.uri.is_https() {
        return Vec::new();
    }
    if !config.tls_verify {
        let text = "the certificate is not checked: anyone between here and Dremio can read and \
                    change everything";
        let finding = Finding::warning("tls", text);
        return vec![finding.with_cure(Cure::Set("DREMIO_TLS_VERIFY=true".to_owned()))];
    }
    let Ok(later) = Transport::connect_as_in(config, SOON) else { return Vec::new() };
    match DremioClient::new(later).within(CHECK_MAX).greet().await {
        Err(Error::Tls { problem: TlsProblem::Expired, .. }) => {
            warning("the certificate is trusted, and ends within 14 days: renew it")
        }
        _ => {
            let text = "the certificate is trusted, and good for more than 14 days";
            vec![Finding::good("tls", text)]
        }
    }
}

/// The settings for TLS cannot be used.
pub(super) fn unusable(doctor: &Doctor, cause: ConnectError) -> Finding {
    let cure = match &cause {
        ConnectError::NoRoots => Cure::Run("sudo apt-get install ca-certificates".to_owned()),
        _ => other_authority(doctor),
    };
    Finding::bad("tls", format!("{:#}", anyhow::Error::from(cause)), cure)
}

/// The server's certificate is refused.
pub(super) fn refused(doctor: &Doctor, problem: &TlsProblem) -> Finding {
    let uri = &doctor.config.dremio.uri;
    let (host, port) = (uri.host(), uri.port());
    let text = |what: &str| format!("the certificate of {host}:{port} {what}");
    let (text, cure) = match problem {
        TlsProblem::UnknownIssuer => {
            (text("is not signed by an authority that is known here"), other_authority(doctor))
        }
        TlsProblem::Expired => (
            text("has expired"),
            Cure::Change(format!("give {host}:{port} a certificate that has not ended")),
        ),
        TlsProblem::NotValidYet => (
            text("is not valid yet by this machine's clock"),
            Cure::Run("sudo timedatectl set-ntp true".to_owned()),
        ),
        TlsProblem::OtherName { names } => {
            let name = names.first().map_or("NAME-IN-THE-CERTIFICATE", String::as_str);
            let line = format!("DREMIO_URI=https://{name}:{port}");
            (text("is for another name"), Cure::Set(line))
        }
        other => (
            text(&format!("cannot be used: {other}")),
            Cure::Run(format!("openssl s_client -connect {host}:{port}")),
        ),
    };
    Finding::bad("tls", text, cure)
}

fn other_authority(doctor: &Doctor) -> Cure {
    if doctor.site.in_container {
        Cure::Run("scripts/setup.sh --ca-bundle FILE".to_owned())
    } else {
        Cure::Set("DREMIO_CA_FILE=/path/to/the-authority.pem".to_owned())
    }
}
