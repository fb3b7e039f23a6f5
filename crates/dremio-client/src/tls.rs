//! Whom to trust on the other end of a connection.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::connect::{ConnectConfig, ConnectError};

/// The TLS settings for `config`. The crypto provider is passed explicitly, so that nothing has to
/// be installed process-wide.
pub(crate) fn client_config(config: &ConnectConfig) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| ConnectError::Tls { source })?;
    if !config.uri.is_https() {
        // Never used, but the HTTP client insists on having one. It trusts nobody.
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

fn roots(
    ca_file: Option<&Path>,
    configured: &[CertificateDer<'static>],
) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    // The system's store often has a few odd entries: take what can be used. Nothing usable at all
    // is caught below.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in configured {
        roots.add(certificate.clone()).map_err(|source| ConnectError::CaFileCertificate {
            path: ca_file.unwrap_or(Path::new("")).to_owned(),
            source,
        })?;
    }
    match roots.is_empty() {
        true => Err(ConnectError::NoRoots),
        false => Ok(roots),
    }
}

fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let content = fs::read(path)
        .map_err(|source| ConnectError::CaFileUnreadable { path: path.to_owned(), source })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&content)
        .collect::<Result<_, _>>()
        .map_err(|_| ConnectError::CaFileNotPem { path: path.to_owned() })?;
    match certificates.is_empty() {
        true => Err(ConnectError::CaFileNotPem { path: path.to_owned() }),
        false => Ok(certificates),
    }
}

/// Trusts the authorities of the system and of the CA file, and servers that present a certificate
/// of the CA file itself.
///
/// The latter is for the certificate that many a Dremio has: self-signed by `openssl req -x509`,
/// which marks it as an authority. The standard verifier rejects an authority in the role of a
/// server, for reasons that do not hold when exactly this certificate was named as trusted. Its
/// period of validity and its names count as ever.
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
    ) -> Result<TrustConfigured, ConnectError> {
        let roots = roots(ca_file, &configured)?;
        // It fails only without any root, and `roots` has seen to that.
        let standard = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| ConnectError::NoRoots)?;
        Ok(TrustConfigured { standard, configured })
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
            // "Other" is, among exotic defects, the one about roles. It is found after the period
            // of validity has been checked, and before the name.
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

/// Trusts whoever answers: `DREMIO_TLS_VERIFY=false`. The connection is then safe from listeners,
/// not from impostors. Signatures of the handshake are still checked, which keeps broken peers
/// apart from deliberate ones.
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
