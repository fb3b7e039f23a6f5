//! The open connections of one listener: which of them have shown a good key, which rest, and which
//! one is closed when another needs its place. Without this, whoever opens many connections and
//! says nothing shuts everybody else out.
//!
//! A listener that asks for keys tells "unproven" connections from the others: they may rest only
//! shortly, one address may hold only so many of them, and the oldest of them goes first. A service
//! marks a connection with [`Connection::prove`]. What is counted by address is the other end of
//! the TCP connection, so connections from trusted proxies, which speak for many, are never
//! unproven.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::heads::LongHeads;
use crate::http::Limits;
use crate::proxies::TrustedProxies;

/// How long a new connection waits for the place of one that was told to go, before another is.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// What of an IPv6 address counts as one client: a host usually has a whole /64 to choose from.
const IPV6_CLIENT_BITS: u32 = 64;

/// The open connections of one listener.
#[derive(Debug)]
pub struct Connections {
    pub(crate) limits: Limits,
    pub(crate) proxies: TrustedProxies,
    pub(crate) long_heads: Arc<LongHeads>,
    places: Arc<Semaphore>,
    table: Mutex<Table>,
    metrics: Metrics,
}

/// Connections by their numbers, which rise: the first entry of a map is the oldest.
#[derive(Debug, Default)]
struct Table {
    last: u64,
    /// By when they were accepted.
    unproven: BTreeMap<u64, Arc<Entry>>,
    unproven_by_address: HashMap<IpAddr, BTreeSet<u64>>,
    /// The others since they last began to rest, longest first. Every request begins and ends a
    /// rest, so an entry stays when its rest ends: it counts as long as its number is that of its
    /// connection ([`Entry::idle_since`]).
    idle: VecDeque<(u64, Arc<Entry>)>,
}

/// Entries of [`Table::idle`] that do not count any more, beyond as many as do.
const STALE_MAX: usize = 256;

#[derive(Debug)]
struct Entry {
    id: u64,
    address: IpAddr,
    from_proxy: bool,
    proven: AtomicBool,
    /// Requests begun and ended so far: odd while one is under way.
    turn: AtomicU64,
    /// The turn after which bytes of a request came last, plus one; 0 before the first.
    bytes_after: AtomicU64,
    /// The number in `Table::idle` while it rests, else 0.
    idle_since: AtomicU64,
    is_gone: AtomicBool,
    lingers: AtomicBool,
    evicted: CancellationToken,
}

/// Why a connection was closed by this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closed {
    /// It rested for too long.
    Idle,
    /// The head of a request did not become complete.
    SlowHead,
    /// Its address has too many that have shown no key.
    AddressFull,
    /// Another needed its place.
    Full,
    /// Its head was long, and there were too many of those.
    LongHeads,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabel {
    reason: &'static str,
}

#[derive(Debug, Default)]
struct Metrics {
    open: Gauge,
    unproven: Gauge,
    idle: Gauge,
    closed: Family<ClosedLabel, Counter>,
}

/// One connection, put into the extensions of its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    entry: Arc<Entry>,
    connections: Arc<Connections>,
}

