//! What Braze's answers say about the rate limits, in every documented form (braze-docs, API limits and
//! users/track).

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// A reset of at least this value is a moment in seconds since the epoch; a smaller one is the number of
/// seconds left.
const EPOCH_FROM: u64 = 1_000_000_000;

/// Waits are cut to this length. Braze's longest window is an hour, so a longer wait cannot be meant.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// The rate-limit headers of an answer. A header that is absent, empty or unreadable is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests a window allows.
    pub limit: Option<u64>,
    /// How many requests are left in the current window.
    pub remaining: Option<u64>,
    /// When the current window ends.
    pub reset: Option<Reset>,
    /// How long to wait after an answer that was not a success.
    pub retry_after: Option<Duration>,
    /// The same as a moment, if the answer does not say when it was sent.
    pub retry_at: Option<Timestamp>,
}

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The window ends at this moment.
    At(Timestamp),
    /// The window ends after this time.
    In(Duration),
}

impl RateLimit {
    /// Reads the rate-limit headers of an answer.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
        let seconds = |name: &str| text(name).and_then(whole_seconds);
        let wait = seconds("x-ratelimit-retry-after").or_else(|| seconds("retry-after"));
        let until = text("retry-after").filter(|_| wait.is_none()).and_then(http_date);
        // With the answer's own date the wait is exact, whatever our clock shows.
        let left = until.zip(text("date").and_then(http_date)).map(|(until, sent)| between(sent, until));
        Self {
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: seconds("x-ratelimit-reset").and_then(reset),
            retry_after: wait.map(Duration::from_secs).or(left).map(|wait| wait.min(LONGEST)),
            retry_at: until.filter(|_| left.is_none()),
        }
    }

    /// How long to wait before the next request, if the answer asks for a wait: `x-ratelimit-retry-after`, or
    /// else `retry-after`, or else the end of the window if no request is left in it.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.asked(now).or_else(|| self.until_reset(now).filter(|_| self.remaining == Some(0)))
    }

    /// The wait after a 429, which by itself means that no request is left.
    #[must_use]
    pub fn wait_when_throttled(&self, now: Timestamp) -> Option<Duration> {
        self.asked(now).or_else(|| self.until_reset(now))
    }

    /// A wait of zero counts as no wait, since following it would repeat the request at once, again and
    /// again.
    fn asked(&self, now: Timestamp) -> Option<Duration> {
        let until = self.retry_at.map(|moment| between(now, moment).min(LONGEST));
        self.retry_after.or(until).filter(|wait| !wait.is_zero())
    }

    fn until_reset(&self, now: Timestamp) -> Option<Duration> {
        let left = match self.reset? {
            Reset::At(moment) => between(now, moment),
            Reset::In(left) => left,
        };
        Some(left.min(LONGEST)).filter(|left| !left.is_zero())
    }
}

/// The time from one moment to a later one; zero if it is not later.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Reads seconds and rounds a fraction up, since a request that comes too early is refused again.
fn whole_seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let begun = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    // A number that does not fit counts as the largest that does.
    Some(whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(begun))
}

/// Reads a date in one of HTTP's three forms (RFC 9110), or in the form that e-mail uses (RFC 2822).
fn http_date(text: &str) -> Option<Timestamp> {
    let http = httpdate::parse_http_date(text).ok().and_then(|moment| Timestamp::try_from(moment).ok());
    http.or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(text).ok())
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
    fn a_large_reset_is_a_moment_and_a_small_one_is_the_seconds_left() {
        let at = read(&[("x-ratelimit-reset", "1800000000")]);
        assert_eq!(at.reset, Some(Reset::At(Timestamp::from_second(1_800_000_000).unwrap())));
        assert_eq!(read(&[("x-ratelimit-reset", "17")]).reset, Some(Reset::In(Duration::from_secs(17))));
    }

    #[test]
    fn empty_and_absurd_headers_are_ignored() {
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
    fn a_date_is_read_in_three_forms_and_compared_with_our_clock_if_the_answer_has_no_date() {
        // Thu, 14 Jan 2027 08:00:00 GMT
        let now = Timestamp::from_second(1_799_913_600).unwrap();
        for date in
            ["Thu, 14 Jan 2027 08:00:45 GMT", "Thursday, 14-Jan-27 08:00:45 GMT", "Thu Jan 14 08:00:45 2027"]
        {
            assert_eq!(read(&[("retry-after", date)]).wait(now), Some(Duration::from_secs(45)), "{date}");
            let ahead = [("date", "Thu, 14 Jan 2027 08:00:40 GMT"), ("retry-after", date)];
            assert_eq!(read(&ahead).wait(now), Some(Duration::from_secs(5)), "{date}");
        }
        assert_eq!(read(&[("retry-after", "Thu, 14 Jan 2020 08:00:45 GMT")]).wait(now), None);
        assert_eq!(read(&[("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")]).wait(now), Some(LONGEST));
    }

    #[test]
    fn fractions_of_a_second_are_rounded_up() {
        for (said, seconds) in [("2.5", 3), ("2.0", 2), ("2.", 2), ("0.2", 1), ("7.000001", 8)] {
            assert_eq!(
                read(&[("retry-after", said)]).retry_after,
                Some(Duration::from_secs(seconds)),
                "{said}"
            );
        }
        for said in ["-2.5", "2.5s", "1e3", "inf", ".", "2.-5", "", "2,5"] {
            assert_eq!(read(&[("retry-after", said)]).retry_after, None, "{said}");
        }
    }

    #[test]
    fn a_429_waits_for_the_reset_whatever_it_says_is_left() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for reset in ["1800000030", "30", "29.5"] {
            let reset = ("x-ratelimit-reset", reset);
            for headers in [vec![reset], vec![reset, ("x-ratelimit-remaining", "3")]] {
                assert_eq!(read(&headers).wait_when_throttled(now), Some(Duration::from_secs(30)));
                assert_eq!(read(&headers).wait(now), None);
            }
        }
        for reset in ["1799999999", "0", "-5"] {
            assert_eq!(read(&[("x-ratelimit-reset", reset)]).wait_when_throttled(now), None, "{reset}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_two_hours() {
        for said in ["999999", "99999999999999999999999"] {
            assert_eq!(read(&[("retry-after", said)]).retry_after, Some(LONGEST));
        }
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
