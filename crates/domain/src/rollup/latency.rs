//! How long something took, in classes.

use std::time::Duration;

/// A class of durations. Every fourth class is twice as long, so a class tells a duration to within a fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Latency(u8);

/// The shortest duration in milliseconds of the second to the fourth class of an octave, relative to its first: the fourth
/// root of two and its powers, in thousandths.
const STEPS: [u64; 3] = [1_189, 1_414, 1_682];

impl Latency {
    /// The class of a duration. Everything under a millisecond is in the first.
    #[must_use]
    pub fn of(took: Duration) -> Self {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let octave = millis.ilog2();
        let part = STEPS.iter().filter(|step| millis >= bound(octave, **step)).count();
        let class = octave.saturating_mul(4).saturating_add(u32::try_from(part).unwrap_or_default());
        Self(u8::try_from(class).unwrap_or(u8::MAX))
    }

    /// The longest duration of the class, to the millisecond.
    #[must_use]
    pub fn longest(self) -> Duration {
        let next = u32::from(self.0).saturating_add(1);
        let (octave, part) = (next / 4, next % 4);
        let step = part.checked_sub(1).and_then(|part| STEPS.get(part as usize)).copied().unwrap_or(1_000);
        Duration::from_millis(bound(octave, step).saturating_sub(1).max(1))
    }

    /// The name under which durations of this class are counted.
    #[must_use]
    pub fn name(self, of: &str) -> String {
        format!("{of} in {}", self.0)
    }

    /// The class in a name that [`Self::name`] made.
    #[must_use]
    pub fn named(name: &str, of: &str) -> Option<Self> {
        name.strip_prefix(of)?.strip_prefix(" in ")?.parse().ok().map(Self)
    }
}

/// The shortest duration in milliseconds of a class, rounded up.
fn bound(octave: u32, step: u64) -> u64 {
    let first = 1_u128.checked_shl(octave).unwrap_or(u128::MAX);
    let thousandths = first.saturating_mul(u128::from(step));
    u64::try_from(thousandths.div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_class_contains_its_durations_and_is_no_wider_than_a_fifth(millis in 1_u64..10_000_000_000) {
            let class = Latency::of(Duration::from_millis(millis));
            let longest = u64::try_from(class.longest().as_millis()).unwrap();
            prop_assert!(millis <= longest, "{millis} in {class:?} up to {longest}");
            prop_assert!(longest <= millis + millis / 5 + 1, "{millis} in {class:?} up to {longest}");
        }

        #[test]
        fn a_longer_duration_is_in_no_earlier_class(millis in 0_u64..10_000_000_000, more in 0_u64..1_000_000) {
            let class = |millis| Latency::of(Duration::from_millis(millis));
            prop_assert!(class(millis) <= class(millis + more));
        }
    }

    #[test]
    fn the_longest_durations_have_a_class() {
        assert!(Latency::of(Duration::MAX) > Latency::of(Duration::from_secs(100 * 365 * 86_400)));
    }

    #[test]
    fn a_class_is_read_from_its_name() {
        let class = Latency::of(Duration::from_millis(214));
        assert_eq!(Latency::named(&class.name("credited"), "credited"), Some(class));
        assert_eq!(Latency::named(&class.name("credited"), "rewarded"), None);
    }
}
