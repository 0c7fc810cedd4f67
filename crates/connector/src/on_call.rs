//! What the engineer on call learns about Braze: which brands' workspaces do not answer, since when, how many
//! participations wait, and when the next try is due. It is in the log once a minute, in the health report,
//! and in `status`.

use std::time::Duration;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use metrics::Metric;
use ports::error::in_full;
use ports::health::Subject;
use ports::limits::Endpoint;
use ports::outages::Outage;

use crate::connector::Connector;
use crate::kept_outages::{KeptOutages, Ours};
use crate::outage::{STALE, View, ago};

/// The kind of the health entry.
const KIND: &str = "braze_unanswered";

/// A stored outage is written again after this time at the earliest.
const WRITTEN_EVERY: Duration = Duration::from_secs(5);

/// The outages that others store are read again after this time.
const READ_EVERY: Duration = Duration::from_secs(30);

/// How many due participations are processed at a time, and how many times at most. The tick processes the
/// rest.
const MOST_DUE: usize = 1_000;
const MOST_ROUNDS: usize = 100;

impl Connector {
    /// Checks whether Braze answers, and reports to the engineer on call. Call it about once a second; if
    /// several processes send to the same workspaces (`shared`), call it at the end of each piece of work.
    pub async fn watch_braze(&self, shared: bool) {
        let mut kept = self.kept_outages.lock().await;
        let now = self.deps.clock.now();
        if kept.read_at.is_none_or(|read_at| ago(read_at, now) >= READ_EVERY) {
            match self.deps.outages.outages().await {
                Ok(outages) => (kept.outages, kept.read_at) = (outages, Some(now)),
                Err(error) => self.say_not_kept(&error, now),
            }
        }
        for View { brand, outage, waiting, answered_at } in self.braze.seen.all(now, shared) {
            self.braze.counters.set(Metric::Waiting, Some(&brand), waiting);
            match outage {
                Some(outage) => self.unanswered(&mut kept, brand, outage, now).await,
                None => self.answers(&mut kept, brand, answered_at, now).await,
            }
        }
        self.count_unanswered(&kept, now);
    }

    /// Sets the count of unanswered brands, and resets brands that were unanswered earlier.
    fn count_unanswered(&self, kept: &KeptOutages, now: Timestamp) {
        let counters = &self.braze.counters;
        let is_unanswered =
            |brand: &BrandId| kept.outages.get(brand).is_some_and(|outage| ago(outage.last_try, now) < STALE);
        let counted = counters.all(now);
        for brand in counted.brands().chain(kept.outages.keys()) {
            counters.set(Metric::BrazeUnanswered, Some(brand), u64::from(is_unanswered(brand)));
        }
    }

    async fn unanswered(&self, kept: &mut KeptOutages, brand: BrandId, mut outage: Outage, now: Timestamp) {
        let known = kept.outages.get(&brand).filter(|known| ago(known.last_try, now) < STALE);
        let first = Ours { base: known.map_or(0, |known| known.tries), written_at: None };
        let ours = kept.ours.entry(brand.clone()).or_insert(first);
        outage.since = known.map_or(outage.since, |known| known.since.min(outage.since));
        outage.tries = outage.tries.saturating_add(ours.base);
        let troubles = &self.deps.troubles;
        troubles.report(KIND, Subject::brand(&brand), outage.since, sentence(&outage));
        if troubles.repeats().line("connector.braze_unanswered", brand.as_str(), now).is_some() {
            let Outage { since, tries, waiting, why, .. } = &outage;
            let next_try = outage.next_try.map_or_else(|| "none".to_owned(), |next| next.to_string());
            tracing::error!(event = "connector.braze_unanswered", %brand, %since, tries, next_try, waiting, why, "Braze does not answer; the brand's participations wait.");
        }
        let changed = kept.outages.get(&brand) != Some(&outage);
        let late = ours.written_at.is_none_or(|at| ago(at, now) >= WRITTEN_EVERY);
        if changed && late {
            match self.deps.outages.keep_outage(&brand, &outage).await {
                Ok(()) => {
                    ours.written_at = Some(now);
                    kept.outages.insert(brand, outage);
                }
                Err(error) => self.say_not_kept(&error, now),
            }
        }
    }

    async fn answers(
        &self,
        kept: &mut KeptOutages,
        brand: BrandId,
        answered_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let ours = kept.ours.remove(&brand).is_some();
        self.deps.troubles.clear(KIND, Subject::brand(&brand));
        let Some(known) = kept.outages.get(&brand) else { return };
        let answered = answered_at.filter(|answered_at| *answered_at >= known.last_try);
        // The process that tried last has given up, so no answer is expected any more.
        if answered.is_none() && !ours && ago(known.last_try, now) < STALE {
            return;
        }
        if answered.is_some() {
            let (since, tries) = (known.since, known.tries);
            tracing::warn!(event = "connector.braze_answers", %brand, %since, tries, "Braze answers again.");
        }
        match self.deps.outages.end_outage(&brand).await {
            Ok(()) => {
                kept.outages.remove(&brand);
            }
            Err(error) => self.say_not_kept(&error, now),
        }
    }

    fn say_not_kept(&self, error: &ports::Error, now: Timestamp) {
        if let Some(line) = self.deps.troubles.repeats().line("connector.outages_not_kept", "", now) {
            tracing::warn!(event = "connector.outages_not_kept", times = line.times, error = %in_full(error), "Whether Braze answers could not be stored; status does not show it.");
        }
    }

    /// Ends what holds a brand's requests back after failures, and processes its due participations. The
    /// caller has made them due.
    pub async fn retry_now(&self, brand: &BrandId) {
        let now = self.deps.clock.now();
        for endpoint in [Endpoint::ExportIds, Endpoint::Track, Endpoint::StatusGet, Endpoint::StatusSet] {
            self.braze.budget.open_breaker(brand, endpoint, now);
        }
        self.braze.forget_client(brand);
        tracing::info!(event = "connector.retry_now", %brand, "Participations that wait after a failure are tried again.");
        for _ in 0..MOST_ROUNDS {
            let due = match self.deps.store.due(self.deps.clock.now(), MOST_DUE).await {
                Ok(due) => due.into_iter().filter(|due| due.brand == *brand).map(|due| due.id),
                Err(error) => {
                    tracing::warn!(event = "connector.retry_failed", %brand, error = %in_full(&error), "Waits could not be ended; the tick will find the participations.");
                    return;
                }
            };
            let due: Vec<ParticipationId> = due.collect();
            match self.step(brand, &due).await {
                Ok(stepped) if stepped.ended + stepped.waiting > 0 => {}
                Ok(_nothing_left) => return,
                Err(error) => {
                    tracing::warn!(event = "connector.retry_failed", %brand, error = %in_full(&error), "Waits could not be ended; the tick will find the participations.");
                    return;
                }
            }
        }
    }
}

/// One sentence for the health report.
fn sentence(outage: &Outage) -> String {
    let Outage { since, tries, waiting, why, .. } = outage;
    let next = outage.next_try.map_or_else(|| "no try is due".to_owned(), |next| format!("next try {next}"));
    format!("no answer from Braze since {since}, {tries} tries, {next}, {waiting} wait: {why}")
}
