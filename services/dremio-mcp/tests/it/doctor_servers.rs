//! Servers that are not as the doctor would have them: TLS in front of a Dremio, an answer that is
//! always the same, a reverse proxy that does it wrong.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConnection, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The certificates of the TLS tests.
pub(crate) fn certificate_file(name: &str) -> PathBuf {
    let folder = "../../crates/dremio-client/tests/it/certificates";
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

/// A TLS server with this certificate in front of `behind`. Lives as long as the test process.
pub(crate) fn tls_in_front_of(behind: SocketAddr, certificate: &str) -> SocketAddr {
    use std::io::{Read, Write};
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
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().map(Result::unwrap) {
            let config = Arc::clone(&config);
            std::thread::spawn(move || {
                let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
                let mut request = vec![0; 16 * 1024];
                // A client without trust, or without TLS, ends here.
                let Ok(bytes @ 1..) = tls.read(&mut request) else { return };
                let mut upstream = std::net::TcpStream::connect(behind).unwrap();
                upstream.write_all(&closing(&request[..bytes])).unwrap();
                let mut answer = Vec::new();
                upstream.read_to_end(&mut answer).unwrap();
                let _ = tls.write_all(&answer);
                tls.conn.send_close_notify();
                let _ = tls.flush();
            });
        }
    });
    address
}

/// The request, after whose answer the server closes.
fn closing(request: &[u8]) -> Vec<u8> {
    let end = request.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    [&request[..end], b"connection: close\r\n", &request[end..]].concat()
}

/// A server that answers everything with these bytes, and closes.
pub(crate) async fn always(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer).await;
            });
        }
    });
    address
}

/// What a reverse proxy does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// Nothing.
    Right,
    /// Takes the key away.
    DropsAuthorization,
    /// Sends an answer when it has all of it.
    Buffers,
    /// Calls the gateway by another name.
    OtherHost,
}

/// A reverse proxy in front of the gateway at `behind`.
pub(crate) async fn proxy(behind: SocketAddr, kind: Proxy) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, behind, kind));
        }
    });
    address
}

async fn pass(mut client: TcpStream, behind: SocketAddr, kind: Proxy) {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 16 * 1024];
        let Ok(bytes @ 1..) = client.read(&mut part).await else { return };
        request.extend_from_slice(&part[..bytes]);
        // Head and body of a small request come in one or two parts.
        if is_whole(&request) {
            break;
        }
    }
    let text = String::from_utf8(request).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !(kind == Proxy::DropsAuthorization && name == "authorization"
            || kind == Proxy::OtherHost && name == "host")
    });
    let mut head = lines.collect::<Vec<_>>().join("\r\n");
    if kind == Proxy::OtherHost {
        head.push_str("\r\nhost: upstream.example");
    }
    let request = closing(format!("{head}\r\n\r\n{body}").as_bytes());
    let mut upstream = TcpStream::connect(behind).await.unwrap();
    upstream.write_all(&request).await.unwrap();
    if kind == Proxy::Buffers {
        let mut answer = Vec::new();
        let _ = upstream.read_to_end(&mut answer).await;
        let _ = client.write_all(&answer).await;
    } else {
        let _ = tokio::io::copy(&mut upstream, &mut client).await;
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}
