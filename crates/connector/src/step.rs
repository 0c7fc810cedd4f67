//! One look at participations: read, take as far as they go, save.

use domain::Timestamp;
use domain::brand::Brand;
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Participation;
use metrics::Metric;
use ports::store::{MOST_ITEMS, Saved};

use crate::award;
use crate::case::{Case, Stepped};
use crate::clock_watch::is_of_the_future;
use crate::connector::Connector;
use crate::guard::Panics;
use crate::profile_cache;
use crate::read;
use crate::turns;
use crate::wake;
use crate::without_terms::{self, Missing};

/// Why participations are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A message or somebody asks for it.
    Asked,
    /// They are due, and the tick has come.
    Tick,
}

impl Connector {
    /// Looks at participations of one brand and takes each as far as it goes.
    ///
    /// # Errors
    /// When the store cannot be read or written, or something panicked. Nothing is lost then: what was not saved is looked at again.
    pub async fn step(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<Stepped> {
        self.step_at(Occasion::Asked, brand, ids).await
    }

    /// The same on an occasion.
    pub(crate) async fn step_at(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        ids: &[ParticipationId],
    ) -> ports::Result<Stepped> {
        const DOING: &str = "stepping participations";
        let (mut stepped, mut panics) = (Stepped::default(), Panics::default());
        for some in self.suspects.apart(ids) {
            let stepping = self.step_together(occasion, brand, &some);
            if let Some(done) = panics.watch(self, (brand, DOING), &some, stepping).await? {
                stepped.add(done);
            }
        }
        panics.done(DOING)?;
        Ok(stepped)
    }

    async fn step_together(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        ids: &[ParticipationId],
    ) -> ports::Result<Stepped> {
        let hold = self.in_hand.take(ids);
        let mut cases = Vec::with_capacity(hold.ids.len());
        for some in hold.ids.chunks(MOST_ITEMS) {
            cases.extend(read::participations(self, brand, some).await?.into_iter().map(Case::new));
        }
        let cases = read::awards(self, brand, cases).await?;
        let now = self.outside.clock.now();
        let (mut cases, early): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| wants_a_look(case, now));
        wake::again(&self.outside, early.iter().map(|case| &case.participation)).await;
        if occasion == Occasion::Tick {
            let left: Vec<Case> =
                cases.extract_if(.., |case| wake::has_a_message(&case.participation, now)).collect();
            wake::in_case_of_loss(&self.outside, left.iter().map(|case| &case.participation)).await;
        }
        cases.sort_by_key(|case| case.participation.accepted_at());
        let taken = cases.len();
        let brands = self.brands();
        let resting = match brands.brand(brand) {
            Some(brand) => turns::take(self, brand, cases).await?,
            None => {
                let missing = if brands.may_be_broken(brand) { Missing::Broken } else { Missing::Brand };
                let cases = cases.into_iter().map(|case| (case, missing)).collect();
                without_terms::rest(self, (brand, None), cases).await?
            }
        };
        let mut stepped = self.finish(brands.brand(brand), resting).await?;
        stepped.left_alone += ids.len().saturating_sub(taken);
        Ok(stepped)
    }

    /// Follow-up messages first, then the state: a crash in between costs a look, not a participation.
    async fn finish(&self, brand: Option<&Brand>, cases: Vec<Case>) -> ports::Result<Stepped> {
        profile_cache::remember(self, &cases).await;
        let participations: Vec<Participation> =
            cases.iter().map(|case| case.participation.clone()).collect();
        wake::later(&self.outside, brand, &participations).await;
        let mut stepped = Stepped::default();
        let mut seen = Vec::new();
        for (cases, some) in cases.chunks(MOST_ITEMS).zip(participations.chunks(MOST_ITEMS)) {
            let saved = self.outside.store.save(some).await?;
            for (case, saved) in cases.iter().zip(saved) {
                match saved {
                    Saved::Conflict => {
                        stepped.left_alone += 1;
                        continue;
                    }
                    Saved::Saved if case.participation.due_at().is_none() => stepped.ended += 1,
                    Saved::Saved => {
                        stepped.waiting += 1;
                        self.braze.counters.count(Metric::Deferred, Some(case.participation.brand()), 1);
                    }
                }
                self.braze.seen.rests(&case.participation);
                // What still waits is looked at again anyway, and then with its award as it stands.
                seen.extend(case.changed_award());
                if case.ended {
                    self.count_end(case);
                    log_end(&case.participation);
                }
            }
        }
        award::noted(self, &seen).await?;
        Ok(stepped)
    }

    fn count_end(&self, case: &Case) {
        let brand = case.participation.brand();
        self.braze.counters.count(Metric::Ended, Some(brand), 1);
        let earned = case.participation.earned_at().is_some();
        if earned || case.facts.award.as_ref().is_some_and(|award| award.credited_at.is_some()) {
            self.braze.counters.count(Metric::Credited, Some(brand), 1);
        }
    }
}

/// A new participation is looked at when a message says so; afterwards it is left alone until it is due, however many
/// messages come. An award that somebody else's participation changed is due, too, and so is what was put off under a clock that has been
/// set back since: nobody knows when its time is.
fn wants_a_look(case: &Case, now: Timestamp) -> bool {
    let participation = &case.participation;
    case.changed_award().is_some()
        || participation.due_at().is_some_and(|due| {
            participation.version() == 0 || due <= now || is_of_the_future(participation.updated_at(), now)
        })
}

fn log_end(participation: &Participation) {
    let (id, scope, state) = (participation.id(), participation.scope(), participation.state());
    match state.reason() {
        Some(reason) => {
            tracing::warn!(event = "connector.ended", participation = %id, %scope, state = state.name(), reason, "A participation has ended.");
        }
        None => {
            tracing::info!(event = "connector.ended", participation = %id, %scope, state = state.name(), "A participation has ended.");
        }
    }
}
