//! What the gateway knows about Dremio: whether it answers, and with which token to ask it.

mod health;
mod token;

pub(crate) use health::DremioHealth;
pub(crate) use token::{NoToken, TokenSource};
