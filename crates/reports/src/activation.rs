//! How an activation goes, or went: who took part, where they left, how fast it was, and what was given out.

mod funnel;
pub mod page;
mod speed;

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::brand::Activation;
use domain::call::Endpoint;
use domain::ids::{Channel, IncentiveId, Scope};
use domain::incentive::Quantity;
use domain::ledger::Counts;
use domain::rollup::{DATA_POINTS_SAVED, DATA_POINTS_SENT, DURABLE, REFUSED, REQUESTED, minute_begins};
use ports::reports::{ActivationFigures, MinuteFigures};

pub use funnel::{Funnel, Leak, LeakReason};
pub use speed::Speed;

/// The report of an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationReport {
    /// The activation.
    pub scope: Scope,
    /// When the figures were read.
    pub at: Timestamp,
    /// When it opens and closes, if its brand file is known.
    pub open: Option<(Timestamp, Timestamp)>,
    /// Since when nobody new can take part, if an operator has paused it.
    pub paused_since: Option<Timestamp>,
    /// All ways together.
    pub funnel: Funnel,
    /// The same by way. Each way that somebody used is there.
    pub by_channel: BTreeMap<Channel, Funnel>,
    /// What happened in each minute in which something happened, in order.
    pub minutes: Vec<Minute>,
    /// How long it took from the acceptance to each stage.
    pub speed: BTreeMap<Stage, Speed>,
    /// The incentives.
    pub incentives: Vec<IncentiveReport>,
    /// The requests that were refused, by the code of the reason, the most first.
    pub refused: Vec<(String, u64)>,
    /// What was sent to Braze.
    pub braze: BrazeUse,
}

/// What an activation has cost at Braze.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrazeUse {
    /// How many requests were sent, by endpoint.
    pub requests: BTreeMap<Endpoint, u64>,
    /// How many attributes and events Braze took. Each may cost the brand a data point.
    pub data_points_sent: u64,
    /// How many attributes were not sent, since the profile shows them already.
    pub data_points_saved: u64,
}

impl BrazeUse {
    fn of(totals: &Totals) -> Self {
        let requests = totals.beginning(REQUESTED);
        Self {
            requests: requests.filter_map(|(name, count)| Some((Endpoint::named(name)?, count))).collect(),
            data_points_sent: totals.of_name(DATA_POINTS_SENT),
            data_points_saved: totals.of_name(DATA_POINTS_SAVED),
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A stage whose time is measured from the acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Until the participation was durable, which is when the request for it is answered.
    Durable,
    /// Until the participation was credited.
    Credited,
    /// Until it had its reward.
    Rewarded,
    /// Until everything was on the profile.
    OnProfile,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Durable, Self::Credited, Self::Rewarded, Self::OnProfile];

    /// The stage's name in JSON, which is the first word of its figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Durable => DURABLE,
            Self::Credited => "credited",
            Self::Rewarded => "rewarded",
            Self::OnProfile => "on_profile",
        }
    }
}

/// What happened in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// When the minute begins.
    pub from: Timestamp,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were credited.
    pub credited: u64,
    /// How many got a reward.
    pub rewarded: u64,
}

/// What an incentive has given out.
#[derive(Debug, Clone, PartialEq)]
pub struct IncentiveReport {
    /// The incentive.
    pub id: IncentiveId,
    /// How much it may give out, if its brand file is known and sets a limit.
    pub quantity: Option<u32>,
    /// How many places were given for good.
    pub given: u32,
    /// How many places are kept for participations that are not credited yet.
    pub held: u32,
    /// How many wait for a place.
    pub waiting: u32,
    /// How many tickets are in the raffle.
    pub tickets: u32,
    /// When the raffle was drawn.
    pub drawn_at: Option<Timestamp>,
    /// When the last reward was given that there was, if all are given. It is exact to the minute.
    pub all_given_at: Option<Timestamp>,
}

impl IncentiveReport {
    /// How many places are left.
    #[must_use]
    pub fn left(&self) -> Option<u32> {
        let taken = self.given.saturating_add(self.held);
        self.quantity.map(|quantity| quantity.saturating_sub(taken))
    }
}

