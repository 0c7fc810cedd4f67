#![doc = include_str!("../README.md")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

mod answer;
pub mod disk;
pub mod load;
pub mod peers;
pub mod process;
pub mod spread;
pub mod watch;
