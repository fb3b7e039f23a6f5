//! The open connections of one listener: which of them have shown a valid key, which are idle, and
//! which one is closed when another needs its place. Without this, a client that opens many silent
//! connections would shut out everyone else.
//!
//! A listener that requires keys distinguishes "unproven" connections: they may be idle only for a
//! short time, one address may have only a limited number of them, and they are closed first,
//! oldest first. A service marks a connection with [`Connection::prove`]. Addresses are those of
//! the TCP peers, so connections from trusted proxies, which carry many clients, are never
//! unproven.

mod metrics;
mod table;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::metrics::Closed;
use self::metrics::Metrics;
use self::table::{Entry, Table, client_of};
use crate::heads::LongHeads;
use crate::limits::Limits;
use crate::proxies::TrustedProxies;

/// How long a new connection waits for the place of one that is being closed, before another one is
/// closed as well.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// Outdated entries of [`Table::idle`] beyond twice the valid ones.
const STALE_MAX: usize = 256;

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

/// One connection, put into the extensions of its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    entry: Arc<Entry>,
    connections: Arc<Connections>,
}

impl Connections {
    /// Without any connection yet.
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

    /// Adds gauges of open, unproven and idle connections, and a counter of those closed by this
    /// side.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(self.long_heads.gauge(), registry);
    }

    /// Waits for a place for a connection from `address`; when all are taken, the connection with
    /// the least claim to its place is closed. Cancel safe.
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
        let mut entry = Entry::new(table.next(), address, from_proxy);
        if self.limits.unproven.is_none() {
            *entry.proven.get_mut() = true;
        }
        let entry = Arc::new(entry);
        self.metrics.open.inc();
        if entry.is_proven() {
            self.idle(&mut table, &entry);
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

    /// Closes one connection, if one may be closed.
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

    /// Closes the oldest connection from `address` without a key.
    fn evict_of(&self, table: &mut Table, address: IpAddr) {
        let oldest = table.unproven_by_address.get(&address).and_then(BTreeSet::first);
        if let Some(oldest) = oldest.and_then(|id| table.unproven.get(id)).cloned() {
            self.evict(table, &oldest, Closed::AddressFull);
        }
    }

    /// Closes the longest idle connection.
    fn evict_idle(&self, table: &mut Table) {
        while let Some((since, oldest)) = table.idle.pop_front() {
            if oldest.stop_idling(since) {
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
        self.metrics.count(reason);
    }

    /// The connection is idle from now on. Keeps the number of idle ones within its limit.
    fn idle(&self, table: &mut Table, entry: &Arc<Entry>) {
        if entry.is_gone.load(Ordering::Relaxed) || entry.evicted.is_cancelled() {
            return;
        }
        let since = table.next();
        // Counted before it can be found, so that the count is never too small.
        let idle = usize::try_from(self.metrics.idle.inc() + 1).unwrap_or_default();
        entry.idle_since.store(since, Ordering::Release);
        table.idle.push_back((since, Arc::clone(entry)));
        if idle > self.limits.idle_connections_max {
            self.evict_idle(table);
        }
        if table.idle.len() > 2 * idle + STALE_MAX {
            table.idle.retain(|(since, entry)| entry.is_idle_since(*since));
        }
    }

    fn stop_idling(&self, entry: &Entry) {
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

impl Connection {
    /// The client has shown a valid key: from now on the connection may be idle for longer, and
    /// does not count for its address.
    pub fn prove(&self) {
        if self.entry.is_proven() {
            return;
        }
        let mut table = self.connections.lock();
        self.entry.proven.store(true, Ordering::Release);
        table.forget(&self.entry);
        self.connections.count_unproven(&table);
    }

    /// Whether the peer is a trusted proxy, which carries many clients.
    #[must_use]
    pub fn is_from_proxy(&self) -> bool {
        self.entry.from_proxy
    }

    /// Resolves when the connection must close because another needs its place. Cancel safe.
    pub(crate) async fn evicted(&self) {
        self.entry.evicted.cancelled().await;
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.entry.is_proven()
    }

    /// Whether its listener requires keys, and this connection has shown a valid one.
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

    /// Notes that bytes of a request have arrived.
    pub(crate) fn note_bytes(&self) {
        self.entry.bytes_after.store(self.turn() + 1, Ordering::Release);
    }

    /// Whether a part of the next request has arrived.
    pub(crate) fn head_has_begun(&self) -> bool {
        self.entry.bytes_after.load(Ordering::Acquire) == self.turn() + 1
    }

    /// After the last answer, reads what the peer still sends before the connection is closed.
    pub(crate) fn linger(&self) {
        self.entry.lingers.store(true, Ordering::Release);
    }

    pub(crate) fn lingers(&self) -> bool {
        self.entry.lingers.load(Ordering::Acquire)
    }

    /// Marks a request as under way until the guard is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.entry.turn.fetch_add(1, Ordering::AcqRel);
        self.connections.stop_idling(&self.entry);
        UnderWay(self.clone())
    }

    /// Removes the connection, which is closed.
    pub(crate) fn close(&self) {
        self.entry.is_gone.store(true, Ordering::Relaxed);
        self.connections.stop_idling(&self.entry);
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
            connections.idle(&mut connections.lock(), entry);
        }
    }
}

#[cfg(test)]
mod tests;
