//! A scripted HTTP server: it answers each connection with the next entry of its script, and
//! records what it received.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dremio_client::{ConnectConfig, DremioClient, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Limit for a call to a server that answers: generous.
const PATIENCE: Duration = Duration::from_secs(20);

/// Limit for a call to a server that does not answer: the test waits this long.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// What the server does with a connection after reading the request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends this and closes.
    Send(Vec<u8>),
    /// Sends this and resets the connection.
    SendAndReset(Vec<u8>),
    /// Sends this and then nothing more, with the connection open.
    SendAndStall(Vec<u8>),
    /// Sends this, then one byte every few milliseconds without end.
    Drip(Vec<u8>),
}

/// A complete answer with a `Content-Length`.
pub(crate) fn answer(status: u16, content_type: &str, body: &str) -> Reply {
    let content_type = match content_type {
        "" => String::new(),
        content_type => format!("Content-Type: {content_type}\r\n"),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Status\r\n{content_type}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    Reply::Send(text.into_bytes())
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    answer(status, "application/json", body)
}

/// A 204.
pub(crate) fn no_content() -> Reply {
    Reply::Send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec())
}

impl Reply {
    fn comes_to_an_end(&self) -> bool {
        matches!(self, Reply::Send(_) | Reply::SendAndReset(_))
    }
}

pub(crate) struct Stub {
    address: SocketAddr,
    request_timeout: Duration,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stub {
    /// Starts a server. The last entry of the script repeats.
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut script: VecDeque<Reply> = script.into_iter().collect();
        let request_timeout =
            if script.iter().all(Reply::comes_to_an_end) { PATIENCE } else { IMPATIENCE };
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let reply =
                    if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
                tokio::spawn(serve(stream, reply.unwrap(), Arc::clone(&seen)));
            }
        });
        Self { address, request_timeout, requests, task }
    }

    pub(crate) fn client(&self) -> DremioClient {
        client_with(&format!("http://{}", self.address), self.request_timeout)
    }

    /// The requests so far: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn client(uri: &str) -> DremioClient {
    client_with(uri, PATIENCE)
}

fn client_with(uri: &str, request_timeout: Duration) -> DremioClient {
    let config = ConnectConfig { request_timeout, ..ConnectConfig::new(uri.parse().unwrap()) };
    DremioClient::new(Transport::connect(&config).unwrap())
}

async fn serve(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    let request = read_request(&mut stream).await;
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::SendAndReset(bytes) => {
            let _ = stream.write_all(&bytes).await;
            stream.set_zero_linger().unwrap();
        }
        Reply::SendAndStall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
        Reply::Drip(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}
