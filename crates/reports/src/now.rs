//! How each brand stands now: what waits, why, when it will be done, and what to do. The worst comes first.

mod sentences;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::BrandId;
use domain::time::{between, later};
use ports::limits::Endpoint;
use ports::operations::{BrandWork, LimitInUse, Overview};
use ports::outages::Outage;

use crate::language::Language;

/// Participations that are due for longer than this were not processed in time.
const LATE: Duration = Duration::from_secs(120);

/// A backlog that takes less than this is no backlog.
const SOON: Duration = Duration::from_secs(60);

/// How a brand stands, from the worst to the best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Braze refuses the API key, which is tried again then.
    KeyRefused {
        /// The moment of the next attempt.
        until: Timestamp,
    },
    /// Braze does not answer.
    NoAnswer(Outage),
    /// Due participations are not processed.
    Behind {
        /// How many participations are due, counted up to [`ports::operations::MOST_COUNTED`].
        due: usize,
        /// Since when the oldest of them is due.
        since: Timestamp,
    },
    /// Braze accepts no request for a while.
    ToldToWait {
        /// When it accepts requests again.
        until: Timestamp,
    },
    /// More requests wait than Braze allows in a minute.
    Backlog,
    /// Participations are under way, as they should be.
    UnderWay,
    /// Nothing is left to do.
    Idle,
}

impl Condition {
    /// The condition's code in JSON.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyRefused { .. } => "key_refused",
            Self::NoAnswer(_) => "no_answer",
            Self::Behind { .. } => "behind",
            Self::ToldToWait { .. } => "told_to_wait",
            Self::Backlog => "backlog",
            Self::UnderWay => "under_way",
            Self::Idle => "idle",
        }
    }

    /// How bad it is: the lowest number is the worst.
    fn rank(&self) -> u8 {
        match self {
            Self::KeyRefused { .. } => 0,
            Self::NoAnswer(_) => 1,
            Self::Behind { .. } => 2,
            Self::ToldToWait { .. } => 3,
            Self::Backlog => 4,
            Self::UnderWay => 5,
            Self::Idle => 6,
        }
    }
}

/// A brand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandNow {
    /// The brand.
    pub brand: BrandId,
    /// How it stands.
    pub condition: Condition,
    /// What is open and parked.
    pub work: BrandWork,
    /// How long the requests that wait take, at the rate that Braze allows; `None` if none wait, or if the rate is not known yet.
    pub takes: Option<Duration>,
    now: Timestamp,
}

impl BrandNow {
    /// When nothing will wait for a request any more, if Braze answers from now on and nobody else comes.
    #[must_use]
    pub fn drained_at(&self) -> Option<Timestamp> {
        let begins = match &self.condition {
            Condition::KeyRefused { until } | Condition::ToldToWait { until } => *until,
            Condition::NoAnswer(outage) => outage.next_try.unwrap_or(self.now),
            Condition::Behind { .. } | Condition::Backlog | Condition::UnderWay | Condition::Idle => self.now,
        };
        self.takes.map(|takes| later(begins.max(self.now), takes))
    }

    /// How it stands and what to do, in a few sentences.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        sentences::text(self, language)
    }
}

/// Every brand of which something is known, the worst first.
#[must_use]
pub fn brands(overview: &Overview, now: Timestamp) -> Vec<BrandNow> {
    let with_work = overview.brands.keys().chain(overview.outages.keys()).cloned();
    // A lane is named after its brand and its endpoint.
    let of_lanes = overview.limits.keys().filter_map(|lane| BrandId::parse(lane.split(' ').next()?).ok());
    let all: BTreeSet<BrandId> = with_work.chain(of_lanes).collect();
    let mut all: Vec<BrandNow> = all.into_iter().map(|brand| brand_now(overview, brand, now)).collect();
    all.sort_by_key(|one| (one.condition.rank(), u64::MAX - one.work.for_requests, one.brand.clone()));
    all
}

fn brand_now(overview: &Overview, brand: BrandId, now: Timestamp) -> BrandNow {
    let work = overview.brands.get(&brand).cloned().unwrap_or_default();
    let lanes: Vec<(Endpoint, &LimitInUse)> = Endpoint::ALL
        .into_iter()
        .filter_map(|endpoint| {
            let lane = format!("{brand} {}", endpoint.name());
            Some((endpoint, overview.limits.get(&lane)?))
        })
        .collect();
    let latest = |of: fn(&LimitInUse) -> Option<Timestamp>| {
        lanes.iter().filter_map(|(_, limit)| of(limit)).filter(|until| now < *until).max()
    };
    let look_ups =
        lanes.iter().find(|(endpoint, _)| *endpoint == Endpoint::ExportIds).map(|(_, limit)| *limit);
    let takes = look_ups.filter(|_| work.for_requests > 0).and_then(|limit| takes(work.for_requests, limit));
    let is_late = |since: &Timestamp| between(*since, now) > LATE;
    let condition = if let Some(until) = latest(|limit| limit.refused_until) {
        Condition::KeyRefused { until }
    } else if let Some(outage) = overview.outages.get(&brand) {
        Condition::NoAnswer(outage.clone())
    } else if let Some(since) = work.due_since.filter(is_late) {
        Condition::Behind { due: work.due, since }
    } else if let Some(until) = latest(|limit| limit.closed_until).filter(|_| work.for_requests > 0) {
        Condition::ToldToWait { until }
    } else if takes.is_some_and(|takes| takes > SOON) {
        Condition::Backlog
    } else if work.open > 0 {
        Condition::UnderWay
    } else {
        Condition::Idle
    };
    BrandNow { brand, condition, work, takes, now }
}

/// How long this many look-ups take. Each consumer takes one request, as Braze looks up one address at a time.
fn takes(requests: u64, limit: &LimitInUse) -> Option<Duration> {
    let windows = requests.checked_div(u64::from(limit.requests))?;
    let windows = u32::try_from(windows).unwrap_or(u32::MAX);
    Some(limit.period.saturating_mul(windows.saturating_add(1)))
}

#[cfg(test)]
mod tests;
