//! The engine in process against the stand-in: what the client gets, and what the stand-in saw.

mod catalog;
mod fixture;
mod handles;
mod jobs;
mod paging;
mod protocol;
mod queries;
mod search;
mod snapshot;
