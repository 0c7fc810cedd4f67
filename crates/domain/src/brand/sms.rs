//! The rules for taking part by mobile number.

use std::time::Duration;

use crate::contact::{Region, Texting};
use crate::ids::{IncentiveId, SubscriptionGroup};

/// How consumers take part by mobile number.
#[derive(Debug, Clone)]
pub struct SmsActivation {
    /// The subscription group that numbers are subscribed to.
    pub group: SubscriptionGroup,
    /// The country of numbers without a country code.
    pub region: Region,
    /// Which numbers are accepted.
    pub texting: Texting,
    /// How consumers are subscribed.
    pub opt_in: OptIn,
    /// The incentive that can be won.
    pub incentive: Option<IncentiveId>,
}

/// How consumers are subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptIn {
    /// We subscribe them, because they consented.
    Single {
        /// When the number is subscribed.
        subscribe: Subscribe,
    },
    /// They subscribe themselves: the brand asks them, and they confirm.
    Double {
        /// What makes the brand ask.
        start: DoubleOptInStart,
        /// How long to wait for the confirmation.
        window: Duration,
        /// How often to poll for the confirmation; never empty.
        poll: Vec<PollStage>,
    },
}

/// When a number is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribe {
    /// After Braze has built the profile.
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

/// A stage of polling at one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollStage {
    /// The time between two polls.
    pub every: Duration,
    /// How long this stage lasts; the last one lasts until the end.
    pub lasts: Option<Duration>,
}
