//! The folder of the token files, which may be on a volume that hangs.
//!
//! Reads and writes run on one thread of their own, in order. When one hangs, the caller gets
//! [`VolumeError::Stuck`] after a time limit; everything else continues, and neither the runtime
//! nor the process waits for it at exit.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use token_file::gateway_key::{self, EnsureError, Ensured};
use token_file::{AccountName, ReadError, Removed, Token, WriteError, Writer};
use tokio::sync::{mpsc, oneshot};

use crate::account_folder::ACCOUNTS_MAX;
use crate::failure::Failure;

/// Limit for one read or write. A disk needs milliseconds, but a sync on a busy disk has been seen
/// to take seconds.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// How many requests may wait. Each account has one at a time; more are those of a volume that
/// hangs.
const WAITING_MAX: usize = 2 * ACCOUNTS_MAX;

/// Why a read or write failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError<E> {
    /// The error.
    #[error(transparent)]
    Failed(E),
    /// No answer within the limit.
    #[error("the volume of the token file does not answer; check the storage that it is on")]
    Stuck,
}

impl VolumeError<ReadError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

impl VolumeError<WriteError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

impl VolumeError<EnsureError> {
    pub(crate) fn failure(self) -> Failure {
        let reason = match &self {
            VolumeError::Failed(error) => error.reason(),
            VolumeError::Stuck => "volume_stuck",
        };
        Failure::of(reason, self)
    }
}

enum Request {
    Open(PathBuf, oneshot::Sender<Result<(), WriteError>>),
    Read(PathBuf, oneshot::Sender<Result<Token, ReadError>>),
    Write(PathBuf, Token, oneshot::Sender<Result<(), WriteError>>),
    EnsureKey(oneshot::Sender<Result<Ensured, EnsureError>>),
    RemoveOthers(BTreeSet<Option<AccountName>>, oneshot::Sender<Result<Sweep, Infallible>>),
}

/// What was removed, and why that was not all.
pub(crate) type Sweep = (Vec<Removed>, io::Result<()>);

/// A handle to the thread. The thread ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Volume {
    requests: mpsc::Sender<Request>,
    token_file: PathBuf,
}

/// The token file of one account.
pub(crate) struct AccountFile {
    volume: Volume,
    path: PathBuf,
}

impl Volume {
    /// Starts the thread; `token_file` is that of the single account. It does no I/O yet.
    pub(crate) fn start(token_file: PathBuf) -> io::Result<Volume> {
        let (requests, mut received) = mpsc::channel(WAITING_MAX);
        let mut worker = Worker { token_file: token_file.clone(), writers: BTreeMap::new() };
        thread::Builder::new().name("volume".to_owned()).spawn(move || {
            while let Some(request) = received.blocking_recv() {
                worker.serve(request);
            }
        })?;
        Ok(Volume { requests, token_file })
    }

    pub(crate) fn file_of(&self, account: Option<&AccountName>) -> AccountFile {
        let path = account.map_or_else(
            || self.token_file.clone(),
            |account| account.token_file(&self.token_file),
        );
        AccountFile { volume: self.clone(), path }
    }

    /// Creates the gateway key if there is none.
    pub(crate) async fn ensure_key(&self) -> Result<Ensured, VolumeError<EnsureError>> {
        self.ask(Request::EnsureKey).await
    }

    /// Removes the token files of all accounts but these.
    pub(crate) async fn remove_others(
        &self,
        kept: BTreeSet<Option<AccountName>>,
    ) -> Result<Sweep, VolumeError<Infallible>> {
        self.ask(|reply| Request::RemoveOthers(kept, reply)).await
    }

    async fn ask<T, E>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Request,
    ) -> Result<T, VolumeError<E>> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(request(reply)).map_err(|_| VolumeError::Stuck)?;
        match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(Ok(result)) => result.map_err(VolumeError::Failed),
            _ => Err(VolumeError::Stuck),
        }
    }
}

impl AccountFile {
    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }

    /// Runs the write check of [`Writer::open`], until it has succeeded once.
    pub(crate) async fn open(&self) -> Result<(), VolumeError<WriteError>> {
        self.volume.ask(|reply| Request::Open(self.path.clone(), reply)).await
    }

    pub(crate) async fn read(&self) -> Result<Token, VolumeError<ReadError>> {
        self.volume.ask(|reply| Request::Read(self.path.clone(), reply)).await
    }

    pub(crate) async fn write(&self, token: Token) -> Result<(), VolumeError<WriteError>> {
        self.volume.ask(|reply| Request::Write(self.path.clone(), token, reply)).await
    }
}

struct Worker {
    token_file: PathBuf,
    /// Created at the first success: a full disk at the start is no reason not to start.
    writers: BTreeMap<PathBuf, Writer>,
}

impl Worker {
    /// The caller may have given up; it sees the result at the next check of the file.
    fn serve(&mut self, request: Request) {
        match request {
            Request::Open(path, reply) => drop(reply.send(self.writer(path).map(|_| ()))),
            Request::Read(path, reply) => drop(reply.send(token_file::read(&path))),
            Request::Write(path, token, reply) => {
                drop(reply.send(self.writer(path).and_then(|writer| writer.write(&token))));
            }
            Request::EnsureKey(reply) => drop(reply.send(gateway_key::ensure(&self.token_file))),
            Request::RemoveOthers(kept, reply) => {
                let mut removed = Vec::new();
                let result =
                    token_file::remove_others(&self.token_file, &kept, |it| removed.push(it));
                self.writers.retain(|path, _| path.exists());
                drop(reply.send(Ok((removed, result))));
            }
        }
    }

    fn writer(&mut self, path: PathBuf) -> Result<&Writer, WriteError> {
        match self.writers.entry(path) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                if *place.key() != self.token_file {
                    token_file::ensure_accounts_folder(&self.token_file)?;
                }
                let writer = Writer::open(place.key().clone())?;
                Ok(place.insert(writer))
            }
        }
    }
}
