//! Tests of the documents against the code.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod events;
mod examples;
mod keys;
mod links;
mod markdown;
mod metrics;
mod promises;
mod refusals;
mod sources;
