//! What the gateway knows about Dremio: whether it answers, with which token to ask it, and how
//! often.

mod health;
mod pauses;
mod token;

pub(crate) use health::{AWAY_TIMEOUT, DremioHealth};
pub(crate) use pauses::Pauses;
pub(crate) use token::{TokenError, TokenSource, Verdict};
