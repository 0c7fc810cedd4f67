//! Request slots, which are booked before a request and corrected by its answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use braze::{AfterError, Answer, RateLimit, Reset};
use domain::Timestamp;
use domain::brand::{Brand, BrazeLimits};
use domain::ids::BrandId;
use domain::participation::Participation;
use domain::reservation::{Allowance, Contract, Observed, PROBE_INTERVAL, Slot};
use domain::time;
use parking_lot::Mutex;
use ports::Clock;
use ports::error::in_full;
use ports::limits::{ContractLane, Endpoint, Lane};

use crate::breaker::Breaker;
use crate::deps::Deps;
use crate::lane_slots::LaneSlots;
use crate::leftovers::Leftovers;

/// A request whose slot begins later than this from now is put off, instead of waiting here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The limit of the pool that reading subscriptions shares with many other endpoints: 250,000 requests an
/// hour.
const STATUS_GET: Allowance =
    Allowance { requests: 250_000, period: Duration::from_secs(3_600), by_contract: false };

/// The limit that both versions of writing subscriptions share: 5,000 requests a minute.
const STATUS_SET: Allowance =
    Allowance { requests: 5_000, period: Duration::from_secs(60), by_contract: false };

/// Ends of windows that are further off than this are ignored. Braze's longest window is an hour.
const LONGEST_WINDOW: Duration = Duration::from_secs(2 * 3_600);

/// In a window that lasts longer than this, requests of others in the workspace count: what Braze says is left is stored
/// again whenever it has halved.
const LONG: Duration = Duration::from_secs(60);

/// How long no request is sent after a 429 that names no wait.
const UNASKED: Duration = Duration::from_secs(5);

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The request may be sent in this slot, which has begun or is about to begin.
    At(Slot),
    /// The request has this slot, which is too far off to wait for.
    Later(Slot),
    /// No request may be booked now; ask again at this moment.
    Closed(Timestamp),
}

/// Who comes first when requests are booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Consumers who are there now.
    Live,
    /// Participations from a file, which get what the others leave.
    Imported,
}

impl Rank {
    /// The rank of a participation.
    pub(crate) fn of(participation: &Participation) -> Self {
        if participation.is_imported() { Self::Imported } else { Self::Live }
    }
}

/// What this process knows about the limit of each brand and endpoint, so that only changes are stored.
#[derive(Default)]
pub(crate) struct RequestBudget {
    last_seen: Mutex<HashMap<Lane, Observed>>,
    last_report: Mutex<HashMap<BrandId, Timestamp>>,
    breakers: Mutex<HashMap<Lane, Arc<Breaker>>>,
    leftovers: Leftovers,
    slots: LaneSlots,
}

