//! What consumers, their app and the brand's staff do to profiles outside of the REST API.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::contact::SimContact;
use crate::contacts;
use crate::effects::Effect;
use crate::merging::{Carried, merge};
use crate::profiles::{ProfileStore, SimIdentifier};
use crate::seed::SeedFile;

/// An action whose result is not visible yet.
#[derive(Debug, Clone)]
pub(crate) enum ConsumerAction {
    /// Somebody signs in to the app. The profile that the app used until then is merged into the one with the external id.
    SignIn { external_id: String, from: Option<SimIdentifier>, carried: Carried },
    /// A profile gets another address or number, or loses it.
    ChangeContacts { of: SimIdentifier, fields: Vec<(&'static str, Value)> },
    /// Two profiles swap their addresses or numbers.
    Swap { one: SimIdentifier, other: SimIdentifier, fields: Vec<&'static str> },
    /// Everyone who has a contact in common is merged (the dashboard's bulk merge).
    BulkMerge { field: &'static str },
    /// Somebody follows the unsubscribe link of an e-mail: of all e-mails, or of one group.
    Unsubscribe { email: SimContact, group: Option<String> },
    /// Somebody texts STOP: to the numbers of one group, or of all.
    OptOut { phone: SimContact, group: Option<String> },
    /// The app creates or updates profiles.
    Appear(SeedFile),
}

/// Performs an action. What names no profile changes nothing.
pub(crate) fn apply(profiles: &mut ProfileStore, action: ConsumerAction, now: Timestamp) -> Vec<Effect> {
    match action {
        ConsumerAction::SignIn { external_id, from, carried } => {
            sign_in(profiles, &external_id, from, carried, now)
        }
        ConsumerAction::ChangeContacts { of, fields } => {
            let Some(index) = profiles.find(&of) else { return Vec::new() };
            let change = |(field, value)| contacts::set(profiles, index, field, value);
            let effects = fields.into_iter().flat_map(change).collect();
            profiles.update(index, now);
            effects
        }
        ConsumerAction::Swap { one, other, fields } => swap(profiles, (&one, &other), &fields, now),
        ConsumerAction::BulkMerge { field } => bulk_merge(profiles, field, now),
        ConsumerAction::Unsubscribe { email, group: Some(group) } => {
            let entry = json!({ "subscription_group_id": group, "subscription_state": "unsubscribed" });
            vec![Effect::Groups { contacts: vec![email], groups: vec![entry], created: false }]
        }
        ConsumerAction::Unsubscribe { email, group: None } => {
            if let Some(&holder) = profiles.holders(&email).first() {
                contacts::set_email_state(profiles, holder, &"unsubscribed".into());
            }
            Vec::new()
        }
        ConsumerAction::OptOut { phone, group } => vec![Effect::OptedOut { phone, group }],
        ConsumerAction::Appear(seed) => seed.plant(profiles, now),
    }
}

/// An app that signs in somebody else does not merge anybody: only a profile without an external id is merged.
fn sign_in(
    profiles: &mut ProfileStore,
    external_id: &str,
    from: Option<SimIdentifier>,
    carried: Carried,
    now: Timestamp,
) -> Vec<Effect> {
    let unidentified = |index: &usize| profiles.at(*index).is_some_and(|found| found.external_id.is_none());
    let from = from.and_then(|from| profiles.find(&from)).filter(unidentified);
    let target = profiles.find(&SimIdentifier::ExternalId(external_id.to_owned()));
    match (target, from) {
        (Some(target), Some(from)) => return merge(profiles, from, target, carried, now),
        (Some(target), None) => {
            profiles.update(target, now);
        }
        (None, from) => {
            let index = from.unwrap_or_else(|| profiles.add(now));
            profiles.set_external_id(index, external_id);
            profiles.update(index, now);
        }
    }
    Vec::new()
}

fn swap(
    profiles: &mut ProfileStore,
    (one, other): (&SimIdentifier, &SimIdentifier),
    fields: &[&'static str],
    now: Timestamp,
) -> Vec<Effect> {
    let (Some(one), Some(other)) = (profiles.find(one), profiles.find(other)) else { return Vec::new() };
    let mut effects = Vec::new();
    for field in fields {
        let held = |index: usize| {
            profiles.at(index).and_then(|profile| profile.fields.get(*field)).cloned().unwrap_or(Value::Null)
        };
        let (of_one, of_other) = (held(one), held(other));
        effects.extend(contacts::set(profiles, one, field, of_other));
        effects.extend(contacts::set(profiles, other, field, of_one));
    }
    profiles.update(one, now);
    profiles.update(other, now);
    effects
}

/// Of the profiles with one contact, the last updated one with an external id is kept, or else the last updated one.
fn bulk_merge(profiles: &mut ProfileStore, field: &str, now: Timestamp) -> Vec<Effect> {
    let mut effects = Vec::new();
    for contact in profiles.contacts().into_iter().filter(|contact| contact.field() == field) {
        let Some(kept) = profiles.last_updated(&contact) else { continue };
        for duplicate in profiles.holders(&contact) {
            effects.extend(merge(profiles, duplicate, kept, Carried::Everything, now));
        }
    }
    effects
}
