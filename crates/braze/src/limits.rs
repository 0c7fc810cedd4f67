//! What answers say of the limits, in every documented form (braze-docs, API limits and users/track).

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// A reset above this is a moment since the epoch, below it the seconds that are left.
const EPOCH_FROM: u64 = 1_000_000_000;

/// Longer waits than this are nobody's intention; Braze's longest window is an hour.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// The rate-limit headers of an answer. Absent, empty and unreadable ones are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a window.
    pub limit: Option<u64>,
    /// Requests left in this one.
    pub remaining: Option<u64>,
    /// When it ends.
    pub reset: Option<Reset>,
    /// How long to wait after a 429 or 503.
    pub retry_after: Option<Duration>,
}

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At this moment.
    At(Timestamp),
    /// After so long.
    In(Duration),
}

impl RateLimit {
    /// Reads the headers of an answer.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
        let braze = number("x-ratelimit-retry-after").map(Duration::from_secs);
        let standard = text("retry-after").and_then(|text| text.parse().map(Duration::from_secs).ok());
        Self {
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset").and_then(reset),
            retry_after: braze.or(standard).map(|wait| wait.min(LONGEST)),
        }
        .or_date(text("date"), text("retry-after"))
    }

    /// How long to wait before the next request, when the answer asked for it: `x-ratelimit-retry-after`, else
    /// `retry-after`, else the end of a window with nothing left.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let until_reset = || {
            let left = match self.reset? {
                Reset::At(moment) => Duration::try_from(moment.duration_since(now)).unwrap_or_default(),
                Reset::In(left) => left,
            };
            (self.remaining == Some(0)).then_some(left.min(LONGEST))
        };
        self.retry_after.or_else(until_reset)
    }

    /// `retry-after` may be a date; the answer's own `date` says how far off that is.
    fn or_date(mut self, date: Option<&str>, retry_after: Option<&str>) -> Self {
        if self.retry_after.is_none()
            && let (Some(Ok(sent)), Some(Ok(until))) = (date.map(http_date), retry_after.map(http_date))
        {
            let wait = Duration::try_from(until.duration_since(sent)).unwrap_or_default();
            self.retry_after = Some(wait.min(LONGEST));
        }
        self
    }
}

fn http_date(text: &str) -> Result<Timestamp, jiff::Error> {
    rfc2822::DateTimeParser::new().parse_timestamp(text)
}

fn reset(value: u64) -> Option<Reset> {
    if value > EPOCH_FROM {
        Timestamp::from_second(i64::try_from(value).ok()?).ok().map(Reset::At)
    } else {
        Some(Reset::In(Duration::from_secs(value).min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> RateLimit {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        RateLimit::read(&map)
    }

    #[test]
    fn a_large_reset_is_a_moment_and_a_small_one_what_is_left() {
        let at = read(&[("x-ratelimit-reset", "1800000000")]);
        assert_eq!(at.reset, Some(Reset::At(Timestamp::from_second(1_800_000_000).unwrap())));
        assert_eq!(read(&[("x-ratelimit-reset", "17")]).reset, Some(Reset::In(Duration::from_secs(17))));
    }

    #[test]
    fn empty_and_absurd_headers_say_nothing() {
        let empty = [("x-ratelimit-limit", ""), ("x-ratelimit-remaining", ""), ("x-ratelimit-reset", "")];
        assert_eq!(read(&empty), RateLimit::default());
        assert_eq!(read(&[("x-ratelimit-reset", "99999999999999999999")]), RateLimit::default());
        assert_eq!(read(&[("x-ratelimit-limit", "-4")]), RateLimit::default());
        assert_eq!(read(&[("retry-after", "soon")]), RateLimit::default());
    }

    #[test]
    fn brazes_own_retry_after_comes_before_the_standard_one_and_both_before_the_reset() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let reset = ("x-ratelimit-reset", "1800000030");
        let remaining = ("x-ratelimit-remaining", "0");
        let all = read(&[("x-ratelimit-retry-after", "7"), ("retry-after", "9"), remaining, reset]);
        assert_eq!(all.wait(now), Some(Duration::from_secs(7)));
        assert_eq!(read(&[("retry-after", "9"), remaining, reset]).wait(now), Some(Duration::from_secs(9)));
        assert_eq!(read(&[remaining, reset]).wait(now), Some(Duration::from_secs(30)));
        assert_eq!(read(&[("x-ratelimit-remaining", "3"), reset]).wait(now), None);
    }

    #[test]
    fn retry_after_may_be_a_date() {
        let limits = read(&[
            ("date", "Mon, 23 Nov 2026 12:00:00 GMT"),
            ("retry-after", "Mon, 23 Nov 2026 12:00:45 GMT"),
        ]);
        assert_eq!(limits.retry_after, Some(Duration::from_secs(45)));
    }

    #[test]
    fn no_wait_is_longer_than_two_hours() {
        assert_eq!(read(&[("retry-after", "999999")]).retry_after, Some(LONGEST));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[ -~]{0,40}") {
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            for name in ["x-ratelimit-limit", "x-ratelimit-reset", "retry-after", "x-ratelimit-retry-after", "date"] {
                let _wait = read(&[(name, value.as_str()), ("x-ratelimit-remaining", "0")]).wait(now);
            }
        }
    }
}
