//! A panic while one brand is worked for costs that brand a round, and nobody else anything.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::identity::{BrandId, ParticipationId};
use ports::health::Subject;
use supervision::{Panicked, guarded};

use crate::step::{Connector, Stepped};

/// So many panics in one look are enough: what is left comes again.
const MOST_PANICS: usize = 32;

/// Participations that are remembered as suspects.
const MOST_SUSPECTS: usize = 100_000;

/// How long the health shows a brand's panic.
const SHOWN_FOR: Duration = Duration::from_secs(300);

/// Participations that were looked at when something panicked. From then on each is looked at alone, after the others, until that goes
/// well: one of them must not keep its brand from all others.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<HashSet<ParticipationId>>);

impl Suspects {
    fn are_among(&self, ids: &[ParticipationId]) -> bool {
        let suspects = self.lock();
        ids.iter().any(|id| suspects.contains(id))
    }

    /// What is looked at together.
    fn apart(&self, ids: &[ParticipationId]) -> Vec<Vec<ParticipationId>> {
        let suspects = self.lock();
        let (alone, together): (Vec<_>, Vec<_>) = ids.iter().partition(|id| suspects.contains(id));
        let alone = alone.into_iter().map(|id| vec![id]);
        std::iter::once(together).filter(|together| !together.is_empty()).chain(alone).collect()
    }

    fn add(&self, ids: &[ParticipationId]) {
        let mut suspects = self.lock();
        let room = MOST_SUSPECTS.saturating_sub(suspects.len());
        suspects.extend(ids.iter().take(room));
    }

    fn clear(&self, ids: &[ParticipationId]) {
        let mut suspects = self.lock();
        for id in ids {
            suspects.remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ParticipationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector {
    /// Looks at participations of one brand and takes each as far as it goes.
    ///
    /// # Errors
    /// When the store cannot be read or written, or something panicked. Nothing is lost then: what was not saved is looked at again.
    pub async fn step(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<Stepped> {
        const DOING: &str = "stepping participations";
        let (mut stepped, mut panics) = (Stepped::default(), Panics::default());
        for some in self.suspects.apart(ids) {
            if let Some(done) =
                panics.watch(self, (brand, DOING), &some, self.step_together(brand, &some)).await?
            {
                stepped.add(done);
            }
        }
        panics.done(DOING)?;
        Ok(stepped)
    }

    /// Enters participations in their ledgers in this order, credits those that have earned it by taking part, and has their flows go on.
    /// It asks nothing of Braze: whoever is behind waits for the ledger only.
    ///
    /// # Errors
    /// When store or ledgers cannot be reached, or something panicked. Doing it again is doing it once.
    pub async fn enter(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        const DOING: &str = "entering participations";
        let mut panics = Panics::default();
        // The order counts: with a suspect among them, all are entered one by one.
        let at_once = if self.suspects.are_among(ids) { 1 } else { ids.len().max(1) };
        for some in ids.chunks(at_once) {
            panics.watch(self, (brand, DOING), some, self.enter_together(brand, some)).await?;
        }
        panics.done(DOING)
    }

    /// Does something else for a brand.
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

    /// Tells whoever is on call of a brand's panic.
    pub(crate) fn panicked(&self, brand: &BrandId, doing: &'static str, panicked: &Panicked) {
        let (troubles, now) = (&self.outside.troubles, self.outside.clock.now());
        self.tallied.panicked();
        let text = format!("{doing} failed: {panicked}; the log says where, and it is done again");
        troubles.report_for(SHOWN_FOR, "panicked", Subject::brand(brand), now, text);
        if let Some(line) = troubles.repeats().line("connector.panicked", brand.as_str(), now) {
            tracing::error!(%brand, doing, times = line.times, %panicked, "connector.panicked: the brand's work is done again");
        }
    }
}

impl Stepped {
    pub(crate) fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.waiting += other.waiting;
        self.left_alone += other.left_alone;
    }
}

/// Panics in one look.
#[derive(Default)]
struct Panics {
    count: usize,
    last: Option<Panicked>,
}

impl Panics {
    /// Does a part of the look; nothing comes of it if it panics, or if too much did before.
    async fn watch<T>(
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

    /// An error if anything panicked: whoever asked for the look asks for it again.
    fn done(self, doing: &'static str) -> ports::Result<()> {
        self.last.map_or(Ok(()), |panicked| Err(ports::Error::panicked(doing, panicked)))
    }
}
