//! Subscription groups of phone numbers. The state belongs to the number; for a number without a profile it is only parked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::profiles::{ProfileStore, SimIdentifier};

/// How long a state waits for a profile with its number (braze-docs, subscription status set).
const PARKED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The most numbers in one request.
const MOST_PHONES: usize = 50;

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

/// A brand's double opt-in: an event starts it, and the answer "Y" completes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubleOptIn {
    /// The custom event that starts it.
    pub event: String,
    /// The group that the answer "Y" subscribes the number to.
    pub subscription_group_id: String,
}

/// A change of a number's state that is accepted and not applied yet.
#[derive(Debug, Clone)]
pub(crate) struct StateChange {
    pub(crate) group: String,
    pub(crate) phone: String,
    pub(crate) subscribed: bool,
    pub(crate) double_opt_in: bool,
}

#[derive(Debug, Clone, Copy)]
struct NumberState {
    subscribed: bool,
    since: Timestamp,
}

/// The states of all groups.
#[derive(Debug, Default)]
pub(crate) struct GroupStates {
    states: BTreeMap<(String, String), NumberState>,
    parked: BTreeMap<(String, String), NumberState>,
    /// Groups and numbers whose consumers were asked to confirm.
    prompted: BTreeSet<(String, String)>,
}

impl GroupStates {
    /// Applies a change. Without a profile the state is parked, or nothing happens if double opt-in logic was requested. With a profile and
    /// double opt-in logic, the consumer is asked first.
    pub(crate) fn apply(&mut self, change: StateChange, profiles: &ProfileStore, now: Timestamp) {
        let has_profile = !profiles.with_contact("phone", &change.phone).is_empty();
        let key = (change.group, change.phone);
        let state = NumberState { subscribed: change.subscribed, since: now };
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

    /// Records that a profile now has this number. A parked state becomes the number's state, unless it was parked for too long.
    pub(crate) fn inherit(&mut self, phone: &str, now: Timestamp) {
        let of_phone: Vec<_> = self.parked.keys().filter(|(_, parked)| parked == phone).cloned().collect();
        for key in of_phone {
            if let Some(state) = self.parked.remove(&key)
                && now <= state.since + PARKED
            {
                self.states.entry(key).or_insert(state);
            }
        }
    }

    /// Asks a number to confirm, after the brand's event has reached its profile.
    pub(crate) fn prompt(&mut self, group: &str, phone: &str) {
        self.prompted.insert((group.to_owned(), phone.to_owned()));
    }

    /// Records the consumer's answer. Returns `true` when there was a prompt to answer.
    pub(crate) fn reply(&mut self, phone: &str, text: &str, now: Timestamp) -> bool {
        let asked: Vec<_> = self.prompted.iter().filter(|(_, prompted)| prompted == phone).cloned().collect();
        let confirmed = ["y", "yes", "start"].contains(&text.trim().to_lowercase().as_str());
        for key in &asked {
            if confirmed {
                self.prompted.remove(key);
                self.states.insert(key.clone(), NumberState { subscribed: true, since: now });
            }
        }
        confirmed && !asked.is_empty()
    }

    /// The whole state, for inspection.
    pub(crate) fn show(&self) -> Value {
        let list = |states: &BTreeMap<(String, String), NumberState>| -> Vec<Value> {
            let entry = |((group, phone), state): (&(String, String), &NumberState)| json!({ "subscription_group_id": group, "phone": phone, "subscribed": state.subscribed, "since": state.since.to_string() });
            states.iter().map(entry).collect()
        };
        let prompted: Vec<Value> = self
            .prompted
            .iter()
            .map(|(group, phone)| json!({ "subscription_group_id": group, "phone": phone }))
            .collect();
        json!({ "states": list(&self.states), "parked": list(&self.parked), "prompted": prompted })
    }

    /// Braze's word for a number's state.
    fn word(&self, group: &str, phone: &str) -> &'static str {
        match self.states.get(&(group.to_owned(), phone.to_owned())) {
            Some(NumberState { subscribed: true, .. }) => "Subscribed",
            Some(NumberState { subscribed: false, .. }) => "Unsubscribed",
            None => "unknown",
        }
    }

