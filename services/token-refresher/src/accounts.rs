//! The accounts: the single one, if there is one, and those of the folder, which come and go while
//! the service runs. Each has a renewal of its own, and none waits for another.
//!
//! An account that is taken away ends like this: its renewal stops after the step that it is in,
//! its token file is removed, and every token of it is logged out at once. The same happens at the
//! start to token files that are there from accounts that were taken away meanwhile. A stop of the
//! service takes no account away: files and tokens stay for those who use them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use service_kit::admin::Condition;
use service_kit::lifecycle::Shutdown;
use service_kit::wording::{FEW, counted, list};
use token_file::{AccountName, Watchers};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::account_folder::{ACCOUNTS_MAX, AccountFolder, Listing};
use crate::audit;
use crate::config::Login;
use crate::credentials::Origin;
use crate::refresh::{self, Directory};
use crate::renewal::{Renewal, Shared, Wakers};
use crate::revoker::{Replaced, until};

/// How long after a failure the removal of token files is tried again.
const SWEEP_PAUSE: Duration = Duration::from_secs(30);

/// Where accounts come from.
pub(crate) struct Sources {
    /// The single account.
    pub(crate) single: Option<Login>,
    /// The folder of the others, and what is in it.
    pub(crate) folder: Option<(PathBuf, watch::Receiver<Option<Listing>>)>,
}

/// The task that starts and ends accounts.
pub(crate) struct Accounts {
    shared: Arc<Shared>,
    sources: Sources,
    watchers: Watchers,
    /// Where refresh requests find them.
    directory: Directory,
    running: BTreeMap<Option<AccountName>, Shutdown>,
    renewals: JoinSet<(Option<AccountName>, Renewal)>,
    /// When token files of other accounts are removed next.
    sweep_at: Option<Instant>,
}

impl Accounts {
    pub(crate) fn new(
        shared: Arc<Shared>,
        sources: Sources,
        watchers: Watchers,
        directory: Directory,
    ) -> Self {
        Self {
            shared,
            sources,
            watchers,
            directory,
            running: BTreeMap::new(),
            renewals: JoinSet::new(),
            sweep_at: None,
        }
    }

