//! Profiles that change while others write to them: merged, deleted, renamed, moved to another address, unsubscribed.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod consumers;
mod contacts;
mod existing_only;
mod identify;
mod merge;
mod removal;
mod renames;
mod sim;
mod slow;
mod unconfirmed;
