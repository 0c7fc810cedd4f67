//! The words of a timeline in English.

use domain::participation::{Cause, Code};

pub(super) fn code(code: Code) -> &'static str {
    match code {
        Code::LookedUp => "Looked up in Braze",
        Code::Confirmed => "Asked Braze whether the profile is still there",
        Code::LookedWhetherBuilt => "Looked whether Braze shows the profile",
        Code::AskedSubscription => "Asked Braze whether the consumer is subscribed",
        Code::AskedConsentGroups => "Asked Braze which groups the consumer has left",
        Code::LookedForEvent => "Looked for the event on the profile",
        Code::Created => "Profile created",
        Code::Updated => "Profile written to",
        Code::Subscribed => "Number subscribed",
        Code::ConsentWritten => "Consent written",
        Code::NumberTakenBack => "Number taken back from another profile",
        Code::RewardWritten => "Reward written to the profile",
        Code::WrittenAgain => "Written to the profile again",
        Code::WaitedForAnother => "Waited for another participation of the same consumer",
        Code::Building => "Braze began to build the profile",
        Code::Asked => "The consumer was asked to confirm",
        Code::OptedIn => "The consumer confirmed",
        Code::Verified => "Braze said “Subscribed”",
        Code::Heard => "A webhook said that the consumer is subscribed",
        Code::Credited => "Credited",
        Code::Released => "Place released",
        Code::Moved => "The profile was merged or deleted; another one is the consumer's",
        Code::Missing => "Read back: something was missing",
        Code::NoProfile => "No profile had the address or number",
        Code::GivenUp => "Given up; this is reported",
        Code::ConsentNotWritten => "Consent not written",
        Code::ConsentWithdrawn => "Consent to e-mail withdrawn",
        Code::DetailsReplaced => "Details replaced by a later request",
        Code::WithoutTerms => "The brand file did not have the terms",
        Code::TriedNow => "An operator had it tried again",
        Code::Ended => "Ended",
        Code::Forgotten => "The consumer was forgotten",
        Code::Unknown(_) => "Something that only a newer version knows",
    }
}

pub(super) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Unreachable => "Braze could not be reached",
        Cause::AnswerLost => "Braze's answer was lost",
        Cause::Throttled => "too many requests (429)",
        Cause::BrazeFailed => "Braze failed (5xx)",
        Cause::NotTaken => "Braze did not take the request",
        Cause::KeyRefused => "Braze refused the API key",
        Cause::NoKey => "the API key could not be used",
        Cause::UnknownGroup => "Braze does not know the subscription group",
        Cause::NoSlot => "had to wait for a request slot",
        Cause::NoTerms => "the brand file does not have the terms",
        Cause::AnotherCreates => "another participation creates the profile",
        Cause::Building => "Braze builds the profile",
        Cause::Subscribing => "Braze does not say “Subscribed” yet",
        Cause::Asked => "the consumer was asked to confirm",
        Cause::NoProfile => "no profile has the address or number",
        Cause::Unknown(_) => "a reason that only a newer version knows",
    }
}
