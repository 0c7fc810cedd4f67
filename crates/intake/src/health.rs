//! `GET /healthz`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use domain::Timestamp;
use ports::error::in_full;
use serde_json::{Value, json};

use crate::Intake;
use crate::problem::Problem;

/// So long after a participation could not be stored we call ourselves unhealthy; then somebody has to try again.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Whether participations can be stored, as far as the last one tells.
#[derive(Debug)]
pub(crate) struct Storing {
    /// When one could not, in milliseconds; [`i64::MIN`] once another one could.
    failed_at: AtomicI64,
}

impl Default for Storing {
    fn default() -> Self {
        Self { failed_at: AtomicI64::new(i64::MIN) }
    }
}

impl Storing {
    pub(crate) fn failed(&self, now: Timestamp) {
        self.failed_at.store(now.as_millisecond(), Ordering::Relaxed);
    }

    pub(crate) fn worked(&self) {
        self.failed_at.store(i64::MIN, Ordering::Relaxed);
    }

    fn fails(&self, now: Timestamp) -> bool {
        let since = now.as_millisecond().saturating_sub(self.failed_at.load(Ordering::Relaxed));
        u64::try_from(since).is_ok_and(|since| Duration::from_millis(since) < REMEMBERED)
    }
}

/// Healthy when the store answers and takes what comes. Says why when not. Says, too, what became of webhook calls: Braze tells the marketer only.
pub(crate) async fn show(Shared(intake): Shared<Intake>) -> Result<Json<Value>, Problem> {
    let now = intake.clock.now();
    if intake.storing.fails(now) {
        return Err(Problem::unavailable().detail("participations cannot be stored; the log says why"));
    }
    match intake.store.due(now, 1).await {
        Ok(_) => Ok(Json(json!({ "status": "ok", "webhooks": intake.webhooks.show() }))),
        Err(error) => {
            tracing::error!(error = %in_full(&error), "intake.unhealthy: the store does not answer");
            Err(Problem::unavailable().detail("the store does not answer; the log says why"))
        }
    }
}
