//! The token file passes a Dremio login token from the service that obtains it to those that use
//! it.
//!
//! The file holds exactly `{"token":"…","expires_at":"2025-06-26T12:00:00Z"}`. This crate has both
//! sides of that contract, and nothing else opens the file:
//!
//! - [`Writer`] replaces the file in one step, so that no reader ever sees half a token.
//! - [`read`] reads it once. Any other content is a named [`ReadError`]; reading never panics.
//! - [`Watcher`] keeps reading it and publishes every change within a second, on any kind of folder
//!   (local, bind mount, volume, projected Kubernetes volume).
//! - [`AccountName`] names one of several accounts, and says where its token file is;
//!   [`remove_others`] removes the token files of accounts that are kept no longer.
//! - [`gateway_key`] makes, reads and watches the other file of that folder: the key with which the
//!   gateways sign what they must recognise later.
//!
//! It does not decide whether a token is good (only Dremio knows), when a new one is needed, or
//! what to do without one. It does not log. It needs no async runtime; [`Watcher`] says why.

mod account;
mod accounts_folder;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway_key;
mod read;
mod token;
mod watch;
mod write;

pub use account::{
    ACCOUNT_NAME_CHARS_MAX, ACCOUNTS_FOLDER, AccountName, BadAccountName, accounts_folder,
};
pub use accounts_folder::{Removed, ensure_accounts_folder, remove_others};
pub use read::{ReadError, folder_of, read};
pub use token::{Token, TokenId};
pub use watch::{POLL_INTERVAL, State, Watcher, Watchers};
pub use write::{WriteError, Writer};
