//! Arithmetic with moments that cannot panic.
//!
//! `moment + duration` panics if the sum leaves the range of [`Timestamp`], and durations come from brand
//! files and from stored data. So Clippy refuses the operators here and in every crate that handles moments
//! (`clippy::arithmetic_side_effects`). These functions stop at the end of the range instead, and what waits
//! until then waits forever.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The moment `by` after `moment`, or the last possible moment.
#[must_use]
pub fn later(moment: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| moment.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// The moment `by` before `moment`, or the first possible moment.
#[must_use]
pub fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| moment.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

/// The time from `from` to `to`; zero if `to` comes first.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments() -> impl Strategy<Value = Timestamp> {
        let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        prop_oneof![Just(Timestamp::MIN), Just(Timestamp::MAX), Just(Timestamp::UNIX_EPOCH)]
            .or((first..=last).prop_map(|moment| Timestamp::from_millisecond(moment).expect("in range")))
    }

    fn durations() -> impl Strategy<Value = Duration> {
        prop_oneof![Just(Duration::ZERO), Just(Duration::MAX)]
            .or(any::<u64>().prop_map(Duration::from_millis))
            .or((0..1_000_000_000_000_u64).prop_map(Duration::from_millis))
    }

    trait Or: Strategy + Sized + 'static {
        fn or(self, other: impl Strategy<Value = Self::Value> + 'static) -> BoxedStrategy<Self::Value> {
            prop_oneof![self, other].boxed()
        }
    }

    impl<S: Strategy + 'static> Or for S {}

    proptest! {
        #[test]
        fn no_moment_and_no_duration_panic(moment in moments(), by in durations(), other in moments()) {
            let (after, before) = (later(moment, by), earlier(moment, by));
            prop_assert!(before <= moment && moment <= after);
            if after < Timestamp::MAX {
                prop_assert_eq!(between(moment, after), by);
            }
            if before > Timestamp::MIN {
                prop_assert_eq!(between(before, moment), by);
            }
            let gone_by = between(moment, other);
            prop_assert_eq!(later(moment, gone_by), moment.max(other));
        }
    }
}
