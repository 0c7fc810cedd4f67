//! Keeps the record of calls to Braze.

use metrics::Metric;
use ports::error::in_full;

use crate::call_record::{KEPT_BY_TICKS_EVERY, KEPT_EVERY};
use crate::connector::Connector;

impl Connector {
    /// Keeps the calls that were recorded. Call it about once a second.
    pub async fn keep_calls(&self) {
        let now = self.deps.clock.now();
        let batches = self.braze.calls.take(now);
        if batches.is_empty() {
            return;
        }
        if let Err(error) = self.deps.calls.keep_calls(&batches).await {
            for batch in &batches {
                let lost = u64::try_from(batch.calls.len()).unwrap_or(u64::MAX);
                self.braze.counters.count(Metric::CallsNotKept, Some(&batch.brand), lost);
            }
            if let Some(line) = self.line("connector.calls_not_kept", "") {
                tracing::warn!(event = "connector.calls_not_kept", times = line.times, error = %in_full(&error), "The record of some calls to Braze could not be kept. The calls themselves were made.");
            }
        }
    }

    /// Keeps them if they fill a batch or were not kept for some seconds. Call it at the end of an invocation, whose process may be
    /// frozen afterwards.
    pub async fn keep_calls_now_and_then(&self) {
        if self.braze.calls.is_ripe(KEPT_EVERY, self.deps.clock.now()) {
            self.keep_calls().await;
        }
    }

    /// Does the same for a process that is invoked every minute, so that calls may wait for longer: each minute has a few calls, and all of
    /// them together are one item. Failed calls do not wait.
    pub async fn keep_calls_of_ticks(&self) {
        if self.braze.calls.is_ripe(KEPT_BY_TICKS_EVERY, self.deps.clock.now()) {
            self.keep_calls().await;
        }
    }
}
