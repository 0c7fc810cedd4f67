//! The pinned stored form: `fixtures` holds what every version has written, and these tests read and write
//! it.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod awards;
mod fixture;
mod participations;
mod refused;
mod side_by_side;
mod values;
mod workspaces;
