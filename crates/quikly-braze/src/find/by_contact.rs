//! The ids that follow from a contact.

use std::collections::BTreeSet;

use anyhow::Context;
use domain::brand::{Activation, Brands};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use reports::language::Language;

use crate::arguments::Find;
use crate::forget;

/// The contact in every form that a version may have stored.
pub(super) fn contacts(arguments: &Find) -> anyhow::Result<Vec<Contact>> {
    if let Some(email) = &arguments.email {
        let typed = forget::given(email, "e-mail address")?;
        let email = Email::parse(&typed)?;
        let earlier = email.earlier_forms(&typed);
        return Ok([email].into_iter().chain(earlier).map(Contact::Email).collect());
    }
    let phone = arguments.phone.as_deref().context("nobody is named; see --help")?;
    let phone = Phone::from_e164(&forget::given(phone, "phone number")?);
    let phone = phone.context("--phone is E.164: +, country code, number")?;
    Ok(vec![Contact::Phone { phone, email: None }])
}

/// Every id that a participation with one of these contacts can have. Repetitions of a repeatable event have others.
pub(super) fn ids(
    brands: &Brands,
    scope: Option<&Scope>,
    contacts: &[Contact],
    id_key: &IdKey,
) -> BTreeSet<ParticipationId> {
    let activations = brands.iter().flat_map(|brand| brand.activations.values());
    let wanted = activations.filter(|activation| scope.is_none_or(|scope| *scope == activation.scope));
    wanted
        .flat_map(|activation| contacts.iter().flat_map(|contact| of_activation(activation, contact, id_key)))
        .collect()
}

fn of_activation(activation: &Activation, contact: &Contact, id_key: &IdKey) -> Vec<ParticipationId> {
    let scope = &activation.scope;
    let events = activation.events.keys().map(|event| id_key.event(scope, event, contact, None));
    events.chain([id_key.participation(scope, contact)]).collect()
}

pub(super) fn nobody(language: Language) -> &'static str {
    match language {
        Language::English => {
            "nobody found: no participation in these activations has this contact; is it spelled as the person gave it? \
             A participation by a repeatable event is not found this way"
        }
        Language::French => {
            "personne : aucune participation de ces activations n’a ce contact ; est-il écrit comme la personne l’a donné ? \
             Une participation par un événement répétable ne se trouve pas ainsi"
        }
    }
}
