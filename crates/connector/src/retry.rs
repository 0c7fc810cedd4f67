//! How long to wait before trying again.

use std::time::Duration;

use ports::Chance;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Braze's own `Retry-After` is followed up to here; its hourly windows are the longest it has.
const LONGEST_ASKED: Duration = Duration::from_secs(3_600);

/// The wait before attempt `failures + 1`: doubling from one second to five minutes, with jitter, and never shorter than
/// Braze asked for.
pub(crate) fn back_off(failures: u32, asked: Option<Duration>, chance: &dyn Chance) -> Duration {
    let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    let own = chance.jitter(doubled.min(LONGEST));
    asked.map_or(own, |asked| own.max(asked.min(LONGEST_ASKED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance that always falls the same way.
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
    fn braze_is_asked_no_earlier_than_it_said() {
        assert_eq!(back_off(1, Some(Duration::from_secs(40)), &Fixed(0)), Duration::from_secs(40));
        assert_eq!(back_off(1, Some(Duration::MAX), &Fixed(0)), LONGEST_ASKED);
    }
}
