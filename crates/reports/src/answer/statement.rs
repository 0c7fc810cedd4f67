//! The statements of an answer.

use std::time::Duration;

use domain::Timestamp;
use domain::ids::Channel;
use domain::incentive::{NoPrize, Since};
use domain::participation::HeldUp;

/// What was won, as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Win {
    /// A code, masked.
    Code(String),
    /// A value.
    Value(domain::incentive::Amount),
}

/// One statement. Strings in it are plain ([`crate::plain`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// The consumer was forgotten.
    Forgotten,
    /// The participation is open and has not earned its credit.
    NotCreditedYet,
    /// It is being processed, or will be within a minute.
    OnItsWay,
    /// It waits.
    Waits(HeldUp),
    /// The consumer can confirm until then.
    ConfirmsUntil {
        /// The end of the wait.
        until: Timestamp,
    },
    /// A place is kept for it.
    PlaceReserved {
        /// The place.
        place: u32,
    },
    /// Its place is not known yet.
    PlaceNotKnownYet,
    /// The consumer did not confirm.
    Expired {
        /// How long the consumer had.
        within: Option<Duration>,
        /// Whether the consumer was asked by text message.
        by_number: bool,
    },
    /// Braze did not say that the number is subscribed.
    Unverified {
        /// How long Braze had.
        within: Duration,
    },
    /// The consumer had unsubscribed, so the number was not subscribed.
    Unsubscribed,
    /// The profile has another number.
    AnotherNumber,
    /// Braze refused the consumer for good.
    Rejected {
        /// Why.
        reason: String,
    },
    /// It was given up.
    GivenUp {
        /// Why.
        reason: String,
    },
    /// It ended without a credit.
    NotCredited,
    /// It is credited, and nothing can be won this way.
    CreditedWithoutIncentive,
    /// It is credited, and the incentive is no longer in the brand file, or never was.
    NoIncentive,
    /// It won.
    Won {
        /// What.
        win: Win,
        /// The place.
        place: Option<u32>,
        /// How long after the acceptance.
        after: Option<Duration>,
    },
    /// It got the consolation.
    Consolation {
        /// What.
        win: Win,
    },
    /// It has a place, and no code is left for it.
    CodeOwed {
        /// The place.
        place: u32,
    },
    /// All places were taken before it was accepted, and it is in line.
    Waiting {
        /// How many places there are.
        quantity: Option<u32>,
        /// How long before it the last place was taken.
        late_by: Option<Duration>,
        /// Which one it is in line, counted from 1.
        in_line: Option<u32>,
    },
    /// Places are kept for others, who may not be credited.
    PlacesHeld {
        /// How many.
        held: u32,
    },
    /// Every place is given for good.
    SoldOut {
        /// How many places there are.
        quantity: Option<u32>,
    },
    /// It waits because the same participant has a place in another way.
    WaitsForOwn {
        /// The other way.
        way: Option<Channel>,
        /// The place there.
        place: Option<u32>,
    },
    /// It has a ticket in a raffle that is not drawn.
    InRaffle {
        /// When it is drawn at the earliest.
        drawn_from: Option<Timestamp>,
        /// How many tickets there are.
        tickets: Option<u32>,
    },
    /// The raffle drew others.
    RaffleLost {
        /// When it was drawn.
        drawn_at: Option<Timestamp>,
        /// How many tickets took part and how many won.
        of: Option<(u32, u32)>,
    },
    /// The instant win was drawn, and it did not win.
    NotDrawn,
    /// It came too late after the moment that counts.
    TooSlow {
        /// How long it took.
        took: Option<Duration>,
        /// How long it might have taken.
        within: Option<Duration>,
        /// The moment that counts.
        since: Since,
    },
    /// It came before the incentive opened.
    NotOpen {
        /// How long before.
        early_by: Option<Duration>,
    },
    /// It came after the incentive closed.
    Closed {
        /// How long after.
        late_by: Option<Duration>,
    },
    /// It was credited too late for the raffle.
    CreditedLate,
    /// The same participant has the reward already.
    AlreadyRewarded {
        /// In which way.
        way: Option<Channel>,
        /// The place there.
        place: Option<u32>,
    },
    /// Something is still being written to the profile.
    StillWriting,
    /// It is credited, but Braze refuses the profile.
    ProfileRefused {
        /// Why.
        reason: String,
    },
    /// It is credited, but writing to the profile was given up.
    ProfileGivenUp {
        /// Why.
        reason: String,
    },
    /// It is credited, but the consumer did not confirm.
    NotConfirmedButCredited,
    /// The profile did not show it, so it is written again.
    WrittenAgain,
    /// No profile shows the reward.
    RewardUnplaced {
        /// Since when it is given up.
        since: Timestamp,
    },
    /// No profile has the event.
    EventUnplaced {
        /// Since when it is given up.
        since: Timestamp,
    },
    /// Braze does not have the consent.
    ConsentNotWritten,
}

impl Statement {
    /// The statement's code in JSON. A reason to win nothing has the name that callbacks give it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forgotten => "forgotten",
            Self::NotCreditedYet => "not_credited_yet",
            Self::OnItsWay => "on_its_way",
            Self::Waits(held_up) => held_up.cause.name(),
            Self::ConfirmsUntil { .. } => "confirms_until",
            Self::PlaceReserved { .. } => "place_reserved",
            Self::PlaceNotKnownYet => "place_not_known_yet",
            Self::Expired { .. } => "expired",
            Self::Unverified { .. } => "unverified",
            Self::Unsubscribed => "unsubscribed",
            Self::AnotherNumber => "another_number",
            Self::Rejected { .. } => "rejected",
            Self::GivenUp { .. } => "failed",
            Self::NotCredited => "not_credited",
            Self::CreditedWithoutIncentive => "credited",
            Self::NoIncentive => NoPrize::NoIncentive.name(),
            Self::Won { .. } => "won",
            Self::Consolation { .. } => "consolation",
            Self::CodeOwed { .. } => "code_owed",
            Self::Waiting { .. } => "waiting",
            Self::PlacesHeld { .. } => "places_held",
            Self::SoldOut { .. } => "sold_out",
            Self::WaitsForOwn { .. } => "waits_for_own",
            Self::InRaffle { .. } => "in_raffle",
            Self::RaffleLost { .. } => "raffle_lost",
            Self::NotDrawn => NoPrize::NotDrawn.name(),
            Self::TooSlow { .. } => NoPrize::TooSlow.name(),
            Self::NotOpen { .. } => NoPrize::NotOpen.name(),
            Self::Closed { .. } => NoPrize::Closed.name(),
            Self::CreditedLate => "credited_late",
            Self::AlreadyRewarded { .. } => NoPrize::Already.name(),
            Self::StillWriting => "still_writing",
            Self::ProfileRefused { .. } => "profile_refused",
            Self::ProfileGivenUp { .. } => "profile_given_up",
            Self::NotConfirmedButCredited => "not_confirmed",
            Self::WrittenAgain => "written_again",
            Self::RewardUnplaced { .. } => "reward_unplaced",
            Self::EventUnplaced { .. } => "event_unplaced",
            Self::ConsentNotWritten => "consent_not_written",
        }
    }
}
