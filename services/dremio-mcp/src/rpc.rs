//! JSON-RPC 2.0 as text: messages are classified and spliced, never re-serialised, so unknown
//! members, number spellings and key order reach the other side as they were written.

mod error;
mod message;
mod object;
mod params;
mod refusal;
mod strict;

pub(crate) use error::{ErrorCode, ParseError, RpcError};
pub(crate) use message::{Kind, Message};
pub(crate) use object::{
    insert_members, list_member, member, members, read_json, replace_member, set_member, set_meta,
    string_literal, text_member, with_part,
};
pub(crate) use params::Params;
pub(crate) use refusal::{Refusal, json_response};

#[cfg(test)]
mod tests;
