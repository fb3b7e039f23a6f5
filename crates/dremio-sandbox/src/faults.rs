//! Faults on demand: what can go wrong, where, and how often.
//!
//! A fault is decided when a request has arrived and before it is handled; [`Fault::Delay`],
//! [`Fault::Drip`] and [`Fault::ResetMidAnswer`] then act on the real answer, the others replace
//! it.

use std::time::Duration;

use http::Method;
use parking_lot::{Mutex, MutexGuard};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Accept the request and never answer it.
    Stall,
    /// Answer properly, but only after this long.
    Delay(Duration),
    /// Answer properly, but send the body slowly.
    Drip {
        /// Bytes sent at a time; at least one.
        bytes_per_chunk: usize,
        /// Pause between two chunks.
        interval: Duration,
    },
    /// Send the head and about half of the real body, then reset the connection (RST). An answer
    /// without a body is reset before its head.
    ResetMidAnswer,
    /// This status with a JSON error body like Dremio's.
    Status(u16),
    /// 200 with Dremio's UI page, as for a path that Dremio does not serve (contract §0.1).
    Html,
    /// 401 with an empty body, as for any bad token (contract §1.5).
    Unauthorized,
    /// 200 `application/json` with a body that breaks off.
    BadJson,
    /// 200 `application/json` with a chunked body of this many bytes, valid JSON to its end.
    Oversized(usize),
}

/// Which requests a fault affects, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Requests whose path starts with this. The path includes the query.
    pub path_prefix: String,
    /// Requests with this method; `None`: any.
    pub method: Option<Method>,
    /// How many requests; `None`: until cleared.
    pub times: Option<u32>,
}

impl Scope {
    /// Every request, until cleared.
    #[must_use]
    pub fn everything() -> Self {
        Self::path("")
    }

    /// Requests whose path starts with `prefix`, until cleared.
    #[must_use]
    pub fn path(prefix: impl Into<String>) -> Self {
        Self { path_prefix: prefix.into(), method: None, times: None }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only the next `times` matching requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only the next matching request.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    fn covers(&self, method: &Method, path: &str) -> bool {
        path.starts_with(&self.path_prefix)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
    }
}

/// The faults in force. The one injected first that covers a request wins.
#[derive(Debug, Default)]
pub(crate) struct FaultBoard {
    faults: Mutex<Vec<(Fault, Scope)>>,
}

impl FaultBoard {
    pub(crate) fn inject(&self, fault: Fault, scope: Scope) {
        if scope.times != Some(0) {
            self.lock().push((fault, scope));
        }
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The fault that affects this request, counted as used.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut faults = self.lock();
        let index = faults.iter().position(|(_, scope)| scope.covers(method, path))?;
        let (fault, scope) = faults.get_mut(index)?;
        let fault = fault.clone();
        if let Some(times) = &mut scope.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(index);
            }
        }
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Fault, Scope)>> {
        self.faults.lock()
    }
}
