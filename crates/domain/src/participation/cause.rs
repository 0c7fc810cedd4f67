//! Why a participation waits, or why a request to Braze failed.

use super::{EnrollState, Open, Participation, SmsState, State};
use crate::Timestamp;

/// Why a participation waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Braze could not be reached.
    Unreachable,
    /// Braze's answer was lost or cannot be read, so it is not known what the request did.
    AnswerLost,
    /// Braze answered 429: too many requests.
    Throttled,
    /// Braze answered with an error of its own.
    BrazeFailed,
    /// Braze, or something in front of it, did not take the request for now.
    NotTaken,
    /// Braze refuses the API key.
    KeyRefused,
    /// The API key cannot be read on our side, or the request cannot be made with it.
    NoKey,
    /// Braze does not know the subscription group.
    UnknownGroup,
    /// All requests that Braze allows for now are taken.
    NoSlot,
    /// The brand file does not have its terms.
    NoTerms,
    /// Another participation is creating the profile.
    AnotherCreates,
    /// Braze is building the profile.
    Building,
    /// The number was subscribed, and Braze does not say so yet.
    Subscribing,
    /// The consumer was asked to confirm.
    Asked,
    /// No profile carries the consumer's address or number.
    NoProfile,
    /// Something that only a newer version knows, by its two letters.
    Unknown([u8; 2]),
}

/// Why and since when a participation waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldUp {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}

impl Cause {
    /// Every cause that this version knows.
    pub const ALL: [Self; 15] = [
        Self::Unreachable,
        Self::AnswerLost,
        Self::Throttled,
        Self::BrazeFailed,
        Self::NotTaken,
        Self::KeyRefused,
        Self::NoKey,
        Self::UnknownGroup,
        Self::NoSlot,
        Self::NoTerms,
        Self::AnotherCreates,
        Self::Building,
        Self::Subscribing,
        Self::Asked,
        Self::NoProfile,
    ];

    /// The two letters in storage, and the name in JSON.
    fn names(self) -> ([u8; 2], &'static str) {
        match self {
            Self::Unreachable => (*b"un", "unreachable"),
            Self::AnswerLost => (*b"al", "answer_lost"),
            Self::Throttled => (*b"th", "429"),
            Self::BrazeFailed => (*b"bf", "5xx"),
            Self::NotTaken => (*b"nt", "not_taken"),
            Self::KeyRefused => (*b"kr", "key_refused"),
            Self::NoKey => (*b"nk", "no_key"),
            Self::UnknownGroup => (*b"ug", "unknown_group"),
            Self::NoSlot => (*b"ns", "no_slot"),
            Self::NoTerms => (*b"nc", "no_terms"),
            Self::AnotherCreates => (*b"ac", "another_creates"),
            Self::Building => (*b"bd", "building"),
            Self::Subscribing => (*b"sb", "subscribing"),
            Self::Asked => (*b"as", "asked"),
            Self::NoProfile => (*b"np", "no_profile"),
            Self::Unknown(letters) => (letters, "unknown"),
        }
    }

    /// The two letters that stand for it in storage.
    #[must_use]
    pub fn letters(self) -> [u8; 2] {
        self.names().0
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.names().1
    }

    /// Whether a request to Braze is what it waits for, and neither Braze's own work nor the consumer.
    #[must_use]
    pub fn needs_request(self) -> bool {
        match self {
            Self::Unreachable
            | Self::AnswerLost
            | Self::Throttled
            | Self::BrazeFailed
            | Self::NotTaken
            | Self::KeyRefused
            | Self::NoKey
            | Self::UnknownGroup
            | Self::NoSlot
            | Self::Unknown(_) => true,
            Self::NoTerms
            | Self::AnotherCreates
            | Self::Building
            | Self::Subscribing
            | Self::Asked
            | Self::NoProfile => false,
        }
    }

    /// The cause with these letters.
    #[must_use]
    pub fn of_letters(letters: [u8; 2]) -> Self {
        Self::ALL.into_iter().find(|cause| cause.letters() == letters).unwrap_or(Self::Unknown(letters))
    }
}

impl Participation {
    /// Why it waits, and since when; `None` if nothing is left to do, or if it is processed now.
    #[must_use]
    pub fn waits(&self) -> Option<HeldUp> {
        let kept = &self.0;
        kept.due_at?;
        if let Some(since) = kept.without_terms_since {
            return Some(HeldUp { cause: Cause::NoTerms, since });
        }
        if kept.held_up.is_some() {
            return kept.held_up;
        }
        let (cause, since) = match &kept.state {
            State::Open(Open::Enroll(EnrollState::AwaitingOptIn { since, .. }))
            | State::Open(Open::Sms(SmsState::AwaitingOptIn { since, .. })) => (Cause::Asked, *since),
            State::Open(Open::Sms(SmsState::AwaitingSubscription { since, .. })) => {
                (Cause::Subscribing, *since)
            }
            State::Open(Open::Sms(SmsState::Settling { .. })) => (Cause::Building, kept.updated_at),
            State::Ended(_) if self.missing().is_some() => (Cause::NoProfile, kept.updated_at),
            State::Open(_) | State::Ended(_) => return None,
        };
        Some(HeldUp { cause, since })
    }

    /// When Braze first accepted a write with its reward.
    #[must_use]
    pub fn shown_at(&self) -> Option<Timestamp> {
        self.0.shown_at
    }
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
