//! What is left of two profiles when they are merged (braze-docs, user merge behaviour).

use std::collections::btree_map::Entry;

use jiff::Timestamp;

use crate::contact::SimContact;
use crate::contacts::EMAIL_STATE;
use crate::effects::Effect;
use crate::profiles::{ProfileStore, SimProfile};

/// What the profile that is kept takes over besides Braze's own fields and the aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// Custom attributes and events, too.
    Everything,
    /// Nothing else, which is what Braze's page about the life of a profile says of a sign-in.
    FieldsAndAliases,
}

/// Merges one profile into another and removes it. The one that is kept keeps what it has, and takes over what it lacks. Its external id,
/// and its alias of a label that both have, are the only ones that still name a profile.
pub(crate) fn merge(
    profiles: &mut ProfileStore,
    from: usize,
    into: usize,
    carried: Carried,
    now: Timestamp,
) -> Vec<Effect> {
    if from == into || profiles.at(into).is_none() {
        return Vec::new();
    }
    let Some(removed) = profiles.remove(from) else { return Vec::new() };
    for alias in &removed.user_aliases {
        profiles.add_alias(into, alias.clone());
    }
    fill_fields(profiles, into, &removed);
    if let Some(kept) = profiles.update(into, now)
        && carried == Carried::Everything
    {
        add_custom_data(kept, &removed);
    }
    after_removal(profiles, &removed)
}

/// Fills the fields that the kept profile lacks. The state of an address comes with the address only.
fn fill_fields(profiles: &mut ProfileStore, into: usize, removed: &SimProfile) {
    let takes_address = profiles.contact_of(into, "email").is_none() && removed.fields.contains_key("email");
    for (name, value) in &removed.fields {
        let has = profiles.at(into).is_some_and(|kept| kept.fields.contains_key(name));
        let fills = match name.as_str() {
            EMAIL_STATE => takes_address,
            "push_subscribe" => false,
            _ => !has,
        };
        if fills {
            profiles.set_field(into, name, value.clone());
        }
    }
}

fn add_custom_data(kept: &mut SimProfile, removed: &SimProfile) {
    for (name, value) in &removed.custom_attributes {
        if !kept.custom_attributes.contains_key(name) {
            kept.custom_attributes.insert(name.clone(), value.clone());
        }
    }
    for (name, event) in &removed.custom_events {
        match kept.custom_events.entry(name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(*event);
            }
            Entry::Occupied(mut entry) => {
                let sum = entry.get_mut();
                sum.first = sum.first.min(event.first);
                sum.last = sum.last.max(event.last);
                sum.count += event.count;
            }
        }
    }
}

/// Which contacts have no profile any more, now that this one is removed.
pub(crate) fn after_removal(profiles: &ProfileStore, removed: &SimProfile) -> Vec<Effect> {
    let contacts = removed
        .fields
        .iter()
        .filter_map(|(field, value)| value.as_str().and_then(|text| SimContact::of_field(field, text)));
    contacts.filter(|contact| profiles.holders(contact).is_empty()).map(Effect::Gone).collect()
}
