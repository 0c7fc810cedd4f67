//! Whether Braze answers, by brand. No useful answer means a failure on the network, a 5xx, an answer that is
//! not Braze's, or no answer for eight seconds. A 429 and a refused key are answers: Braze is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::participation::{EnrollState, Open, Participation, SmsState, State};
use http::{Request, Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use ports::Clock;
use ports::outages::Outage;

/// A request that has been open for this long counts as unanswered.
const OPEN_TOO_LONG: Duration = Duration::from_secs(8);

/// Failures that last this long are an outage and not a hiccup.
const HICCUP: Duration = Duration::from_secs(5);

/// A failure that was not tried again for this long says nothing any more.
pub(crate) const STALE: Duration = Duration::from_secs(900);

/// What this process observes of the brands' workspaces.
#[derive(Default)]
pub(crate) struct WorkspaceWatch(Mutex<BTreeMap<BrandId, Watched>>);

/// The observations of one brand's workspace.
#[derive(Default)]
struct Watched {
    paths: BTreeMap<String, Path>,
    /// The participations that wait for Braze: until when, and whether after a failure.
    waiting: HashMap<ParticipationId, (Timestamp, bool)>,
    answered_at: Option<Timestamp>,
}

/// The requests to one endpoint.
#[derive(Default)]
struct Path {
    /// When each request in flight began.
    open: BTreeMap<u64, Timestamp>,
    sent: u64,
    failing: Option<Failing>,
}

/// Requests in a row without a useful answer.
struct Failing {
    since: Timestamp,
    tries: u64,
    last: Timestamp,
    why: String,
}

/// The current observations of one brand.
pub(crate) struct View {
    pub(crate) brand: BrandId,
    pub(crate) outage: Option<Outage>,
    /// How many participations wait for Braze.
    pub(crate) waiting: u64,
    pub(crate) answered_at: Option<Timestamp>,
}

/// How long ago a moment was; zero if it is in the future.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

impl WorkspaceWatch {
    /// Wraps a brand's transport so that its requests are watched.
    pub(crate) fn watching(
        self: &Arc<Self>,
        brand: &BrandId,
        way: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Arc<dyn Transport> {
        Arc::new(Watching { seen: self.clone(), brand: brand.clone(), way, clock })
    }

    /// Records which participation waits for Braze, and until when.
    pub(crate) fn rests(&self, participation: &Participation) {
        let mut brands = self.lock();
        let waiting = &mut brands.entry(participation.brand().clone()).or_default().waiting;
        match participation.due_at().filter(|_| waits_for_braze(participation)) {
            Some(due) => {
                waiting.insert(participation.id(), (due, participation.failures() > 0));
            }
            None => {
                waiting.remove(&participation.id());
            }
        }
    }

    /// The current observations of every brand. If other processes send to the same workspaces, one failure
    /// with nothing after it proves nothing, since another process may have got an answer.
    pub(crate) fn all(&self, now: Timestamp, shared: bool) -> Vec<View> {
        let mut brands = self.lock();
        let view = |(brand, watched): (&BrandId, &mut Watched)| {
            watched.tidy(now);
            View {
                brand: brand.clone(),
                outage: watched.outage(now, shared),
                waiting: watched.waits(),
                answered_at: watched.answered_at,
            }
        };
        brands.iter_mut().map(view).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BrandId, Watched>> {
        self.0.lock()
    }
}

/// Whether the participation waits for Braze (for an answer after a failure, or for a first one), and not for
/// a consumer or for time to pass.
fn waits_for_braze(participation: &Participation) -> bool {
    let asks = match participation.state() {
        State::Open(Open::Enroll(EnrollState::Received | EnrollState::Enrolling { .. }))
        | State::Open(Open::Sms(
            SmsState::Received | SmsState::Enrolling { .. } | SmsState::Subscribing { .. },
        )) => true,
        State::Open(Open::Sms(
            SmsState::Settling { .. }
            | SmsState::AwaitingSubscription { .. }
            | SmsState::AwaitingOptIn { .. },
        ))
        | State::Open(Open::Enroll(EnrollState::AwaitingOptIn { .. }))
        | State::Ended(_) => false,
    };
    asks || participation.failures() > 0
}

impl Watched {
    fn tidy(&mut self, now: Timestamp) {
        self.waiting.retain(|_, (due, _)| ago(*due, now) < STALE);
        let retried = self.waiting.values().any(|(_, failed)| *failed);
        for path in self.paths.values_mut() {
            // No participation waits for another try, so none will show whether Braze answers.
            let lasts = |failing: &Failing| {
                let last = ago(failing.last, now);
                last < OPEN_TOO_LONG || (retried && last < STALE) || !path.open.is_empty()
            };
            if !path.failing.as_ref().is_none_or(lasts) {
                path.failing = None;
            }
        }
    }

    fn waits(&self) -> u64 {
        u64::try_from(self.waiting.len()).unwrap_or(u64::MAX)
    }

    fn outage(&self, now: Timestamp, shared: bool) -> Option<Outage> {
        let seen: Vec<Outage> = self.paths.values().filter_map(|path| path.outage(now, shared)).collect();
        let last = seen.iter().max_by_key(|outage| outage.last_try)?;
        let failed = self.waiting.values().filter(|(_, failed)| *failed).map(|(due, _)| *due).min();
        let next = failed.or_else(|| self.waiting.values().map(|(due, _)| *due).min());
        Some(Outage {
            since: seen.iter().map(|outage| outage.since).min()?,
            tries: seen.iter().map(|outage| outage.tries).sum(),
            last_try: last.last_try,
            next_try: next.map(|next| next.max(now)),
            waiting: self.waits(),
            why: last.why.clone(),
        })
    }
}

impl Path {
    fn outage(&self, now: Timestamp, shared: bool) -> Option<Outage> {
        let too_long = |began: &&Timestamp| ago(**began, now) >= OPEN_TOO_LONG;
        let open: Vec<Timestamp> = self.open.values().filter(too_long).copied().collect();
        let proven = |failing: &&Failing| {
            let until = if shared { failing.last } else { now };
            ago(failing.since, until) >= HICCUP
        };
        if open.is_empty() && self.failing.as_ref().filter(proven).is_none() {
            return None;
        }
        let failing = self.failing.as_ref();
        let unanswered = || "a request has had no answer for eight seconds".to_owned();
        let since = failing.map(|failing| failing.since).into_iter().chain(open.iter().copied()).min()?;
        let last = failing.map(|failing| failing.last).into_iter().chain(open.iter().copied()).max()?;
        Some(Outage {
            since,
            tries: failing.map_or(0, |failing| failing.tries) + u64::try_from(open.len()).unwrap_or(u64::MAX),
            last_try: last,
            next_try: None,
            waiting: 0,
            why: failing.map_or_else(unanswered, |failing| failing.why.clone()),
        })
    }
}

/// A brand's transport to Braze that is watched.
struct Watching {
    seen: Arc<WorkspaceWatch>,
    brand: BrandId,
    way: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// A request in flight.
struct Try<'a> {
    by: &'a Watching,
    path: String,
    number: u64,
    began: Timestamp,
}

impl Watching {
    fn begin(&self, path: &str) -> Try<'_> {
        let began = self.clock.now();
        let mut brands = self.seen.lock();
        let of_path = brands.entry(self.brand.clone()).or_default().paths.entry(path.to_owned()).or_default();
        of_path.sent += 1;
        of_path.open.insert(of_path.sent, began);
        Try { by: self, path: path.to_owned(), number: of_path.sent, began }
    }
}

impl Try<'_> {
    fn ended(self, useful: Result<(), String>) {
        let now = self.by.clock.now();
        let mut brands = self.by.seen.lock();
        let watched = brands.entry(self.by.brand.clone()).or_default();
        let path = watched.paths.entry(self.path.clone()).or_default();
        match useful {
            Ok(()) => {
                path.failing = None;
                watched.answered_at = Some(now);
            }
            Err(why) => {
                let since = path.failing.as_ref().map_or(self.began, |failing| failing.since);
                let tries = path.failing.as_ref().map_or(0, |failing| failing.tries) + 1;
                path.failing = Some(Failing { since, tries, last: now, why });
            }
        }
    }
}

/// The request is no longer in flight, however it ended.
impl Drop for Try<'_> {
    fn drop(&mut self) {
        let mut brands = self.by.seen.lock();
        if let Some(path) =
            brands.get_mut(&self.by.brand).and_then(|watched| watched.paths.get_mut(&self.path))
        {
            path.open.remove(&self.number);
        }
    }
}

#[async_trait]
impl Transport for Watching {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let begun = self.begin(request.uri().path());
        let answer = self.way.send(request).await;
        begun.ended(useful(&answer));
        answer
    }
}

/// Whether the answer comes from Braze, whatever it says.
fn useful(answer: &Result<Response<Bytes>, TransportError>) -> Result<(), String> {
    match answer {
        Err(error) => Err(error.to_string()),
        Ok(answer) => {
            let status = answer.status();
            let unread = || serde_json::from_slice::<serde::de::IgnoredAny>(answer.body()).is_err();
            if status.is_server_error() || status.is_redirection() || status == StatusCode::REQUEST_TIMEOUT {
                Err(format!("it was answered with {status}"))
            } else if status.is_success() && unread() {
                Err(format!("it was answered with {status} and something that is not Braze's"))
            } else {
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