impl RequestBudget {
    /// The breaker of a brand and endpoint.
    pub(crate) fn breaker(&self, brand: &Brand, endpoint: Endpoint) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock();
        breakers.entry(Lane { brand: brand.id.clone(), endpoint }).or_default().clone()
    }

    /// Admits requests again that were held back after failures.
    pub(crate) fn open_breaker(&self, brand: &BrandId, endpoint: Endpoint, now: Timestamp) {
        let breakers = self.breakers.lock();
        if let Some(breaker) = breakers.get(&Lane { brand: brand.clone(), endpoint }) {
            breaker.open(now);
        }
    }

    /// Books `count` requests, and returns one admission for each, earliest first.
    pub(crate) async fn admit(
        &self,
        deps: &Deps,
        brand: &Brand,
        (endpoint, rank): (Endpoint, Rank),
        count: usize,
    ) -> Vec<Admission> {
        let now = deps.clock.now();
        let mut lane = contract_lane(brand, endpoint);
        lane.contract.leftover = rank == Rank::Imported;
        let wanted = u32::try_from(count).unwrap_or(u32::MAX);
        let reservation = match self.slots.reserve(&*deps.limits, &lane, wanted, now).await {
            Ok(reservation) => reservation,
            Err(error) => {
                if let Some(line) = deps.troubles.repeats().line("connector.no_slots", brand.id.as_str(), now)
                {
                    tracing::warn!(event = "connector.no_slots", brand = %brand.id, times = line.times, error = %in_full(&error), "No request slots could be booked; the participations wait for some seconds.");
                }
                return vec![Admission::Closed(time::later(now, deps.chance.jitter(PATIENCE))); count];
            }
        };
        let slots = reservation.booked.iter().flat_map(|booked| (0..booked.count).map(|_| booked.slot));
        let mut admissions: Vec<Admission> = slots.map(|slot| admission(slot, now)).collect();
        let free = reservation.later.iter();
        admissions.extend(free.flat_map(|free| (0..free.count).map(|_| Admission::Closed(free.slot.from))));
        let mut closed = reservation.closed_until.unwrap_or(time::later(now, PATIENCE));
        if rank == Rank::Imported {
            let waiting = count.saturating_sub(admissions.len());
            closed = self.leftovers.again(&lane, closed, u32::try_from(waiting).unwrap_or(u32::MAX));
        }
        // A refused key is tried at a random moment. A limit that is still being learned is asked for again
        // as soon as an answer can be there.
        let spread =
            |at| if reservation.key_refused { time::later(at, deps.chance.jitter(PATIENCE)) } else { at };
        admissions.resize_with(count, || Admission::Closed(spread(closed)));
        admissions
    }

    /// Stores what answers said about the limits: the gravest of the answers, and only if it is new.
    pub(crate) async fn observe(&self, deps: &Deps, brand: &Brand, endpoint: Endpoint, answers: &[Observed]) {
        let Some(observed) = gravest(answers) else { return };
        let lane = contract_lane(brand, endpoint);
        self.slots.hear(&lane.lane, answers);
        let now = deps.clock.now();
        if !self.is_new(&lane.lane, observed, now) {
            return;
        }
        if observed == Observed::KeyRefused {
            self.report_refused_key(brand, endpoint, now);
        }
        match deps.limits.observe(&lane, observed, now).await {
            Ok(()) => {
                let mut last_seen = self.last_seen.lock();
                last_seen.insert(lane.lane, observed);
            }
            Err(error) => {
                if let Some(line) =
                    deps.troubles.repeats().line("connector.limits_not_kept", brand.id.as_str(), now)
                {
                    tracing::warn!(event = "connector.limits_not_kept", brand = %brand.id, times = line.times, error = %in_full(&error), "What Braze said about its limits could not be stored.");
                }
            }
        }
    }

    fn is_new(&self, lane: &Lane, observed: Observed, now: Timestamp) -> bool {
        let last_seen = self.last_seen.lock();
        last_seen.get(lane).is_none_or(|before| is_news(*before, observed, now))
    }

    /// Logs the refusal once a minute and brand, however many participants wait.
    fn report_refused_key(&self, brand: &Brand, endpoint: Endpoint, now: Timestamp) {
        let mut last_report = self.last_report.lock();
        let again = last_report
            .get(&brand.id)
            .is_none_or(|last| now < *last || now >= time::later(*last, PROBE_INTERVAL));
        if again {
            last_report.insert(brand.id.clone(), now);
            tracing::error!(
                event = "connector.key_refused", brand = %brand.id,
                endpoint = endpoint.name(),
                "Braze refuses the brand's API key; its participations wait, and one request a minute tries it again."
            );
        }
    }
}

/// Waits for a slot that is about to begin.
pub(crate) async fn wait_until(clock: &dyn Clock, from: Timestamp) {
    let now = clock.now();
    if from > now {
        let left = time::between(now, from);
        clock.sleep(left).await;
    }
}

