//! The table of a listener's open connections.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

/// The bits of an IPv6 address that identify a client: a host usually has a whole /64.
const IPV6_CLIENT_BITS: u32 = 64;

/// Connections by number. Numbers rise, so the first entry of a map is the oldest.
#[derive(Debug, Default)]
pub(super) struct Table {
    last: u64,
    /// In the order in which they were accepted.
    pub(super) unproven: BTreeMap<u64, Arc<Entry>>,
    pub(super) unproven_by_address: HashMap<IpAddr, BTreeSet<u64>>,
    /// Idle connections, the longest idle first. Every request begins and ends an idle time, so an
    /// entry stays when that ends: it counts as long as its number is that of its connection
    /// ([`Entry::idle_since`]).
    pub(super) idle: VecDeque<(u64, Arc<Entry>)>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) address: IpAddr,
    pub(super) from_proxy: bool,
    pub(super) proven: AtomicBool,
    /// Requests begun and ended so far: odd while one is under way.
    pub(super) turn: AtomicU64,
    /// The turn after which the last bytes of a request came, plus one; 0 before the first.
    pub(super) bytes_after: AtomicU64,
    /// The number in `Table::idle` while it is idle, else 0.
    pub(super) idle_since: AtomicU64,
    pub(super) is_gone: AtomicBool,
    pub(super) lingers: AtomicBool,
    pub(super) evicted: CancellationToken,
}

impl Table {
    /// The number of a new connection, or of the begin of an idle time.
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Removes a connection from those without a key.
    pub(super) fn forget(&mut self, entry: &Entry) {
        if self.unproven.remove(&entry.id).is_none() {
            return;
        }
        if let Some(own) = self.unproven_by_address.get_mut(&entry.address) {
            own.remove(&entry.id);
            if own.is_empty() {
                self.unproven_by_address.remove(&entry.address);
            }
        }
    }
}

impl Entry {
    /// A new connection from `address`. A trusted proxy needs no key.
    pub(super) fn new(id: u64, address: IpAddr, from_proxy: bool) -> Self {
        Self {
            id,
            address: client_of(address),
            from_proxy,
            proven: AtomicBool::new(from_proxy),
            turn: AtomicU64::new(0),
            bytes_after: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            is_gone: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Acquire)
    }

    pub(super) fn is_idle_since(&self, since: u64) -> bool {
        self.idle_since.load(Ordering::Acquire) == since
    }

    /// Ends the idle time that began at `since`. Returns whether it lasted until now.
    pub(super) fn stop_idling(&self, since: u64) -> bool {
        self.idle_since.compare_exchange(since, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// What counts as one client for the limit by address.
pub(super) fn client_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> IPV6_CLIENT_BITS << IPV6_CLIENT_BITS))
        }
    }
}
