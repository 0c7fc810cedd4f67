//! Log lines that would repeat: one per minute and subject, which says how many there were.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use parking_lot::Mutex;

/// How long a line stands for what repeats it.
pub const EVERY: Duration = Duration::from_secs(60);

/// What has not happened for so long begins anew when it happens again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// How often it happened since the last line, this time included.
    pub times: u64,
    /// Since when it has been happening, without a pause of ten minutes.
    pub since: Timestamp,
}

#[derive(Debug)]
struct LastLine {
    since: Timestamp,
    last: Timestamp,
    said: Timestamp,
    unsaid: u64,
}

/// What has been said in the last minutes. Clones are the same.
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
    /// Counts one more `event` about `subject`, and gives back what a line should say; `None` while the last line is less than a minute
    /// old.
    #[must_use]
    pub fn line(&self, event: &'static str, subject: &str, now: Timestamp) -> Option<Repeated> {
        let mut kept = self.0.lock();
        let ago = |at: Timestamp| Duration::try_from(now.duration_since(at)).ok();
        let key = (event, subject.to_owned());
        // A clock that was set back must not silence anybody.
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

    /// Forgets what happened: it is mended. Whether there was anything.
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
    fn what_repeats_is_one_line_a_minute_with_a_count() {
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
    fn what_is_over_or_was_ten_minutes_ago_begins_anew() {
        let repeats = LogRepeats::default();
        let first = |second| Some(Repeated { times: 1, since: at(second) });
        assert_eq!(repeats.line("not_told", "acme", at(0)), first(0));
        assert_eq!(repeats.line("not_told", "acme", at(700)), first(700));
        assert!(repeats.over("not_told", "acme"));
        assert_eq!(repeats.line("not_told", "acme", at(701)), first(701));
        assert_eq!(repeats.line("not_told", "acme", at(-5)), first(-5), "the clock was set back");
    }
}
