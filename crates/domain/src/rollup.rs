//! Roll-ups: what reports count of an activation, so that a report need not read every participation.

mod latency;

use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

pub use latency::Latency;

use crate::Timestamp;
use crate::award::{Award, AwardStatus};
use crate::call::Endpoint;
use crate::ids::{Channel, IncentiveId, Scope};
use crate::incentive::NoPrize;
use crate::participation::{CountedMilestones, Participation, State};
use crate::time::between;

/// A stage that a participation reaches at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// It was accepted.
    Accepted,
    /// It was credited.
    Credited,
    /// It has a reward.
    Rewarded,
    /// It was credited, and wins nothing.
    WithoutPrize(NoPrize),
    /// Its flow ended, in the state with this name, after the credit was earned or without it.
    Ended {
        /// The state's name.
        state: &'static str,
        /// Whether the credit was earned.
        earned: bool,
    },
    /// It was credited, and everything about it is on the profile.
    OnProfile,
}

impl Milestone {
    /// The milestone's name in storage.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Accepted => "accepted".to_owned(),
            Self::Credited => "credited".to_owned(),
            Self::Rewarded => "rewarded".to_owned(),
            Self::WithoutPrize(why) => format!("without {}", why.name()),
            Self::Ended { state, earned: true } => format!("ended {state}"),
            Self::Ended { state, earned: false } => format!("uncredited {state}"),
            Self::OnProfile => "on_profile".to_owned(),
        }
    }

    /// Whether reports also show how many there were in each minute.
    fn is_counted_by_minute(self) -> bool {
        matches!(self, Self::Accepted | Self::Credited | Self::Rewarded)
    }

    /// Whether reports show how long it took.
    fn is_timed(self) -> bool {
        matches!(self, Self::Credited | Self::Rewarded | Self::OnProfile)
    }
}

/// Whether the set contains a milestone, to be changed.
fn slot(counted: &mut CountedMilestones, milestone: Milestone) -> &mut bool {
    match milestone {
        Milestone::Accepted => &mut counted.accepted,
        Milestone::Credited => &mut counted.credited,
        Milestone::Rewarded | Milestone::WithoutPrize(_) => &mut counted.prize,
        Milestone::Ended { .. } => &mut counted.ended,
        Milestone::OnProfile => &mut counted.on_profile,
    }
}

/// What a figure is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RollupKey {
    /// The activation.
    pub scope: Scope,
    /// The minute since 1970 of what is counted; `None` for a total.
    pub minute: Option<i64>,
    /// How the consumers took part.
    pub channel: Channel,
    /// The incentive of the participations, if they have one.
    pub incentive: Option<IncentiveId>,
    /// What is counted.
    pub name: String,
}

/// Figures to be added to the roll-ups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollup(BTreeMap<RollupKey, u64>);

impl Rollup {
    /// The figures.
    pub fn iter(&self) -> impl Iterator<Item = (&RollupKey, u64)> {
        self.0.iter().map(|(key, count)| (key, *count))
    }

    /// Whether there are no figures.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many figures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a figure with this key.
    #[must_use]
    pub fn has(&self, key: &RollupKey) -> bool {
        self.0.contains_key(key)
    }

    /// Adds to one figure.
    pub fn add(&mut self, key: RollupKey, count: u64) {
        let figure = self.0.entry(key).or_default();
        *figure = figure.saturating_add(count);
    }

    /// Adds all figures of another.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            self.add(key.clone(), count);
        }
    }

    fn reached(
        &mut self,
        (participation, incentive): (&Participation, Option<&IncentiveId>),
        milestone: Milestone,
        at: Timestamp,
    ) {
        let key = |minute, name| RollupKey {
            scope: participation.scope().clone(),
            minute,
            channel: participation.channel(),
            incentive: incentive.cloned(),
            name,
        };
        self.add(key(None, milestone.name()), 1);
        if milestone.is_counted_by_minute() {
            self.add(key(Some(minute(at)), milestone.name()), 1);
        }
        if milestone.is_timed() {
            let took = Latency::of(between(participation.accepted_at(), at));
            self.add(key(None, took.name(&milestone.name())), 1);
        }
    }
}

/// What reports count besides milestones, for one way of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedEvent {
    /// A request to take part was refused, for the reason with this code.
    Refused(&'static str),
    /// A participation became durable, this long after the request for it arrived.
    Durable(Duration),
    /// A request was sent to Braze.
    Requested(Endpoint),
    /// Braze took an attribute or an event.
    DataPointSent,
    /// An attribute was not sent, since the profile shows it already.
    DataPointSaved,
}

