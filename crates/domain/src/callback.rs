//! Callbacks to Quikly about a participation: it was credited, with or without a reward, or it ended without
//! a credit.

use std::fmt;

use crate::Timestamp;
use crate::award::{Award, AwardStatus, Refusal};
use crate::ids::{BrandId, LedgerKey, ParticipationId};

/// The kind of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallbackKind {
    /// The participation was credited.
    Credited,
    /// A participation that was credited earlier got a reward now, because a place was released or a raffle
    /// drawn.
    Rewarded,
    /// The participation ended without a credit.
    Ended,
    /// No profile shows the reward, although it was written several times; or Braze refuses it.
    RewardUnplaced,
    /// No profile has the event of the flow, although it was sent several times; or Braze refuses it.
    EventUnplaced,
    /// The consent was not written to the profile, because the consumer had unsubscribed or Braze refused it.
    ConsentNotWritten,
}

impl CallbackKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Credited,
        Self::Rewarded,
        Self::Ended,
        Self::RewardUnplaced,
        Self::EventUnplaced,
        Self::ConsentNotWritten,
    ];

    /// The kind's name in message ids and storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Rewarded => "rewarded",
            Self::Ended => "ended",
            Self::RewardUnplaced => "reward_unplaced",
            Self::EventUnplaced => "event_unplaced",
            Self::ConsentNotWritten => "consent_not_written",
        }
    }

    /// Whether it tells what came of the participation. The other kinds tell what could not be written.
    #[must_use]
    pub fn tells_the_result(self) -> bool {
        match self {
            Self::Credited | Self::Rewarded | Self::Ended => true,
            Self::RewardUnplaced | Self::EventUnplaced | Self::ConsentNotWritten => false,
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The id of a callback. Each kind happens to a participation once, so a repeated callback says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId {
    /// The participation that the callback is about.
    pub participation: ParticipationId,
    /// What happened to the participation.
    pub kind: CallbackKind,
}

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.participation, self.kind.name())
    }
}

/// A callback to send. It contains what was true when it happened, so that every attempt sends the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// The callback's id.
    pub id: CallbackId,
    /// The brand of the activation.
    pub brand: BrandId,
    /// The activation and the incentive.
    pub ledger: LedgerKey,
    /// The award's status at that moment.
    pub status: AwardStatus,
    /// Why the participation ended, if callbacks show it.
    pub refusal: Option<Refusal>,
    /// When it happened.
    pub at: Timestamp,
}

impl Callback {
    /// Makes a callback about the current status of an award.
    #[must_use]
    pub fn of(award: &Award, kind: CallbackKind, at: Timestamp) -> Self {
        Self {
            id: CallbackId { participation: award.id, kind },
            brand: award.brand.clone(),
            ledger: award.ledger.clone(),
            status: award.status.clone(),
            refusal: None,
            at,
        }
    }
}

/// What the last attempt to deliver a callback led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// What came of the attempt.
    pub kind: ReceiverAnswer,
    /// When it ended.
    pub at: Timestamp,
}

/// What came of an attempt to deliver a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverAnswer {
    /// The receiver answered with this HTTP status.
    Status(u16),
    /// The receiver gave no answer.
    NoAnswer,
    /// It was not sent: the brand file or the secret does not allow it.
    NotSent,
}

impl ReceiverAnswer {
    /// Its name in storage and JSON: the status, or a word.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::NoAnswer => "no_answer".to_owned(),
            Self::NotSent => "not_sent".to_owned(),
        }
    }

    /// The answer with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "no_answer" => Some(Self::NoAnswer),
            "not_sent" => Some(Self::NotSent),
            status => status.parse().ok().map(Self::Status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_stored_under_its_name_and_read_back() {
        let kinds = [
            CallbackKind::Credited,
            CallbackKind::Rewarded,
            CallbackKind::Ended,
            CallbackKind::RewardUnplaced,
            CallbackKind::EventUnplaced,
            CallbackKind::ConsentNotWritten,
        ];
        let names =
            ["credited", "rewarded", "ended", "reward_unplaced", "event_unplaced", "consent_not_written"];
        assert_eq!(kinds.map(CallbackKind::name), names);
        assert_eq!(kinds.map(|kind| CallbackKind::named(kind.name())), kinds.map(Some));
        assert_eq!(CallbackKind::named("told"), None);
    }

    #[test]
    fn an_answer_is_stored_under_its_status_or_its_name() {
        let kinds = [ReceiverAnswer::Status(503), ReceiverAnswer::NoAnswer, ReceiverAnswer::NotSent];
        assert_eq!(kinds.map(ReceiverAnswer::name), ["503", "no_answer", "not_sent"]);
        assert_eq!(kinds.map(|kind| ReceiverAnswer::named(&kind.name())), kinds.map(Some));
        assert_eq!(ReceiverAnswer::named("never"), None);
    }

    #[test]
    fn a_message_id_names_the_participation_and_what_happened() {
        let participation = ParticipationId::from_bytes([0xab; 16]);
        let id = CallbackId { participation, kind: CallbackKind::Rewarded };
        assert_eq!(id.to_string(), format!("{}-rewarded", "ab".repeat(16)));
    }
}
