//! Changes of who a profile is: identification, merges, deletion, aliases and external ids. They are applied some time after the
//! request.

use jiff::Timestamp;
use serde::Deserialize;

use crate::contact::SimContact;
use crate::effects::Effect;
use crate::merging::{Carried, after_removal, merge};
use crate::profiles::{AliasKey, ProfileStore, SimIdentifier};

/// How a request narrows down the profiles that share a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    Identified,
    Unidentified,
    MostRecentlyUpdated,
    LeastRecentlyUpdated,
}

/// A profile that a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    One(SimIdentifier),
    Of(SimContact, Vec<Priority>),
}

impl Chosen {
    /// The profile's place. A contact of several profiles means one only if the priorities leave one.
    fn find(&self, profiles: &ProfileStore) -> Option<usize> {
        let (contact, priorities) = match self {
            Self::One(identifier) => return profiles.find(identifier),
            Self::Of(contact, priorities) => (contact, priorities),
        };
        let mut left = profiles.holders(contact);
        let identified =
            |index: &usize| profiles.at(*index).is_some_and(|profile| profile.external_id.is_some());
        let updated = |index: &usize| profiles.at(*index).map(|profile| profile.updated);
        for priority in priorities {
            match priority {
                Priority::Identified => left.retain(identified),
                Priority::Unidentified => left.retain(|index| !identified(index)),
                Priority::MostRecentlyUpdated => {
                    left = left.into_iter().max_by_key(updated).into_iter().collect()
                }
                Priority::LeastRecentlyUpdated => {
                    left = left.into_iter().min_by_key(updated).into_iter().collect()
                }
            }
        }
        match left.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// A change that is accepted and not applied yet.
#[derive(Debug, Clone)]
pub(crate) enum IdentityChange {
    /// An unidentified profile gets an external id, or is merged into the profile that has it.
    Identify {
        who: SimIdentifier,
        external_id: String,
    },
    Merge {
        from: Chosen,
        into: Chosen,
    },
    Delete(SimIdentifier),
    /// An alias for the profile with an external id; without one, for a new profile.
    NewAlias {
        external_id: Option<String>,
        alias: AliasKey,
    },
    UpdateAlias {
        old: AliasKey,
        new: AliasKey,
    },
    Rename {
        current: String,
        new: String,
    },
    RemoveDeprecated(String),
}

/// Applies a change. What names no profile changes nothing.
pub(crate) fn apply(profiles: &mut ProfileStore, change: IdentityChange, now: Timestamp) -> Vec<Effect> {
    match change {
        IdentityChange::Identify { who, external_id } => return identify(profiles, &who, &external_id, now),
        IdentityChange::Merge { from, into } => {
            if let (Some(from), Some(into)) = (from.find(profiles), into.find(profiles))
                && !(has_bad_number(profiles, from) && has_bad_number(profiles, into))
            {
                return merge(profiles, from, into, Carried::Everything, now);
            }
        }
        IdentityChange::Delete(who) => {
            let removed = profiles.find(&who).and_then(|index| profiles.remove(index));
            return removed.map(|removed| after_removal(profiles, &removed)).unwrap_or_default();
        }
        IdentityChange::NewAlias { external_id: None, alias } => {
            profiles.find_or_create(&SimIdentifier::Alias(alias), true, now);
        }
        IdentityChange::NewAlias { external_id: Some(id), alias } => {
            if let Some(index) = profiles.find(&SimIdentifier::ExternalId(id)) {
                profiles.add_alias(index, alias);
            }
        }
        IdentityChange::UpdateAlias { old, new } => profiles.update_alias(&old, new),
        IdentityChange::Rename { current, new } => profiles.rename(&current, &new),
        IdentityChange::RemoveDeprecated(id) => profiles.remove_deprecated(&id),
    }
    Vec::new()
}

/// Identifies a profile. A contact that several profiles share identifies none, and two profiles with aliases of one label are not merged.
fn identify(
    profiles: &mut ProfileStore,
    who: &SimIdentifier,
    external_id: &str,
    now: Timestamp,
) -> Vec<Effect> {
    let shared = match who {
        SimIdentifier::Email(email) => profiles.holders(&SimContact::email(email)).len() > 1,
        SimIdentifier::Phone(phone) => profiles.holders(&SimContact::phone(phone)).len() > 1,
        _ => false,
    };
    let unidentified = |index: &usize| profiles.at(*index).is_some_and(|found| found.external_id.is_none());
    let Some(index) = profiles.find(who).filter(unidentified).filter(|_| !shared) else { return Vec::new() };
    match profiles.find(&SimIdentifier::ExternalId(external_id.to_owned())) {
        Some(target) if share_a_label(profiles, index, target) => Vec::new(),
        Some(target) => merge(profiles, index, target, Carried::Everything, now),
        None => {
            profiles.set_external_id(index, external_id);
            profiles.update(index, now);
            Vec::new()
        }
    }
}

fn share_a_label(profiles: &ProfileStore, one: usize, other: usize) -> bool {
    let (Some(one), Some(other)) = (profiles.at(one), profiles.at(other)) else { return false };
    one.user_aliases.iter().any(|(label, _)| other.user_aliases.iter().any(|(of_other, _)| of_other == label))
}

/// Whether the profile has a number that is not in E.164 format. Braze does not merge two such profiles.
fn has_bad_number(profiles: &ProfileStore, index: usize) -> bool {
    profiles.contact_of(index, "phone").is_some_and(|phone| !phone.is_well_formed())
}
