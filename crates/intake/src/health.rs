//! `GET /healthz`.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use domain::Timestamp;
use parking_lot::Mutex;
use ports::error::{UnavailableKind, in_full};
use ports::health::HealthEntry;
use serde_json::{Value, json};

use crate::Intake;
use crate::problem::Problem;

/// So long after a participation could not be kept we call ourselves unhealthy; then somebody has to try again.
const REMEMBERED: Duration = Duration::from_secs(30);

/// So long an answer of the store counts: whoever asks all the time costs no more than whoever asks once a second.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a participation must be in before it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The store of participations, which every participation needs.
    Store,
    /// The queue of awards, where its order is the order of acceptance.
    Queue,
}

/// How it went the last time.
#[derive(Debug, Default)]
pub(crate) struct Health {
    store: Mutex<Option<PartFailure>>,
    queue: Mutex<Option<PartFailure>>,
    /// When the store was asked, and what it is in trouble with, if it is.
    asked: tokio::sync::Mutex<Option<(Timestamp, Option<UnavailableKind>)>>,
}

#[derive(Debug, Clone, Copy)]
struct PartFailure {
    at: Timestamp,
    trouble: UnavailableKind,
}

/// Whether `at` was at most so long ago.
fn recent(at: Timestamp, now: Timestamp, within: Duration) -> bool {
    Duration::try_from(now.duration_since(at)).is_ok_and(|ago| ago < within)
}

impl Health {
    fn of(&self, part: Part) -> parking_lot::MutexGuard<'_, Option<PartFailure>> {
        let part = match part {
            Part::Store => &self.store,
            Part::Queue => &self.queue,
        };
        part.lock()
    }

    pub(crate) fn failed(&self, part: Part, error: &ports::Error, now: Timestamp) {
        *self.of(part) = Some(PartFailure { at: now, trouble: error.kind() });
    }

    pub(crate) fn worked(&self, part: Part) {
        *self.of(part) = None;
    }

    /// Why the last participation that needed this part was not kept, if that was a moment ago.
    fn trouble(&self, part: Part, now: Timestamp) -> Option<UnavailableKind> {
        self.of(part).filter(|failure| recent(failure.at, now, REMEMBERED)).map(|failure| failure.trouble)
    }
}

/// Healthy when the store answers and what comes is kept; the answer says which part is in what kind of trouble when not. `degraded` when
/// something else is wrong: 200 all the same, since a restart or another process would not mend it. The answer says, too, what became of
/// webhook calls: Braze tells the marketer only.
pub(crate) async fn show(Shared(intake): Shared<Intake>) -> Result<Json<Value>, Problem> {
    let unhealthy = |why: String| Problem::unavailable().detail(format!("{why}; the log says why"));
    let now = intake.clock.now();
    if let Some(trouble) = intake.health.trouble(Part::Store, now) {
        return Err(unhealthy(format!("participations cannot be stored: the store {trouble}")));
    }
    if let Some(trouble) = intake.health.trouble(Part::Queue, now) {
        return Err(unhealthy(format!("participations cannot be queued: the queue {trouble}")));
    }
    match ask(&intake).await {
        None => Ok(Json(shown(&intake, now))),
        Some(trouble) => Err(unhealthy(format!("the store {trouble}"))),
    }
}

/// What is shown while participations are kept.
fn shown(intake: &Intake, now: Timestamp) -> Value {
    let troubles: Vec<Value> = intake.troubles.all(now).iter().map(HealthEntry::as_json).collect();
    let mut shown = json!({ "status": "ok", "webhooks": intake.webhooks.show() });
    if !troubles.is_empty() {
        shown["status"] = "degraded".into();
        shown["degraded"] = troubles.into();
    }
    shown
}

/// Asks the store for anything, unless somebody did a moment ago.
async fn ask(intake: &Intake) -> Option<UnavailableKind> {
    let mut asked = intake.health.asked.lock().await;
    let now = intake.clock.now();
    if let Some((at, trouble)) = *asked
        && recent(at, now, ASKED_AGAIN_AFTER)
    {
        return trouble;
    }
    let trouble = intake.store.due(now, 1).await.err().map(|error| {
        tracing::error!(event = "intake.unhealthy", error = %in_full(&error), "The store does not answer.");
        error.kind()
    });
    *asked = Some((now, trouble));
    trouble
}
