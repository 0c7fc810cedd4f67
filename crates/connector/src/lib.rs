#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod award;
mod case;
mod clock_watch;
mod connector;
mod courier;
mod enter;
mod guard;
mod in_hand;
mod kept_outages;
mod knowledge;
mod ledgers;
mod look_up;
mod on_call;
mod one_by_one;
mod outage;
mod outside;
mod pace;
mod read;
mod recent;
mod retry;
mod step;
mod subscription;
mod suspects;
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

pub use case::Stepped;
pub use connector::Connector;
pub use courier::Telling;
pub use outside::Outside;
pub use tally::Tally;
pub use tick::{TICK, Ticked};
pub use worker::{LINGER, Worker};
