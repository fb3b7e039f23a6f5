//! Why there is no trusted TLS connection, as far as somebody must act differently.

/// What is wrong with a TLS connection; the text names the cure where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsProblem {
    /// No authority that is trusted has signed the certificate.
    #[error(
        "its certificate is not signed by a known authority; set DREMIO_CA_FILE to the \
         authority's certificate"
    )]
    UnknownIssuer,
    /// The certificate's time is over.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate's time has not begun.
    #[error("its certificate is not valid yet; is this machine's clock right?")]
    NotValidYet,
    /// The certificate is for other names.
    #[error("its certificate is for another host name; use that name in DREMIO_URI")]
    OtherName {
        /// The host names that it is for, as far as they look like such.
        names: Vec<String>,
    },
    /// Something else about the certificate.
    #[error("its certificate is not acceptable")]
    Unacceptable,
    /// What answers is no TLS.
    #[error("the port does not speak TLS; should DREMIO_URI start with http://?")]
    NotTls,
    /// The two sides have nothing in common, or the other one gave up.
    #[error("the handshake failed")]
    Handshake,
}

impl TlsProblem {
    pub(crate) fn of(error: &rustls::Error) -> Self {
        use rustls::CertificateError as Certificate;
        use rustls::Error as Tls;
        match error {
            Tls::InvalidCertificate(Certificate::UnknownIssuer) => Self::UnknownIssuer,
            Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
                Self::Expired
            }
            Tls::InvalidCertificate(
                Certificate::NotValidYet | Certificate::NotValidYetContext { .. },
            ) => Self::NotValidYet,
            Tls::InvalidCertificate(Certificate::NotValidForName) => {
                Self::OtherName { names: Vec::new() }
            }
            Tls::InvalidCertificate(Certificate::NotValidForNameContext { presented, .. }) => {
                Self::OtherName { names: presented.iter().filter_map(|name| dns(name)).collect() }
            }
            Tls::InvalidCertificate(_) => Self::Unacceptable,
            Tls::InvalidMessage(_) => Self::NotTls,
            _ => Self::Handshake,
        }
    }
}

/// The name in `DnsName("dremio.example")`, as the library writes what a certificate holds.
fn dns(presented: &str) -> Option<String> {
    let name = presented.strip_prefix("DnsName(\"")?.strip_suffix("\")")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (!name.is_empty() && name.bytes().all(is_plain)).then(|| name.to_owned())
}
