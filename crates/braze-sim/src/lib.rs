#![doc = include_str!("../README.md")]

mod actions;
mod applied;
mod clock;
mod consumer;
mod contact;
mod contacts;
mod effects;
mod endpoints;
mod export;
mod faults;
mod identity;
mod identity_requests;
mod inspect;
mod merging;
mod profiles;
mod rest;
mod seed;
mod serve;
mod subscription;
mod subscription_requests;
mod track;
mod unconfirmed;
mod windows;
mod workspace;

pub use applied::{AppliedObject, OnApplied};
pub use faults::{Fault, FaultKind, When};
pub use seed::SeedError;
pub use serve::serve;
pub use subscription::{DoubleOptIn, StatusKeys};
pub use unconfirmed::Unconfirmed;
pub use windows::HeaderStyle;
pub use workspace::{ObservedRequest, OnRequest, Settings, Workspace};

/// The text that the workspace returns at `GET /`, and that `sim --help` shows.
pub const HELP: &str = include_str!("help.txt");
