//! A participation: what a consumer asked for, and how far it has come.
//!
//! Its fields are private. [`Participation::apply`] is how its state changes; the few other changes (a failure is counted, a request
//! slot is booked) leave the state as it is.

mod attempts;
mod snapshot;
mod state;
pub(crate) mod step;
mod way;

pub use snapshot::{FIRST_LOOK, Impossible, Snapshot};
pub use state::{EnrollState, EventProgress, Open, Outcome, SmsState, State, Target, Unanswered};
pub use way::{BrazeEvent, Consent, Forgotten, ForgottenEvent, Way};

use self::step::{ProfileWrite, Step};
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{BrandId, Channel, ContactKey, ParticipationId, RepeatKey, Scope};
use crate::reservation::Slot;
use crate::unknown::UnknownFields;

/// Why a participation ends that was under way when its consumer asked to be forgotten.
const FORGOTTEN: &str = "forgotten, as the consumer asked";

/// A consumer taking part in an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Participation(Snapshot);

/// How far a profile shows what was won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether Braze has taken the attributes.
    pub attributes: bool,
    /// Whether the custom event may already have been sent.
    pub event: EventProgress,
}

impl Participation {
    /// Stable for the same consumer, activation and channel.
    #[must_use]
    pub fn id(&self) -> ParticipationId {
        self.0.id
    }

    /// Whose activation it is.
    #[must_use]
    pub fn brand(&self) -> &BrandId {
        &self.0.brand
    }

