#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod address;
mod error;
mod signature;
mod transport;

pub use address::is_public;
pub use error::CallbackError;
pub use signature::{Flaw, Signed, SigningSecret};
pub use transport::{Addresses, CallbackTransport, HttpCallbacks};
