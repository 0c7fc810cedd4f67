//! The real connector and a simulated workspace in one process, under a paused clock: hours pass in milliseconds, and a run is
//! the same every time.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod awards;
mod campaign;
mod certainty;
mod every_message;
mod refused_key;
mod requests;
mod sms;
