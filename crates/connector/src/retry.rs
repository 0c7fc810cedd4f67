//! How long to wait before trying again.

use std::time::Duration;

use ports::Chance;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// The wait before attempt `failures + 1`: the wait that Braze asked for, whatever came before, or else a
/// wait that doubles from one second to five minutes, with jitter.
pub(crate) fn back_off(failures: u32, asked: Option<Duration>, chance: &dyn Chance) -> Duration {
    asked.unwrap_or_else(|| {
        let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
        chance.jitter(doubled.min(LONGEST))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Randomness with a fixed value.
    struct Fixed(u64);

    impl Chance for Fixed {
        fn bits(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits: Vec<u64> = (1..=12).map(|n| back_off(n, None, &Fixed(0)).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(back_off(u32::MAX, None, &Fixed(0)), LONGEST);
    }

    #[test]
    fn jitter_spreads_a_wait_over_its_own_length() {
        assert_eq!(back_off(3, None, &Fixed(500)), Duration::from_secs(6));
        assert!(back_off(3, None, &Fixed(999)) < Duration::from_secs(8));
    }

    #[test]
    fn the_wait_that_braze_asked_for_is_kept_whatever_came_before() {
        for failures in [1, 5, 40] {
            assert_eq!(back_off(failures, Some(Duration::from_secs(2)), &Fixed(999)), Duration::from_secs(2));
        }
    }
}
