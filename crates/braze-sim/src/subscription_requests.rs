//! What requests about subscriptions ask for: `/subscription/status/get`, `/subscription/status/set` and its second version.

use serde_json::{Map, Value, json};

use crate::contact::SimContact;
use crate::profiles::ProfileStore;
use crate::subscription::{GroupStates, StateChange, StatusKeys};

/// The most contacts in one request.
const MOST_CONTACTS: usize = 50;

const BOTH: &str = "Either an email address or a phone number should be provided, but not both.";

/// Answers `GET /subscription/status/get`.
pub(crate) fn status(
    query: &[(String, String)],
    states: &GroupStates,
    profiles: &ProfileStore,
    keys: StatusKeys,
) -> Result<Value, String> {
    let values = |names: &[&str]| -> Vec<&String> {
        query.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value).collect()
    };
    let groups = values(&["subscription_group_id"]);
    let group = groups.first().ok_or("subscription_group_id is required")?;
    let emails = values(&["email", "email[]"]).into_iter().map(|email| (email, SimContact::email(email)));
    let phones = values(&["phone", "phone[]"]).into_iter().map(|phone| (phone, SimContact::phone(phone)));
    let (emails, phones): (Vec<_>, Vec<_>) = (emails.collect(), phones.collect());
    if !emails.is_empty() && !phones.is_empty() {
        return Err(BOTH.to_owned());
    }
    let contacts = if emails.is_empty() { phones } else { emails };
    if contacts.is_empty() || contacts.len() > MOST_CONTACTS {
        return Err("1 to 50 phones are required".to_owned());
    }
    let mut status = Map::new();
    for (asked, contact) in contacts {
        check(&contact)?;
        let key = match keys {
            StatusKeys::Phone => asked.clone(),
            StatusKeys::Profile => profile_key(&contact, profiles),
        };
        status.insert(key, states.word(group, &contact).into());
    }
    Ok(json!({ "status": status, "message": "success" }))
}

fn profile_key(contact: &SimContact, profiles: &ProfileStore) -> String {
    let profile = profiles.last_updated(contact).and_then(|index| profiles.at(index));
    let key = profile.map(|profile| profile.external_id.clone().unwrap_or(profile.braze_id.clone()));
    key.unwrap_or_else(|| "null".to_owned())
}

/// The changes that a request asks for, in the form of either version.
pub(crate) fn changes(body: &Value) -> Result<Vec<StateChange>, String> {
    let changes = changes_of_any_size(body)?;
    if changes.is_empty() || changes.len() > MOST_CONTACTS {
        return Err("1 to 50 phones are required".to_owned());
    }
    Ok(changes)
}

/// Does the same, without a limit on the count of contacts.
pub(crate) fn changes_of_any_size(body: &Value) -> Result<Vec<StateChange>, String> {
    match body.get("subscription_groups").and_then(Value::as_array) {
        Some(entries) => {
            let changes: Result<Vec<_>, _> =
                entries.iter().map(|entry| of_entry(entry, "emails", "phones")).collect();
            Ok(changes?.concat())
        }
        None => of_entry(body, "email", "phone"),
    }
}

fn of_entry(entry: &Value, emails: &str, phones: &str) -> Result<Vec<StateChange>, String> {
    let (group, subscribed, double_opt_in) = state_of(entry)?;
    let texts = |name: &str| -> Vec<String> {
        match entry.get(name) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let emails = texts(emails).into_iter().map(|email| SimContact::email(&email));
    let phones = texts(phones).into_iter().map(|phone| SimContact::phone(&phone));
    if emails.len() > 0 && phones.len() > 0 {
        return Err(BOTH.to_owned());
    }
    let change = |contact: SimContact| {
        check(&contact)?;
        Ok(StateChange { group: group.clone(), contact, subscribed, double_opt_in })
    };
    emails.chain(phones).map(change).collect()
}

fn check(contact: &SimContact) -> Result<(), String> {
    let wrong = match contact {
        SimContact::Email(_) => "email is not an address",
        SimContact::Phone(_) => "phone is not in E.164 format",
    };
    contact.is_well_formed().then_some(()).ok_or_else(|| wrong.to_owned())
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