    /// Which activation.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// How the consumer takes part.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.0.way
    }

    /// The channel that the consumer takes part by.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.0.way.channel()
    }

    /// How the consumer can be reached, unless they were forgotten.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        self.0.way.contact()
    }

    /// What the consumer's profile is known by in our store, unless they were forgotten.
    #[must_use]
    pub fn contact_key(&self, id_key: &IdKey) -> Option<ContactKey> {
        self.contact().map(|contact| id_key.contact(self.brand(), &contact))
    }

    /// The consumer's address, where there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.0.way.email()
    }

    /// The consumer's number, where there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        self.0.way.phone()
    }

    /// What Braze told us of, when it was that which made the consumer take part.
    #[must_use]
    pub fn event(&self) -> Option<&BrazeEvent> {
        self.0.way.event()
    }

    /// What the consumer said about being sent messages.
    #[must_use]
    pub fn consent(&self) -> Option<&Consent> {
        self.0.way.consent()
    }

    /// What the activation collected besides.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.0.attributes
    }

    /// When it was accepted; the time of its custom event.
    #[must_use]
    pub fn accepted_at(&self) -> Timestamp {
        self.0.accepted_at
    }

    /// When it last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.0.state
    }

    /// When the consumer earned the credit. Whether the ledger has given it is the award's
    /// [`credited_at`](crate::award::Award::credited_at).
    #[must_use]
    pub fn earned_at(&self) -> Option<Timestamp> {
        self.0.earned_at
    }

    /// Whether something hangs on the credit: then the credit is a line in a ledger ([`crate::award::Award`]).
    #[must_use]
    pub fn has_award(&self) -> bool {
        self.0.has_award
    }

    /// How far the profile shows the reward.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.0.shown
    }

    /// When it is processed at the latest. `None` when there is nothing left to do.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.0.due_at
    }

    /// Once it has ended, it is deleted then: the brand's retention after the activation has closed.
    #[must_use]
    pub fn keep_until(&self) -> Timestamp {
        self.0.keep_until
    }

    /// Attempts in a row that Braze did not answer usefully.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.0.failures
    }

    /// A request slot booked for it, while it waits for one.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        self.0.slot
    }

    /// Whether Braze has no profile under the alias that we would create.
    #[must_use]
    pub fn has_no_such_alias(&self) -> bool {
        self.0.no_such_alias
    }

    /// What the `Idempotency-Key` of the request that created it is known by: a caller that repeats it created this.
    #[must_use]
    pub fn repeat_key(&self) -> Option<RepeatKey> {
        self.0.repeat_key
    }

    /// Since when it lacks the terms it was accepted under: its brand, activation or way is not configured any more.
    #[must_use]
    pub fn without_terms_since(&self) -> Option<Timestamp> {
        self.0.without_terms_since
    }

    /// Counts saves; a save is conditional on it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// Takes a step that [`decide`](crate::decide::decide) said at `now`. This is the only way from one state to another.
    ///
    /// A step that says what to find out, or what the ledger is to do, changes nothing.
    ///
    /// # Panics
    /// When the step is one that no participation by this way can take. `decide` says none of these.
    pub fn apply(&mut self, step: &Step, now: Timestamp) {
        match step {
            Step::Ask(_) | Step::Resolve(_) | Step::NotOffered(_) => {}
            Step::Tell { state, .. } => self.go_to(State::Open(state.clone())),
            Step::Wait { state, until } => {
                self.go_to(State::Open(state.clone()));
                self.put_off(*until, now);
            }
            Step::Done(outcome) => self.end(outcome.clone(), now),
            Step::Show { shown, .. } => self.0.shown = *shown,
            Step::Defer { shown, until } => {
                self.0.shown = *shown;
                self.put_off(*until, now);
            }
            Step::StopWaiting => self.stop_waiting(now),
            Step::Rest => self.rest(),
        }
    }

    /// Nothing is left to do, unless somebody else's participation changes its award.
    fn rest(&mut self) {
        self.0.due_at = None;
        self.0.slot = None;
    }

    /// Ends the wait that callers without a signature are shown.
    fn stop_waiting(&mut self, now: Timestamp) {
        if let State::Ended(Outcome::Mismatch(wait)) = &mut self.0.state {
            wait.ended_at = Some(now);
        }
        self.0.updated_at = now;
    }

    fn end(&mut self, outcome: Outcome, now: Timestamp) {
        // What was earned stays earned.
        self.0.earned_at = self.0.earned_at.or(outcome.earns().then_some(now));
        self.go_to(State::Ended(outcome));
        self.0.updated_at = now;
        self.rest();
    }

    fn go_to(&mut self, state: State) {
        assert!(
            state.suits(&self.0.way),
            "a participation by {} was told to be {}",
            self.channel().name(),
            state.name()
        );
        self.0.state = state;
    }

    /// Braze has taken a write: the profile shows what was in it. After the end of the flow, the event is the reward's.
    pub fn shows(&mut self, write: &ProfileWrite) {
        self.0.shown.attributes |= write.shows_reward;
        if self.0.state.is_end() && write.event.is_some() {
            self.0.shown.event = EventProgress::Recorded;
        }
    }

    /// Takes everything out that says whose it is. What stays is a place in the books: an id that only the id key leads to, so that
    /// somebody who was forgotten is not credited a second time, and what was given out stays given out. A consent stays, too, with
    /// `proof`: keyed hashes of the contacts.
    ///
    /// A flow that is under way ends. What hangs on it is released when it is next processed.
    pub fn forget(&mut self, proof: Vec<ContactKey>, now: Timestamp) {
        let kept = &mut self.0;
        kept.way = Way::Forgotten(kept.way.forgotten(proof));
        kept.attributes = Attributes::default();
        // Nobody can tell what is in them.
        kept.unknown = UnknownFields::default();
        kept.slot = None;
        kept.updated_at = now;
        match &kept.state {
            State::Open(_) => {
                kept.state = State::Ended(Outcome::Rejected { reason: FORGOTTEN.to_owned() });
                kept.due_at = kept.has_award.then_some(now);
            }
            State::Ended(outcome) => {
                if let Outcome::Mismatch(_) = outcome {
                    let reason = outcome.reason().unwrap_or(FORGOTTEN).to_owned();
                    kept.state = State::Ended(Outcome::Rejected { reason });
                }
                // There is no profile any more that could show anything.
                kept.shown = Shown { attributes: true, event: EventProgress::Recorded };
                kept.due_at = None;
            }
        }
    }

    /// What stands where a participation stood that cannot be read and was forgotten. It ends, and what hangs on it is released when
    /// it is next processed.
    #[must_use]
    pub fn unreadable_and_forgotten(
        (id, version): (ParticipationId, u64),
        (brand, scope): (BrandId, Scope),
        has_award: bool,
        (now, keep_until): (Timestamp, Timestamp),
    ) -> Self {
        Self(Snapshot {
            state: State::Ended(Outcome::Rejected { reason: FORGOTTEN.to_owned() }),
            due_at: has_award.then_some(now),
            version,
            ..Snapshot::accepted(
                id,
                (brand, scope),
                Way::Forgotten(Forgotten::default()),
                (now, keep_until),
                has_award,
            )
        })
    }
}

#[cfg(test)]
mod tests;