impl Connections {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: Limits, proxies: TrustedProxies) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let long_heads = LongHeads::new(limits.long_head_bytes_max);
        Arc::new(Self {
            limits,
            proxies,
            long_heads,
            places,
            table: Mutex::default(),
            metrics: Metrics::default(),
        })
    }

    /// Adds gauges of what is open, unproven and idle, and a counter of what this side closed.
    pub fn register(&self, registry: &mut Registry) {
        let Metrics { open, unproven, idle, closed } = &self.metrics;
        registry.register("connections", "Open connections", open.clone());
        registry.register(
            "connections_without_key",
            "Open connections that have not shown a good key yet",
            unproven.clone(),
        );
        registry.register(
            "connections_idle",
            "Open connections that have shown a good key and ask nothing",
            idle.clone(),
        );
        registry.register(
            "head_bytes_held",
            "Bytes of request heads that have not come to their end, beyond 8 KiB of each",
            self.long_heads.gauge(),
        );
        registry.register(
            "connections_closed",
            "Connections closed by this side, by reason",
            closed.clone(),
        );
    }

    /// Waits for a place for a connection from `address`; when all are taken, the connection that
    /// has the least right to its own is closed. Cancel safe.
    pub(crate) async fn place(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return Some(place);
            }
            self.make_room(address);
            if let Ok(place) =
                tokio::time::timeout(ROOM_WAIT, Arc::clone(&self.places).acquire_owned()).await
            {
                return place.ok();
            }
        }
    }

    /// Counts a new connection from `address`.
    pub(crate) fn open(self: &Arc<Self>, address: IpAddr) -> Connection {
        let address = address.to_canonical();
        let from_proxy = self.proxies.contains(address);
        let mut table = self.lock();
        table.last += 1;
        let entry = Arc::new(Entry {
            id: table.last,
            address: client_of(address),
            from_proxy,
            proven: AtomicBool::new(from_proxy || self.limits.unproven.is_none()),
            turn: AtomicU64::new(0),
            bytes_after: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            is_gone: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        self.metrics.open.inc();
        if entry.is_proven() {
            self.rest(&mut table, &entry);
        } else {
            if self.has_too_many(&table, entry.address) {
                self.evict_of(&mut table, entry.address);
            }
            table.unproven_by_address.entry(entry.address).or_default().insert(entry.id);
            table.unproven.insert(entry.id, Arc::clone(&entry));
        }
        self.count_unproven(&table);
        drop(table);
        Connection { entry, connections: Arc::clone(self) }
    }

    /// Closes one connection, if there is one that may be closed.
    fn make_room(&self, address: IpAddr) {
        let address = client_of(address.to_canonical());
        let mut table = self.lock();
        if self.has_too_many(&table, address) {
            self.evict_of(&mut table, address);
        } else if let Some(oldest) =
            table.unproven.first_key_value().map(|(_, entry)| Arc::clone(entry))
        {
            self.evict(&mut table, &oldest, Closed::Full);
        } else {
            self.evict_idle(&mut table);
        }
        self.count_unproven(&table);
    }

    fn has_too_many(&self, table: &Table, address: IpAddr) -> bool {
        let unproven = table.unproven_by_address.get(&address).map_or(0, BTreeSet::len);
        self.limits
            .unproven
            .is_some_and(|limits| unproven > 0 && unproven >= limits.per_address_max)
    }

    /// Closes the oldest connection from `address` that has shown no key.
    fn evict_of(&self, table: &mut Table, address: IpAddr) {
        let oldest = table.unproven_by_address.get(&address).and_then(BTreeSet::first);
        if let Some(oldest) = oldest.and_then(|id| table.unproven.get(id)).cloned() {
            self.evict(table, &oldest, Closed::AddressFull);
        }
    }

    /// Closes the connection that has rested longest.
    fn evict_idle(&self, table: &mut Table) {
        while let Some((since, oldest)) = table.idle.pop_front() {
            if oldest.stop_resting(since) {
                self.metrics.idle.dec();
                self.evict(table, &oldest, Closed::Full);
                return;
            }
        }
    }

    fn evict(&self, table: &mut Table, entry: &Entry, reason: Closed) {
        table.forget(entry);
        entry.evicted.cancel();
        self.count(reason);
    }

    pub(crate) fn count(&self, reason: Closed) {
        let reason = match reason {
            Closed::Idle => "idle",
            Closed::SlowHead => "slow_head",
            Closed::AddressFull => "address_full",
            Closed::Full => "full",
            Closed::LongHeads => "long_heads",
        };
        self.metrics.closed.get_or_create(&ClosedLabel { reason }).inc();
    }

    /// The connection rests from now on. Holds the number of those that do to its limit.
    fn rest(&self, table: &mut Table, entry: &Arc<Entry>) {
        if entry.is_gone.load(Ordering::Relaxed) || entry.evicted.is_cancelled() {
            return;
        }
        table.last += 1;
        // Counted before it can be found, so that the count is never too small.
        let idle = usize::try_from(self.metrics.idle.inc() + 1).unwrap_or_default();
        entry.idle_since.store(table.last, Ordering::Release);
        table.idle.push_back((table.last, Arc::clone(entry)));
        if idle > self.limits.idle_connections_max {
            self.evict_idle(table);
        }
        if table.idle.len() > 2 * idle + STALE_MAX {
            table.idle.retain(|(since, entry)| entry.rests_since(*since));
        }
    }

    fn stop_resting(&self, entry: &Entry) {
        if entry.idle_since.swap(0, Ordering::AcqRel) != 0 {
            self.metrics.idle.dec();
        }
    }

    fn count_unproven(&self, table: &Table) {
        self.metrics.unproven.set(i64::try_from(table.unproven.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock()
    }
}

impl Table {
    /// Takes it out of those that have shown no key.
    fn forget(&mut self, entry: &Entry) {
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
    fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Acquire)
    }

    fn rests_since(&self, since: u64) -> bool {
        self.idle_since.load(Ordering::Acquire) == since
    }

    /// Ends the rest that began at `since`, if it lasts.
    fn stop_resting(&self, since: u64) -> bool {
        self.idle_since.compare_exchange(since, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl Connection {
    /// Whoever is at the other end has shown a good key: from now on the connection may rest for
    /// longer, and is not counted by address.
    pub fn prove(&self) {
        if self.entry.is_proven() {
            return;
        }
        let mut table = self.connections.lock();
        self.entry.proven.store(true, Ordering::Release);
        table.forget(&self.entry);
        self.connections.count_unproven(&table);
    }

    /// Whether a trusted proxy is at the other end, which speaks for many.
    #[must_use]
    pub fn is_from_proxy(&self) -> bool {
        self.entry.from_proxy
    }

    /// Resolves when the connection is to be closed because another needs its place. Cancel safe.
    pub(crate) async fn evicted(&self) {
        self.entry.evicted.cancelled().await;
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.entry.is_proven()
    }

    /// Whether its listener asks for keys, and this one has shown a good one.
    pub(crate) fn has_shown_key(&self) -> bool {
        self.connections.limits.unproven.is_some() && self.is_proven()
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// How often a request has begun or ended: odd while one is under way.
    pub(crate) fn turn(&self) -> u64 {
        self.entry.turn.load(Ordering::Acquire)
    }

    /// Bytes of a request have come.
    pub(crate) fn note_bytes(&self) {
        self.entry.bytes_after.store(self.turn() + 1, Ordering::Release);
    }

    /// Whether something of the next request has come already.
    pub(crate) fn head_has_begun(&self) -> bool {
        self.entry.bytes_after.load(Ordering::Acquire) == self.turn() + 1
    }

    /// After the last answer, what the other end still sends is to be taken before the connection
    /// is closed.
    pub(crate) fn linger(&self) {
        self.entry.lingers.store(true, Ordering::Release);
    }

    pub(crate) fn lingers(&self) -> bool {
        self.entry.lingers.load(Ordering::Acquire)
    }

    /// Marks a request as under way until the guard is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.entry.turn.fetch_add(1, Ordering::AcqRel);
        self.connections.stop_resting(&self.entry);
        UnderWay(self.clone())
    }

    /// It is closed.
    pub(crate) fn close(&self) {
        self.entry.is_gone.store(true, Ordering::Relaxed);
        self.connections.stop_resting(&self.entry);
        let mut table = self.connections.lock();
        table.forget(&self.entry);
        self.connections.metrics.open.dec();
        self.connections.count_unproven(&table);
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct UnderWay(Connection);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Connection { entry, connections } = &self.0;
        entry.turn.fetch_add(1, Ordering::AcqRel);
        if entry.is_proven() {
            connections.rest(&mut connections.lock(), entry);
        }
    }
}

/// What counts as one client for the limit by address.
fn client_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> IPV6_CLIENT_BITS << IPV6_CLIENT_BITS))
        }
    }
}

#[cfg(test)]
mod tests;
