//! Shrinks a run that breaks a promise to the events that are needed.

use crate::simulation::{Broken, Mutation, Plan, play};

/// The shortest list of events that still breaks the promise, as far as leaving some out finds it.
#[must_use]
pub fn shrink(plan: &Plan, broken: &Broken, mutation: Option<Mutation>) -> Plan {
    let still_breaks = |plan: &Plan| play(plan, mutation).is_err_and(|found| found.promise == broken.promise);
    let mut least = plan.clone();
    let calmer = Plan { storm: 0, ..least.clone() };
    if still_breaks(&calmer) {
        least = calmer;
    }
    let mut length = least.happens.len().div_ceil(2);
    while length > 0 {
        let mut from = 0;
        while from < least.happens.len() {
            let mut shorter = least.clone();
            shorter.happens.drain(from..(from + length).min(least.happens.len()));
            if still_breaks(&shorter) {
                least = shorter;
            } else {
                from += length;
            }
        }
        length = if length == 1 { 0 } else { length.div_ceil(2) };
    }
    while let Some(known) = (0..least.known.len()).find_map(|leave_out| {
        let mut fewer = least.clone();
        fewer.known.remove(leave_out);
        still_breaks(&fewer).then_some(fewer)
    }) {
        least = known;
    }
    least
}
