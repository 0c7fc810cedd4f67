//! `GET /healthz`.

use axum::Json;
use axum::extract::State as Shared;
use ports::error::in_full;
use serde_json::{Value, json};

use crate::Intake;
use crate::problem::Problem;

/// Healthy when the store answers. Says, too, what became of webhook calls: Braze tells the marketer only.
pub(crate) async fn show(Shared(intake): Shared<Intake>) -> Result<Json<Value>, Problem> {
    match intake.store.due(intake.clock.now(), 1).await {
        Ok(_) => Ok(Json(json!({ "status": "ok", "webhooks": intake.webhooks.show() }))),
        Err(error) => {
            tracing::error!(error = %in_full(&error), "intake.unhealthy: the store does not answer");
            Err(Problem::unavailable())
        }
    }
}