impl ActivationReport {
    /// The report from these figures. `None` if nobody ever took part.
    #[must_use]
    pub fn new(
        scope: &Scope,
        figures: &ActivationFigures,
        activation: Option<&Activation>,
        at: Timestamp,
    ) -> Option<Self> {
        if figures.rollup.is_empty() && figures.accepted.unwrap_or(0) == 0 {
            return None;
        }
        let totals = |channel| Totals::of(figures, channel);
        let channels: Vec<Channel> = [Channel::Email, Channel::Sms, Channel::Event]
            .into_iter()
            .filter(|channel| totals(Some(*channel)).of_name("accepted") > 0)
            .collect();
        let minutes = minutes(figures);
        let speed =
            Stage::ALL.into_iter().filter_map(|stage| Some((stage, Speed::of(&figures.rollup, stage)?)));
        let incentives =
            figures.ledgers.iter().map(|(id, counts)| incentive(id, counts, activation, &minutes));
        let incentives = incentives.collect();
        Some(Self {
            scope: scope.clone(),
            at,
            open: activation.map(|activation| (activation.opens, activation.closes)),
            paused_since: figures.paused_since,
            funnel: Funnel::of(&totals(None), figures.accepted),
            by_channel: channels
                .into_iter()
                .map(|channel| (channel, Funnel::of(&totals(Some(channel)), None)))
                .collect(),
            speed: speed.collect(),
            incentives,
            minutes,
            refused: refused(&totals(None)),
            braze: BrazeUse::of(&totals(None)),
        })
    }

    /// Whether nothing more will change: it is closed and nobody is under way.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.open.is_some_and(|(_, closes)| closes <= self.at) && self.funnel.under_way() == 0
    }

    /// The busiest minute.
    #[must_use]
    pub fn busiest(&self) -> Option<&Minute> {
        self.minutes.iter().max_by_key(|minute| minute.accepted)
    }
}

fn incentive(
    id: &IncentiveId,
    counts: &Counts,
    activation: Option<&Activation>,
    minutes: &[Minute],
) -> IncentiveReport {
    let configured = activation.and_then(|activation| activation.incentives.get(id));
    let quantity = configured.and_then(|incentive| match incentive.quantity {
        Quantity::Limited(quantity) => Some(quantity.get()),
        Quantity::Unlimited => None,
    });
    let is_only_one = activation.is_some_and(|activation| activation.incentives.len() == 1);
    let all_given = quantity.is_some_and(|quantity| counts.given >= quantity);
    let last = minutes.iter().rev().find(|minute| minute.rewarded > 0).map(|minute| minute.from);
    IncentiveReport {
        id: id.clone(),
        quantity,
        given: counts.given,
        held: counts.held,
        waiting: counts.waiting,
        tickets: counts.entered,
        drawn_at: counts.drawn_at,
        all_given_at: last.filter(|_| all_given && is_only_one),
    }
}

/// The totals of a report, by name.
struct Totals(BTreeMap<String, u64>);

impl Totals {
    /// Those of one way, or of all.
    fn of(figures: &ActivationFigures, channel: Option<Channel>) -> Self {
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for (key, count) in figures.rollup.iter() {
            if key.minute.is_none() && channel.is_none_or(|channel| key.channel == channel) {
                let total = totals.entry(key.name.clone()).or_default();
                *total = total.saturating_add(count);
            }
        }
        Self(totals)
    }

    fn of_name(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// The totals whose names begin with a word, by the rest of the name.
    fn beginning<'a>(&'a self, word: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.0
            .iter()
            .filter_map(move |(name, count)| Some((name.strip_prefix(word)?.strip_prefix(' ')?, *count)))
    }
}

/// The refused requests, the most first.
fn refused(totals: &Totals) -> Vec<(String, u64)> {
    let mut refused: Vec<(String, u64)> =
        totals.beginning(REFUSED).map(|(code, count)| (code.to_owned(), count)).collect();
    refused.sort_by(|(one, of_one), (other, of_other)| of_other.cmp(of_one).then(one.cmp(other)));
    refused
}

fn minutes(figures: &ActivationFigures) -> Vec<Minute> {
    let minute = |of: &MinuteFigures| {
        let MinuteFigures { minute, accepted, credited, rewarded } = *of;
        Some(Minute { from: minute_begins(minute)?, accepted, credited, rewarded })
    };
    figures.minutes.iter().filter_map(minute).collect()
}

#[cfg(test)]
mod tests;
