//! Taking part by mobile number.

use std::time::Duration;

use crate::contact::{Region, Texting};
use crate::ids::{IncentiveId, SubscriptionGroup};

/// Taking part by mobile number.
#[derive(Debug, Clone)]
pub struct SmsActivation {
    /// The subscription group.
    pub group: SubscriptionGroup,
    /// The country of numbers that are written without one.
    pub region: Region,
    /// Which numbers are taken.
    pub texting: Texting,
    /// How consumers are subscribed.
    pub opt_in: OptIn,
    /// What can be won.
    pub incentive: Option<IncentiveId>,
}

/// How consumers are subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptIn {
    /// By us, on their consent.
    Single {
        /// When the number is subscribed.
        subscribe: Subscribe,
    },
    /// By themselves: the brand asks them, and they answer.
    Double {
        /// What makes the brand ask.
        start: DoubleOptInStart,
        /// How long an answer is waited for.
        window: Duration,
        /// How often the answer is looked for; never empty.
        poll: Vec<PollStage>,
    },
}

/// When a number is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribe {
    /// Once the profile has settled.
    AfterProfile,
    /// In the request that writes the profile.
    WithProfile,
}

/// What makes a brand ask a consumer to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoubleOptInStart {
    /// A custom event, which triggers a campaign of the brand's.
    Event(String),
    /// Braze's own double opt-in logic of the group.
    BrazeLogic,
}

/// Looking so often, for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollStage {
    /// The time between two looks.
    pub every: Duration,
    /// How long this stage lasts; the last one lasts to the end.
    pub lasts: Option<Duration>,
}
