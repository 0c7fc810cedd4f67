//! Ports of a process that may die at any moment: before an effect, or after it and before it gets the answer.

mod anyway;
mod messages;
mod numbers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use braze::TransportError;
use bytes::Bytes;
use connector::Deps;
use domain::Timestamp;
use domain::award::{Award, Resolution, Resolutions};
use domain::brand::SecretRef;
use domain::callback::{Callback, CallbackId};
use domain::ids::{BrandId, ContactKey, LedgerKey, ParticipationId, Scope};
use domain::incentive::Pool;
use domain::incentive::raffle::{DrawnList, Seed};
use domain::ledger::{Counts, Entry, Resolved, Rules};
use domain::participation::{Outcome, Participation, State};
use domain::profile::ProfileHint;
use domain::reservation::{Observed, Reservation, WantedSlots};
use domain::rollup::Rollup;
use http::{Request, Response, StatusCode};
use memory::Memory;
use ports::ledger::{DeliveryOutcome, DrawnPart, Stock, TakenCallbacks};
use ports::limits::ContractLane;
use ports::read_backs::{BatchKey, DueBatches, ReadBackBatch};
use ports::store::{Due, Inserted, ProfileHints, Read, Saved};
use ports::{Callbacks, Ledger, LedgerNumbers, Limits, ReadBacks, Result, Secrets, Store};
use secrecy::SecretString;
use tokio::sync::Notify;

use crate::campaign::Campaign;
use crate::simulation::Mutation;
use crate::simulation::line::{LastWords, SharedRun, everybody_is_subscribed};
use crate::simulation::promises::leaked_in;

const EXPORT: &str = "/users/export/ids";

/// How many effects a process has left.
#[derive(Debug)]
pub(crate) struct Life {
    left: AtomicU64,
    /// Notified when the process is dead.
    pub(crate) over: Notify,
}

impl Life {
    pub(crate) fn endless() -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(u64::MAX), over: Notify::new() })
    }

    /// Makes the process die at its n-th effect from now.
    pub(crate) fn ends_at(&self, effect: u64) {
        self.left.store(effect, SeqCst);
    }

    /// Called before and after every effect. A dead process does not return from it.
    async fn goes_on(&self) {
        let alive = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        if self.left.fetch_update(SeqCst, SeqCst, alive).is_err() {
            self.over.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn effect<T>(&self, work: impl Future<Output = T>) -> T {
        self.goes_on().await;
        let done = work.await;
        self.goes_on().await;
        done
    }
}

/// The ports of one process.
pub(crate) struct Mortal {
    pub(crate) ports: Deps,
    pub(crate) life: Arc<Life>,
    pub(crate) line: Arc<SharedRun>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) mutation: Option<Mutation>,
    heard: LastWords,
}

impl Mortal {
    /// The ports of a process that was just started.
    pub(crate) fn new(
        campaign: &Campaign,
        life: &Arc<Life>,
        line: &Arc<SharedRun>,
        mutation: Option<Mutation>,
    ) -> Self {
        Self {
            ports: campaign.deps.clone(),
            life: life.clone(),
            line: line.clone(),
            memory: campaign.memory.clone(),
            mutation,
            heard: LastWords::default(),
        }
    }

    /// These ports in the form that a connector takes.
    pub(crate) fn deps(self) -> Deps {
        let (outages, calls) = (self.memory.clone(), self.memory.clone());
        let (clock, chance) = (self.ports.clock.clone(), self.ports.chance.clone());
        let ports = Arc::new(self);
        Deps {
            store: ports.clone(),
            ledger: ports.clone(),
            callbacks: ports.clone(),
            queues: ports.clone(),
            schedule: ports.clone(),
            limits: ports.clone(),
            read_backs: ports.clone(),
            outages,
            calls,
            secrets: ports.clone(),
            troubles: ports::Troubles::default(),
            clock,
            chance,
            transport: ports.clone(),
            callback_transport: ports,
        }
    }

    /// Checks that a participation by number may be credited now: the workspace's last answer to this process was that the number is
    /// subscribed, or the credit is not new.
    fn may_be_credited(&self, id: ParticipationId) {
        let Some(stored) = self.memory.stored(id) else { return };
        let Some(phone) = stored.phone() else { return };
        let known = *stored.state() == State::Ended(Outcome::Credited)
            || self.memory.stored_award(id).is_some_and(|award| award.is_resolved());
        if !known && !self.heard.subscribed(phone.as_str()) {
            self.line.breaks("SMS is credited only once Braze has said subscribed", &id.to_string());
        }
    }

    /// Checks that a text that is sent or stored contains ids, but no contact and no secret.
    fn may_be_told(&self, text: &str) {
        if leaked_in(text) {
            self.line.breaks("no contact or secret is in a message or an error", text);
        }
    }
}

#[async_trait]
impl Store for Mortal {
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted> {
        self.life.effect(self.ports.store.insert(participation, entry)).await
    }

    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>> {
        // Yields as a real store would while it is asked.
        tokio::task::yield_now().await;
        self.ports.store.get(ids).await
    }

    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()> {
        self.life.effect(self.ports.store.set_aside(ids, until, expires)).await
    }

    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>> {
        self.save_with_lines(participations, rollups, &[]).await
    }

    async fn save_with_lines(
        &self,
        participations: &[Participation],
        rollups: &[Rollup],
        lines: &[Award],
    ) -> Result<Vec<Saved>> {
        for participation in participations {
            match participation.state() {
                State::Ended(Outcome::Credited) => self.may_be_credited(participation.id()),
                state => state.reason().into_iter().for_each(|reason| self.may_be_told(reason)),
            }
        }
        if self.mutation == Some(Mutation::NoCondition) {
            return self.save_all_anyway(participations, (rollups, lines)).await;
        }
        self.life.effect(self.ports.store.save_with_lines(participations, rollups, lines)).await
    }

