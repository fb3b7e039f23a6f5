//! A client for the parts of Dremio's REST API that the services use: sign-in, SQL jobs, and the
//! catalog.
//!
//! A [`Transport`] holds Dremio's address and which certificates to trust; a [`DremioClient`] makes
//! calls over it:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use dremio_client::{ConnectConfig, DremioClient, Transport};
//! let transport = Transport::connect(&ConnectConfig::new("http://dremio:9047".parse()?))?;
//! let client = DremioClient::new(transport);
//! let login = client.login("ada", &"correct-horse-9".into()).await?;
//! let job = client.submit_sql(&login.token, "SELECT 1", &[]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Every call has a timeout and a size limit for the answer, checks the kind of answer before
//! parsing it, and fails with an [`Error`] that says whether a retry may help. Calls are not
//! repeated here: only the caller knows what may be done twice. Error texts contain no token, no
//! password and no text from Dremio; Dremio's message about a statement is in a separate field
//! ([`Error::remote_message`]).
//!
//! The crate does not keep tokens, does not log, and does not poll.

mod bootstrap;
mod catalog;
mod cells;
mod client;
mod connect;
mod error;
mod exchange;
mod jobs;
mod message;
mod page;
mod reach;
mod segment;
mod session;
mod tls;
mod tls_problem;
mod transport;
mod uri;

pub use bootstrap::FirstUser;
pub use client::DremioClient;
pub use connect::{ConnectConfig, ConnectError};
pub use error::{Error, ErrorClass};
pub use exchange::bearer;
pub use jobs::{CancelOutcome, JobId, JobIdError, JobState, JobStatus};
pub use message::RemoteMessage;
pub use page::{PAGE_ROWS_MAX, Page, PageLimits};
pub use reach::{Greeting, Unreached, reach};
pub use segment::{encode_query, encode_segment};
pub use session::{Login, Logout};
pub use tls_problem::TlsProblem;
pub use transport::{PAGE_PATIENCE, Transport};
pub use uri::{DremioUri, DremioUriError};