    /// `GET /subscription/status/get`.
    pub(crate) fn get(
        &self,
        query: &[(String, String)],
        profiles: &ProfileStore,
        keys: StatusKeys,
    ) -> Result<Value, String> {
        let values = |names: &[&str]| -> Vec<&String> {
            query.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value).collect()
        };
        let groups = values(&["subscription_group_id"]);
        let group = groups.first().ok_or("subscription_group_id is required")?;
        let phones = values(&["phone", "phone[]"]);
        if phones.is_empty() || phones.len() > MOST_PHONES {
            return Err("1 to 50 phones are required".to_owned());
        }
        let mut status = Map::new();
        for phone in phones {
            check_phone(phone)?;
            let profile = profiles.get(&SimIdentifier::Phone(phone.clone()));
            let by_profile =
                profile.map(|profile| profile.external_id.clone().unwrap_or(profile.braze_id.clone()));
            let key = match keys {
                StatusKeys::Phone => phone.clone(),
                StatusKeys::Profile => by_profile.unwrap_or_else(|| "null".to_owned()),
            };
            status.insert(key, self.word(group, phone).into());
        }
        Ok(json!({ "status": status, "message": "success" }))
    }
}

fn check_phone(phone: &str) -> Result<(), String> {
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let e164 = (7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
    e164.then_some(()).ok_or_else(|| "phone is not in E.164 format".to_owned())
}

/// The changes that a request asks for, in the form of either version.
pub(crate) fn changes(body: &Value) -> Result<Vec<StateChange>, String> {
    let changes = changes_of_any_size(body)?;
    if changes.is_empty() || changes.len() > MOST_PHONES {
        return Err("1 to 50 phones are required".to_owned());
    }
    Ok(changes)
}

/// Does the same, without a limit on the count of numbers.
pub(crate) fn changes_of_any_size(body: &Value) -> Result<Vec<StateChange>, String> {
    match body.get("subscription_groups").and_then(Value::as_array) {
        Some(entries) => {
            let changes: Result<Vec<_>, _> = entries.iter().map(|entry| of_entry(entry, "phones")).collect();
            Ok(changes?.concat())
        }
        None => of_entry(body, "phone"),
    }
}

fn of_entry(entry: &Value, phones: &str) -> Result<Vec<StateChange>, String> {
    let (group, subscribed, double_opt_in) = state_of(entry)?;
    let has_email = ["email", "emails"].iter().any(|name| entry.get(name).is_some());
    let phones: Vec<String> = match entry.get(phones) {
        Some(Value::String(phone)) => vec![phone.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if has_email && !phones.is_empty() {
        return Err("Either an email address or a phone number should be provided, but not both.".to_owned());
    }
    let change = |phone: String| {
        check_phone(&phone)?;
        Ok(StateChange { group: group.clone(), phone, subscribed, double_opt_in })
    };
    phones.into_iter().map(change).collect()
}

/// The group, whether to subscribe, and whether with double opt-in logic.
pub(crate) fn state_of(entry: &Value) -> Result<(String, bool, bool), String> {
    let group =
        entry.get("subscription_group_id").and_then(Value::as_str).ok_or("Invalid subscription group ID")?;
    let subscribed = match entry.get("subscription_state").and_then(Value::as_str) {
        Some("subscribed") => true,
        Some("unsubscribed") => false,
        _ => return Err("subscription_state is subscribed or unsubscribed".to_owned()),
    };
    let double_opt_in = entry.get("use_double_opt_in_logic").and_then(Value::as_bool).unwrap_or(false);
    Ok((group.to_owned(), subscribed, double_opt_in))
}
