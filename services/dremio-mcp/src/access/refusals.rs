//! The log of refused requests: one line at once, and after that one line per minute for each
//! reason and client, with a count. A client without a key must not be able to fill the disk or
//! hide other log lines.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use crate::principal::Principal;

/// How long refusals are only counted after a line about their kind.
const QUIET: Duration = Duration::from_secs(60);

/// Interval between two searches for summaries that are due.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// How many kinds are kept apart; beyond that only the reason is. A guess: more clients with errors
/// than this are one attack.
const KINDS_MAX: usize = 256;

/// One kind of refusal. Without a client, it stands for all that are not kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    reason: &'static str,
    client: Option<(IpAddr, Option<Principal>)>,
}

#[derive(Debug)]
struct Tally {
    count: u64,
    since: Instant,
}

/// Counts refusals by kind.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog(Mutex<HashMap<Kind, Tally>>);

impl RefusalLog {
    /// Counts one refusal. Returns whether to log it.
    pub(super) fn is_news(
        &self,
        reason: &'static str,
        peer: IpAddr,
        principal: Option<&Principal>,
    ) -> bool {
        let kind = Kind { reason, client: Some((peer, principal.cloned())) };
        let mut tallies = self.lock();
        if let Some(tally) = tallies.get_mut(&kind) {
            tally.count += 1;
            return false;
        }
        let is_news = tallies.len() < KINDS_MAX;
        let kind = if is_news { kind } else { Kind { client: None, ..kind } };
        let tally =
            tallies.entry(kind).or_insert_with(|| Tally { count: 0, since: Instant::now() });
        tally.count += u64::from(!is_news);
        is_news
    }

    /// Writes the summaries until `shutdown` drains, and the remaining ones then.
    pub(crate) async fn report(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(REPORT_INTERVAL) => {
                    self.summarise(|tally| tally.since.elapsed() >= QUIET);
                }
                () = shutdown.draining() => return self.summarise(|_| true),
            }
        }
    }

    fn summarise(&self, is_due: impl Fn(&Tally) -> bool) {
        for (kind, count, seconds) in self.take(is_due) {
            let peer = kind
                .client
                .as_ref()
                .map_or_else(|| "others".to_owned(), |(peer, _)| peer.to_string());
            let principal =
                kind.client.and_then(|(_, principal)| principal).map(tracing::field::display);
            let (event, reason) = ("access_denied_summary", kind.reason);
            tracing::info!(
                target: "audit",
                event,
                reason,
                peer,
                principal,
                count,
                seconds,
                "more requests turned away",
            );
        }
    }

    /// Takes the counts that are due. A kind without new refusals is removed.
    fn take(&self, is_due: impl Fn(&Tally) -> bool) -> Vec<(Kind, u64, u64)> {
        let mut taken = Vec::new();
        self.lock().retain(|kind, tally| {
            if !is_due(tally) {
                return true;
            }
            let count = std::mem::take(&mut tally.count);
            if count > 0 {
                taken.push((kind.clone(), count, tally.since.elapsed().as_secs()));
            }
            tally.since = Instant::now();
            count > 0
        });
        taken
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Tally>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::{KINDS_MAX, QUIET, RefusalLog};
    use crate::principal::Principal;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    fn summaries(log: &RefusalLog) -> Vec<u64> {
        log.take(|tally| tally.since.elapsed() >= QUIET)
            .into_iter()
            .map(|(_, count, _)| count)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_logged_once_and_then_every_minute() {
        let log = RefusalLog::default();
        let lines = (0..47_000).filter(|_| log.is_news("key_missing", address(1), None)).count();
        assert_eq!((lines, summaries(&log).len()), (1, 0));
        assert!(log.is_news("key_unknown", address(1), None), "another reason");
        assert!(log.is_news("key_missing", address(2), None), "another client");
        assert!(log.is_news("rate_limited", address(1), Some(&Principal::anyone())));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(summaries(&log), [46_999]);
        // The flood goes on: counted since the summary, and still without a line of its own.
        assert!(!log.is_news("key_missing", address(1), None));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(summaries(&log).is_empty());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(summaries(&log), [1]);
        // After a quiet minute it is logged again.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(summaries(&log).is_empty());
        assert!(log.is_news("key_missing", address(1), None));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_are_counted_together() {
        let log = RefusalLog::default();
        let lines = (0..100_000)
            .filter(|&number| log.is_news("key_missing", address(number), None))
            .count();
        assert_eq!(lines, KINDS_MAX);
        assert_eq!(log.lock().len(), KINDS_MAX + 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(summaries(&log), [100_000 - KINDS_MAX as u64]);
    }
}
