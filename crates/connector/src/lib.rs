#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod award;
mod case;
mod clock_watch;
mod courier;
mod guard;
mod in_hand;
mod knowledge;
mod look_up;
mod on_call;
mod outage;
mod outside;
mod pace;
mod recent;
mod retry;
mod step;
mod subscription;
mod tally;
mod tick;
mod translate;
mod unreadable;
mod valve;
mod wake;
mod without_terms;
mod worker;
mod workspace;
mod write;

pub use courier::Telling;
pub use outside::Outside;
pub use step::{Connector, Stepped};
pub use tally::Tally;
pub use tick::{TICK, Ticked};
pub use worker::{LINGER, Worker};
