//! The codes of a timeline.

/// What happened to a participation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Braze was asked which profile the consumer has.
    LookedUp,
    /// Braze was asked whether it still has a profile that we remember.
    Confirmed,
    /// Braze was asked whether it shows a profile that was just written to.
    LookedWhetherBuilt,
    /// Braze was asked whether the consumer is subscribed.
    AskedSubscription,
    /// Braze was asked which groups the consumer has left, before a consent was written late.
    AskedConsentGroups,
    /// Braze was asked whether the profile has our event.
    LookedForEvent,
    /// A profile was created.
    Created,
    /// A profile was written to.
    Updated,
    /// The number was subscribed.
    Subscribed,
    /// The consent was written on its own, or its withdrawal.
    ConsentWritten,
    /// The number was taken back from another profile.
    NumberTakenBack,
    /// The reward was written to the profile.
    RewardWritten,
    /// What no profile showed was written again.
    WrittenAgain,
    /// Another participation was creating the profile.
    WaitedForAnother,
    /// Braze was building the profile.
    Building,
    /// The consumer was asked to confirm.
    Asked,
    /// The consumer confirmed.
    OptedIn,
    /// Braze said that the number is subscribed.
    Verified,
    /// A webhook said that the consumer is subscribed.
    Heard,
    /// The participation was credited.
    Credited,
    /// Its place was released, because it ended without a credit.
    Released,
    /// The profile was another one than before, because it was merged or deleted.
    Moved,
    /// The profile was read back, and a reward, an event or a consent was missing.
    Missing,
    /// No profile carried the consumer's address or number.
    NoProfile,
    /// A reward or an event was given up.
    GivenUp,
    /// It was found that the consent is not written.
    ConsentNotWritten,
    /// The consumer withdrew the consent to e-mail.
    ConsentWithdrawn,
    /// A later request replaced the details.
    DetailsReplaced,
    /// The brand file did not have the terms any more.
    WithoutTerms,
    /// An operator had it tried again at once.
    TriedNow,
    /// The flow ended.
    Ended,
    /// The consumer was forgotten.
    Forgotten,
    /// Something that only a newer version knows, by its two letters.
    Unknown([u8; 2]),
}

impl Code {
    /// Every code that this version knows.
    pub const ALL: [Self; 32] = [
        Self::LookedUp,
        Self::Confirmed,
        Self::LookedWhetherBuilt,
        Self::AskedSubscription,
        Self::AskedConsentGroups,
        Self::LookedForEvent,
        Self::Created,
        Self::Updated,
        Self::Subscribed,
        Self::ConsentWritten,
        Self::NumberTakenBack,
        Self::RewardWritten,
        Self::WrittenAgain,
        Self::WaitedForAnother,
        Self::Building,
        Self::Asked,
        Self::OptedIn,
        Self::Verified,
        Self::Heard,
        Self::Credited,
        Self::Released,
        Self::Moved,
        Self::Missing,
        Self::NoProfile,
        Self::GivenUp,
        Self::ConsentNotWritten,
        Self::ConsentWithdrawn,
        Self::DetailsReplaced,
        Self::WithoutTerms,
        Self::TriedNow,
        Self::Ended,
        Self::Forgotten,
    ];

    /// The two letters in storage, and the name in JSON.
    fn names(self) -> ([u8; 2], &'static str) {
        match self {
            Self::LookedUp => (*b"lu", "looked_up"),
            Self::Confirmed => (*b"cf", "profile_confirmed"),
            Self::LookedWhetherBuilt => (*b"lb", "looked_whether_built"),
            Self::AskedSubscription => (*b"sq", "asked_subscription"),
            Self::AskedConsentGroups => (*b"cq", "asked_consent_groups"),
            Self::LookedForEvent => (*b"le", "looked_for_event"),
            Self::Created => (*b"cr", "profile_created"),
            Self::Updated => (*b"up", "profile_updated"),
            Self::Subscribed => (*b"su", "subscribed"),
            Self::ConsentWritten => (*b"cw", "consent_written"),
            Self::NumberTakenBack => (*b"tb", "number_taken_back"),
            Self::RewardWritten => (*b"rw", "reward_written"),
            Self::WrittenAgain => (*b"wa", "written_again"),
            Self::WaitedForAnother => (*b"wo", "waited_for_another"),
            Self::Building => (*b"bd", "building"),
            Self::Asked => (*b"as", "asked_to_confirm"),
            Self::OptedIn => (*b"oi", "opted_in"),
            Self::Verified => (*b"vf", "subscription_verified"),
            Self::Heard => (*b"hs", "subscription_heard"),
            Self::Credited => (*b"cd", "credited"),
            Self::Released => (*b"rl", "released"),
            Self::Moved => (*b"mv", "profile_moved"),
            Self::Missing => (*b"ms", "missing"),
            Self::NoProfile => (*b"np", "no_profile"),
            Self::GivenUp => (*b"gu", "given_up"),
            Self::ConsentNotWritten => (*b"cn", "consent_not_written"),
            Self::ConsentWithdrawn => (*b"wd", "consent_withdrawn"),
            Self::DetailsReplaced => (*b"rd", "details_replaced"),
            Self::WithoutTerms => (*b"nt", "without_terms"),
            Self::TriedNow => (*b"rn", "tried_now"),
            Self::Ended => (*b"en", "ended"),
            Self::Forgotten => (*b"fg", "forgotten"),
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

    /// The code with these letters.
    #[must_use]
    pub fn of_letters(letters: [u8; 2]) -> Self {
        Self::ALL.into_iter().find(|code| code.letters() == letters).unwrap_or(Self::Unknown(letters))
    }

    /// Whether it is a question or a command to Braze, which has an outcome.
    #[must_use]
    pub fn is_asked_of_braze(self) -> bool {
        match self {
            Self::LookedUp
            | Self::Confirmed
            | Self::LookedWhetherBuilt
            | Self::AskedSubscription
            | Self::AskedConsentGroups
            | Self::LookedForEvent
            | Self::Created
            | Self::Updated
            | Self::Subscribed
            | Self::ConsentWritten
            | Self::NumberTakenBack
            | Self::RewardWritten
            | Self::WrittenAgain => true,
            Self::WaitedForAnother
            | Self::Building
            | Self::Asked
            | Self::OptedIn
            | Self::Verified
            | Self::Heard
            | Self::Credited
            | Self::Released
            | Self::Moved
            | Self::Missing
            | Self::NoProfile
            | Self::GivenUp
            | Self::ConsentNotWritten
            | Self::ConsentWithdrawn
            | Self::DetailsReplaced
            | Self::WithoutTerms
            | Self::TriedNow
            | Self::Ended
            | Self::Forgotten
            | Self::Unknown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_has_two_letters_and_a_name_of_its_own() {
        let letters: BTreeSet<[u8; 2]> = Code::ALL.into_iter().map(Code::letters).collect();
        let names: BTreeSet<&str> = Code::ALL.into_iter().map(Code::name).collect();
        assert_eq!((letters.len(), names.len()), (Code::ALL.len(), Code::ALL.len()));
        assert!(letters.iter().flatten().all(u8::is_ascii_lowercase));
    }

    #[test]
    fn a_code_is_known_by_its_letters_and_the_letters_of_a_newer_one_are_kept() {
        assert!(Code::ALL.into_iter().all(|code| Code::of_letters(code.letters()) == code));
        let newer = Code::of_letters(*b"zz");
        assert_eq!((newer, newer.letters(), newer.name()), (Code::Unknown(*b"zz"), *b"zz", "unknown"));
    }
}
