//! What every service of this workspace needs and none should write twice: the environment with the
//! table of all settings, secrets, logs, lifecycle, an HTTP listener with limits, the admin
//! endpoints, and a clock that tests can set.
//!
//! It knows nothing of Dremio, tokens or MCP but what the settings are called.

pub mod accounts;
mod address;
pub mod admin;
mod admin_hosts;
mod clock;
mod connections;
mod duration;
pub mod env;
mod exit;
mod folder;
mod heads;
pub mod health;
pub mod http;
pub mod lifecycle;
mod limits;
pub mod logging;
mod proxies;
pub mod runtime;
mod secret;
pub mod settings;
mod stall;
mod timed;
pub mod wording;

pub use address::parse_listen_addr;
pub use clock::{Clock, ManualClock};
pub use duration::parse_duration;
pub use exit::Exit;
pub use folder::{PrivateFolder, is_open_to_all, report_open_folder};
pub use secret::{SecretError, SecretSource, open_regular, read_secret_bytes};
