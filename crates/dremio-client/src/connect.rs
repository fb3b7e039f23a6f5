//! The settings of a connection to Dremio, and why it could not be prepared.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::uri::DremioUri;

/// Dremio's address, trusted certificates and time limits.
#[derive(Clone, Debug)]
pub struct ConnectConfig {
    /// The base address.
    pub uri: DremioUri,
    /// Certificates (PEM) of authorities that are trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether Dremio's certificate is verified. `false` accepts any impostor.
    pub tls_verify: bool,
    /// Limit for a new connection, including the TLS handshake.
    pub connect_timeout: Duration,
    /// Limit for a whole call, from the first byte sent to the last byte received. A page of
    /// results may take [`PAGE_PATIENCE`](crate::PAGE_PATIENCE) times as long, if Dremio keeps
    /// sending.
    pub request_timeout: Duration,
}

impl ConnectConfig {
    /// Certificates are verified against the system's authorities; 5 s for a connection, 30 s for a
    /// call. Both limits are guesses: a healthy Dremio connects in milliseconds and answers a login
    /// within a second.
    #[must_use]
    pub fn new(uri: DremioUri) -> Self {
        Self {
            uri,
            ca_file: None,
            tls_verify: true,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a [`Transport`](crate::Transport) could not be made. These are mistakes in the configuration
/// or the machine; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The file of extra authorities cannot be read.
    #[error("the CA file {} cannot be read", path.display())]
    CaFileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file of extra authorities has no certificate in PEM form.
    #[error(
        "the CA file {} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
        path.display()
    )]
    CaFileNotPem {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file cannot be used.
    #[error("the CA file {} holds a certificate that cannot be used", path.display())]
    CaFileCertificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// `https` without any trusted authority.
    #[error(
        "no trusted certificate authority was found; install the system's CA certificates or set \
         DREMIO_CA_FILE"
    )]
    NoRoots,
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up")]
    Tls {
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client refused its settings.
    #[error("the HTTP client cannot be set up")]
    Http {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}
