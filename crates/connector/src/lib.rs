#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod award;
mod braze_access;
mod breaker;
mod budget;
mod case;
mod clock_watch;
mod connector;
mod counted;
mod courier;
mod endpoints;
mod enter;
mod guard;
mod in_hand;
mod kept_outages;
mod ledgers;
mod on_call;
mod one_by_one;
mod outage;
mod outside;
mod profile_cache;
mod read;
mod recent;
mod retry;
mod step;
mod suspects;
mod tick;
mod turns;
mod unreadable;
mod wake;
mod without_terms;
mod worker;
mod workspace;

pub use case::Stepped;
pub use connector::Connector;
pub use courier::Telling;
pub use outside::Outside;
pub use tick::{TICK, Ticked};
pub use worker::{LINGER, Worker};
