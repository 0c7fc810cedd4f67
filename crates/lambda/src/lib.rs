#![doc = include_str!("../README.md")]

pub mod batch;
pub mod brands;
pub mod environment;
#[cfg(feature = "http")]
pub mod http;
pub mod logs;
#[cfg(feature = "worker")]
pub mod worker;
