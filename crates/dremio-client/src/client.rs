//! The client. Its calls are in `session`, `jobs` and `catalog`.

use std::time::Duration;

use crate::transport::Transport;

/// Makes calls to one Dremio. Cheap to clone; holds no token.
///
/// Every call may be dropped at any time. Dremio may still do what was requested: a dropped
/// [`submit_sql`](Self::submit_sql) can leave a job behind whose id is lost, and a dropped
/// [`login`](Self::login) a token.
#[derive(Clone, Debug)]
pub struct DremioClient {
    pub(crate) transport: Transport,
}

impl DremioClient {
    /// A client over `transport`.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// The same client with another time limit per call.
    #[must_use]
    pub fn within(&self, request_timeout: Duration) -> Self {
        Self { transport: self.transport.within(request_timeout) }
    }

    /// The connection pool of the calls.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}
