//! What every request to Braze passes through: the brands' clients, the request budget, and what is
//! remembered of earlier requests.

use std::sync::Arc;

use braze::{Answer, Client, Transport};
use domain::Timestamp;
use domain::brand::Brand;
use domain::ids::BrandId;
use domain::participation::Participation;
use domain::reservation::Observed;
use domain::rollup::CountedEvent;
use metrics::{Counters, Metric};
use ports::limits::Endpoint as LimitedEndpoint;
use ports::rollups::WaitingFigures;

use crate::budget::RequestBudget;
use crate::call_record::{CallRecord, RefusedObjects, SentCall};
use crate::counted::Counted;
use crate::deps::Deps;
use crate::one_by_one::OneByOne;
use crate::outage::WorkspaceWatch;
use crate::recent::Recent;
use crate::scarce::ScarceSlots;
use crate::workspace::Workspaces;

/// Access to the brands' workspaces.
pub(crate) struct BrazeAccess {
    pub(crate) deps: Deps,
    pub(crate) budget: RequestBudget,
    pub(crate) counters: Arc<Counters>,
    /// Values that were written to profiles in the last minutes.
    pub(crate) recent: Recent,
    pub(crate) one_by_one: OneByOne,
    /// Until when look-ups wait for request slots.
    pub(crate) scarce: ScarceSlots,
    /// The calls that are not kept yet.
    pub(crate) calls: CallRecord,
    /// What reports count of requests, until it is stored with the next participations.
    pub(crate) figures: WaitingFigures,
    /// Records whether the workspaces answer.
    pub(crate) seen: Arc<WorkspaceWatch>,
    workspaces: Workspaces,
}

impl BrazeAccess {
    pub(crate) fn new(deps: Deps) -> Self {
        Self {
            deps,
            budget: RequestBudget::default(),
            counters: Arc::default(),
            recent: Recent::default(),
            one_by_one: OneByOne::default(),
            scarce: ScarceSlots::default(),
            calls: CallRecord::default(),
            figures: WaitingFigures::default(),
            seen: Arc::default(),
            workspaces: Workspaces::default(),
        }
    }

    /// The brand's client; `None`, with a line in the log, if its key cannot be read.
    pub(crate) async fn client(&self, brand: &Brand) -> Option<Arc<Client>> {
        self.workspaces.client(&self.deps, || self.way_of(&brand.id), brand).await
    }

    /// Makes the brand's client anew before its next use.
    pub(crate) fn forget_client(&self, brand: &BrandId) {
        self.workspaces.forget(brand);
    }

    /// Records what answers said about a limit, and whether the key was refused.
    pub(crate) async fn conclude(&self, brand: &Brand, endpoint: LimitedEndpoint, said: &[Observed]) {
        if said.contains(&Observed::KeyRefused) {
            self.key_was_refused(brand);
        }
        self.budget.observe(&self.deps, brand, endpoint, said).await;
    }

    /// Reads the brand's key anew before its next use, since it may have been rotated.
    pub(crate) fn key_was_refused(&self, brand: &Brand) {
        self.workspaces.forget(&brand.id);
        self.deps.secrets.forget(&brand.braze.api_key);
        self.counters.count(Metric::KeysRefused, Some(&brand.id), 1);
    }

    /// Counts for reports what happened to a participation, so many times.
    pub(crate) fn counts(&self, of: &Participation, event: CountedEvent, times: usize) {
        if times > 0 {
            let (times, now) = (u64::try_from(times).unwrap_or(u64::MAX), self.deps.clock.now());
            self.figures.add(event.figures((of.scope(), of.channel()), times, now), now);
        }
    }

    /// Records a call with its answer. A call for which there is no room is counted.
    pub(crate) fn record<T>(
        &self,
        brand: &BrandId,
        call: SentCall,
        (answer, refused): (&Answer<T>, &RefusedObjects),
        now: Timestamp,
    ) {
        if let Some(call) = call.answered(answer, refused, now)
            && !self.calls.add(brand, call)
        {
            self.counters.count(Metric::CallsNotKept, Some(brand), 1);
        }
    }

    /// The transport for the brand's requests, which counts and watches them.
    pub(crate) fn way_of(&self, brand: &BrandId) -> Arc<dyn Transport> {
        let way = self.deps.transport.clone();
        let counted = Counted { way, brand: brand.clone(), counters: self.counters.clone() };
        self.seen.watching(brand, Arc::new(counted), self.deps.clock.clone())
    }
}
