//! Limits by the second, each with what was used of it.

use std::collections::HashMap;

use domain::Timestamp;

/// What was used of each limit. Up to one second's worth is saved up. A use is counted once it is known, so a limit may be exceeded by one
/// call, and is then closed for as long as that takes.
#[derive(Default)]
pub(super) struct Buckets {
    kept: HashMap<String, Bucket>,
}

struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Buckets {
    fn bucket(&mut self, key: &str, a_second: u32, now: Timestamp) -> &mut Bucket {
        let full = f64::from(a_second);
        let bucket = self.kept.entry(key.to_owned()).or_insert(Bucket { left: full, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.left = passed.mul_add(full, bucket.left).min(full);
        bucket.at = now;
        bucket
    }

    /// Whether something is left of a limit.
    pub(super) fn is_open(&mut self, key: &str, a_second: u32, now: Timestamp) -> bool {
        self.bucket(key, a_second, now).left > 0.0
    }

    /// Counts what was used.
    pub(super) fn charge(&mut self, key: &str, a_second: u32, used: f64, now: Timestamp) {
        self.bucket(key, a_second, now).left -= used;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_limit_is_closed_until_what_was_used_too_much_has_come_back() {
        let (mut buckets, now) = (Buckets::default(), crate::start());
        assert!(buckets.is_open("key", 10, now));
        buckets.charge("key", 10, 15.0, now);
        assert!(!buckets.is_open("key", 10, now));
        assert!(!buckets.is_open("key", 10, now + Duration::from_millis(500)));
        assert!(buckets.is_open("key", 10, now + Duration::from_millis(600)));
        assert!(buckets.is_open("another key", 10, now));
    }

    #[test]
    fn no_more_than_a_second_is_saved_up() {
        let (mut buckets, now) = (Buckets::default(), crate::start());
        assert!(buckets.is_open("key", 10, now));
        let later = now + Duration::from_secs(60);
        buckets.charge("key", 10, 10.0, later);
        assert!(!buckets.is_open("key", 10, later));
    }
}
