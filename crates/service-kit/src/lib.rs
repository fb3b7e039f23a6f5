//! What every service of this workspace needs and none should write twice: the environment,
//! secrets, logs, lifecycle, an HTTP listener with limits, the admin endpoints, and a clock that
//! tests can set.
//!
//! It knows nothing of Dremio, tokens or MCP.

mod address;
pub mod admin;
mod admin_hosts;
mod clock;
mod connections;
pub mod env;
mod exit;
mod folder;
mod heads;
pub mod health;
pub mod http;
pub mod lifecycle;
pub mod logging;
mod proxies;
mod secret;
mod stall;
mod timed;

pub use address::parse_listen_addr;
pub use clock::{Clock, ManualClock};
pub use exit::Exit;
pub use folder::{PrivateFolder, report_open_folder};
pub use secret::{SecretError, SecretSource, read_secret_bytes};
