//! The stored form, pinned: what is in `fixtures` is what every version has written, and it is read and written here.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod awards;
mod books;
mod fixture;
mod participations;
mod refused;
mod side_by_side;
mod values;
