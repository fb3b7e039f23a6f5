//! Which servers to trust.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::connect::{ConnectConfig, ConnectError};

/// The TLS settings for `config`, for a connection that judges certificates as of `ahead` from now.
/// The crypto provider is passed explicitly, so that none has to be
/// installed for the whole process.
pub(crate) fn client_config(
    config: &ConnectConfig,
    ahead: Duration,
) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let clock = Arc::new(Ahead(ahead));
    let builder = ClientConfig::builder_with_details(Arc::clone(&provider), clock)
        .with_safe_default_protocol_versions()
        .map_err(|source| ConnectError::Tls { source })?;
    if !config.uri.is_https() {
        // Never used, but the HTTP client requires one. It trusts no server.
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    if !config.tls_verify {
        let verifier = Arc::new(AcceptAnyCertificate { provider });
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth());
    }
    let configured = match config.ca_file.as_deref() {
        Some(path) => read_ca_file(path)?,
        None => Vec::new(),
    };
    let verifier = TrustConfigured::new(config.ca_file.as_deref(), configured, provider)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The machine's clock, put forward.
#[derive(Debug)]
struct Ahead(Duration);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = DefaultTimeProvider.current_time()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + self.0))
    }
}

fn roots(
    ca_file: Option<&Path>,
    configured: &[CertificateDer<'static>],
) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    // The system's store often has a few invalid entries: use the valid ones. An empty result is an
    // error below.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in configured {
        roots.add(certificate.clone()).map_err(|source| ConnectError::CaFileCertificate {
            path: ca_file.unwrap_or(Path::new("")).to_owned(),
            source,
        })?;
    }
    if roots.is_empty() { Err(ConnectError::NoRoots) } else { Ok(roots) }
}

fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let content = fs::read(path)
        .map_err(|source| ConnectError::CaFileUnreadable { path: path.to_owned(), source })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&content)
        .collect::<Result<_, _>>()
        .map_err(|_| ConnectError::CaFileNotPem { path: path.to_owned() })?;
    if certificates.is_empty() {
        return Err(ConnectError::CaFileNotPem { path: path.to_owned() });
    }
    Ok(certificates)
}

/// Trusts the authorities of the system and of the CA file, and servers that present a certificate
/// of the CA file itself.
///
/// The latter is for self-signed certificates from `openssl req -x509`, which are common for Dremio
/// and marked as an authority. The standard verifier rejects an authority as a server, for reasons
/// that do not apply when exactly this certificate is configured as trusted. Its validity period
/// and names are checked as usual.
#[derive(Debug)]
struct TrustConfigured {
    standard: Arc<WebPkiServerVerifier>,
    configured: Vec<CertificateDer<'static>>,
}

impl TrustConfigured {
    fn new(
        ca_file: Option<&Path>,
        configured: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConnectError> {
        let roots = roots(ca_file, &configured)?;
        // This fails only without any root, and `roots` has checked that.
        let standard = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| ConnectError::NoRoots)?;
        Ok(Self { standard, configured })
    }
}

impl ServerCertVerifier for TrustConfigured {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.standard.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            // "Other" includes the defect of an authority used as a server. It is found after the
            // check of the validity period, and before that of the name.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.configured.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.standard.supported_verify_schemes()
    }
}

/// Trusts any server: `DREMIO_TLS_VERIFY=false`. The connection is then safe from eavesdroppers,
/// not from impostors. Handshake signatures are still verified, which detects broken peers.
#[derive(Debug)]
struct AcceptAnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
