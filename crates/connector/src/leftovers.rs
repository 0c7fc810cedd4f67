//! Spreads participations from files that found no request slot over the coming windows, so that a long backlog of them does not ask
//! in every window.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::time::later;
use parking_lot::Mutex;
use ports::limits::{ContractLane, Lane};

/// The longest time over which they are spread.
const SPREAD: Duration = Duration::from_secs(3_600);

/// How many requests of a lane are told to ask again, from which moment on.
#[derive(Default)]
pub(crate) struct Leftovers(Mutex<HashMap<Lane, (Timestamp, u32)>>);

impl Leftovers {
    /// When requests that were closed until a moment ask again: at that moment, or as many windows later as those fill that were told
    /// before.
    pub(crate) fn again(&self, lane: &ContractLane, closed: Timestamp, count: u32) -> Timestamp {
        let allowance = lane.contract.allowance;
        let mut told = self.0.lock();
        let (from, waiting) = told.entry(lane.lane.clone()).or_insert((closed, 0));
        if *from < closed {
            // A window has passed since.
            (*from, *waiting) = (closed, waiting.saturating_sub(allowance.requests));
        }
        let windows = *waiting / allowance.requests.max(1);
        *waiting = waiting.saturating_add(count);
        let longest = SPREAD.as_millis() / allowance.period.as_millis().max(1);
        later(
            closed,
            allowance.period.saturating_mul(windows.min(u32::try_from(longest).unwrap_or(u32::MAX))),
        )
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::BrandId;
    use domain::reservation::Allowance;
    use ports::limits::Endpoint;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_long_backlog_is_spread_over_windows_and_a_short_one_is_not() {
        let allowance = Allowance { requests: 100, period: Duration::from_secs(60), by_contract: false };
        let lane = Lane { brand: BrandId::parse("acme").unwrap(), endpoint: Endpoint::ExportIds };
        let lane = ContractLane { lane, contract: allowance.into() };
        let leftovers = Leftovers::default();
        let asked: Vec<Timestamp> = (0..5).map(|_| leftovers.again(&lane, at(45), 50)).collect();
        assert_eq!(asked, [at(45), at(45), at(105), at(105), at(165)]);
        assert_eq!(leftovers.again(&lane, at(105), 50), at(165), "one window has passed");
    }
}
