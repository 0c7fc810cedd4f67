//! A participation: what a consumer asked for, and its current state.
//!
//! Its fields are private. Only [`Participation::apply`] changes its state; the few other changes (counting a
//! failure, booking a request slot) keep the state.

mod attempts;
mod cause;
mod code;
mod consenting;
mod counted;
mod details;
mod parts;
mod profiles;
mod read_back;
mod recording;
mod snapshot;
mod state;
pub(crate) mod step;
mod timeline;
mod waiting;
mod way;

pub use crate::consent::Consent;
pub use cause::{Cause, HeldUp};
pub use code::Code;
pub use counted::CountedMilestones;
pub use details::{FormerProfile, Replaced};
pub use parts::Parts;
pub use read_back::{GivenUp, MOST_MISSING, ReadBack, SentParts, Unplaced};
pub use snapshot::{FIRST_LOOK, Impossible, Snapshot};
pub use state::{
    AskingWrite, EnrollState, EventProgress, Open, Outcome, SmsState, State, Target, Unanswered,
};
pub use timeline::{FIRST_KEPT, MOST_ENTRIES, Timeline, TimelineEntry};
pub use way::{BrazeEvent, Forgotten, ForgottenEvent, Way};

use self::step::{Command, Step};
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::Participant;
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{BrandId, Channel, ContactKey, ParticipationId, RepeatKey, Scope};
use crate::reservation::Slot;
use crate::unknown::UnknownFields;

/// The reason of a participation that was still open when its consumer asked to be forgotten.
const FORGOTTEN: &str = "forgotten, as the consumer asked";

/// One consumer taking part in an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Participation(Snapshot);

/// How much of the reward a profile shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether Braze has accepted the attributes.
    pub attributes: bool,
    /// Whether the custom event may already have been sent.
    pub event: EventProgress,
    /// Whether the flow's own event was sent again, if the profile did not show it when it was read back.
    pub flow_event: Option<EventProgress>,
}

impl Shown {
    /// What a profile shows when nothing is left to do.
    const ALL: Self = Self { attributes: true, event: EventProgress::Recorded, flow_event: None };
}

impl Participation {
    /// The id, which is the same for the same consumer, activation and channel.
    #[must_use]
    pub fn id(&self) -> ParticipationId {
        self.0.id
    }

    /// The brand of the activation.
    #[must_use]
    pub fn brand(&self) -> &BrandId {
        &self.0.brand
    }

