//! Counts the participations of one activation.

use std::time::Duration;

use domain::Timestamp;

/// How long an answer of the store is used.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is known about the number of one activation's participations.
#[derive(Debug, Default)]
pub(crate) struct RoomTally {
    /// How many there were when the store was last asked; `None` before its first answer.
    known: Option<u64>,
    /// How many new ones came since then.
    since: u64,
    /// How many are being stored.
    admitted: u64,
    /// How many may have been stored; this is not known.
    uncertain: u64,
    /// When the store was last asked, and whether it answered.
    asked: Option<(Timestamp, bool)>,
    /// When new ones were last reported to the store.
    told: Option<Timestamp>,
    /// Whether a request is asking the store.
    pub(crate) is_asking: bool,
}

/// What a new participation has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may be stored.
    Admitted,
    /// It is refused, unless it exists already.
    Full,
    /// Its request asks the store, and reports this many new ones.
    Ask(u64),
    /// It waits until something has changed.
    Wait,
    /// It is refused for now, because the store did not answer a moment ago.
    Unknown,
}

fn is_recent(at: Option<Timestamp>, now: Timestamp) -> bool {
    let ago = at.map(|at| Duration::try_from(now.duration_since(at)));
    ago.is_some_and(|ago| ago.is_ok_and(|ago| ago < ASKED_AGAIN_AFTER))
}

impl RoomTally {
    /// The turn of a participation that comes now.
    pub(crate) fn turn(&mut self, most: u64, now: Timestamp) -> Turn {
        if self.is_asking {
            return Turn::Wait;
        }
        if !is_recent(self.asked.map(|(at, _)| at), now) {
            return self.ask();
        }
        let Some(known) = self.known else { return Turn::Unknown };
        let stored = known.saturating_add(self.since);
        if stored >= most {
            return Turn::Full;
        }
        if stored.saturating_add(self.admitted).saturating_add(self.uncertain) < most {
            self.admitted = self.admitted.saturating_add(1);
            return Turn::Admitted;
        }
        // Those that are being stored may turn out to exist already.
        let has_answered = self.asked.is_some_and(|(_, answered)| answered);
        if self.admitted == 0 && !has_answered { Turn::Unknown } else { self.ask() }
    }

    /// Asks the store, unless something is being stored: a store that counts may or may not have counted that
    /// already.
    fn ask(&mut self) -> Turn {
        if self.admitted > 0 {
            return Turn::Wait;
        }
        self.is_asking = true;
        Turn::Ask(self.since)
    }

    /// How many new ones to report to the store now, if that is due and can be done at once.
    pub(crate) fn tell(&mut self, now: Timestamp) -> Option<u64> {
        if self.is_asking || self.admitted > 0 || self.since == 0 || is_recent(self.told, now) {
            return None;
        }
        self.is_asking = true;
        Some(self.since)
    }

    /// Records the result for an admitted participation: it is new, it existed already, or this is not known.
    pub(crate) fn resolve(&mut self, is_new: Option<bool>) {
        self.admitted = self.admitted.saturating_sub(1);
        match is_new {
            Some(true) => self.since = self.since.saturating_add(1),
            Some(false) => {}
            None => self.uncertain = self.uncertain.saturating_add(1),
        }
    }

    /// Records the store's answer; `more` new ones were reported with the question.
    pub(crate) fn learn(&mut self, count: u64, more: u64, now: Timestamp) {
        self.known = Some(count);
        (self.since, self.uncertain) = (0, 0);
        self.asked = Some((now, true));
        if more > 0 {
            self.told = Some(now);
        }
    }

