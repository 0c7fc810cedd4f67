//! What callers see of a participation: those that sign, and all others.
//!
//! Anybody can post somebody else's address with a phone number. If the answer showed that the profile has
//! another number, a script could find out which contacts belong together. So an unsigned caller sees such a
//! mismatch as a question that the consumer never answers, from the same moment on and with the same times.

mod prospect;

pub use prospect::{Expected, Prospect, SeenStage};

use crate::Timestamp;
use crate::award::{Award, AwardStatus};
use crate::consent::Consent;
use crate::participation::{EnrollState, EventProgress, Open, Outcome, Participation, SmsState, State};

/// The kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The brand's back end, which signs.
    Signed,
    /// Any other caller.
    Unsigned,
}

/// The visible state of a participation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The state's name.
    pub state: &'static str,
    /// Why it ended without success, if the caller may know that.
    pub reason: Option<&'a str>,
    /// Whether Braze has the consent, if the caller may know that.
    pub consent: Option<&'static str>,
    /// Whether it seems to have ended, and how.
    pub stage: SeenStage,
    /// Since when the consumer seems to have been asked to confirm, while that is so.
    pub asked_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

const SUBSCRIBING: &str = "subscribing";
const AWAITING_OPT_IN: &str = "awaiting_opt_in";

/// What the caller sees of a participation.
#[must_use]
pub fn participation(participation: &Participation, asking: Asking) -> Seen<'_> {
    let state = participation.state();
    match asking {
        Asking::Signed => {
            let consent = participation.consent().and_then(Consent::word);
            let (stage, asked_at) = (SeenStage::of(state), asked_at(participation));
            let (state, reason) = (state.name(), state.reason());
            Seen { state, reason, consent, stage, asked_at, updated_at: participation.updated_at() }
        }
        Asking::Unsigned => to_anybody(participation),
    }
}

/// Since when the consumer is asked to confirm, as the state says it.
fn asked_at(participation: &Participation) -> Option<Timestamp> {
    match participation.state() {
        State::Open(
            Open::Enroll(EnrollState::AwaitingOptIn { since, .. })
            | Open::Sms(SmsState::AwaitingOptIn { since, .. }),
        ) => Some(*since),
        State::Open(Open::Enroll(_) | Open::Sms(_)) | State::Ended(_) => None,
    }
}

/// What any caller sees. A rejection's reason may say something about a person; a failure's only says that
/// something did not work.
fn to_anybody(participation: &Participation) -> Seen<'_> {
    let (state, updated_at) = (participation.state(), participation.updated_at());
    let stage = SeenStage::of(state);
    let seen = |state, updated_at| {
        let asked_at = (state == AWAITING_OPT_IN).then_some(updated_at);
        Seen { state, reason: None, consent: None, stage, asked_at, updated_at }
    };
    match state {
        State::Ended(Outcome::Mismatch(wait)) => match (wait.ended_at, wait.double) {
            (None, true) => Seen { stage: SeenStage::Open, ..seen(AWAITING_OPT_IN, wait.since) },
            (None, false) => Seen { stage: SeenStage::Open, ..seen(SUBSCRIBING, wait.since) },
            (Some(ended_at), true) => seen(Outcome::Expired.name(), ended_at),
            (Some(ended_at), false) => seen(Outcome::Unverified.name(), ended_at),
        },
        State::Ended(Outcome::Failed { reason }) => {
            Seen { reason: Some(reason), ..seen(state.name(), updated_at) }
        }
        State::Ended(
            Outcome::Enrolled
            | Outcome::Credited
            | Outcome::Unverified
            | Outcome::Expired
            | Outcome::Rejected { .. },
        )
        | State::Open(Open::Enroll(EnrollState::Received | EnrollState::Enrolling { .. })) => {
            seen(state.name(), updated_at)
        }
        State::Open(Open::Enroll(EnrollState::AwaitingOptIn { since, .. })) => seen(AWAITING_OPT_IN, *since),
        // Polls during a wait, and the moment between the question and Braze's answer to it, are not visible.
        State::Open(Open::Sms(sms)) => match sms {
            SmsState::Enrolling { event: EventProgress::Attempted { at, .. }, .. }
            | SmsState::Subscribing { event: EventProgress::Attempted { at, .. }, .. } => {
                seen(AWAITING_OPT_IN, *at)
            }
            SmsState::AwaitingOptIn { since, .. } => seen(AWAITING_OPT_IN, *since),
            SmsState::AwaitingSubscription { since, .. } => seen(SUBSCRIBING, *since),
            SmsState::Received
            | SmsState::Enrolling { .. }
            | SmsState::Settling { .. }
            | SmsState::Subscribing { .. } => match participation.replaced().and_then(|kept| kept.asked_at) {
                // The consumer was asked before the details were replaced, and is not asked again.
                Some(asked_at) => seen(AWAITING_OPT_IN, asked_at),
                None => seen(state.name(), updated_at),
            },
        },
    }
}

/// Whether the caller sees what the participation has won, and its place. Once details were replaced, a caller that does not
/// sign may be the one whose details count no more.
#[must_use]
pub fn shows_win(participation: &Participation, asking: Asking) -> bool {
    asking == Asking::Signed || participation.replaced().is_none()
}

/// What the caller sees of a participation's award. While a mismatch looks like a wait, the award keeps its
/// earlier status.
#[must_use]
pub fn award(participation: &Participation, award: Award, asking: Asking) -> Award {
    let wait = participation.state().unanswered().filter(|wait| wait.ended_at.is_none());
    match (asking, wait.and_then(|wait| wait.status.as_ref())) {
        (Asking::Unsigned, Some(status)) if award.status == AwardStatus::Released => {
            Award { status: status.clone(), ..award }
        }
        (Asking::Signed | Asking::Unsigned, _) => award,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Phone;
    use crate::ids::{BrandId, ParticipationId, Scope};
    use crate::participation::{Snapshot, Unanswered, Way};

    #[test]
    fn during_the_wait_of_a_mismatch_only_a_released_award_seems_to_stand_as_before() {
        let wait = Unanswered {
            since: Timestamp::UNIX_EPOCH,
            double: true,
            status: Some(AwardStatus::Reserved { place: 1 }),
            ended_at: None,
        };
        let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
        let way = Way::Sms {
            phone: Phone::from_e164("+13135550100").unwrap(),
            email: None,
            consent: Consent::answered(true, Timestamp::UNIX_EPOCH, None),
        };
        let id = ParticipationId::from_bytes([7; 16]);
        let accepted = Snapshot::accepted(id, owner, way, (Timestamp::UNIX_EPOCH, Timestamp::MAX), true);
        let state = State::Ended(Outcome::Mismatch(wait));
        let participation = Participation::restore(Snapshot { state, ..accepted }).unwrap();
        let award_as = |status| crate::award::tests::award(status, 7);
        let seen = |status, asking| award(&participation, award_as(status), asking).status;
        let (reserved, waiting) = (AwardStatus::Reserved { place: 1 }, AwardStatus::Waiting);
        assert_eq!(seen(AwardStatus::Released, Asking::Unsigned), reserved);
        assert_eq!(seen(AwardStatus::Released, Asking::Signed), AwardStatus::Released);
        assert_eq!(seen(waiting.clone(), Asking::Unsigned), waiting, "it was not released yet");
    }
}
