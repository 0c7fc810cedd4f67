//! Detects when the clock is set back. Much of what waits does so until a moment, which is then further off.

use std::time::Duration;

use domain::Timestamp;
use domain::time::between;
use parking_lot::Mutex;

/// Differences up to this are ordinary clock corrections.
const CORRECTION: Duration = Duration::from_secs(5);

/// Remembers the last time that was seen.
#[derive(Default)]
pub(crate) struct ClockWatch(Mutex<Option<Timestamp>>);

impl ClockWatch {
    /// The shortest time by which the clock was set back since the last call; `None` if it was not.
    pub(crate) fn set_back_by(&self, now: Timestamp) -> Option<Duration> {
        let mut seen = self.0.lock();
        let back = seen.replace(now).map(|seen| between(now, seen));
        back.filter(|back| *back > CORRECTION)
    }
}

/// Whether something was written under a clock that ran ahead of `now`.
pub(crate) fn is_of_the_future(written: Timestamp, now: Timestamp) -> bool {
    between(now, written) > CORRECTION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_step_back_is_noticed_once_and_a_correction_not_at_all() {
        let watch = ClockWatch::default();
        let steps = [0, 60, 58, 120, 60, 61, 3_700, 100, 101].map(|second| watch.set_back_by(at(second)));
        let back = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(steps, [None, None, None, None, back(60), None, None, back(3_600), None]);
    }
}
