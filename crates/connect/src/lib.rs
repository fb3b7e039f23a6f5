//! How MCP clients are set up for an endpoint.
//!
//! - [`clients`]: the table, one row a client, each with its source
//! - [`render()`]: what a person does, as text
//! - [`write()`]: the same, done to the user's own file
//! - [`check()`]: asks the endpoint as the client would
//! - [`run()`]: the three as the command `connect`, which several programs have
//!
//! It knows MCP clients, and nothing of settings or processes: its caller reads the
//! environment and prints.

mod check;
mod clients;
mod command;
mod endpoint;
mod file;
mod home;
mod merge;
mod os;
mod render;
mod template;
mod write;

pub use check::{CheckError, Checked, check};
pub use clients::{Client, File, Format, Place, Speaks, clients, find};
pub use command::{Arguments, CommandError, Outcome, Surroundings, VARIABLE, run};
pub use endpoint::{Endpoint, EndpointError, Key, first_key};
pub use file::FileError;
pub use home::Home;
pub use merge::{Broken, Problem};
pub use os::Os;
pub use render::{in_short, list, one_line, render};
pub use write::{Change, WriteError, Written, write};
