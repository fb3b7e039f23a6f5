//! The limits of what a bridge can do here: hyper with a handler that parses the request, without
//! key, session, limits or log. `bare-handler PORT` listens on loopback and answers by itself;
//! `bare-handler PORT CHILD` has the child answer over its pipes. The child answers in order, so no
//! id has to be replaced or looked up.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, mpsc, oneshot};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().context("bare-handler PORT [CHILD]")?.parse()?;
    let bridge = arguments.next().map(|program| Bridge::start(&program)).transpose()?;
    let bridge = bridge.map(Arc::new);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let bridge = bridge.clone();
        tokio::spawn(async move {
            let handle = |request| handle(request, bridge.as_deref());
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(handle))
                .await;
            // A client that leaves in the middle is no news to a benchmark.
            drop(served);
        });
    }
}

async fn handle(
    request: Request<Incoming>,
    bridge: Option<&Bridge>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut text = Vec::new();
    if let Ok(body) = request.into_body().collect().await {
        let body = body.to_bytes();
        // A `Vec` takes everything.
        let _ = bench::answer(&body, &mut text);
        if let Some(bridge) = bridge.filter(|_| !text.is_empty()) {
            text = bridge.call(&body).await.unwrap_or_default();
        }
    }
    let is_accepted = text.is_empty();
    let mut response = Response::new(Full::new(Bytes::from(text)));
    if is_accepted {
        *response.status_mut() = StatusCode::ACCEPTED;
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("mcp-session-id", HeaderValue::from_static("bare"));
    Ok(response)
}

/// A child that answers each line with a line.
struct Bridge {
    outbox: Mutex<Outbox>,
    _child: Child,
}

/// The child's input, and where those stand who wait for its next answers.
struct Outbox {
    stdin: ChildStdin,
    waiting: mpsc::UnboundedSender<oneshot::Sender<Vec<u8>>>,
}

impl Bridge {
    fn start(program: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (waiting, queue) = mpsc::unbounded_channel();
        tokio::spawn(deliver(stdout.context("no output")?, queue));
        let outbox = Outbox { stdin: stdin.context("no input")?, waiting };
        Ok(Self { outbox: Mutex::new(outbox), _child: child })
    }

    async fn call(&self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let line = [body, b"\n"].concat();
        let (answer, answered) = oneshot::channel();
        {
            let mut outbox = self.outbox.lock().await;
            outbox.waiting.send(answer)?;
            outbox.stdin.write_all(&line).await?;
        }
        Ok(answered.await?)
    }
}

async fn deliver(
    stdout: ChildStdout,
    mut queue: mpsc::UnboundedReceiver<oneshot::Sender<Vec<u8>>>,
) -> anyhow::Result<()> {
    let mut answers = BufReader::new(stdout);
    while let Some(waiting) = queue.recv().await {
        let mut line = Vec::new();
        answers.read_until(b'\n', &mut line).await?;
        // Its client has left.
        drop(waiting.send(line));
    }
    Ok(())
}
