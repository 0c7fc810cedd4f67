#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod award;
mod braze_access;
mod breaker;
mod budget;
mod call_record;
mod causes;
mod clock_watch;
mod connector;
mod counted;
mod deps;
mod dispatcher;
mod endpoints;
mod enter;
mod guard;
mod in_hand;
mod kept_calls;
mod kept_outages;
mod ledgers;
mod leftovers;
mod lost_consents;
mod on_call;
mod one_by_one;
mod outage;
mod profile_cache;
mod read;
mod read_back;
mod recent;
mod reschedule;
mod retry;
mod scarce;
mod step;
mod suspects;
mod tick;
mod turns;
mod unreadable;
mod without_terms;
mod work_item;
mod worker;
mod workspace;

pub use connector::Connector;
pub use deps::Deps;
pub use dispatcher::Dispatched;
pub use tick::{TICK, Ticked};
pub use work_item::Stepped;
pub use worker::{LINGER, Worker};
