//! What a listener allows.

use std::time::Duration;

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. When all places are taken, an older connection that asks nothing makes
    /// room; without one, more wait.
    pub connections_max: usize,
    /// Open connections that may rest between requests at a time; the one that has rested longest
    /// makes room.
    pub idle_connections_max: usize,
    /// How long a connection may rest between requests.
    pub idle_max: Duration,
    /// What holds for connections on which `Connection::prove` was not called; `None` on a
    /// listener that asks for no key.
    pub unproven: Option<UnprovenLimits>,
    /// Time from the first byte of a request head to its end.
    pub header_read_timeout: Duration,
    /// Size of a request head.
    pub header_bytes_max: usize,
    /// Bytes that unfinished heads may hold at a time, beyond the first 8 KiB of each. A
    /// connection that brings more is closed.
    pub long_head_bytes_max: usize,
    /// How long a write may wait for a peer that takes nothing.
    pub write_stall_max: Duration,
}

/// What a listener allows those who have not shown a good key yet.
#[derive(Clone, Copy, Debug)]
pub struct UnprovenLimits {
    /// How long such a connection may rest, before its first request and between requests.
    pub idle_max: Duration,
    /// How many of them may come from one address, which for IPv6 is a /64. One more closes the
    /// oldest of them.
    pub per_address_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // 10 s is generous for a head that fits one packet; 64 KiB is above what any proxy
        // forwards; a peer that takes nothing for a minute has gone, or never meant to
        // read. 180 s of rest outlast the pools of clients, and a person's pause to think.
        Self {
            connections_max: 4096,
            idle_connections_max: 2048,
            idle_max: Duration::from_secs(180),
            unproven: None,
            header_read_timeout: Duration::from_secs(10),
            header_bytes_max: 64 * 1024,
            long_head_bytes_max: 16 * 1024 * 1024,
            write_stall_max: Duration::from_secs(60),
        }
    }
}
