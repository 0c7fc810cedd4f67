//! Limits the damage of a panic: the brand that was being worked for loses one round, and the others lose
//! nothing.

use std::time::Duration;

use domain::ids::{BrandId, ParticipationId};
use metrics::Metric;
use ports::health::Subject;
use supervision::{Panicked, guarded};

use crate::connector::Connector;

/// After this many panics in one round the rest is left for the next one.
const MOST_PANICS: usize = 32;

/// How long the health report shows a brand's panic.
const SHOWN_FOR: Duration = Duration::from_secs(300);

impl Connector {
    /// Runs work for a brand, and turns a panic into an error.
    pub(crate) async fn guarded<T>(
        &self,
        brand: &BrandId,
        doing: &'static str,
        work: impl Future<Output = ports::Result<T>>,
    ) -> ports::Result<T> {
        match guarded(work).await {
            Ok(done) => done,
            Err(panicked) => {
                self.panicked(brand, doing, &panicked);
                Err(ports::Error::panicked(doing, panicked))
            }
        }
    }

    /// Reports a brand's panic to the engineer on call.
    pub(crate) fn panicked(&self, brand: &BrandId, doing: &'static str, panicked: &Panicked) {
        let (troubles, now) = (&self.deps.troubles, self.deps.clock.now());
        self.braze.counters.count(Metric::Panics, Some(brand), 1);
        let text = format!("{doing} failed: {panicked}; the log says where, and the work is done again");
        troubles.report_for(SHOWN_FOR, "panicked", Subject::brand(brand), now, text);
        if let Some(line) = troubles.repeats().line("connector.panicked", brand.as_str(), now) {
            tracing::error!(event = "connector.panicked", %brand, doing, times = line.times, %panicked, "Work for the brand panicked; the work is done again.");
        }
    }
}

/// The panics of one round.
#[derive(Default)]
pub(crate) struct Panics {
    count: usize,
    last: Option<Panicked>,
}

impl Panics {
    /// Runs a part of the round. Returns nothing if it panics, or if too many parts panicked before.
    pub(crate) async fn watch<T>(
        &mut self,
        connector: &Connector,
        (brand, doing): (&BrandId, &'static str),
        ids: &[ParticipationId],
        work: impl Future<Output = ports::Result<T>>,
    ) -> ports::Result<Option<T>> {
        if self.count >= MOST_PANICS {
            return Ok(None);
        }
        match guarded(work).await {
            Ok(done) => {
                let done = done?;
                connector.suspects.clear(ids);
                Ok(Some(done))
            }
            Err(panicked) => {
                connector.panicked(brand, doing, &panicked);
                connector.suspects.add(ids);
                self.count += 1;
                self.last = Some(panicked);
                Ok(None)
            }
        }
    }

    /// An error if anything panicked, so that the caller asks for another round.
    pub(crate) fn done(self, doing: &'static str) -> ports::Result<()> {
        self.last.map_or(Ok(()), |panicked| Err(ports::Error::panicked(doing, panicked)))
    }
}
