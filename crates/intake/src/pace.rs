//! When a page should ask again. It depends on how fast things change, so that a page that is open for hours costs little.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::LedgerKey;
use domain::incentive::{Incentive, Kind};
use domain::ledger::Counts;
use domain::seen::{Expected, Prospect};
use domain::time::between;
use parking_lot::Mutex;

const SECOND: Duration = seconds(1);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// While counters move, or are nearly empty.
const FAST: Duration = SECOND;

/// When counters have not moved for a moment.
const SLOW: Duration = seconds(3);

/// When nothing happens.
const QUIET: Duration = seconds(15);

/// So few rewards are nearly none.
const FEW: u32 = 20;

/// What this process remembers of the counters that it has shown. A process that has just started takes all of them for fast.
#[derive(Default)]
pub(crate) struct CounterPace {
    moved: Mutex<HashMap<LedgerKey, Moved>>,
}

/// The counters when they were last seen to move.
struct Moved {
    counters: [u32; 4],
    at: Timestamp,
}

impl CounterPace {
    /// When to ask for an incentive's counters again; `None` if they do not change any more.
    pub(crate) fn of_counters(
        &self,
        (ledger, incentive): (&LedgerKey, &Incentive),
        counts: &Counts,
        now: Timestamp,
    ) -> Option<Duration> {
        if now < incentive.opens {
            return Some(between(now, incentive.opens).clamp(SECOND, QUIET));
        }
        let undrawn = matches!(incentive.kind, Kind::Raffle { .. }) && counts.drawn_at.is_none();
        if now >= incentive.closes {
            return (undrawn || counts.held > 0).then_some(QUIET);
        }
        let still_for = self.still_for(ledger, counts, now);
        if still_for < seconds(10) || is_nearly_empty(incentive, counts) {
            Some(FAST)
        } else if still_for < seconds(60) {
            Some(SLOW)
        } else {
            Some(QUIET)
        }
    }

    /// How long the counters have not moved.
    fn still_for(&self, ledger: &LedgerKey, counts: &Counts, now: Timestamp) -> Duration {
        let counters = [counts.given, counts.held, counts.waiting, counts.entered];
        let mut moved = self.moved.lock();
        let last = moved.entry(ledger.clone()).or_insert(Moved { counters, at: now });
        if last.counters != counters {
            *last = Moved { counters, at: now };
        }
        between(last.at, now)
    }
}

fn is_nearly_empty(incentive: &Incentive, counts: &Counts) -> bool {
    let few = |quantity: u32| {
        let left = quantity.saturating_sub(counts.given).saturating_sub(counts.held);
        left > 0 && left <= FEW.max(quantity / 10)
    };
    incentive.quantity.limit().is_some_and(few)
}

/// When to ask for a participation again; `None` if it does not change any more. `age` is the time since it was accepted.
pub(crate) fn of_participation(expected: Expected, is_asked: bool, age: Duration) -> Option<Duration> {
    if expected.is_final {
        return None;
    }
    Some(match expected.prospect {
        Prospect::Waiting => seconds(5),
        Prospect::Entered => QUIET,
        Prospect::OnItsWay | Prospect::Won | Prospect::Nothing | Prospect::Refused => {
            if is_asked {
                seconds(2)
            } else if age < seconds(10) {
                FAST
            } else if age < seconds(120) {
                SLOW
            } else {
                QUIET
            }
        }
    })
}

/// In milliseconds, as answers show it.
pub(crate) fn in_ms(next: Duration) -> u64 {
    u64::try_from(next.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use domain::ids::{IncentiveId, Scope};
    use domain::incentive::{Prize, Quantity, Reward};
    use domain::time::later;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
    }

    fn incentive(quantity: u32) -> (LedgerKey, Incentive) {
        let id = IncentiveId::parse("first").unwrap();
        let incentive = Incentive {
            id: id.clone(),
            opens: at(100),
            closes: at(10_000),
            quantity: Quantity::Limited(NonZeroU32::new(quantity).unwrap()),
            kind: Kind::First(Prize::Fixed(Reward::Code("X".to_owned()))),
            consolation: None,
        };
        (LedgerKey { scope: Scope::parse("spring").unwrap(), incentive: Some(id) }, incentive)
    }

    fn next(pace: &CounterPace, quantity: u32, given: u32, now: u64) -> Option<u64> {
        let (ledger, incentive) = incentive(quantity);
        let counts = Counts { given, ..Counts::default() };
        pace.of_counters((&ledger, &incentive), &counts, at(now)).map(in_ms)
    }

    #[test]
    fn counters_that_move_are_asked_for_every_second_and_quiet_ones_seldom() {
        let pace = CounterPace::default();
        let asked = [(1, 200), (2, 205), (2, 216), (2, 270), (3, 271)];
        let nexts = asked.map(|(given, now)| next(&pace, 1_000, given, now).unwrap());
        assert_eq!(nexts, [1_000, 1_000, 3_000, 15_000, 1_000]);
    }

    #[test]
    fn nearly_empty_counters_are_asked_for_every_second_and_empty_ones_seldom() {
        let pace = CounterPace::default();
        assert_eq!(next(&pace, 1_000, 950, 200), Some(1_000));
        assert_eq!(next(&pace, 1_000, 950, 900), Some(1_000));
        assert_eq!(next(&pace, 1_000, 1_000, 901), Some(1_000));
        assert_eq!(next(&pace, 1_000, 1_000, 999), Some(15_000));
    }

    #[test]
    fn before_the_opening_the_next_look_is_at_the_opening_and_after_the_close_there_is_none() {
        let pace = CounterPace::default();
        assert_eq!(next(&pace, 10, 0, 0), Some(15_000));
        assert_eq!(next(&pace, 10, 0, 96), Some(4_000));
        assert_eq!(next(&pace, 10, 0, 10_000), None);
    }

    #[test]
    fn a_participation_is_asked_for_until_its_result_is_final() {
        let of = |prospect, is_final, age| {
            let expected = Expected { prospect, is_final };
            of_participation(expected, false, Duration::from_secs(age)).map(in_ms)
        };
        assert_eq!(of(Prospect::Won, true, 0), None);
        let ages = [0, 60, 600].map(|age| of(Prospect::OnItsWay, false, age).unwrap());
        assert_eq!(ages, [1_000, 3_000, 15_000]);
    }
}
