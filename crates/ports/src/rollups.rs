//! Keeps the roll-ups, so that a report need not read every participation.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use domain::rollup::{Rollup, RollupKey};
use domain::time::between;
use parking_lot::Mutex;

use crate::Result;

/// The figures that reports count of each activation. Most of them are stored by [`crate::Store::save_counted`], together with the
/// participations that they count.
///
/// # Errors
/// Every method fails if the figures cannot be read or written.
#[async_trait]
pub trait Rollups: Send + Sync {
    /// Adds figures of what happened until `now`.
    async fn add_rollup(&self, rollup: &Rollup, now: Timestamp) -> Result<()>;

    /// All figures of an activation.
    async fn rollup(&self, scope: &Scope) -> Result<Rollup>;
}

/// The most different figures that wait. So a client that invents names cannot fill the store.
const MOST_WAITING: usize = 2_000;

/// How often waiting figures are stored.
const STORED_EVERY: Duration = Duration::from_secs(60);

/// Figures that wait to be stored. A process that ends loses them.
#[derive(Debug, Default)]
pub struct WaitingFigures(Mutex<WaitingRollup>);

#[derive(Debug, Default)]
struct WaitingRollup {
    rollup: Rollup,
    /// Since when the figures wait, or when others were last taken.
    since: Option<Timestamp>,
}

impl WaitingFigures {
    /// Adds to figures at this time. A figure beyond the bound is left out.
    pub fn add(&self, figures: impl IntoIterator<Item = (RollupKey, u64)>, now: Timestamp) {
        let mut waiting = self.0.lock();
        waiting.since.get_or_insert(now);
        for (key, count) in figures {
            if waiting.rollup.len() < MOST_WAITING || waiting.rollup.has(&key) {
                waiting.rollup.add(key, count);
            }
        }
    }

    /// Takes out all figures.
    pub fn take(&self, now: Timestamp) -> Rollup {
        let mut waiting = self.0.lock();
        waiting.since = Some(now);
        std::mem::take(&mut waiting.rollup)
    }

    /// Takes out all figures if they have waited for a minute.
    pub fn take_if_due(&self, now: Timestamp) -> Option<Rollup> {
        let waiting = self.0.lock();
        let is_due = waiting.since.is_some_and(|since| now < since || between(since, now) >= STORED_EVERY);
        let is_due = is_due && !waiting.rollup.is_empty();
        drop(waiting);
        is_due.then(|| self.take(now))
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::Channel;
    use domain::rollup::CountedEvent;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn figure(name: String) -> (RollupKey, u64) {
        let scope = Scope::parse("spring").unwrap();
        (RollupKey { scope, minute: None, channel: Channel::Email, incentive: None, name }, 1)
    }

    #[test]
    fn figures_are_taken_together_once_they_have_waited_for_a_minute() {
        let waiting = WaitingFigures::default();
        assert_eq!(waiting.take_if_due(at(0)), None);
        (0..3).for_each(|second| waiting.add([figure("a".to_owned())], at(second)));
        assert_eq!(waiting.take_if_due(at(59)), None);
        let taken = waiting.take_if_due(at(60)).unwrap();
        assert_eq!(taken.iter().map(|(_, count)| count).collect::<Vec<_>>(), [3]);
        assert_eq!(waiting.take_if_due(at(600)), None, "there is nothing new");
    }

    #[test]
    fn invented_names_take_no_more_than_their_bound_and_known_figures_go_on() {
        let waiting = WaitingFigures::default();
        waiting.add((0..3_000).map(|number| figure(number.to_string())), at(0));
        waiting.add([figure("0".to_owned())], at(0));
        let taken = waiting.take(at(0));
        assert_eq!(taken.len(), MOST_WAITING);
        assert!(taken.iter().any(|(key, count)| key.name == "0" && count == 2));
    }

    #[test]
    fn of_a_refusal_the_total_is_kept_if_there_is_room_for_one_figure_only() {
        let waiting = WaitingFigures::default();
        waiting.add((1..MOST_WAITING).map(|number| figure(number.to_string())), at(0));
        let spring = Scope::parse("spring").unwrap();
        waiting.add(CountedEvent::Refused("closed").figures((&spring, Channel::Email), 1, at(0)), at(0));
        let taken = waiting.take(at(0));
        let refused: Vec<_> = taken.iter().filter(|(key, _)| key.name == "refused closed").collect();
        assert_eq!(refused.iter().map(|(key, count)| (key.minute, *count)).collect::<Vec<_>>(), [(None, 1)]);
    }
}