    /// The scope of the activation.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// How the consumer takes part.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.0.way
    }

    /// The channel in which the consumer takes part.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.0.way.channel()
    }

    /// How the consumer can be reached; `None` after the consumer was forgotten.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        self.0.way.contact()
    }

    /// The key of the consumer's profile hint in our store; `None` after the consumer was forgotten.
    #[must_use]
    pub fn contact_key(&self, id_key: &IdKey) -> Option<ContactKey> {
        self.contact().map(|contact| id_key.contact(self.brand(), &contact))
    }

    /// The consumer's address, if there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.0.way.email()
    }

    /// The consumer's number, if there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        self.0.way.phone()
    }

    /// The event that Braze reported, if the consumer takes part by one.
    #[must_use]
    pub fn event(&self) -> Option<&BrazeEvent> {
        self.0.way.event()
    }

    /// The consumer's answer about being sent messages.
    #[must_use]
    pub fn consent(&self) -> Option<&Consent> {
        self.0.way.consent()
    }

    /// Further data that the activation collected.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.0.attributes
    }

    /// When it was accepted, which is also the time of its custom event.
    #[must_use]
    pub fn accepted_at(&self) -> Timestamp {
        self.0.accepted_at
    }

    /// When it last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Its current state.
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

    /// Whether anything depends on the credit: then the credit is a line in a ledger
    /// ([`crate::award::Award`]).
    #[must_use]
    pub fn has_award(&self) -> bool {
        self.0.has_award
    }

    /// How much of the reward the profile shows.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.0.shown
    }

    /// When it is processed at the latest; `None` if nothing is left to do.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.0.due_at
    }

    /// When it is deleted after it has ended: the brand's retention after the activation's close.
    #[must_use]
    pub fn keep_until(&self) -> Timestamp {
        self.0.keep_until
    }

    /// How many attempts in a row got no useful answer from Braze.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.0.failures
    }

    /// The request slot that it holds while it waits for one.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        self.0.slot
    }

    /// Whether Braze has no profile under the alias that we would create.
    #[must_use]
    pub fn has_no_such_alias(&self) -> bool {
        self.0.no_such_alias
    }

    /// The hashed `Idempotency-Key` of the request that created it. A caller that repeats the key created
    /// this participation.
    #[must_use]
    pub fn repeat_key(&self) -> Option<RepeatKey> {
        self.0.repeat_key
    }

    /// What became known of the consumer since the acceptance, as keyed hashes.
    #[must_use]
    pub fn who(&self) -> Participant {
        self.0.who
    }

    /// Since when its terms are missing: its brand, activation or way is no longer configured.
    #[must_use]
    pub fn without_terms_since(&self) -> Option<Timestamp> {
        self.0.without_terms_since
    }

    /// The number of saves. A save is conditional on it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// Takes a step that [`decide`](crate::decide::decide) returned at `now`. Nothing else changes the state.
    ///
    /// The step is written to the timeline. Beside that, a step that asks a question, or resolves the award in the ledger, changes
    /// nothing.
    ///
    /// # Panics
    /// If the step is impossible for a participation by this way. `decide` returns no such step.
    pub fn apply(&mut self, step: &Step, now: Timestamp) {
        self.record(step, now);
        match step {
            Step::Ask(_) | Step::Resolve(_) | Step::NotOffered(_) => {}
            Step::Tell { state, command } => {
                if let Command::Write(write) = command {
                    self.gives_number(write);
                    self.attempts_consent(write, now);
                }
                self.go_to(State::Open(state.clone()));
            }
            Step::Wait { state, until } => {
                let state = State::Open(state.clone());
                // A look that finds nothing new changes nothing, so that nothing is saved.
                if self.0.state != state || self.0.due_at != Some(*until) {
                    self.go_to(state);
                    self.put_off(*until, now);
                }
            }
            Step::Done(outcome) => self.end(outcome.clone(), now),
            Step::Show { shown, write } => {
                self.0.shown = *shown;
                self.attempts_consent(write, now);
            }
            Step::Defer { shown, until } => {
                self.0.shown = *shown;
                self.put_off(*until, now);
            }
            Step::StopWaiting => self.stop_waiting(now),
            Step::NoProfile { until } => self.finds_no_profile(*until, now),
            Step::GiveUp(parts) => self.give_up_showing(*parts, now),
            Step::Consent(channel, progress) => self.knows_of_consent(*channel, *progress, now),
            Step::Rest => self.rest(),
        }
    }

    /// Nothing is left to do, unless another participation changes its award.
    fn rest(&mut self) {
        self.0.due_at = None;
        self.0.slot = None;
        // Everything that was missing is written again, or is on the profile that a merge kept.
        if self.missing().is_some() {
            self.0.read_back = None;
        }
    }

    /// The reward cannot be written before `until`, since no profile carries the consumer's address or number.
    fn finds_no_profile(&mut self, until: Timestamp, now: Timestamp) {
        let reward = Parts { reward: true, ..Parts::default() };
        match self.0.read_back.clone() {
            Some(ReadBack::Missing { parts, times }) => self.count_missing(parts, times, now),
            // What was written before is gone with its profile.
            Some(ReadBack::Due(sent)) => self.lacks(sent.parts.and(reward), &sent, now),
            None => self.count_missing(reward, 0, now),
        }
        self.put_off(if self.missing().is_some() { until } else { now }, now);
    }

    /// Ends the wait that unsigned callers see.
    fn stop_waiting(&mut self, now: Timestamp) {
        if let State::Ended(Outcome::Mismatch(wait)) = &mut self.0.state {
            wait.ended_at = Some(now);
        }
        self.0.updated_at = now;
    }

    fn end(&mut self, outcome: Outcome, now: Timestamp) {
        // An earned credit stays earned.
        self.0.earned_at = self.0.earned_at.or(outcome.earns().then_some(now));
        self.0.gave_number_to = None;
        self.go_to(State::Ended(outcome));
        self.0.updated_at = now;
        self.rest();
    }

    fn go_to(&mut self, state: State) {
        assert!(
            state.suits(&self.0.way),
            "a participation by {} cannot become {}",
            self.channel().name(),
            state.name()
        );
        self.0.state = state;
    }

    /// Erases everything that identifies the consumer. What remains is an id that only the id key leads to,
    /// so that a forgotten consumer is not credited a second time, and everything that was given out. A
    /// consent also remains, with `proof`: keyed hashes of the contacts.
    ///
    /// An open flow ends. Its place is released when it is next processed.
    pub fn forget(&mut self, proof: Vec<ContactKey>, now: Timestamp) {
        self.erase(proof, now);
        self.happens(Code::Forgotten, now);
    }

    fn erase(&mut self, proof: Vec<ContactKey>, now: Timestamp) {
        let kept = &mut self.0;
        if let Some(replaced) = &mut kept.replaced {
            replaced.first_consent = kept.way.nameless_consent(replaced.first_consent.clone());
            replaced.former.clear();
        }
        kept.gave_number_to = None;
        kept.way = Way::Forgotten(kept.way.forgotten(proof));
        kept.attributes = Attributes::default();
        // Unknown fields may contain anything.
        kept.unknown = UnknownFields::default();
        kept.slot = None;
        kept.read_back = None;
        kept.unplaced = Unplaced::default();
        kept.unreported_consent = false;
        kept.held_up = None;
        kept.timeline = Timeline::default();
        kept.who = Participant::default();
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
                // The profile no longer exists, so nothing can be shown on it.
                kept.shown = Shown::ALL;
                kept.due_at = None;
            }
        }
    }

    /// The replacement for a participation that cannot be read and was forgotten. It ends, and its place is
    /// released when it is next processed.
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
pub(crate) mod tests;
