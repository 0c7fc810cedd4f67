//! Braze's endpoints. Each takes the jobs of many participations, and performs them in as few requests as
//! Braze allows.

mod admission;
mod batches;
pub(crate) mod built;
pub(crate) mod consent_groups;
mod export;
mod fate;
pub(crate) mod look_up;
mod phones;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod statuses;
pub(crate) mod subscribe;
mod translate;
pub(crate) mod write;

use std::sync::Arc;

use braze::{Answer, Client};
use domain::Timestamp;
use domain::brand::Brand;
use domain::participation::{Cause, Participation};
use domain::reservation::Observed;
use domain::rollup::CountedEvent;
use ports::limits::Endpoint;

use crate::braze_access::BrazeAccess;
use crate::breaker::Breaker;
use crate::budget::{Admission, Rank, observed, wait_until};
use crate::call_record::{RefusedObjects, SentCall};
use crate::work_item::{Performed, WorkItem};

/// An endpoint, which asks questions or gives commands for many participations together.
pub(crate) trait BrazeEndpoint {
    /// A participation together with its question or command.
    type Job: Send;

    /// Performs the jobs. The facts of each work item receive what was learned; a work item that has to wait
    /// is put off.
    ///
    /// # Errors
    /// If our own store cannot be read or written.
    fn perform(
        to: &BrandAccess<'_>,
        jobs: Vec<Self::Job>,
    ) -> impl Future<Output = ports::Result<Performed>> + Send;
}

/// Access to one brand's workspace.
#[derive(Clone, Copy)]
pub(crate) struct BrandAccess<'a> {
    pub(crate) access: &'a BrazeAccess,
    pub(crate) brand: &'a Brand,
    pub(crate) rank: Rank,
}

impl BrandAccess<'_> {
    fn now(&self) -> Timestamp {
        self.access.deps.clock.now()
    }

    async fn client(&self) -> Option<Arc<Client>> {
        self.access.client(self.brand).await
    }

    fn breaker(&self, endpoint: Endpoint) -> Arc<Breaker> {
        self.access.budget.breaker(self.brand, endpoint)
    }

    /// Books `count` requests.
    async fn admit(&self, endpoint: Endpoint, count: usize) -> Vec<Admission> {
        self.access.budget.admit(&self.access.deps, self.brand, (endpoint, self.rank), count).await
    }

    async fn wait_until(&self, from: Timestamp) {
        wait_until(&*self.access.deps.clock, from).await;
    }

    /// Gives what an answer says about the limit to the breaker at once, so that the next requests know it.
    fn hear<T>(&self, endpoint: Endpoint, answer: &Answer<T>, now: Timestamp) -> Option<Observed> {
        let said = observed(answer, now);
        self.breaker(endpoint).hear(said, now);
        said
    }

    /// A request that is about to be sent with so many objects, about these participations.
    fn call<'p>(
        &self,
        endpoint: Endpoint,
        objects: usize,
        about: impl Iterator<Item = &'p Participation>,
    ) -> SentCall {
        let mut about = about.peekable();
        // A request about several activations counts for that of the first participation.
        if let Some(first) = about.peek() {
            self.access.counts(first, CountedEvent::Requested(endpoint), 1);
        }
        SentCall::new(endpoint, objects, about.map(Participation::id), self.now())
    }

    /// Records a request with its answer.
    fn record<T>(&self, call: SentCall, answer: &Answer<T>, now: Timestamp) {
        self.access.record(&self.brand.id, call, (answer, &RefusedObjects::default()), now);
    }

    async fn conclude(&self, endpoint: Endpoint, said: &[Observed]) {
        self.access.conclude(self.brand, endpoint, said).await;
    }

    /// Counts a failure for this cause and puts the participation off: for as long as Braze asked, or else longer after each
    /// failure.
    fn rest_after_failure(
        &self,
        item: WorkItem,
        failed: (Cause, Option<std::time::Duration>),
        now: Timestamp,
    ) -> WorkItem {
        item.rest_after_failure(failed, &*self.access.deps.chance, now)
    }
}