    async fn put_off(&self, participations: &[Participation]) -> Result<Vec<Saved>> {
        self.life.effect(self.ports.store.put_off(participations)).await
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        if self.mutation == Some(Mutation::NoDueTime) {
            return Ok(Vec::new());
        }
        self.ports.store.due(now, most).await
    }

    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints> {
        self.ports.store.profile_hints(contacts).await
    }

    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()> {
        self.life.effect(self.ports.store.remember_profiles(profiles)).await
    }

    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint> {
        self.life.effect(self.ports.store.claim_profile(contact, profile)).await
    }

    async fn accepted(&self, scope: &Scope, more: u64) -> Result<u64> {
        self.ports.store.accepted(scope, more).await
    }
}

#[async_trait]
impl Ledger for Mortal {
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>> {
        self.ports.ledger.awards(ids).await
    }

    async fn enter(&self, rules: &Rules, ids: &[ParticipationId], now: Timestamp) -> Result<Resolved> {
        self.life.effect(self.ports.ledger.enter(rules, ids, now)).await
    }

    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved> {
        let credits = |(_, resolution): &&(ParticipationId, Resolution)| {
            matches!(resolution, Resolution::Credit | Resolution::CreditAs(_))
        };
        for (id, _) in resolutions.iter().filter(credits) {
            self.may_be_credited(*id);
        }
        self.life.effect(self.ports.ledger.resolve(rules, resolutions, now)).await
    }

    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved> {
        self.life.effect(self.ports.ledger.refill(rules, now)).await
    }

    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>> {
        self.life.effect(self.ports.ledger.draw(rules, seed, now)).await
    }

    async fn noted(&self, ids: &[ParticipationId]) -> Result<()> {
        self.life.effect(self.ports.ledger.noted(ids)).await
    }

    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        self.ports.ledger.counts(ledger).await
    }

    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32> {
        self.ports.ledger.waiting_ahead_of(award).await
    }

    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart> {
        self.ports.ledger.drawn(ledger, list, after, most).await
    }

    async fn upgrade(&self, ledger: &LedgerKey) -> Result<bool> {
        self.life.effect(self.ports.ledger.upgrade(ledger)).await
    }

    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock> {
        self.ports.ledger.import_codes(brand, pool, codes).await
    }

    fn numbers(&self) -> Option<&dyn LedgerNumbers> {
        self.ports.ledger.numbers()?;
        Some(self)
    }
}

#[async_trait]
impl Callbacks for Mortal {
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks> {
        self.life.effect(self.ports.callbacks.take_callbacks(now, most)).await
    }

    fn makers_lease(&self) -> Option<Duration> {
        self.ports.callbacks.makers_lease()
    }

    async fn call_back(&self, callback: &Callback) -> Result<()> {
        self.life.effect(self.ports.callbacks.call_back(callback)).await
    }

    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()> {
        self.life.effect(self.ports.callbacks.delivered(outcomes)).await
    }
}

#[async_trait]
impl ReadBacks for Mortal {
    async fn keep_batches(&self, batches: &[ReadBackBatch]) -> Result<()> {
        if self.mutation == Some(Mutation::NoReadingBack) {
            return Ok(());
        }
        self.life.effect(self.ports.read_backs.keep_batches(batches)).await
    }

    async fn due_batches(&self, now: Timestamp) -> Result<DueBatches> {
        self.ports.read_backs.due_batches(now).await
    }

    async fn batches_done(&self, keys: &[BatchKey]) -> Result<()> {
        self.life.effect(self.ports.read_backs.batches_done(keys)).await
    }
}

#[async_trait]
impl Limits for Mortal {
    async fn reserve(&self, lane: &ContractLane, wanted: WantedSlots, now: Timestamp) -> Result<Reservation> {
        self.life.effect(self.ports.limits.reserve(lane, wanted, now)).await
    }

    async fn observe(&self, lane: &ContractLane, observed: Observed, now: Timestamp) -> Result<()> {
        self.life.effect(self.ports.limits.observe(lane, observed, now)).await
    }
}

#[async_trait]
impl Secrets for Mortal {
    async fn get(&self, reference: &SecretRef) -> Result<SecretString> {
        self.ports.secrets.get(reference).await
    }
}

#[async_trait]
impl braze::Transport for Mortal {
    async fn send(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, TransportError> {
        tokio::task::yield_now().await;
        if self.mutation == Some(Mutation::NoAsking)
            && let Some(made_up) = everybody_is_subscribed(request.uri())
        {
            return Ok(made_up);
        }
        self.line.may_panic(false);
        if self.line.is_not_sent() {
            return Err(TransportError::NotSent("a fault was asked for".to_owned()));
        }
        let question = (request.uri().path() == EXPORT).then(|| request.body().clone());
        let answered = self.life.effect(self.ports.transport.send(request)).await;
        self.line.may_panic(true);
        if self.line.loses_the_answer() {
            return Err(TransportError::Lost("a fault was asked for".to_owned()));
        }
        if let Ok(answer) = &answered {
            self.heard.listen(answer.body());
            if let Some(question) = question {
                self.line.witness.hears(&question, answer.body());
            }
        }
        answered
    }
}

#[async_trait]
impl callback::CallbackTransport for Mortal {
    async fn send(
        &self,
        callback: &callback::Signed,
        addresses: callback::Addresses,
    ) -> std::result::Result<StatusCode, callback::CallbackError> {
        if self.mutation == Some(Mutation::NoTelling) {
            return Ok(StatusCode::NO_CONTENT);
        }
        self.life.effect(self.ports.callback_transport.send(callback, addresses)).await
    }
}
