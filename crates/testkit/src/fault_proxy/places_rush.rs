//! A rush for the places of one incentive, in virtual time: what DynamoDB's limits for single items let functions do.
//!
//! The rules of lanes, fence and standing are those that functions follow (`domain`). The calls are modelled: how long they take, and which
//! item's limit they use.

mod acceptance;
mod limited;
mod virtual_time;

use std::rc::Rc;
use std::time::Duration;

use crate::answers::{AnsweredPlace, out_of_order};
use crate::fault_proxy::rush::Rush;
use limited::LimitedCalls;
use virtual_time::VirtualTime;

/// Lines that workers enter a second in one ledger. A participation that was answered without a place has it from then on.
const ENTERED_A_SECOND: u64 = 280;

/// Requests for the places of one incentive.
#[derive(Debug, Clone, Copy)]
pub struct PlacesRush {
    /// The requests.
    pub rush: Rush,
    /// How many places there are.
    pub quantity: u32,
    /// In how many lanes numbers are drawn while the counter is throttled; `None` if there are no lanes.
    pub lanes: Option<u64>,
    /// How many requests a second the API lets in; `None` is a function's URL, which has no such limit.
    pub let_in: Option<u32>,
    /// How many environments the functions have at most.
    pub environments: usize,
    /// The source of random numbers.
    pub seed: u64,
}

/// What became of the requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacesGiven {
    /// Requests that were accepted (202).
    pub accepted: u32,
    /// Requests beyond the limit of the API, or of the functions' environments (429).
    pub too_many: u32,
    /// Requests one of whose calls was throttled at every attempt (503).
    pub unavailable: u32,
    /// Answers with a place, or with a place in line.
    pub numbered: u32,
    /// Answers that say how many are ahead at least.
    pub behind_the_last_number: u32,
    /// Answers without a place, although there may be one (`"position": null`).
    pub not_known_yet: u32,
    /// Numbers that were drawn and that nobody has.
    pub unused: u64,
    /// Consumers who stand behind somebody who asked after they were answered.
    pub out_of_order: u32,
    /// The time in which half of those with a number were answered, and 99 of a hundred.
    pub answered_within: (Duration, Duration),
    /// When the last one was answered who was answered with a number, and when the last one of the others knows the place.
    pub last_knows: (Duration, Duration),
    /// The most calls that one request made one after another.
    pub most_calls: u32,
    /// The environments that were used.
    pub environments: usize,
    /// What was used up first, and when.
    pub first_used_up: Option<(String, Duration)>,
}

/// One accepted request, in time since the beginning.
#[derive(Debug, Clone, Copy)]
struct PlaceAnswer {
    asked: Duration,
    answered: Duration,
    told: PlaceTold,
    calls: u32,
}

/// What an answer says of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaceTold {
    Number(u64),
    AtLeast,
    NotKnownYet,
}

impl PlacesRush {
    /// Plays the rush.
    #[must_use]
    pub fn play(self) -> PlacesGiven {
        let time = Rc::new(VirtualTime::default());
        let calls = Rc::new(LimitedCalls::by(self, time.clone()));
        let span = self.rush.within.as_secs_f64() / f64::from(self.rush.requests.max(1));
        let asks = |request| {
            let at = Duration::from_secs_f64(span * f64::from(request));
            (at, Box::pin(acceptance::asks(calls.clone())) as _)
        };
        time.run((0..self.rush.requests).map(asks));
        calls.given()
    }
}

/// Sums the answers up.
fn summed_up(answers: &[PlaceAnswer], drawn: u64, given: PlacesGiven) -> PlacesGiven {
    let count = |told: fn(PlaceTold) -> bool| {
        u32::try_from(answers.iter().filter(|answer| told(answer.told)).count()).unwrap_or(u32::MAX)
    };
    let numbered = count(|told| matches!(told, PlaceTold::Number(_)));
    let not_known_yet = count(|told| told == PlaceTold::NotKnownYet);
    let with_number = || answers.iter().filter(|answer| matches!(answer.told, PlaceTold::Number(_)));
    let mut took: Vec<Duration> =
        with_number().map(|answer| answer.answered.saturating_sub(answer.asked)).collect();
    took.sort_unstable();
    let share = |of_a_hundred: usize| took.get(took.len() * of_a_hundred / 100).copied().unwrap_or_default();
    // Messages come in the order of acceptance, more or less, and workers enter them at their own speed.
    let enters = |(before, answer): (u64, &PlaceAnswer)| {
        answer.answered.max(Duration::from_millis(before * 1_000 / ENTERED_A_SECOND))
    };
    let others = (0_u64..).zip(answers).filter(|(_, answer)| answer.told == PlaceTold::NotKnownYet);
    let number = |answer: &PlaceAnswer| match answer.told {
        PlaceTold::Number(rank) => {
            Some(AnsweredPlace { asked: answer.asked, answered: answer.answered, rank })
        }
        PlaceTold::AtLeast | PlaceTold::NotKnownYet => None,
    };
    let numbers: Vec<_> = answers.iter().filter_map(number).collect();
    PlacesGiven {
        accepted: u32::try_from(answers.len()).unwrap_or(u32::MAX),
        numbered,
        behind_the_last_number: count(|told| told == PlaceTold::AtLeast),
        not_known_yet,
        unused: drawn - u64::from(numbered),
        out_of_order: u32::try_from(out_of_order(&numbers).len()).unwrap_or(u32::MAX),
        answered_within: (share(50), share(99)),
        last_knows: (
            with_number().map(|answer| answer.answered).max().unwrap_or_default(),
            others.map(enters).max().unwrap_or_default(),
        ),
        most_calls: answers.iter().map(|answer| answer.calls).max().unwrap_or_default(),
        ..given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rush(requests: u32, seconds: u64, lanes: Option<u64>) -> PlacesGiven {
        let rush = Rush { requests, within: Duration::from_secs(seconds) };
        PlacesRush { rush, quantity: 10_000, lanes, let_in: None, environments: 1_000, seed: 1 }.play()
    }

    #[test]
    fn in_calm_everybody_draws_from_the_counter_by_four_calls() {
        let given = rush(500, 5, Some(8));
        assert_eq!((given.accepted, given.numbered, given.out_of_order), (500, 500, 0));
        assert_eq!((given.most_calls, given.unused, given.first_used_up), (4, 0, None));
    }

    #[test]
    fn what_one_counter_does_not_take_is_drawn_in_lanes() {
        let (without, with) = (rush(6_000, 3, None), rush(6_000, 3, Some(8)));
        assert!(with.first_used_up.as_ref().is_some_and(|(key, _)| key == "Counter"), "{with:?}");
        assert!(without.not_known_yet > 1_000, "{without:?}");
        assert!(with.numbered > 5_700 && with.out_of_order == 0 && with.most_calls <= 8, "{with:?}");
    }
}
