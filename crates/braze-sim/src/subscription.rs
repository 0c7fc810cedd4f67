//! Subscription groups of numbers and of e-mail addresses. The state belongs to the contact; for a contact without a profile it is only
//! parked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::contact::SimContact;
use crate::profiles::ProfileStore;

/// How long a state waits for a profile with its contact (braze-docs, subscription status set).
const PARKED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The words that opt a number out (braze-docs, opt-in and opt-out keywords).
const OPT_OUT: [&str; 6] = ["stop", "stopall", "unsubscribe", "cancel", "end", "quit"];

/// What the answer to a status look-up by phone is keyed by. Braze does not document it, so the simulation offers both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusKeys {
    /// The number that was asked for.
    #[default]
    Phone,
    /// The profile's external id, or else its Braze id.
    Profile,
}

/// A brand's double opt-in: an event starts it, and the answer "Y" completes it, or the link of a mail for a group of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubleOptIn {
    /// The custom event that starts it.
    pub event: String,
    /// The group that the confirmation subscribes to.
    pub subscription_group_id: String,
}

/// A change of a contact's state that is accepted and not applied yet.
#[derive(Debug, Clone)]
pub(crate) struct StateChange {
    pub(crate) group: String,
    pub(crate) contact: SimContact,
    pub(crate) subscribed: bool,
    pub(crate) double_opt_in: bool,
}

#[derive(Debug, Clone, Copy)]
struct ContactState {
    subscribed: bool,
    since: Timestamp,
}

/// A group's id, and a contact.
type Membership = (String, SimContact);

/// The states of all groups.
#[derive(Debug, Default)]
pub(crate) struct GroupStates {
    states: BTreeMap<Membership, ContactState>,
    parked: BTreeMap<Membership, ContactState>,
    /// Groups and contacts whose consumers were asked to confirm.
    prompted: BTreeSet<Membership>,
}

impl GroupStates {
    /// Applies a change. Without a profile the state is parked, or nothing happens if double opt-in logic was requested. With a profile and
    /// double opt-in logic, the consumer is asked first.
    pub(crate) fn apply(&mut self, change: StateChange, profiles: &ProfileStore, now: Timestamp) {
        let has_profile = !profiles.holders(&change.contact).is_empty();
        let key = (change.group, change.contact);
        let state = ContactState { subscribed: change.subscribed, since: now };
        match (has_profile, change.double_opt_in && change.subscribed) {
            (true, true) => {
                self.prompted.insert(key);
            }
            (false, true) => {}
            (true, false) => {
                self.states.insert(key, state);
            }
            (false, false) => {
                self.parked.insert(key, state);
            }
        }
    }

    /// Records that a profile now has this contact. A parked state becomes the contact's state, unless it was parked for too long.
    pub(crate) fn inherit(&mut self, contact: &SimContact, now: Timestamp) {
        let of_contact: Vec<_> =
            self.parked.keys().filter(|(_, parked)| parked == contact).cloned().collect();
        for key in of_contact {
            if let Some(state) = self.parked.remove(&key)
                && now <= state.since + PARKED
            {
                self.states.entry(key).or_insert(state);
            }
        }
    }

    /// Records that a profile has changed to a contact that no profile had. The profile's states follow it.
    pub(crate) fn follow(&mut self, from: &SimContact, to: &SimContact) {
        let of_old: Vec<_> = self.states.iter().filter(|((_, contact), _)| contact == from).collect();
        let moved: Vec<_> =
            of_old.into_iter().map(|((group, _), state)| ((group.clone(), to.clone()), *state)).collect();
        for (key, state) in moved {
            self.states.entry(key).or_insert(state);
        }
    }

    /// Records that the last profile with this contact was removed. Its states are deleted at once.
    pub(crate) fn forget(&mut self, contact: &SimContact) {
        self.states.retain(|(_, held), _| held != contact);
        self.prompted.retain(|(_, prompted)| prompted != contact);
    }

    /// Asks a contact to confirm, after the brand's event has reached its profile.
    pub(crate) fn prompt(&mut self, group: &str, contact: SimContact) {
        self.prompted.insert((group.to_owned(), contact));
    }

    /// Records the consumer's answer. Returns `true` when there was a prompt to answer.
    pub(crate) fn reply(&mut self, phone: &SimContact, text: &str, now: Timestamp) -> bool {
        let asked: Vec<_> = self.prompted.iter().filter(|(_, prompted)| prompted == phone).cloned().collect();
        let confirmed = ["y", "yes", "start"].contains(&text.trim().to_lowercase().as_str());
        for key in &asked {
            if confirmed {
                self.prompted.remove(key);
                self.states.insert(key.clone(), ContactState { subscribed: true, since: now });
            }
        }
        confirmed && !asked.is_empty()
    }

    /// Takes back every prompt to this number, in one group or in all.
    pub(crate) fn decline(&mut self, phone: &SimContact, group: Option<&str>) {
        self.prompted.retain(|(of, prompted)| prompted != phone || group.is_some_and(|group| group != of));
    }

    /// The groups in which a contact has a state or a prompt.
    pub(crate) fn groups_of(&self, contact: &SimContact) -> BTreeSet<String> {
        let known = self.states.keys().chain(self.parked.keys()).chain(&self.prompted);
        known.filter(|(_, held)| held == contact).map(|(group, _)| group.clone()).collect()
    }

    /// The whole state, for inspection.
    pub(crate) fn show(&self) -> Value {
        let list = |states: &BTreeMap<Membership, ContactState>| -> Vec<Value> {
            let entry = |((group, contact), state): (&Membership, &ContactState)| json!({ "subscription_group_id": group, contact.field(): contact.text(), "subscribed": state.subscribed, "since": state.since.to_string() });
            states.iter().map(entry).collect()
        };
        let prompted: Vec<Value> = self
            .prompted
            .iter()
            .map(|(group, phone)| json!({ "subscription_group_id": group, phone.field(): phone.text() }))
            .collect();
        json!({ "states": list(&self.states), "parked": list(&self.parked), "prompted": prompted })
    }

    /// Braze's word for a contact's state.
    pub(crate) fn word(&self, group: &str, contact: &SimContact) -> &'static str {
        match self.states.get(&(group.to_owned(), contact.clone())) {
            Some(ContactState { subscribed: true, .. }) => "Subscribed",
            Some(ContactState { subscribed: false, .. }) => "Unsubscribed",
            None => "unknown",
        }
    }
}

/// Whether a text opts its number out.
pub(crate) fn opts_out(text: &str) -> bool {
    OPT_OUT.contains(&text.trim().to_lowercase().as_str())
}
