//! Limits repeated log lines to one a minute and subject, which says how many it stands for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use parking_lot::Mutex;

/// The shortest time between two lines about the same event and subject.
pub const EVERY: Duration = Duration::from_secs(60);

/// An event that has not happened for this long counts as new when it happens again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// What one log line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// How many times the event happened since the last line, including this time.
    pub times: u64,
    /// When the event first happened, without a pause of ten minutes since.
    pub since: Timestamp,
}

#[derive(Debug)]
struct LastLine {
    since: Timestamp,
    last: Timestamp,
    said: Timestamp,
    unsaid: u64,
}

/// The events logged in the last minutes. Clones share them.
///
/// ```
/// use domain::Timestamp;
/// use ports::repeats::LogRepeats;
///
/// let repeats = LogRepeats::default();
/// let at = |second| Timestamp::from_second(second).unwrap();
/// let line = |second| repeats.line("connector.no_key", "acme", at(second)).map(|line| line.times);
///
/// assert_eq!(line(0), Some(1), "the first one is logged at once");
/// assert_eq!((line(20), line(40)), (None, None));
/// assert_eq!(line(60), Some(3), "a minute later one line stands for three");
/// ```
#[derive(Debug, Clone, Default)]
pub struct LogRepeats(Arc<Mutex<HashMap<(&'static str, String), LastLine>>>);

impl LogRepeats {
    /// Counts one more `event` about `subject`, and returns what a line should say, or `None` while the last
    /// line is less than a minute old.
    #[must_use]
    pub fn line(&self, event: &'static str, subject: &str, now: Timestamp) -> Option<Repeated> {
        let mut kept = self.0.lock();
        let ago = |at: Timestamp| Duration::try_from(now.duration_since(at)).ok();
        let key = (event, subject.to_owned());
        // A clock that was set back must not suppress lines.
        let known =
            kept.get_mut(&key).filter(|known| ago(known.last).is_some_and(|ago| ago < FORGOTTEN_AFTER));
        if let Some(known) = known {
            known.last = now;
            known.unsaid = known.unsaid.saturating_add(1);
            if ago(known.said).is_some_and(|ago| ago < EVERY) {
                return None;
            }
            known.said = now;
            return Some(Repeated { times: std::mem::take(&mut known.unsaid), since: known.since });
        }
        kept.retain(|_, known| ago(known.last).is_some_and(|ago| ago < FORGOTTEN_AFTER));
        kept.insert(key, LastLine { since: now, last: now, said: now, unsaid: 0 });
        Some(Repeated { times: 1, since: now })
    }

    /// Forgets an event because its cause is repaired, and returns whether it had happened.
    pub fn over(&self, event: &'static str, subject: &str) -> bool {
        let mut kept = self.0.lock();
        kept.remove(&(event, subject.to_owned())).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a moment")
    }

    #[test]
    fn a_repeated_event_is_one_line_a_minute_with_a_count() {
        let repeats = LogRepeats::default();
        let lines: Vec<(i64, Repeated)> = (0..130)
            .filter_map(|second| repeats.line("not_told", "acme", at(second)).map(|line| (second, line)))
            .collect();
        let line = |times| Repeated { times, since: at(0) };
        assert_eq!(lines, [(0, line(1)), (60, line(60)), (120, line(60))]);
        assert!(repeats.line("not_told", "zest", at(121)).is_some(), "another subject has its own line");
        assert!(repeats.line("no_slots", "acme", at(121)).is_some(), "and so has another event");
    }

    #[test]
    fn an_event_that_is_over_or_ten_minutes_old_begins_anew() {
        let repeats = LogRepeats::default();
        let first = |second| Some(Repeated { times: 1, since: at(second) });
        assert_eq!(repeats.line("not_told", "acme", at(0)), first(0));
        assert_eq!(repeats.line("not_told", "acme", at(700)), first(700));
        assert!(repeats.over("not_told", "acme"));
        assert_eq!(repeats.line("not_told", "acme", at(701)), first(701));
        assert_eq!(repeats.line("not_told", "acme", at(-5)), first(-5), "the clock was set back");
    }
}
