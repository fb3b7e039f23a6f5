//! The log of what was turned away: one line at once, and after that one line a minute for each
//! reason and client, with a count. Whoever has no key must not be able to fill the disk, nor bury
//! what else is in the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use service_kit::lifecycle::Shutdown;
use tokio::time::Instant;

use crate::principal::Principal;

/// How long refusals are only counted after a line about their kind.
const QUIET: Duration = Duration::from_secs(60);

/// How often it is looked for kinds whose time is up.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// How many kinds are told apart; of the others, only the reason is. A guess: more clients at fault
/// than this are one attack.
const KINDS_MAX: usize = 256;

/// One kind of refusal. Without a client, it stands for all that there was no room to tell apart.
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
    /// Counts one refusal, and says whether it deserves a line of its own.
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

    /// Writes the summaries until `shutdown` drains, and what is left then.
    pub(crate) async fn report(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(REPORT_INTERVAL) => self.summarise(|tally| tally.since.elapsed() >= QUIET),
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

    /// Takes the counts that are due. A kind of which nothing more has come is forgotten.
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
    async fn a_flood_is_one_line_at_once_and_one_a_minute() {
        let log = RefusalLog::default();
        let lines = (0..47_000).filter(|_| log.is_news("key_missing", address(1), None)).count();
        assert_eq!((lines, summaries(&log).len()), (1, 0));
        assert!(log.is_news("key_unknown", address(1), None), "another reason");
        assert!(log.is_news("key_missing", address(2), None), "another client");
        assert!(log.is_news("rate_limited", address(1), Some(&Principal::anyone())));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(summaries(&log), [46_999]);
        // It goes on: counted from the summary, and still no line of its own.
        assert!(!log.is_news("key_missing", address(1), None));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(summaries(&log).is_empty());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(summaries(&log), [1]);
        // After a quiet minute it is news again.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(summaries(&log).is_empty());
        assert!(log.is_news("key_missing", address(1), None));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_fill_neither_the_log_nor_the_memory() {
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
