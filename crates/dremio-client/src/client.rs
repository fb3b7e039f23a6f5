//! The client: one value that all calls hang on. The calls themselves are in `session`, `jobs` and
//! `catalog`.

use std::time::Duration;

use crate::transport::Transport;

/// Makes calls to one Dremio. Cheap to clone; holds no token.
///
/// Every call may be dropped at any time. Dremio may then still do what was asked: a dropped
/// [`submit_sql`](Self::submit_sql) can leave a job behind whose id nobody knows, and a dropped
/// [`login`](Self::login) a token.
#[derive(Clone, Debug)]
pub struct DremioClient {
    pub(crate) transport: Transport,
}

impl DremioClient {
    /// A client over `transport`.
    #[must_use]
    pub fn new(transport: Transport) -> DremioClient {
        DremioClient { transport }
    }

    /// The same client with another limit for a call.
    #[must_use]
    pub fn within(&self, request_timeout: Duration) -> DremioClient {
        DremioClient { transport: self.transport.within(request_timeout) }
    }

    /// The connection that the calls go over.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}
