//! Who calls, and what they may do.
//!
//! - `identity`: what every call carries from access control to Dremio

mod identity;

pub(crate) use self::identity::Identity;
