#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod cloudwatch;
mod counters;
mod list;
pub mod prometheus;

pub use cloudwatch::MetricsLine;
pub use counters::{Counters, Figures, milliseconds};
pub use list::{Description, Metric, MetricKind, SaidBy, Unit};
