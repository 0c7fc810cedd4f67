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

/// How long after a participation could not be stored the process reports itself as unhealthy. After that a
/// new attempt must show whether it still fails.
const REMEMBERED: Duration = Duration::from_secs(30);

/// How long an answer of the store is reused, so that frequent health requests cost one question a second.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How the last requests to the store went.
#[derive(Debug, Default)]
pub(crate) struct Health {
    store: Mutex<Option<StoreFailure>>,
    /// When the store was asked, and why it was unavailable, if it was.
    asked: tokio::sync::Mutex<Option<(Timestamp, Option<UnavailableKind>)>>,
}

#[derive(Debug, Clone, Copy)]
struct StoreFailure {
    at: Timestamp,
    trouble: UnavailableKind,
}

/// Whether `at` is at most this long ago.
fn recent(at: Timestamp, now: Timestamp, within: Duration) -> bool {
    Duration::try_from(now.duration_since(at)).is_ok_and(|ago| ago < within)
}

impl Health {
    pub(crate) fn failed(&self, error: &ports::Error, now: Timestamp) {
        *self.store.lock() = Some(StoreFailure { at: now, trouble: error.kind() });
    }

    pub(crate) fn worked(&self) {
        *self.store.lock() = None;
    }

    /// Why the last participation was not stored, if that was a moment ago.
    fn trouble(&self, now: Timestamp) -> Option<UnavailableKind> {
        self.store.lock().filter(|failure| recent(failure.at, now, REMEMBERED)).map(|failure| failure.trouble)
    }
}

/// Healthy if the store answers and participations are stored; if not, the answer says which part fails and
/// how. `degraded` if something else is wrong: the status is still 200, since neither a restart nor another
/// process would help. The answer also counts webhook calls, because Braze reports refusals only to the
/// marketer.
pub(crate) async fn show(Shared(intake): Shared<Intake>) -> Result<Json<Value>, Problem> {
    let unhealthy = |why: String| Problem::unavailable().detail(format!("{why}; the log says why"));
    let now = intake.clock.now();
    if let Some(trouble) = intake.health.trouble(now) {
        return Err(unhealthy(format!("participations cannot be stored: the store {trouble}")));
    }
    match ask(&intake).await {
        None => Ok(Json(shown(&intake, now))),
        Some(trouble) => Err(unhealthy(format!("the store {trouble}"))),
    }
}

/// The answer while participations are stored.
fn shown(intake: &Intake, now: Timestamp) -> Value {
    let troubles: Vec<Value> = intake.troubles.all(now).iter().map(HealthEntry::as_json).collect();
    let mut shown = json!({ "status": "ok", "webhooks": intake.webhooks.show() });
    if !troubles.is_empty() {
        shown["status"] = "degraded".into();
        shown["degraded"] = troubles.into();
    }
    shown
}

/// Asks the store a simple question, unless it was asked a moment ago.
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
