//! Whether what answers at `DREMIO_URI` is Dremio's REST API.

use std::time::{Duration, Instant};

use dremio_client::{
    ConnectConfig, DremioClient, DremioUri, Error, ErrorClass, Greeting, TlsProblem, Transport,
};

use super::address::API_PORT;
use super::{seconds, tls};
use crate::doctor::finding::{Cure, Finding};
use crate::doctor::{CHECK_MAX, Doctor};

/// How long another address is tried that may be the right one.
const TRY_MAX: Duration = Duration::from_secs(2);

pub(super) struct Api {
    pub(super) findings: Vec<Finding>,
    /// Its answer, if it is Dremio.
    pub(super) greeting: Option<Greeting>,
}

pub(super) async fn check(doctor: &Doctor, client: &DremioClient) -> Api {
    let started = Instant::now();
    match client.greet().await {
        Ok(greeting) => {
            let took = started.elapsed().as_millis();
            let text = format!("Dremio's REST API answers, in {took} ms");
            Api { findings: vec![Finding::good("api", text)], greeting: Some(greeting) }
        }
        Err(cause) => Api { findings: vec![explain(doctor, &cause).await], greeting: None },
    }
}

async fn explain(doctor: &Doctor, cause: &Error) -> Finding {
    let uri = &doctor.config.dremio.uri;
    match cause {
        Error::Tls { problem, .. } if *problem != TlsProblem::NotTls => {
            return tls::refused(doctor, problem);
        }
        // Whatever speaks another language may speak it in the other scheme.
        Error::Tls { .. } | Error::NotHttp { .. } | Error::Interrupted { .. } => {
            return other_scheme(doctor, cause).await;
        }
        Error::NotDremioApi { .. } | Error::NotFound { .. } | Error::Refused { .. } => {
            let finding = other_scheme(doctor, cause).await;
            if matches!(&finding.cure, Some(Cure::Set(_))) {
                return finding;
            }
        }
        _ => {}
    }
    let (text, cure) = match cause.class() {
        ErrorClass::Timeout => (
            format!(
                "{uri} takes connections and does not answer within {}: Dremio is overloaded, or \
                 has stopped in the middle",
                seconds(CHECK_MAX)
            ),
            doctor.site.restart_dremio(),
        ),
        ErrorClass::ServerStatus => (
            format!("{cause}: it still starts, or what is in front of it does not find it"),
            doctor.site.restart_dremio(),
        ),
        _ => (cause.to_string(), right_address(uri)),
    };
    Finding::bad("api", text, cure)
}

/// Tries the other of http and https at the same port.
async fn other_scheme(doctor: &Doctor, cause: &Error) -> Finding {
    let config = &doctor.config.dremio;
    let other = config.uri.with(!config.uri.is_https(), config.uri.port());
    let spoken = |is_https| if is_https { "https" } else { "http" };
    let (said, speaks) = (spoken(config.uri.is_https()), spoken(other.is_https()));
    if is_dremio(&other).await {
        let text = format!("the port speaks {speaks}, and DREMIO_URI says {said}");
        return Finding::bad("api", text, Cure::Set(format!("DREMIO_URI={other}")));
    }
    Finding::bad("api", cause.to_string(), right_address(&config.uri))
}

/// Whether a Dremio answers there, whoever signed its certificate: nothing is sent that matters.
async fn is_dremio(uri: &DremioUri) -> bool {
    let config = ConnectConfig { tls_verify: false, ..ConnectConfig::new(uri.clone()) };
    let Ok(transport) = Transport::connect(&config) else { return false };
    let greeted =
        tokio::time::timeout(TRY_MAX, DremioClient::new(transport).within(TRY_MAX).greet()).await;
    matches!(greeted, Ok(Ok(_)))
}

/// What `DREMIO_URI` should be where something else answers.
fn right_address(uri: &DremioUri) -> Cure {
    let scheme = if uri.is_https() { "https" } else { "http" };
    let host =
        if uri.port() == API_PORT && !uri.has_path() { "HOST-OF-DREMIO" } else { uri.host() };
    Cure::Set(format!("DREMIO_URI={scheme}://{host}:{API_PORT}"))
}
