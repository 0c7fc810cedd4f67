//! How many take part in one activation.

use std::time::Duration;

use domain::Timestamp;

/// How long an answer of the store counts.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is known of one activation's participations.
#[derive(Debug, Default)]
pub(crate) struct RoomTally {
    /// How many there were when the store was asked last; `None` before it has answered.
    known: Option<u64>,
    /// New ones since then.
    since: u64,
    /// Being stored.
    admitted: u64,
    /// Nobody knows whether these were stored.
    uncertain: u64,
    /// When the store was asked last, and whether it answered.
    asked: Option<(Timestamp, bool)>,
    /// When it was last told of new ones.
    told: Option<Timestamp>,
    /// Whether it is being asked.
    pub(crate) is_asking: bool,
}

/// What somebody who wants to take part is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Be stored.
    Admitted,
    /// Be refused, unless they take part already.
    Full,
    /// Ask the store, and tell it of so many new ones.
    Ask(u64),
    /// Come again when something has changed.
    Wait,
    /// Be refused for now: the store did not answer a moment ago.
    Unknown,
}

fn is_recent(at: Option<Timestamp>, now: Timestamp) -> bool {
    let ago = at.map(|at| Duration::try_from(now.duration_since(at)));
    ago.is_some_and(|ago| ago.is_ok_and(|ago| ago < ASKED_AGAIN_AFTER))
}

impl RoomTally {
    /// What somebody is to do who comes now.
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
        // Those who are being stored may turn out to take part already.
        let has_answered = self.asked.is_some_and(|(_, answered)| answered);
        if self.admitted == 0 && !has_answered { Turn::Unknown } else { self.ask() }
    }

    /// While something is being stored, a store that counts may have counted it, or not.
    fn ask(&mut self) -> Turn {
        if self.admitted > 0 {
            return Turn::Wait;
        }
        self.is_asking = true;
        Turn::Ask(self.since)
    }

    /// How many new ones the store is to be told of now, if that is due and can be done at once.
    pub(crate) fn tell(&mut self, now: Timestamp) -> Option<u64> {
        if self.is_asking || self.admitted > 0 || self.since == 0 || is_recent(self.told, now) {
            return None;
        }
        self.is_asking = true;
        Some(self.since)
    }

    /// Somebody who was admitted is stored: new or not, or nobody knows.
    pub(crate) fn resolve(&mut self, is_new: Option<bool>) {
        self.admitted = self.admitted.saturating_sub(1);
        match is_new {
            Some(true) => self.since = self.since.saturating_add(1),
            Some(false) => {}
            None => self.uncertain = self.uncertain.saturating_add(1),
        }
    }

    /// The store has answered, and was told of `more`.
    pub(crate) fn learn(&mut self, count: u64, more: u64, now: Timestamp) {
        self.known = Some(count);
        (self.since, self.uncertain) = (0, 0);
        self.asked = Some((now, true));
        if more > 0 {
            self.told = Some(now);
        }
    }

    /// The store has not answered.
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

    /// A tally of which the store has said that there are so many.
    fn with(known: u64) -> RoomTally {
        let mut tally = RoomTally::default();
        assert_eq!(tally.turn(3, at(0)), Turn::Ask(0));
        assert_eq!(tally.turn(3, at(0)), Turn::Wait, "one asks for all");
        tally.learn(known, 0, at(0));
        tally.is_asking = false;
        tally
    }

    #[test]
    fn as_many_are_admitted_as_there_is_room_and_others_wait_for_what_becomes_of_those() {
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
        assert_eq!(tally.turn(5, at(2_000)), Turn::Ask(0), "nothing is told twice");
        tally.is_asking = false;
        assert_eq!(tally.turn(5, at(-5_000)), Turn::Ask(0), "the clock was set back");
    }

    #[test]
    fn where_nobody_knows_what_was_stored_the_store_is_asked_before_anybody_is_refused() {
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
    fn a_store_that_does_not_answer_holds_up_nobody_for_whom_there_is_room() {
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
    fn the_first_new_one_is_told_at_once_and_the_others_of_its_second_together() {
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