    /// Records that the store did not answer.
    pub(crate) fn learn_nothing(&mut self, now: Timestamp) {
        self.asked = Some((now, false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).expect("a moment")
    }

    /// A tally after the store has answered with this number.
    fn with(known: u64) -> RoomTally {
        let mut tally = RoomTally::default();
        assert_eq!(tally.turn(3, at(0)), Turn::Ask(0));
        assert_eq!(tally.turn(3, at(0)), Turn::Wait, "one asks for all");
        tally.learn(known, 0, at(0));
        tally.is_asking = false;
        tally
    }

    #[test]
    fn as_many_are_admitted_as_there_is_room_and_others_wait_for_their_outcome() {
        let mut tally = with(1);
        assert_eq!([tally.turn(3, at(1)), tally.turn(3, at(1))], [Turn::Admitted; 2]);
        assert_eq!(tally.turn(3, at(1)), Turn::Wait);
        tally.resolve(Some(true));
        assert_eq!(tally.turn(3, at(1)), Turn::Wait);
        tally.resolve(Some(false));
        assert_eq!(tally.turn(3, at(1)), Turn::Admitted, "one took part already");
        tally.resolve(Some(true));
        assert_eq!(tally.turn(3, at(1)), Turn::Full);
        assert_eq!(tally.turn(4, at(1)), Turn::Admitted, "the brand has allowed one more");
    }

    #[test]
    fn the_store_is_asked_once_a_second_and_while_nothing_is_being_stored() {
        let mut tally = with(0);
        assert_eq!(tally.turn(9, at(999)), Turn::Admitted);
        assert_eq!(tally.turn(9, at(1_000)), Turn::Wait);
        tally.resolve(Some(true));
        assert_eq!(tally.turn(9, at(1_000)), Turn::Ask(1));
        tally.learn(5, 1, at(1_000));
        tally.is_asking = false;
        assert_eq!(tally.turn(5, at(1_999)), Turn::Full);
        assert_eq!(tally.turn(5, at(2_000)), Turn::Ask(0), "nothing is reported twice");
        tally.is_asking = false;
        assert_eq!(tally.turn(5, at(-5_000)), Turn::Ask(0), "the clock was set back");
    }

    #[test]
    fn if_it_is_unknown_what_was_stored_the_store_is_asked_before_anybody_is_refused() {
        let mut tally = with(2);
        assert_eq!(tally.turn(3, at(1)), Turn::Admitted);
        tally.resolve(None);
        assert_eq!(tally.turn(3, at(1)), Turn::Ask(0));
        tally.learn_nothing(at(2));
        tally.is_asking = false;
        assert_eq!(tally.turn(3, at(2)), Turn::Unknown, "and not again at once");
        assert_eq!(tally.turn(3, at(1_002)), Turn::Ask(0));
        tally.learn(2, 0, at(1_002));
        tally.is_asking = false;
        assert_eq!(tally.turn(3, at(1_003)), Turn::Admitted);
    }

    #[test]
    fn a_store_that_does_not_answer_does_not_hold_up_anybody_for_whom_there_is_room() {
        let mut tally = RoomTally::default();
        assert_eq!(tally.turn(3, at(0)), Turn::Ask(0));
        tally.learn_nothing(at(0));
        tally.is_asking = false;
        assert_eq!(tally.turn(3, at(1)), Turn::Unknown, "it has never answered");
        let mut tally = with(1);
        assert_eq!(tally.turn(3, at(1_000)), Turn::Ask(0));
        tally.learn_nothing(at(1_000));
        tally.is_asking = false;
        assert_eq!(tally.turn(3, at(1_001)), Turn::Admitted);
    }

    #[test]
    fn the_first_new_one_is_reported_at_once_and_others_in_that_second_together() {
        let mut tally = with(0);
        assert_eq!(tally.tell(at(0)), None, "there is nothing to tell");
        for expected in [Some(1), None] {
            assert_eq!(tally.turn(9, at(1)), Turn::Admitted);
            tally.resolve(Some(true));
            assert_eq!(tally.tell(at(1)), expected);
            if let Some(more) = expected {
                tally.learn(1, more, at(1));
                tally.is_asking = false;
            }
        }
        assert_eq!(tally.turn(9, at(1_001)), Turn::Ask(1));
    }
}
