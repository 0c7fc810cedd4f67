//! What intake counts for reports: refusals by reason and minute, and how long it takes until a participation is durable. The figures
//! wait in memory and are stored once a minute, never in the way of a request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::Timestamp;
use domain::ids::{Channel, Scope};
use domain::participation::Participation;
use domain::rollup::{CountedEvent, NO_ACTIVATION, Rollup};
use domain::time::between;
use futures::future::join;
use ports::error::in_full;
use ports::rollups::WaitingFigures;
use ports::{Clock, Rollups, Troubles};

use crate::problem::Problem;

/// The figures of a process, which wait to be stored.
#[derive(Clone)]
pub struct IntakeFigures {
    waiting: Arc<WaitingFigures>,
    rollups: Arc<dyn Rollups>,
    clock: Arc<dyn Clock>,
}

impl IntakeFigures {
    /// Figures that are stored there.
    #[must_use]
    pub fn new(rollups: Arc<dyn Rollups>, clock: Arc<dyn Clock>) -> Self {
        Self { waiting: Arc::default(), rollups, clock }
    }

    /// Stores them if they have waited for a minute. Call it about once a second.
    pub async fn store_if_due(&self, troubles: &Troubles) {
        if let Some(figures) = self.waiting.take_if_due(self.clock.now()) {
            self.store(&figures, troubles).await;
        }
    }

    /// Stores them, because the process ends.
    pub async fn store_all(&self, troubles: &Troubles) {
        let figures = self.waiting.take(self.clock.now());
        if !figures.is_empty() {
            self.store(&figures, troubles).await;
        }
    }

    async fn store(&self, figures: &Rollup, troubles: &Troubles) {
        let now = self.clock.now();
        if let Err(error) = self.rollups.add_rollup(figures, now).await
            && let Some(line) = troubles.repeats().line("intake.figures_lost", "", now)
        {
            tracing::warn!(event = "intake.figures_lost", times = line.times, error = %in_full(&error), "Some figures about requests could not be stored, so reports do not count them.");
        }
    }

    /// Counts a refusal, unless the fault is ours. `None` stands for a request that names no activation that there is.
    pub(crate) fn refused(&self, scope: Option<&Scope>, channel: Channel, problem: &Problem) {
        let nowhere = Scope::parse(NO_ACTIVATION).ok();
        let Some(scope) = scope.or(nowhere.as_ref()).filter(|_| problem.is_refusal()) else { return };
        let now = self.clock.now();
        self.waiting.add(CountedEvent::Refused(problem.code()).figures((scope, channel), 1, now), now);
    }

    /// Counts how long it took until a new participation was durable.
    pub(crate) fn durable(&self, participation: &Participation) {
        let now: Timestamp = self.clock.now();
        let took = between(participation.accepted_at(), now);
        let of = (participation.scope(), participation.channel());
        self.waiting.add(CountedEvent::Durable(took).figures(of, 1, now), now);
    }
}

/// Stores figures that are due while a request is handled: a function is frozen as soon as it has answered.
pub(crate) async fn stored_along(
    State((figures, troubles)): State<(IntakeFigures, Troubles)>,
    request: Request,
    next: Next,
) -> Response {
    let (response, ()) = join(next.run(request), figures.store_if_due(&troubles)).await;
    response
}
