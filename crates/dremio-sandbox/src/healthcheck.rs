//! `dremio-sandbox healthcheck`: for an image in which there is no curl and no shell.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Shorter than what container engines allow a health check by default.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The answer is a few hundred bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Whether `GET /apiv2/server_status` answers 200 `"OK"`.
pub(crate) async fn check(uri: &str) -> bool {
    tokio::time::timeout(TIMEOUT, status_is_ok(uri)).await.is_ok_and(|answer| answer == Some(true))
}

async fn status_is_ok(uri: &str) -> Option<bool> {
    let host = uri.strip_prefix("http://")?.split('/').next()?;
    let mut stream = TcpStream::connect(host).await.ok()?;
    let request =
        format!("GET /apiv2/server_status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await.ok()?;
    Some(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\"OK\""))
}