impl CountedEvent {
    /// The figures of an event that happened so many times.
    pub fn figures(
        self,
        (scope, channel): (&Scope, Channel),
        times: u64,
        now: Timestamp,
    ) -> impl Iterator<Item = (RollupKey, u64)> {
        let name = match self {
            Self::Refused(code) => format!("{REFUSED} {code}"),
            Self::Durable(took) => Latency::of(took).name(DURABLE),
            Self::Requested(endpoint) => format!("{REQUESTED} {}", endpoint.name()),
            Self::DataPointSent => DATA_POINTS_SENT.to_owned(),
            Self::DataPointSaved => DATA_POINTS_SAVED.to_owned(),
        };
        let total = RollupKey { scope: scope.clone(), minute: None, channel, incentive: None, name };
        let is_counted_by_minute = matches!(self, Self::Refused(_));
        let of_minute =
            is_counted_by_minute.then(|| RollupKey { minute: Some(minute(now)), ..total.clone() });
        iter::once(total).chain(of_minute).map(move |key| (key, times))
    }
}

/// The first word of the figures of refusals; the code follows.
pub const REFUSED: &str = "refused";

/// The first word of the durations until a participation is durable.
pub const DURABLE: &str = "durable";

/// The first word of the figures of requests to Braze; the endpoint's name follows.
pub const REQUESTED: &str = "requests";

/// The figure of data points that were sent.
pub const DATA_POINTS_SENT: &str = "data_points sent";

/// The figure of data points that were not sent, since the profile shows them already.
pub const DATA_POINTS_SAVED: &str = "data_points saved";

/// The name under which refusals are counted whose request names no activation that there is.
pub const NO_ACTIVATION: &str = "-";

/// When a minute begins; `None` if it is outside of time.
#[must_use]
pub fn minute_begins(minute: i64) -> Option<Timestamp> {
    minute.checked_mul(60).and_then(|second| Timestamp::from_second(second).ok())
}

/// The minute that contains this moment, since 1970.
#[must_use]
pub fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

impl Participation {
    /// The milestones that it has reached, with the time of each.
    fn milestones(&self, award: Option<&Award>, now: Timestamp) -> Vec<(Milestone, Timestamp)> {
        let mut reached = vec![(Milestone::Accepted, self.accepted_at())];
        let credited_at =
            if self.has_award() { award.and_then(|award| award.credited_at) } else { self.earned_at() };
        if let Some(credited_at) = credited_at {
            reached.push((Milestone::Credited, credited_at));
            match award.map(|award| &award.status) {
                Some(AwardStatus::Rewarded { .. }) => {
                    let rewarded_at = award.and_then(|award| award.rewarded_at);
                    reached.push((Milestone::Rewarded, rewarded_at.unwrap_or(now)));
                }
                Some(AwardStatus::NoPrize(NoPrize::NoIncentive)) | None => {}
                Some(AwardStatus::NoPrize(why)) => reached.push((Milestone::WithoutPrize(*why), now)),
                Some(
                    AwardStatus::New
                    | AwardStatus::Reserved { .. }
                    | AwardStatus::Waiting
                    | AwardStatus::InRaffle
                    | AwardStatus::Released,
                ) => {}
            }
        }
        if let State::Ended(outcome) = self.state() {
            let earned = self.earned_at().is_some();
            reached.push((Milestone::Ended { state: outcome.name(), earned }, now));
            if credited_at.is_some() && self.due_at().is_none() {
                reached.push((Milestone::OnProfile, now));
            }
        }
        reached
    }

    /// The figures of the milestones that it has reached and that were not counted before. They count as counted
    /// from now on, so they have to be stored together with it.
    ///
    /// A participation that an earlier version stored counts as counted as it was `read`.
    #[must_use]
    pub fn rollup(&mut self, award: Option<&Award>, now: Timestamp) -> Rollup {
        let mut counted = self.counted().unwrap_or_default();
        let mut rollup = Rollup::default();
        for (milestone, at) in self.milestones(award, now) {
            let slot = slot(&mut counted, milestone);
            if !*slot {
                *slot = true;
                rollup.reached(
                    (self, award.and_then(|award| award.ledger.incentive.as_ref())),
                    milestone,
                    at,
                );
            }
        }
        self.has_counted(counted);
        rollup
    }

    /// The figures of a participation that ends because its consumer is about to be forgotten. It names the way, which is unknown
    /// afterwards.
    #[must_use]
    pub fn erasure_rollup(&mut self, now: Timestamp) -> Rollup {
        let mut rollup = Rollup::default();
        let counted = self.counted().unwrap_or_default();
        if !self.state().is_end() && !counted.ended {
            if !counted.accepted {
                rollup.reached((self, None), Milestone::Accepted, self.accepted_at());
            }
            self.has_counted(CountedMilestones { accepted: true, ended: true, ..counted });
            let earned = self.earned_at().is_some();
            let ended = Milestone::Ended { state: State::FORGOTTEN, earned };
            rollup.reached((self, None), ended, now);
        }
        rollup
    }

    /// Marks everything as counted that a participation of an earlier version had reached when it was read.
    pub fn counts_from_here(&mut self, award: Option<&Award>, now: Timestamp) {
        if self.counted().is_none() {
            let _counted_by_the_upgrade = self.rollup(award, now);
        }
    }
}

#[cfg(test)]
mod tests;