/// Whether an answer says something that has to be stored, after this one was.
fn is_news(before: Observed, observed: Observed, now: Timestamp) -> bool {
    let (
        Observed::Answered { limit: old_limit, remaining: old_left, resets_at: old_end },
        Observed::Answered { limit, remaining, resets_at },
    ) = (before, observed)
    else {
        return true;
    };
    let is_long = resets_at.is_some_and(|end| end > time::later(now, LONG));
    let has_halved =
        old_left.zip(remaining).is_some_and(|(before, left)| left < before && left <= before / 2);
    limit != old_limit || !same_end(resets_at, old_end) || (is_long && has_halved)
}

/// Whether two answers are about the same window. Answers that give the seconds left name its end only to the
/// second.
fn same_end(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.duration_since(other).unsigned_abs() < Duration::from_secs(1),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn admission(slot: Slot, now: Timestamp) -> Admission {
    if slot.from <= time::later(now, PATIENCE) { Admission::At(slot) } else { Admission::Later(slot) }
}

fn contract_lane(brand: &Brand, endpoint: Endpoint) -> ContractLane {
    let lane = Lane { brand: brand.id.clone(), endpoint };
    ContractLane { lane, contract: contract(&brand.braze.limits, endpoint) }
}

/// Only participations that are looked up hold slots that begin later.
fn contract(limits: &BrazeLimits, endpoint: Endpoint) -> Contract {
    let at_once = |allowance: Allowance| Contract { patience: Some(PATIENCE), ..allowance.into() };
    match endpoint {
        Endpoint::ExportIds => {
            let requests = limits.export_ids_per_minute.get();
            Allowance { requests, period: Duration::from_secs(60), by_contract: true }.into()
        }
        Endpoint::Track => {
            let requests = limits.track_per_3s.get();
            let allowance = Allowance { requests, period: Duration::from_secs(3), by_contract: false };
            Contract { per_hour: limits.track_per_hour, is_upper_bound: true, ..at_once(allowance) }
        }
        Endpoint::StatusGet => at_once(STATUS_GET),
        Endpoint::StatusSet => at_once(STATUS_SET),
    }
}

/// What an answer says about its limit.
pub(crate) fn observed<T>(answer: &Answer<T>, now: Timestamp) -> Option<Observed> {
    match answer.result.as_ref().err().map(|error| (error, error.next())) {
        // The group is wrong, not the key.
        Some((braze::Error::UnknownGroup, _)) => None,
        Some((_, AfterError::Configuration)) => Some(Observed::KeyRefused),
        Some((braze::Error::Throttled { .. }, _)) => {
            let wait = answer.asked_wait(now).unwrap_or(UNASKED);
            Some(Observed::Throttled { until: time::later(now, wait) })
        }
        // Without capacity, Braze processes no request at all, so none is sent until the wait is over.
        Some((braze::Error::NoCapacity { .. }, _)) => {
            let wait = answer.asked_wait(now);
            wait.map(|wait| Observed::Throttled { until: time::later(now, wait) })
        }
        Some((_, AfterError::Retry { .. } | AfterError::Unknown)) => None,
        Some((_, AfterError::Refused)) | None => Some(answered(&answer.limits, now)),
    }
}

fn answered(limits: &RateLimit, now: Timestamp) -> Observed {
    let end = limits.reset.and_then(|reset| match reset {
        Reset::At(moment) => Some(moment),
        Reset::In(left) => now.checked_add(left).ok(),
    });
    Observed::Answered {
        limit: limits.limit.and_then(|limit| u32::try_from(limit).ok()),
        remaining: limits.remaining.and_then(|left| u32::try_from(left).ok()),
        resets_at: end.filter(|end| *end <= time::later(now, LONGEST_WINDOW)),
    }
}

/// The same, with the earliest end of the window that the answer allows: the seconds left are rounded up to
/// whole seconds. Requests that wait for the end of a window must not be held back in the next one.
pub(crate) fn at_the_earliest(said: Option<Observed>, limits: &RateLimit) -> Option<Observed> {
    match (said, limits.reset) {
        (Some(Observed::Answered { limit, remaining, resets_at: Some(end) }), Some(Reset::In(_))) => {
            let resets_at = Some(time::earlier(end, Duration::from_secs(1)));
            Some(Observed::Answered { limit, remaining, resets_at })
        }
        (said, _) => said,
    }
}

/// How long an answer that was not a success asks us to wait.
pub(crate) fn asked_wait<T>(answer: &Answer<T>, now: Timestamp) -> Option<Duration> {
    match answer.result.as_ref().err().map(braze::Error::next)? {
        AfterError::Retry { .. } | AfterError::Unknown => answer.asked_wait(now),
        AfterError::Configuration => Some(PROBE_INTERVAL),
        AfterError::Refused => None,
    }
}

fn gravest(answers: &[Observed]) -> Option<Observed> {
    let (ordinary, grave): (Vec<Observed>, Vec<Observed>) =
        answers.iter().partition(|observed| matches!(observed, Observed::Answered { .. }));
    let grave = grave.into_iter().max_by_key(|observed| match observed {
        Observed::KeyRefused => (1, None),
        Observed::Throttled { until } => (0, Some(*until)),
        Observed::Answered { resets_at, .. } => (0, *resets_at),
    });
    grave.or_else(|| ordinary.into_iter().reduce(later))
}

/// Of two ordinary answers, the one about the later window. Two answers about the same window are combined:
/// the fewest requests left, and the earliest end.
fn later(one: Observed, other: Observed) -> Observed {
    let (
        Observed::Answered { limit, remaining: one_left, resets_at: one_end },
        Observed::Answered { remaining: other_left, resets_at: other_end, .. },
    ) = (one, other)
    else {
        return other;
    };
    if same_end(one_end, other_end) {
        Observed::Answered { limit, remaining: one_left.min(other_left), resets_at: one_end.min(other_end) }
    } else if one_end > other_end {
        one
    } else {
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(remaining: u32, end: i64) -> Observed {
        let resets_at = Timestamp::from_millisecond(1_800_000_000_000 + end).ok();
        Observed::Answered { limit: Some(250), remaining: Some(remaining), resets_at }
    }

    #[test]
    fn of_two_answers_about_one_window_the_fewest_requests_and_the_earliest_end_count() {
        assert_eq!(gravest(&[said(7, 60_400), said(6, 60_900), said(8, 60_100)]), Some(said(6, 60_100)));
    }

    #[test]
    fn an_end_of_a_window_that_is_days_away_is_ignored() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let end = |seconds: u64| {
            let reset = Some(Reset::At(now + Duration::from_secs(seconds)));
            let said = answered(
                &RateLimit { limit: Some(250), remaining: Some(0), reset, ..RateLimit::default() },
                now,
            );
            matches!(said, Observed::Answered { resets_at: Some(_), .. })
        };
        assert!(end(3_600) && !end(86_400));
    }

    #[test]
    fn of_an_hour_that_is_used_up_by_others_every_halving_is_news() {
        let now = Timestamp::from_millisecond(1_800_000_000_000).unwrap();
        let news = |before, left, end| is_news(said(before, end), said(left, end), now);
        assert!(news(100, 50, 3_000_000) && news(1, 0, 3_000_000));
        assert!(!news(100, 51, 3_000_000) && !news(0, 0, 3_000_000));
        assert!(!news(100, 0, 60_000), "a short window is over soon");
    }

    #[test]
    fn the_later_of_two_windows_counts_and_a_refusal_outweighs_both() {
        assert_eq!(gravest(&[said(9, 120_000), said(0, 60_000)]), Some(said(9, 120_000)));
        let all = [said(9, 0), Observed::KeyRefused, Observed::Throttled { until: Timestamp::UNIX_EPOCH }];
        assert_eq!(gravest(&all), Some(Observed::KeyRefused));
    }
}
