#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod audit;
pub mod award;
pub mod brand_file;
pub mod callback;
pub mod calls;
pub mod counters;
pub mod hint;
pub mod limits;
pub mod outage;
pub mod participation;
pub mod read_back;

mod choice;
mod error;
mod form;
mod prize;
mod profile;
mod unknown;
mod values;

pub use error::{Unencodable, Unreadable};
