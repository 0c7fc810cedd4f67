//! The minute tick processes everything that is due, which makes lost messages harmless.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::BrandId;
use domain::participation::FIRST_LOOK;
use domain::time::{between, later};
use futures::future::{join, join_all};
use metrics::{Metric, milliseconds};
use ports::error::in_full;
use ports::store::Due;

use crate::connector::Connector;
use crate::ledgers;
use crate::read_back;
use crate::work_item::Stepped;

/// The time between two ticks.
pub const TICK: Duration = Duration::from_secs(60);

/// The most participations that one tick processes; the next one continues.
const MOST_DUE: usize = 1_000;

/// At the start, participations are found that a clock up to this far ahead put off.
const A_CLOCKS_STEP: Duration = Duration::from_secs(3_600);

/// A warning is logged for the engineer on call if the oldest has been due for longer than this.
const BEHIND: Duration = Duration::from_secs(300);

/// The result of a tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// How many participations were due, as far as one tick counts.
    pub due: usize,
    /// How long the oldest had been due.
    pub behind: Duration,
    /// Whether more may be due, so that another tick should follow at once.
    pub more: bool,
    /// The result of processing them.
    pub stepped: Stepped,
}

impl Connector {
    /// Processes what an earlier process accepted and may not have announced. Called at the start of a single
    /// process.
    ///
    /// # Errors
    /// If the due participations cannot be read.
    pub async fn catch_up(&self) -> ports::Result<Ticked> {
        let now = self.deps.clock.now();
        self.process_due(now, later(now, FIRST_LOOK.max(A_CLOCKS_STEP))).await
    }

    /// Processes what is due, longest due first, with brands in parallel. Two ticks at once do no harm: each
    /// leaves alone what the other is processing.
    ///
    /// # Errors
    /// If the due participations cannot be read.
    pub async fn tick(&self) -> ports::Result<Ticked> {
        ledgers::draw_raffles(self).await;
        ledgers::upgrade_ledgers(self).await;
        ledgers::reclaim_numbers(self).await;
        let now = self.deps.clock.now();
        let until = match self.clock_watch.set_back_by(now) {
            Some(by) => {
                tracing::warn!(
                    event = "connector.clock_set_back",
                    by_s = by.as_secs(),
                    "The clock was set back; what was put off under the earlier clock is processed now."
                );
                later(now, by.saturating_add(TICK))
            }
            None => now,
        };
        // A workspace that answers late to one of them does not hold up the other.
        join(read_back::all_due(self), self.process_due(now, until)).await.1
    }

    async fn process_due(&self, now: Timestamp, until: Timestamp) -> ports::Result<Ticked> {
        let due: Vec<Due> = self.deps.store.due(until, MOST_DUE).await?;
        let oldest = due.iter().map(|due| due.due_at).min();
        let behind = oldest.map(|oldest| between(oldest, now));
        let behind = behind.unwrap_or_default();
        let count = u64::try_from(due.len()).unwrap_or(u64::MAX);
        self.braze.counters.set(Metric::Due, None, count);
        self.braze.counters.set(Metric::PollLag, None, milliseconds(behind));
        let mut ticked = Ticked { due: due.len(), behind, more: false, stepped: Stepped::default() };
        let groups = by_brand(due.into_iter().map(|due| (due.brand.clone(), due)));
        let steps = groups.into_iter().map(async |(brand, due)| {
            let stepped = self.step_due(&brand, due).await;
            (brand, stepped)
        });
        for (brand, stepped) in join_all(steps).await {
            match stepped {
                Ok(stepped) => ticked.stepped.add(stepped),
                // A failure for one brand does not affect the others.
                Err(error) => {
                    if let Some(line) = self.line("connector.step_failed", brand.as_str()) {
                        tracing::error!(event = "connector.step_failed", %brand, times = line.times, error = %in_full(&error), "A round for the brand failed; the next tick tries again.");
                    }
                }
            }
        }
        ticked.more = ticked.due == MOST_DUE && ticked.stepped.ended + ticked.stepped.waiting > 0;
        let behind_ms = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
        if behind > BEHIND {
            tracing::warn!(
                event = "connector.behind",
                due = ticked.due,
                behind_ms,
                "The oldest participation has been due for minutes."
            );
        } else if ticked.due > 0 {
            tracing::debug!(
                event = "connector.tick",
                due = ticked.due,
                behind_ms,
                "The due participations were processed."
            );
        }
        Ok(ticked)
    }
}

/// Groups items by brand.
fn by_brand<T>(items: impl IntoIterator<Item = (BrandId, T)>) -> HashMap<BrandId, Vec<T>> {
    let mut groups: HashMap<BrandId, Vec<T>> = HashMap::new();
    for (brand, item) in items {
        groups.entry(brand).or_default().push(item);
    }
    groups
}
