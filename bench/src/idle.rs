//! Clients that do nothing: what their sessions cost, and whether connections that never say a word
//! keep others out.

use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::mcp::{Client, Endpoint, Era};
use crate::process_table::{Usage, open_files, usage};
use crate::subject::{Programs, Running, Subject};

/// Time for a server to settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// How long the one that speaks may wait among those that do not.
const SERVED_WAIT_MAX: Duration = Duration::from_secs(60);

/// How clients rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The session is open, the connection closed.
    Away,
    /// Connected, with the stream of the session open, as the SDKs' clients do.
    Listening,
}

/// Opens `count` legacy sessions; what the server used before and with them.
///
/// # Errors
/// When one is refused, or does not work any more afterwards.
pub(crate) async fn sessions(
    running: &Running,
    count: usize,
    rest: Rest,
) -> anyhow::Result<(Usage, Usage)> {
    tokio::time::sleep(SETTLE).await;
    let before = usage(running.pid);
    let (mut ids, mut open) = (Vec::with_capacity(count), Vec::new());
    for number in 0..count {
        let mut client = Client::connect(&running.endpoint, Era::Legacy)
            .await
            .with_context(|| format!("session {number}"))?;
        ids.extend(client.session());
        if rest == Rest::Listening {
            let stream = client.listen(None).await.with_context(|| format!("stream {number}"))?;
            open.push((client, stream));
        }
    }
    tokio::time::sleep(SETTLE).await;
    let with = usage(running.pid);
    for (number, id) in ids.iter().enumerate().step_by(count.div_ceil(20)) {
        let mut client = Client::silent(&running.endpoint, Era::Legacy).await?;
        client.resume(id.clone());
        client
            .echo(1, &format!("session {number}"))
            .await
            .with_context(|| format!("session {number} of {count}"))?;
    }
    Ok((before, with))
}

/// How one client fared among many that said nothing.
#[derive(Debug)]
pub(crate) struct Served {
    /// Those whose connection the server's machine took.
    pub(crate) connected: usize,
    /// From connecting to the checked answer, for a client that came right after them, and for one
    /// 15 s later.
    pub(crate) first: anyhow::Result<Duration>,
    pub(crate) later: anyhow::Result<Duration>,
    pub(crate) open_files: usize,
    pub(crate) rss_mb: f64,
    pub(crate) accept_failures: usize,
}

/// Starts the gateway with `files_max` open files, and puts `count` silent connections in front of
/// one that speaks.
///
/// # Errors
/// When this process may not have enough files open itself.
pub(crate) async fn silent(
    programs: &Programs,
    count: usize,
    files_max: u64,
) -> anyhow::Result<Served> {
    let own = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(count)? + 500;
    ensure!(
        own.maximum.is_none_or(|maximum| maximum >= wanted),
        "the hard limit of open files is below {wanted}"
    );
    // The gateway inherits the limit with which it is started; whether it raises it itself is its
    // own business.
    setrlimit(Resource::Nofile, Rlimit { current: Some(files_max), maximum: own.maximum })?;
    let started = Subject::Gateway.start(programs, &[]).await;
    setrlimit(Resource::Nofile, Rlimit { current: own.maximum, maximum: own.maximum })?;
    let (running, _) = started?;
    let mut mute = Vec::with_capacity(count);
    for _ in 0..count {
        match tokio::time::timeout(
            Duration::from_secs(2),
            TcpStream::connect(running.endpoint.addr),
        )
        .await
        {
            Ok(Ok(stream)) => mute.push(stream),
            _ => break,
        }
    }
    let first = speak(&running.endpoint).await;
    let open_files = open_files(running.pid);
    let rss_mb = usage(running.pid).own_rss_mb;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let later = speak(&running.endpoint).await;
    let accept_failures = running.log().matches("accept failed").count();
    let connected = mute.len();
    drop(mute);
    Ok(Served { connected, first, later, open_files, rss_mb, accept_failures })
}

async fn speak(endpoint: &Endpoint) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let served = tokio::time::timeout(SERVED_WAIT_MAX, async {
        Client::connect(endpoint, Era::Legacy).await?.echo(1, "among the silent").await
    });
    served.await.context("not served")??;
    Ok(began.elapsed())
}
