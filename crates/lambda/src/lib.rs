#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

#[cfg(any(feature = "http", feature = "worker"))]
mod adapters;
pub mod batch;
pub mod brands;
#[cfg(feature = "worker")]
mod connections;
pub mod environment;
#[cfg(feature = "http")]
pub mod http;
pub mod logs;
#[cfg(any(feature = "http", feature = "worker"))]
mod output;
#[cfg(any(feature = "http", feature = "worker"))]
mod queues;
pub mod ready;
#[cfg(feature = "worker")]
pub mod worker;
