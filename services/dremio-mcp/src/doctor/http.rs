//! Requests to servers other than Dremio: without redirects and proxies, and with the trust that
//! the gateway has.

use dremio_client::{ConnectConfig, Transport};
use reqwest::{Client, Response};
use url::{Position, Url};

use super::{CHECK_MAX, Doctor};

/// Most of an answer that is looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client for the server of `url`. `None` when this machine trusts no authority at all.
pub(super) fn client(doctor: &Doctor, url: &Url) -> Option<Client> {
    let uri = url[..Position::BeforePath].parse().ok()?;
    let config = ConnectConfig {
        ca_file: doctor.config.dremio.ca_file.clone(),
        connect_timeout: CHECK_MAX,
        request_timeout: CHECK_MAX,
        ..ConnectConfig::new(uri)
    };
    // A file that is no good is a finding of its own.
    let transport = Transport::connect(&config)
        .or_else(|_| Transport::connect(&ConnectConfig { ca_file: None, ..config }));
    Some(transport.ok()?.http().clone())
}

/// The body, up to a limit; what came of it, if it breaks off.
pub(super) async fn body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            body.truncate(ANSWER_BYTES_MAX);
            break;
        }
    }
    body
}