    /// Keeps accounts until `shutdown` drains, and then lets each finish its step. Returns before
    /// that only if the renewal of one ends unasked, which is a defect.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        if let Some(login) = self.sources.single.clone() {
            self.start(None, Origin::Settings(login));
        }
        if self.sources.folder.is_none() {
            self.sweep_at = Some(Instant::now());
        }
        self.follow();
        while !shutdown.is_draining() {
            let listing = self.sources.folder.as_mut().map(|(_, listing)| listing);
            tokio::select! {
                () = shutdown.draining() => {}
                () = changed(listing) => self.follow(),
                Some(ended) = self.renewals.join_next() => match ended {
                    Ok((account, renewal)) if self.is_asked_to_end(&account) => {
                        self.end(account, renewal);
                    }
                    _ => return,
                },
                () = until(self.sweep_at) => tokio::select! {
                    () = self.sweep() => {}
                    () = shutdown.draining() => {}
                },
            }
        }
        for stop in self.running.values() {
            stop.request();
        }
        while self.renewals.join_next().await.is_some() {}
    }

    /// Starts accounts that have come, and asks those to end that have gone.
    fn follow(&mut self) {
        let Some((folder, listing)) = &mut self.sources.folder else { return };
        let Some(listing) = listing.borrow_and_update().clone() else { return };
        let folder = folder.clone();
        for (account, stop) in &self.running {
            if account.as_ref().is_some_and(|account| !listing.names.contains(account))
                && !stop.is_draining()
            {
                stop.request();
            }
        }
        let mut left_out = Vec::new();
        for account in &listing.names {
            if self.running.contains_key(&Some(account.clone())) {
                continue;
            }
            if self.running.len() >= ACCOUNTS_MAX {
                left_out.push(account.as_str());
                continue;
            }
            audit::account_added(account);
            let origin = Origin::Folder(AccountFolder::new(folder.clone(), account.clone()));
            self.start(Some(account.clone()), origin);
        }
        self.shared.conditions.set("accounts", condition(&folder, &listing, &left_out));
        if self.running.is_empty() {
            let cure = format!(
                "there is no account; make a folder in {} with the files username and password, or \
                 set DREMIO_USERNAME and DREMIO_PASSWORD",
                folder.display()
            );
            self.shared.conditions.set_no_account(&cure);
        }
        // What is left of accounts that went while this did not run.
        if listing.failure.is_none() && self.sweep_at.is_none() {
            self.sweep_at = Some(Instant::now());
        }
    }

    fn start(&mut self, account: Option<AccountName>, origin: Origin) {
        let mut renewal = Renewal::new(Arc::clone(&self.shared), account.clone(), origin);
        let path = self.shared.volume.file_of(account.as_ref()).into_path();
        let (request, requests) = mpsc::channel(refresh::WAITING_MAX);
        self.directory.insert(account.clone(), request);
        let wakers = Wakers { requests, changes: self.watchers.watch(path) };
        let stop = Shutdown::new();
        self.running.insert(account.clone(), stop.clone());
        self.renewals.spawn(async move {
            renewal.run(wakers, stop).await;
            (account, renewal)
        });
    }

    fn is_asked_to_end(&self, account: &Option<AccountName>) -> bool {
        self.running.get(account).is_some_and(Shutdown::is_draining)
    }

    fn end(&mut self, account: Option<AccountName>, renewal: Renewal) {
        self.running.remove(&account);
        self.directory.remove(&account);
        if let Some(account) = &account {
            audit::account_removed(account);
            self.shared.metrics.forget(account);
        }
        self.shared.conditions.forget(&account);
        renewal.end();
        self.sweep_at = Some(Instant::now());
        // It may be there again already.
        self.follow();
    }

    /// Removes the token files of accounts that are kept no longer, and has their tokens logged
    /// out.
    async fn sweep(&mut self) {
        self.sweep_at = None;
        let kept: BTreeSet<_> = self.running.keys().cloned().collect();
        let (removed, result) = match self.shared.volume.remove_others(kept).await {
            Ok(sweep) => sweep,
            Err(stuck) => (Vec::new(), Err(std::io::Error::other(stuck))),
        };
        for removed in removed {
            audit::token_file_removed(removed.account.as_ref(), removed.token.as_ref());
            let Some(token) = removed.token else { continue };
            let (account, token_id) = (removed.account, token.id());
            let replaced = Replaced { account, token, due: Instant::now() };
            if self.shared.replaced.try_send(replaced).is_err() {
                tracing::warn!(%token_id, "leaving the token of a removed account to expire");
            }
        }
        if let Err(cause) = result {
            self.shared.metrics.failed("remove", "io");
            tracing::warn!(
                error = %cause,
                retry_in_seconds = SWEEP_PAUSE.as_secs(),
                "could not remove the token files of accounts that are kept no longer"
            );
            self.sweep_at = Some(Instant::now() + SWEEP_PAUSE);
        }
    }
}

/// What there is to say about the folder of the accounts.
fn condition(folder: &std::path::Path, listing: &Listing, left_out: &[&str]) -> Condition {
    let folder = folder.display();
    if let Some(failure) = &listing.failure {
        let message = format!(
            "{folder} cannot be read, so the accounts stay as they were: {failure}; name a folder \
             that token-refresher may read (DREMIO_ACCOUNTS_DIR)"
        );
        return Condition::met_with_warning("unreadable", message);
    }
    if !left_out.is_empty() {
        let message = format!(
            "there are more than {ACCOUNTS_MAX} accounts in {folder}; not kept: {}",
            list(left_out, FEW)
        );
        return Condition::met_with_warning("too_many", message);
    }
    if !listing.refused.is_empty() {
        let message = format!(
            "not kept, because the name of an account has 1 to 64 characters from a-z, 0-9, _ and \
             -: {} in {folder}",
            list(&listing.refused, FEW)
        );
        return Condition::met_with_warning("bad_name", message);
    }
    Condition::met_by(format!("{} in {folder}", counted(listing.names.len(), "account")))
}

/// Another listing. Pending for good when there is no folder, or nobody reads it any more.
async fn changed(listing: Option<&mut watch::Receiver<Option<Listing>>>) {
    if let Some(listing) = listing
        && listing.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
