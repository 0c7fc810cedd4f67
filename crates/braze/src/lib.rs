#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod batch;
mod client;
mod confirmation;
mod error;
mod export;
mod known_text;
mod limits;
mod outcome;
mod permission;
mod redact;
#[cfg(test)]
mod samples;
mod subscription;
mod track;
mod transport;

pub use batch::{BatchLimit, LARGEST_BODY, pack};
pub use client::{Answer, ApiKey, Client};
pub use error::{AfterError, Error};
pub use export::{EventCount, Export, ExportQuery, Fields, MOST_IDENTIFIERS, Profile};
pub use limits::{RateLimit, Reset};
pub use outcome::{ObjectOutcome, ObjectRefusal, WriteOutcome};
pub use permission::{Grant, Permission};
pub use subscription::{GroupContacts, GroupPhones, MOST_PHONES, SetEndpoint, Statuses, SubscriptionState};
pub use track::{AttributesObject, Event, Identifier, TrackWrite, UserAlias};
pub use transport::{HttpTransport, Timeouts, Transport, TransportError};
