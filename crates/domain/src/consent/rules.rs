//! Which consent an activation asks for, and how it is written to profiles.

use std::collections::BTreeMap;

use super::{EmailState, TextHash};
use crate::attributes::Attributes;
use crate::ids::{Channel, SubscriptionGroup};

/// Which consent an activation asks for.
#[derive(Debug, Clone)]
pub struct ConsentRules {
    /// Attributes that are written together with a consent.
    pub source: Attributes,
    /// The hashes of the texts that consumers are shown, by id.
    pub texts: BTreeMap<String, TextHash>,
    /// The consent of those who take part by e-mail, if they are asked.
    pub by_email: Option<Demand>,
    /// The consents of those who take part by number, if their consent follows these rules.
    pub by_phone: Option<ByPhone>,
    /// The state that a consent to e-mail sets. Braze sends promotional messages to `opted_in` addresses first, if the
    /// brand asks for that.
    pub email_subscribe: EmailState,
    /// The e-mail subscription groups that a consent to e-mail subscribes to.
    pub email_groups: Vec<SubscriptionGroup>,
    /// The groups for messages to the number, besides the one that the consumer takes part with: SMS, RCS or
    /// `WhatsApp`.
    pub sms_groups: Vec<SubscriptionGroup>,
}

/// Whether taking part depends on a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Nobody takes part without this consent.
    Required,
    /// Consumers may decline.
    Optional,
}

/// The consents of those who take part by number. The consent to be sent messages to the number is always required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByPhone {
    /// The consent to e-mail, if they are asked for it.
    pub email: Option<Demand>,
}

impl ConsentRules {
    /// Whether the rules apply to those who take part in this way.
    #[must_use]
    pub fn asks(&self, way: Channel) -> bool {
        match way {
            Channel::Email => self.by_email.is_some(),
            Channel::Sms => self.by_phone.is_some(),
            Channel::Event => false,
        }
    }

    /// Whether those who take part in this way are asked for consent to e-mail, and must give it.
    #[must_use]
    pub fn email_of(&self, way: Channel) -> Option<Demand> {
        match way {
            Channel::Email => self.by_email,
            Channel::Sms => self.by_phone.and_then(|by_phone| by_phone.email),
            Channel::Event => None,
        }
    }
}
