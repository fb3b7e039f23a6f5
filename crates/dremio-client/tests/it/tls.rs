//! Which servers the client trusts. The certificates are made by `certificates/generate.sh`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use dremio_client::{ConnectConfig, ConnectError, DremioClient, Error, ErrorClass, Transport};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

fn certificate_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/certificates").join(name)
}

/// An HTTPS server with this certificate that accepts every token. It lives as long as the test
/// process.
fn server(certificate: &str) -> SocketAddr {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate_file(certificate))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate_file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut stream = StreamOwned::new(
                ServerConnection::new(Arc::clone(&config)).unwrap(),
                socket.unwrap(),
            );
            // A client without trust ends the handshake: the read fails, and the next connection is
            // served.
            if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                      Content-Length: 4\r\nConnection: close\r\n\r\ntrue",
                );
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

fn config(host: &str, address: SocketAddr, ca_file: Option<&str>) -> ConnectConfig {
    let uri = format!("https://{host}:{}", address.port()).parse().unwrap();
    ConnectConfig { ca_file: ca_file.map(certificate_file), ..ConnectConfig::new(uri) }
}

async fn probe(config: &ConnectConfig) -> Result<(), Error> {
    DremioClient::new(Transport::connect(config).unwrap()).probe(&"7k2m0q5c".into()).await
}

/// Checks that the connection is refused for the reason that `part` names.
async fn check_refused(config: &ConnectConfig, part: &str) {
    let error = probe(config).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
    assert!(error.to_string().contains(part), "{error}");
    assert!(!error.is_transient(), "someone has to mend this");
}

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let address = server("signed.pem");
    probe(&config("localhost", address, Some("authority.pem"))).await.unwrap();
    probe(&config("127.0.0.1", address, Some("authority.pem"))).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_is_not() {
    let mut config = config("localhost", server("signed.pem"), Some("self-signed.pem"));
    check_refused(&config, "set DREMIO_CA_FILE").await;
    config.tls_verify = false;
    probe(&config).await.unwrap();
}

#[tokio::test]
async fn a_certificate_must_be_current_and_for_this_host() {
    check_refused(
        &config("localhost", server("expired.pem"), Some("authority.pem")),
        "has expired",
    )
    .await;
    check_refused(
        &config("localhost", server("other-name.pem"), Some("authority.pem")),
        "another host name",
    )
    .await;
}

#[tokio::test]
async fn a_configured_self_signed_certificate_is_trusted() {
    let address = server("self-signed.pem");
    probe(&config("localhost", address, Some("self-signed.pem"))).await.unwrap();
    probe(&config("127.0.0.1", address, Some("self-signed.pem"))).await.unwrap();
    // Only that certificate, and only under its names.
    let refused = probe(&config("localhost", address, Some("authority.pem"))).await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Tls, "{refused:?}");
    check_refused(
        &config("[::ffff:127.0.0.1]", address, Some("self-signed.pem")),
        "another host name",
    )
    .await;
    check_refused(&config("localhost", server("expired.pem"), Some("expired.pem")), "has expired")
        .await;
    // A certificate signed by another authority needs that authority.
    check_refused(
        &config("localhost", server("signed.pem"), Some("signed.pem")),
        "set DREMIO_CA_FILE",
    )
    .await;
}

#[tokio::test]
async fn plain_http_and_a_bad_certificate_are_distinguished() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let _ =
                socket.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    check_refused(
        &config("localhost", address, Some("authority.pem")),
        "should DREMIO_URI start with http://",
    )
    .await;
}

#[test]
fn a_bad_ca_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let connect = |path: PathBuf| {
        let uri = "https://localhost:9047".parse().unwrap();
        Transport::connect(&ConnectConfig { ca_file: Some(path), ..ConnectConfig::new(uri) })
            .unwrap_err()
    };
    let error = connect(folder.path().join("absent.pem"));
    assert!(matches!(error, ConnectError::CaFileUnreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("absent.pem"), "{error}");
    for content in ["", "hello", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        let error = connect(file("no.pem", content));
        assert!(matches!(error, ConnectError::CaFileNotPem { .. }), "{content:?}: {error:?}");
    }
    // A key instead of a certificate.
    let error = connect(certificate_file("server.key"));
    assert!(matches!(error, ConnectError::CaFileNotPem { .. }), "{error:?}");
    let error = connect(file(
        "garbage.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    ));
    assert!(matches!(error, ConnectError::CaFileCertificate { .. }), "{error:?}");
}

#[test]
fn plain_http_needs_no_certificate_authority() {
    let uri = "http://localhost:9047".parse().unwrap();
    let config =
        ConnectConfig { ca_file: Some(PathBuf::from("/absent.pem")), ..ConnectConfig::new(uri) };
    Transport::connect(&config).unwrap();
}
