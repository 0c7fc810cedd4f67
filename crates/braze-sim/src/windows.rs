//! Fixed windows of requests, and the headers that report them.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;

/// The forms in which Braze reports its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderStyle {
    /// The reset is in seconds since the epoch, on every answer.
    #[default]
    Epoch,
    /// The reset is in seconds from now. A 429 has `x-ratelimit-retry-after` instead of the three headers.
    SecondsLeft,
    /// No headers.
    None,
}

/// The requests to one endpoint, counted in windows that begin at whole multiples of their length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) limit: u32,
    pub(crate) length: Duration,
    /// How many requests of each window others in the workspace use. They come first.
    others: u32,
    number: u64,
    used: u32,
}

/// The result of counting a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowCount {
    pub(crate) within: bool,
    limit: u32,
    remaining: u32,
    resets_at: u64,
    left: u64,
}

impl Window {
    pub(crate) fn new(limit: u32, length: Duration) -> Self {
        Self { limit, length, others: 0, number: 0, used: 0 }
    }

    pub(crate) fn shared_with(self, others: u32) -> Self {
        let others = others.min(self.limit);
        Self { others, used: others, ..self }
    }

    /// The refusal of a request that is over the limit.
    pub(crate) fn refuses(&self, now: Timestamp) -> Option<WindowCount> {
        // A copy counts, so that a request that is not refused is counted later.
        Some({ *self }.count(now)).filter(|counted| !counted.within)
    }

    /// Counts a request, unless it is over the limit.
    pub(crate) fn count(&mut self, now: Timestamp) -> WindowCount {
        let length = u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX).max(1);
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let number = now / length;
        if number != self.number {
            self.number = number;
            self.used = self.others;
        }
        let within = self.used < self.limit;
        self.used += u32::from(within);
        let end = (number + 1) * length;
        WindowCount {
            within,
            limit: self.limit,
            remaining: self.limit.saturating_sub(self.used),
            resets_at: end.div_ceil(1_000),
            left: (end - now).div_ceil(1_000),
        }
    }
}

impl WindowCount {
    pub(crate) fn write(&self, style: HeaderStyle, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, value: u64| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        };
        let reset = match style {
            HeaderStyle::None => return,
            HeaderStyle::SecondsLeft if !self.within => {
                put("x-ratelimit-retry-after", self.left);
                return;
            }
            HeaderStyle::SecondsLeft => self.left,
            HeaderStyle::Epoch => self.resets_at,
        };
        put("x-ratelimit-limit", self.limit.into());
        put("x-ratelimit-remaining", self.remaining.into());
        put("x-ratelimit-reset", reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_window_resets_on_the_minute_whenever_it_was_first_used() {
        let mut window = Window::new(2, Duration::from_secs(60));
        assert_eq!([59, 59, 59, 60].map(|second| window.count(at(second)).within), [true, true, false, true]);
    }

    #[test]
    fn the_share_of_others_comes_first() {
        let mut window = Window::new(3, Duration::from_secs(60)).shared_with(2);
        assert_eq!(
            [59, 59, 60, 60].map(|second| window.count(at(second)).within),
            [true, false, true, false]
        );
    }

    #[test]
    fn headers_come_in_both_documented_forms() {
        let mut window = Window::new(1, Duration::from_secs(60));
        let (good, over) = (window.count(at(70)), window.count(at(70)));
        let headers = |counted: WindowCount, style| {
            let mut headers = HeaderMap::new();
            counted.write(style, &mut headers);
            let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            (text("x-ratelimit-reset"), text("x-ratelimit-retry-after"))
        };
        assert_eq!(headers(good, HeaderStyle::Epoch), (Some("120".into()), None));
        assert_eq!(headers(good, HeaderStyle::SecondsLeft), (Some("50".into()), None));
        assert_eq!(headers(over, HeaderStyle::SecondsLeft), (None, Some("50".into())));
        assert_eq!(headers(over, HeaderStyle::None), (None, None));
    }
}
