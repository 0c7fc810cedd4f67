//! Request slots: booked before a request, corrected by its answer.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use braze::{AfterError, Answer, RateLimit, Reset};
use domain::Timestamp;
use domain::brand::Brand;
use domain::ids::BrandId;
use domain::reservation::{Allowance, Observed, PROBE_INTERVAL, Slot};
use domain::time;
use parking_lot::Mutex;
use ports::Clock;
use ports::error::in_full;
use ports::limits::{ContractLane, Endpoint, Lane};

use crate::breaker::Breaker;
use crate::deps::Deps;

/// What starts later than this is put off instead of waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Braze's documented limit of `/users/track` where the contract names none: 3,000 requests in 3 seconds.
const TRACK: Allowance = Allowance { requests: 3_000, period: Duration::from_secs(3), by_contract: false };

/// The pool that reading subscriptions shares with many other endpoints: 250,000 requests an hour.
const STATUS_GET: Allowance =
    Allowance { requests: 250_000, period: Duration::from_secs(3_600), by_contract: false };

/// 5,000 requests a minute for both versions of writing subscriptions.
const STATUS_SET: Allowance =
    Allowance { requests: 5_000, period: Duration::from_secs(60), by_contract: false };

/// Braze's longest window is an hour; whoever waited for an end that is further off would wait for nothing.
const LONGEST_WINDOW: Duration = Duration::from_secs(2 * 3_600);

/// How long a lane rests after a 429 that does not say.
const UNASKED: Duration = Duration::from_secs(5);

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// In this slot: now, or once the clock says so.
    At(Slot),
    /// In this slot, which is too far off to wait for.
    Later(Slot),
    /// The key is refused; ask again then.
    Closed(Timestamp),
}

/// What is known in this process of each lane, so that only news is written down.
#[derive(Default)]
pub(crate) struct RequestBudget {
    last_seen: Mutex<HashMap<Lane, Observed>>,
    last_report: Mutex<HashMap<BrandId, Timestamp>>,
    breakers: Mutex<HashMap<Lane, Arc<Breaker>>>,
}

impl RequestBudget {
    /// What holds up a lane's requests once Braze says so.
    pub(crate) fn breaker(&self, brand: &Brand, endpoint: Endpoint) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock();
        breakers.entry(Lane { brand: brand.id.clone(), endpoint }).or_default().clone()
    }

    /// Lets requests through that were held up after failures.
    pub(crate) fn open_breaker(&self, brand: &BrandId, endpoint: Endpoint, now: Timestamp) {
        let breakers = self.breakers.lock();
        if let Some(breaker) = breakers.get(&Lane { brand: brand.clone(), endpoint }) {
            breaker.open(now);
        }
    }

    /// Books `count` requests; one admission for each, earliest first.
    pub(crate) async fn admit(
        &self,
        deps: &Deps,
        brand: &Brand,
        endpoint: Endpoint,
        count: usize,
    ) -> Vec<Admission> {
        let now = deps.clock.now();
        let lane = contract_lane(brand, endpoint);
        let wanted = u32::try_from(count).unwrap_or(u32::MAX);
        let reservation = match deps.limits.reserve(&lane, wanted, now).await {
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
        let closed = reservation.closed_until.unwrap_or(time::later(now, PATIENCE));
        // Whoever probes a key comes at odd moments; whoever learns a limit, as soon as there is something to learn.
        let spread =
            |at| if reservation.key_refused { time::later(at, deps.chance.jitter(PATIENCE)) } else { at };
        admissions.resize_with(count, || Admission::Closed(spread(closed)));
        admissions
    }

    /// Takes note of what answers said of the limits: the gravest of them, and only when it is news.
    pub(crate) async fn observe(&self, deps: &Deps, brand: &Brand, endpoint: Endpoint, answers: &[Observed]) {
        let Some(observed) = gravest(answers) else { return };
        let lane = contract_lane(brand, endpoint);
        if !self.is_news(&lane.lane, observed) {
            return;
        }
        let now = deps.clock.now();
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

    fn is_news(&self, lane: &Lane, observed: Observed) -> bool {
        let last_seen = self.last_seen.lock();
        match (last_seen.get(lane), observed) {
            (
                Some(Observed::Answered { limit: old_limit, resets_at: old_reset, .. }),
                Observed::Answered { limit, resets_at, .. },
            ) => limit != *old_limit || !same_end(resets_at, *old_reset),
            (Some(_) | None, _) => true,
        }
    }

    /// Says so once a minute and brand: whoever is on call needs to read it once, not once a participant.
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

/// Waits for a slot that is about to come.
pub(crate) async fn wait_until(clock: &dyn Clock, from: Timestamp) {
    let now = clock.now();
    if from > now {
        let left = time::between(now, from);
        clock.sleep(left).await;
    }
}

/// Whether two answers are of the same window. Those that tell the seconds left name its end to the second only.
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
    ContractLane { lane, allowance: allowance(brand, endpoint) }
}

fn allowance(brand: &Brand, endpoint: Endpoint) -> Allowance {
    match endpoint {
        Endpoint::ExportIds => {
            let per_minute: NonZeroU32 = brand.braze.limits.export_ids_per_minute;
            Allowance { requests: per_minute.get(), period: Duration::from_secs(60), by_contract: true }
        }
        Endpoint::Track => TRACK,
        Endpoint::StatusGet => STATUS_GET,
        Endpoint::StatusSet => STATUS_SET,
    }
}

/// What an answer says of its limit.
pub(crate) fn observed<T>(answer: &Answer<T>, now: Timestamp) -> Option<Observed> {
    match answer.result.as_ref().err().map(|error| (error, error.next())) {
        // The group is at fault, not the key.
        Some((braze::Error::UnknownGroup, _)) => None,
        Some((_, AfterError::Configuration)) => Some(Observed::KeyRefused),
        Some((braze::Error::Throttled { .. }, _)) => {
            let wait = answer.asked_wait(now).unwrap_or(UNASKED);
            Some(Observed::Throttled { until: time::later(now, wait) })
        }
        // Without capacity Braze does nobody's request, so it is left alone for as long as it asks.
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

/// The same with the earliest end of the window that the answer allows for: seconds left are whole seconds, rounded up. What is held back
/// until a window ends must not be held back in the next one.
pub(crate) fn at_the_earliest(said: Option<Observed>, limits: &RateLimit) -> Option<Observed> {
    match (said, limits.reset) {
        (Some(Observed::Answered { limit, remaining, resets_at: Some(end) }), Some(Reset::In(_))) => {
            let resets_at = Some(time::earlier(end, Duration::from_secs(1)));
            Some(Observed::Answered { limit, remaining, resets_at })
        }
        (said, _) => said,
    }
}

/// How long an answer that was no success asks to be left alone.
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

/// Of two ordinary answers the one of the later window; of the same window, what it says at its end.
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
    fn of_a_window_told_in_seconds_left_the_least_of_both_counts() {
        assert_eq!(gravest(&[said(7, 60_400), said(6, 60_900), said(8, 60_100)]), Some(said(6, 60_100)));
    }

    #[test]
    fn an_end_that_is_days_away_is_none() {
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
    fn of_two_windows_the_later_counts_and_a_refusal_more_than_either() {
        assert_eq!(gravest(&[said(9, 120_000), said(0, 60_000)]), Some(said(9, 120_000)));
        let all = [said(9, 0), Observed::KeyRefused, Observed::Throttled { until: Timestamp::UNIX_EPOCH }];
        assert_eq!(gravest(&all), Some(Observed::KeyRefused));
    }
}
