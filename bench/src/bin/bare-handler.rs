//! The limit of what any bridge can do here: hyper with a handler that parses the request and
//! answers it, without key, session, limits, log or child. `bare-handler PORT` listens on loopback.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).context("bare-handler PORT")?.parse()?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(handle))
                .await;
            // A client that leaves in the middle is no news to a benchmark.
            drop(served);
        });
    }
}

async fn handle(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut text = Vec::new();
    if let Ok(body) = request.into_body().collect().await {
        // A `Vec` takes everything.
        let _ = bench::answer(&body.to_bytes(), &mut text);
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
