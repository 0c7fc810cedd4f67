//! What the documents say, held against the code.

mod events;
mod examples;
mod keys;
mod links;
mod markdown;
mod sources;
