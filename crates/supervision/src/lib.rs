#![doc = include_str!("../README.md")]

mod lines;
mod panics;
mod tasks;

pub use lines::{Lines, LogCondition, lost_lines};
pub use panics::{Panicked, caught, guarded, panics, say_where};
pub use tasks::{GaveUp, MOST_RESTARTS, Supervisor};
