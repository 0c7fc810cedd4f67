//! What a change of a profile means for the subscriptions of its e-mail address and its number.

use serde_json::Value;

use crate::contact::SimContact;

/// How a change of a profile affects the subscriptions of its contacts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// A profile now has this contact.
    Has(SimContact),
    /// A profile has changed from one contact to another, which no profile had.
    Moved { from: SimContact, to: SimContact },
    /// The last profile with this contact was removed.
    Gone(SimContact),
    /// The states to set for a profile's contacts: the `subscription_groups` of an attributes object, and whether it created the profile.
    Groups { contacts: Vec<SimContact>, groups: Vec<Value>, created: bool },
    /// The consumer of this number has texted STOP: to the numbers of one group, or of all.
    OptedOut { phone: SimContact, group: Option<String> },
    /// An event was logged on a profile with these contacts.
    Event { name: String, contacts: Vec<SimContact> },
}
