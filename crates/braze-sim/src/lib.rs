#![doc = include_str!("../README.md")]

mod clock;
mod export;
mod faults;
mod inspect;
mod profiles;
mod rest;
mod seed;
mod serve;
mod subscription;
mod track;
mod windows;
mod workspace;

pub use faults::{Fault, FaultKind, When};
pub use seed::SeedError;
pub use serve::serve;
pub use subscription::{DoubleOptIn, StatusKeys};
pub use windows::HeaderStyle;
pub use workspace::{ObservedRequest, OnRequest, Settings, Workspace};

/// The text that the workspace returns at `GET /`, and that `sim --help` shows.
pub const HELP: &str = include_str!("help.txt");
