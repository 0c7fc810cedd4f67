#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod activation;
pub mod answer;
pub mod calls;
pub mod html;
pub mod language;
pub mod masked;
pub mod now;
pub mod parked;
pub mod plain;
pub mod timeline;
