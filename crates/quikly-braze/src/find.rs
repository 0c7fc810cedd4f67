//! `find`: the participations of one consumer, found by their ids, which are keyed hashes of the contact. So the cost does not depend on how
//! many participations there are.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use domain::brand::{Activation, Brands};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use ports::inspection::InspectedParticipation;
use reports::language::Language;
use serde_json::{Value, json};

use crate::arguments::Find;
use crate::storage::Opened;
use crate::{brand_terms, console, forget, show};

/// How many ids are looked up at once.
const AT_ONCE: usize = 16;

pub(crate) async fn run(arguments: Find) -> anyhow::Result<()> {
    let language = arguments.language.chosen;
    let scope = arguments.scope.as_deref().map(Scope::parse).transpose().context("--scope is a scope id")?;
    let contacts = contacts(&arguments)?;
    let brands =
        brand_terms::brands(arguments.brands.as_deref(), arguments.storage.environment.as_deref()).await?;
    ensure!(
        scope.as_ref().is_none_or(|scope| brands.activation(scope).is_some()),
        "no brand file has this activation"
    );
    let opened = Opened::open(arguments.storage).await?;
    let ids = ids(&brands, scope.as_ref(), &contacts, &opened.id_key().await?);
    let inspection = opened.inspection();
    let asked = stream::iter(ids).map(|id| inspection.inspect(id)).buffer_unordered(AT_ONCE);
    let found: Vec<Option<InspectedParticipation>> = asked.try_collect().await?;
    let mut found: Vec<InspectedParticipation> = found.into_iter().flatten().collect();
    found.sort_by_key(|one| one.participation.accepted_at());
    if arguments.json {
        let found: Vec<Value> = found.iter().map(|one| as_json(one, &brands)).collect();
        console::say(&Value::from(found).to_string());
    } else if found.is_empty() {
        console::say(nobody(language));
    } else {
        let texts: Vec<String> = found.iter().map(|one| as_text(one, &brands, language)).collect();
        console::say(&texts.join("\n\n"));
    }
    Ok(())
}

/// The contact in every form that a version may have stored.
fn contacts(arguments: &Find) -> anyhow::Result<Vec<Contact>> {
    if let Some(email) = &arguments.email {
        let typed = forget::given(email, "e-mail address")?;
        let forms = [Email::parse(&typed)?].into_iter().chain(Email::earlier_forms(&typed));
        return Ok(forms.map(Contact::Email).collect());
    }
    let phone = arguments.phone.as_deref().context("--email or --phone is missing")?;
    let phone = Phone::from_e164(&forget::given(phone, "phone number")?);
    let phone = phone.context("--phone is E.164: +, country code, number")?;
    Ok(vec![Contact::Phone { phone, email: None }])
}

/// Every id that a participation with one of these contacts can have. Repetitions of a repeatable event have others.
fn ids(
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

fn as_text(inspected: &InspectedParticipation, brands: &Brands, language: Language) -> String {
    let participation = &inspected.participation;
    let (answer, _) = show::answered(inspected, brands);
    format!(
        "{} {} {} {} {}\n  {}",
        participation.id(),
        participation.scope(),
        participation.channel().name(),
        participation.accepted_at(),
        participation.state().name(),
        answer.text(language)
    )
}

fn as_json(inspected: &InspectedParticipation, brands: &Brands) -> Value {
    let participation = &inspected.participation;
    let (answer, _) = show::answered(inspected, brands);
    json!({
        "id": participation.id().to_string(),
        "scope": participation.scope().as_str(),
        "channel": participation.channel().name(),
        "accepted_at": participation.accepted_at().to_string(),
        "state": participation.state().name(),
        "answer": { "en": answer.text(Language::English), "fr": answer.text(Language::French) },
    })
}

fn nobody(language: Language) -> &'static str {
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
