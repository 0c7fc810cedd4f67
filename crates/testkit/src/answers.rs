//! Answers that say where consumers stand, and whether they stand in the order of acceptance.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use domain::ledger::Standing;
use parking_lot::Mutex;

/// An answer with a place or a place in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredPlace<T> {
    /// When it was asked for.
    pub asked: T,
    /// When it was answered.
    pub answered: T,
    /// How far back the consumer stands.
    pub rank: u64,
}

/// How far back somebody stands, if that many places are given. `None` if that is not known.
#[must_use]
pub fn rank_of(standing: Standing, quantity: u32) -> Option<u64> {
    match standing {
        Standing::Place(place) => Some(place.into()),
        Standing::Waiting(waiting) => Some(u64::from(quantity).saturating_add(waiting.into())),
        Standing::WaitingAtLeast(_) | Standing::NotKnownYet | Standing::Unnumbered => None,
    }
}

/// Those who stand ahead of somebody who was answered before they asked.
#[must_use]
pub fn out_of_order<T: Ord + Copy>(answers: &[AnsweredPlace<T>]) -> Vec<AnsweredPlace<T>> {
    let (mut by_asked, mut by_answered) = (answers.to_vec(), answers.to_vec());
    by_asked.sort_unstable_by_key(|one| one.asked);
    by_answered.sort_unstable_by_key(|one| one.answered);
    let (mut answered, mut furthest) = (by_answered.into_iter().peekable(), 0);
    by_asked.retain(|one| {
        while let Some(before) = answered.next_if(|before| before.answered < one.asked) {
            furthest = furthest.max(before.rank);
        }
        one.rank < furthest
    });
    by_asked
}

/// Whether two stand in one place.
#[must_use]
pub fn has_one_twice<T>(answers: &[AnsweredPlace<T>]) -> bool {
    answers.iter().map(|one| one.rank).collect::<BTreeSet<_>>().len() < answers.len()
}

/// The answers to those who took part, in the order in which they asked and were answered.
#[derive(Debug, Default)]
pub struct AnswerLog {
    time: AtomicU64,
    answers: Mutex<Vec<(u64, u64, Standing)>>,
}

impl AnswerLog {
    /// Somebody asks. Returns when.
    pub fn asks(&self) -> u64 {
        self.time.fetch_add(1, SeqCst)
    }

    /// Somebody who asked then is answered.
    pub fn answers(&self, asked: u64, standing: Standing) {
        self.answers.lock().push((asked, self.time.fetch_add(1, SeqCst), standing));
    }

    /// The answers that say where the consumer stands, if that many places are given.
    #[must_use]
    pub fn places(&self, quantity: u32) -> Vec<AnsweredPlace<u64>> {
        let place = |(asked, answered, standing): &(u64, u64, Standing)| {
            let rank = rank_of(*standing, quantity)?;
            Some(AnsweredPlace { asked: *asked, answered: *answered, rank })
        };
        self.answers.lock().iter().filter_map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(asked: u64, answered: u64, rank: u64) -> AnsweredPlace<u64> {
        AnsweredPlace { asked, answered, rank }
    }

    #[test]
    fn whoever_stands_ahead_of_somebody_who_was_answered_before_they_asked_is_found() {
        assert_eq!(out_of_order(&[answer(0, 10, 1), answer(11, 20, 2)]), []);
        assert_eq!(out_of_order(&[answer(0, 20, 2), answer(11, 19, 1)]), [], "at the same time");
        assert_eq!(out_of_order(&[answer(0, 10, 2), answer(11, 20, 1)]), [answer(11, 20, 1)]);
    }

    #[test]
    fn two_in_one_place_are_found() {
        assert!(has_one_twice(&[answer(0, 10, 1), answer(11, 20, 1)]));
        assert!(!has_one_twice(&[answer(0, 10, 1), answer(11, 20, 2)]));
    }

    #[test]
    fn only_answers_with_a_place_or_a_place_in_line_are_compared() {
        let log = AnswerLog::default();
        for standing in [Standing::Place(1), Standing::NotKnownYet, Standing::Waiting(2)] {
            log.answers(log.asks(), standing);
        }
        assert_eq!(log.places(5), [answer(0, 1, 1), answer(4, 5, 7)]);
    }
}
