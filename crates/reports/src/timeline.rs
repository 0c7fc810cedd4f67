//! What happened to a participation, step by step, with durations.

mod english;
mod french;

use std::time::Duration;

use domain::Timestamp;
use domain::participation::{Cause, Code, FIRST_KEPT, Participation, TimelineEntry};
use domain::time::between;

use crate::language::Language;

/// One row of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineRow {
    /// The participation was accepted then.
    Accepted(Timestamp),
    /// Something happened.
    TimelineStep(TimelineStep),
    /// So many steps are no longer known.
    Dropped(u32),
}

/// Something that happened, perhaps several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineStep {
    /// What happened.
    pub code: Code,
    /// Why it failed, if it did.
    pub cause: Option<Cause>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was over for the last time.
    pub ended_at: Timestamp,
    /// How long after the row before it began.
    pub after: Duration,
    /// How many times it happened in a row.
    pub times: u32,
}

impl TimelineStep {
    /// How long it took, or how long it went on.
    #[must_use]
    pub fn took(&self) -> Duration {
        between(self.began_at, self.ended_at)
    }
}

/// The timeline of a participation, from its acceptance on.
#[must_use]
pub fn rows(participation: &Participation) -> Vec<TimelineRow> {
    let accepted_at = participation.accepted_at();
    let timeline = participation.timeline();
    let mut rows = vec![TimelineRow::Accepted(accepted_at)];
    let mut before = accepted_at;
    for (position, entry) in timeline.entries().iter().enumerate() {
        if position == FIRST_KEPT && timeline.dropped() > 0 {
            rows.push(TimelineRow::Dropped(timeline.dropped()));
        }
        let step = step(entry, accepted_at, before);
        before = step.ended_at;
        rows.push(TimelineRow::TimelineStep(step));
    }
    rows
}

fn step(entry: &TimelineEntry, accepted_at: Timestamp, before: Timestamp) -> TimelineStep {
    let began_at = entry.began_at(accepted_at);
    TimelineStep {
        code: entry.code,
        cause: entry.cause,
        began_at,
        ended_at: entry.ended_at(accepted_at),
        after: between(before, began_at),
        times: entry.times,
    }
}

/// What happened, in words.
#[must_use]
pub fn words(code: Code, language: Language) -> &'static str {
    match language {
        Language::English => english::code(code),
        Language::French => french::code(code),
    }
}

/// Why something failed or waits, in words.
#[must_use]
pub fn why(cause: Cause, language: Language) -> &'static str {
    match language {
        Language::English => english::cause(cause),
        Language::French => french::cause(cause),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::contact::Email;
    use domain::ids::{BrandId, ParticipationId, Scope};
    use domain::participation::{MOST_ENTRIES, Snapshot, Timeline, Way};

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn with(timeline: Timeline) -> Participation {
        let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
        let way = Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None };
        let id = ParticipationId::from_bytes([7; 16]);
        let accepted = Snapshot::accepted(id, owner, way, (at(0), at(1)), false);
        Participation::restore(Snapshot { timeline, ..accepted }).unwrap()
    }

    fn entry(code: Code, began: u64, ended: u64) -> TimelineEntry {
        TimelineEntry { code, cause: None, began, ended, times: 1 }
    }

    #[test]
    fn a_step_comes_so_long_after_the_end_of_the_one_before() {
        let entries = vec![entry(Code::LookedUp, 5, 125), entry(Code::Created, 130, 340)];
        let rows = rows(&with(Timeline::new(entries, 0)));
        let steps: Vec<(Duration, Duration)> = rows
            .iter()
            .filter_map(|row| match row {
                TimelineRow::TimelineStep(step) => Some((step.after, step.took())),
                TimelineRow::Accepted(_) | TimelineRow::Dropped(_) => None,
            })
            .collect();
        let milliseconds = Duration::from_millis;
        assert_eq!(rows[0], TimelineRow::Accepted(at(0)));
        assert_eq!(steps, [(milliseconds(5), milliseconds(120)), (milliseconds(5), milliseconds(210))]);
    }

    #[test]
    fn steps_that_are_not_known_any_more_stand_between_the_first_and_the_last() {
        let entries = (0..).take(MOST_ENTRIES).map(|number| entry(Code::LookedUp, number, number)).collect();
        let rows = rows(&with(Timeline::new(entries, 41)));
        assert_eq!((rows[FIRST_KEPT + 1], rows.len()), (TimelineRow::Dropped(41), MOST_ENTRIES + 2));
    }

    #[test]
    fn every_code_and_every_cause_has_words_of_its_own_in_each_language() {
        for language in Language::ALL {
            let codes = Code::ALL.into_iter().chain([Code::Unknown(*b"zz")]);
            let codes: BTreeSet<&str> = codes.map(|code| words(code, language)).collect();
            let causes = Cause::ALL.into_iter().chain([Cause::Unknown(*b"zz")]);
            let causes: BTreeSet<&str> = causes.map(|cause| why(cause, language)).collect();
            assert_eq!((codes.len(), causes.len()), (Code::ALL.len() + 1, Cause::ALL.len() + 1));
            assert!(codes.iter().chain(&causes).all(|words| !words.trim().is_empty()));
        }
        assert!(Code::ALL.iter().all(|code| english::code(*code) != french::code(*code)));
    }
}
