//! Translates between the domain's types and Braze's.

use braze::{AttributesObject, Event, ExportQuery, Fields, Identifier, Profile, TrackWrite};
use domain::answers::ProfileField;
use domain::attributes::AttributeValue;
use domain::brand::{Activation, Brand};
use domain::consent::{ConsentWrite, EmailState};
use domain::decide::{NumberSubscription, ProfileEvent, ProfileWrite};
use domain::ids::SubscriptionGroup;
use domain::liquid;
use domain::participation::Way;
use domain::profile::{Alias, FoundProfile, ProfileRef};
use serde_json::{Map, Value, json};

/// Converts a write to Braze objects. Attributes come before the event in the same request, since an event by
/// alias never creates the profile that it is for.
pub(crate) fn write(write: &ProfileWrite) -> TrackWrite {
    let identifier = identifier(&write.profile);
    let fields = fields(write);
    // An address that identifies the profile is in the object already.
    let identifies = matches!(write.profile, ProfileRef::Email(_));
    let email = write.email.as_ref().filter(|_| !identifies).map(|email| email.as_str().to_owned());
    let attributes = (write.create || !fields.is_empty()).then(|| AttributesObject {
        identifier: identifier.clone(),
        update_existing_only: Some(!write.create),
        email,
        fields,
    });
    let event = write.event.as_ref().map(|event| self::event(event, identifier, existing_only(write)));
    TrackWrite { attributes, events: event.into_iter().collect() }
}

fn fields(write: &ProfileWrite) -> Map<String, Value> {
    let mut fields = members(&write.attributes);
    // An attribute of the activation counts more than one of the consent with the same name.
    for (name, value) in write.consent.iter().flat_map(|consent| members(&consent.source)) {
        fields.entry(name).or_insert(value);
    }
    if let Some(phone) = &write.phone {
        fields.insert("phone".to_owned(), phone.as_str().into());
    }
    if write.takes_number {
        fields.insert("phone".to_owned(), Value::Null);
    }
    if let Some(email) = write.consent.as_ref().and_then(|consent| consent.email) {
        fields.insert("email_subscribe".to_owned(), email.name().into());
    }
    let groups = groups(write);
    if !groups.is_empty() {
        fields.insert("subscription_groups".to_owned(), groups.into());
    }
    fields
}

/// The states of subscription groups that the write sets.
fn groups(write: &ProfileWrite) -> Vec<Value> {
    let consent = write.consent.as_ref();
    let state = match consent.is_none_or(ConsentWrite::subscribes) {
        true => "subscribed",
        false => "unsubscribed",
    };
    let entry = |group: &SubscriptionGroup, state: &str| json!({ "subscription_group_id": group.as_str(), "subscription_state": state });
    let own = write.subscribe.iter().map(|NumberSubscription { group, double_opt_in }| {
        let mut entry = entry(group, "subscribed");
        if *double_opt_in {
            entry["use_double_opt_in_logic"] = true.into();
        }
        entry
    });
    let consented = consent.into_iter().flat_map(|consent| &consent.groups);
    own.chain(consented.map(|group| entry(group, state))).collect()
}

/// Whether to write only to an existing profile. An event to a profile that no longer exists would create one
/// with nothing but the event; by alias, Braze never does this.
fn existing_only(write: &ProfileWrite) -> Option<bool> {
    match write.profile {
        ProfileRef::ExternalId(_) | ProfileRef::BrazeId(_) => Some(true),
        ProfileRef::Email(_) | ProfileRef::Phone(_) => (!write.create).then_some(true),
        ProfileRef::Alias(_) => None,
    }
}

fn event(event: &ProfileEvent, identifier: Identifier, update_existing_only: Option<bool>) -> Event {
    let mut properties = members(&event.properties);
    properties.insert("activation".to_owned(), Value::String(event.scope.clone()));
    Event { identifier, name: event.name.clone(), time: event.time, properties, update_existing_only }
}

/// Attribute values by name. Text with template syntax is never written to a profile, whatever its
/// origin and age.
fn members(attributes: &domain::attributes::Attributes) -> Map<String, Value> {
    let rendered = attributes.iter().filter(|(_, value)| match value {
        AttributeValue::Text(text) => !liquid::is_unrendered(text),
        AttributeValue::List(items) => !items.iter().any(|item| liquid::is_unrendered(item)),
        AttributeValue::Integer(_) | AttributeValue::Float(_) | AttributeValue::Boolean(_) => true,
    });
    rendered.map(|(name, value)| (name.to_owned(), plain(value))).collect()
}

fn identifier(profile: &ProfileRef) -> Identifier {
    match profile {
        ProfileRef::ExternalId(id) => Identifier::ExternalId(id.clone()),
        ProfileRef::Alias(alias) => Identifier::UserAlias(braze_alias(alias)),
        ProfileRef::BrazeId(id) => Identifier::BrazeId(id.clone()),
        ProfileRef::Email(email) => Identifier::Email(email.as_str().to_owned()),
        ProfileRef::Phone(phone) => Identifier::Phone(phone.as_str().to_owned()),
    }
}

fn braze_alias(alias: &Alias) -> braze::UserAlias {
    braze::UserAlias { label: alias.label().to_owned(), name: alias.name().to_owned() }
}

/// The query that finds exactly these profiles, each named once. Only external ids and aliases can name
/// several.
pub(crate) fn export_query<'a>(profiles: impl Iterator<Item = &'a ProfileRef>) -> ExportQuery {
    let (mut external_ids, mut aliases) = (Vec::new(), Vec::new());
    for profile in profiles {
        match profile {
            ProfileRef::ExternalId(id) if external_ids.contains(id) => {}
            ProfileRef::ExternalId(id) => external_ids.push(id.clone()),
            ProfileRef::Alias(alias) => {
                let alias = braze_alias(alias);
                if !aliases.contains(&alias) {
                    aliases.push(alias);
                }
            }
            ProfileRef::BrazeId(id) => return ExportQuery::BrazeId(id.clone()),
            ProfileRef::Email(email) => return ExportQuery::Email(email.as_str().to_owned()),
            ProfileRef::Phone(phone) => return ExportQuery::Phone(phone.as_str().to_owned()),
        }
    }
    ExportQuery::Identifiers { external_ids, aliases }
}

/// Whether an exported profile is the one that was asked for, perhaps together with others.
pub(crate) fn is_of(profile: &Profile, asked: &ProfileRef) -> bool {
    match asked {
        ProfileRef::ExternalId(id) => profile.external_id.as_ref() == Some(id),
        ProfileRef::Alias(alias) => profile.aliases.contains(&braze_alias(alias)),
        // A query by one of these names a single profile.
        ProfileRef::BrazeId(_) | ProfileRef::Email(_) | ProfileRef::Phone(_) => true,
    }
}

/// The query that finds a consumer's profiles: by address if there is one, or else by number.
pub(crate) fn find_query(way: &Way) -> ExportQuery {
    match way {
        Way::Email { email, .. } | Way::Event { email, .. } | Way::Sms { email: Some(email), .. } => {
            ExportQuery::Email(email.as_str().to_owned())
        }
        Way::Sms { phone, email: None, .. } => ExportQuery::Phone(phone.as_str().to_owned()),
        Way::Forgotten(_) => unreachable!("Braze is not asked about a forgotten consumer"),
    }
}

/// Converts a profile from Braze's export.
pub(crate) fn found_profile(profile: &Profile) -> FoundProfile {
    FoundProfile {
        external_id: profile.external_id.clone(),
        braze_id: profile.braze_id.clone(),
        aliases: profile.aliases.iter().filter_map(|alias| Alias::new(&alias.label, &alias.name)).collect(),
        email: profile.email.clone(),
        phone: profile.phone.clone(),
        email_state: profile.email_subscribe.as_deref().and_then(EmailState::named),
        created_at: profile.created_at,
        attributes: values(profile).filter_map(|(name, value)| Some((name.clone(), shown(value)?))).collect(),
        nested: values(profile)
            .filter(|(_, value)| !value.is_null() && shown(value).is_none())
            .map(|(name, _)| name.clone())
            .collect(),
        events: profile.custom_events.iter().map(|event| (event.name.clone(), event.last)).collect(),
    }
}

/// Custom attributes, and Braze's own fields about the person.
fn values(profile: &Profile) -> impl Iterator<Item = (&String, &Value)> {
    profile.custom_attributes.iter().chain(&profile.person)
}

/// The fields to read back of what was written to a brand's profiles.
pub(crate) fn fields_sent_to(brand: &Brand) -> Fields {
    match writes_consent(brand) {
        false => Fields::IdentityAttributesAndEvents,
        true => Fields::IdentityAttributesEventsAndEmailState,
    }
}

fn writes_consent(brand: &Brand) -> bool {
    brand.activations.values().any(|activation| activation.consent.is_some())
}

/// The fields to read of a brand's profiles. Fields about the person are read only if an activation lists one of
/// them, and whether the address gets e-mails only if an activation writes consent, or has consumers confirm by e-mail.
pub(crate) fn fields_of(brand: &Brand) -> Fields {
    let rules = brand.activations.values().filter_map(|activation| activation.answers.as_ref());
    let mut names = rules.flat_map(|rules| rules.by_name.keys());
    let person = names.any(|name| ProfileField::named(name).is_some());
    let confirms =
        |activation: &Activation| activation.email.as_ref().is_some_and(|email| email.opt_in.is_some());
    let reads_email_state = writes_consent(brand) || brand.activations.values().any(confirms);
    match (person, reads_email_state) {
        (false, false) => Fields::IdentityAndAttributes,
        (true, false) => Fields::IdentityAttributesAndPerson,
        (false, true) => Fields::IdentityAttributesAndEmailState,
        (true, true) => Fields::IdentityAttributesPersonAndEmailState,
    }
}

/// An attribute value from Braze's export, if it is plain or a list of texts.
fn shown(value: &Value) -> Option<AttributeValue> {
    match value {
        Value::String(text) => Some(AttributeValue::Text(text.clone())),
        Value::Bool(value) => Some(AttributeValue::Boolean(*value)),
        Value::Number(number) => number
            .as_i64()
            .map(AttributeValue::Integer)
            .or_else(|| number.as_f64().map(AttributeValue::Float)),
        Value::Array(items) => {
            let text = |item: &Value| item.as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<_>>().map(AttributeValue::List)
        }
        Value::Null | Value::Object(_) => None,
    }
}

fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => text.as_str().into(),
        AttributeValue::Integer(number) => (*number).into(),
        AttributeValue::Float(number) => (*number).into(),
        AttributeValue::Boolean(value) => (*value).into(),
        AttributeValue::List(items) => items.iter().map(String::as_str).collect(),
    }
}

#[cfg(test)]
mod tests {
    use domain::brand_file::{AssumePresent, BrandFile, read_all};
    use domain::ids::BrandId;

    use super::*;

    #[test]
    fn attributes_that_are_neither_plain_nor_lists_of_texts_are_known_by_name() {
        let custom = json!({
            "tier": "gold", "likes": ["a", "b"], "address": { "city": "Paris" }, "visits": [1, 2], "gone": null,
        });
        let person = json!({ "first_name": "Ada" });
        let (Value::Object(custom_attributes), Value::Object(person)) = (custom, person) else {
            unreachable!("both are objects")
        };
        let found = found_profile(&Profile { custom_attributes, person, ..Profile::default() });
        let names: Vec<&str> = found.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ["first_name", "likes", "tier"]);
        let likes = AttributeValue::List(vec!["a".to_owned(), "b".to_owned()]);
        assert!(found.attributes.get("likes") == Some(&likes));
        assert_eq!(found.nested.iter().map(String::as_str).collect::<Vec<_>>(), ["address", "visits"]);
    }

    #[test]
    fn a_list_is_written_as_an_array_unless_a_template_was_not_rendered() {
        let mut attributes = domain::attributes::Attributes::default();
        let list = |items: &[&str]| AttributeValue::List(items.iter().map(|&item| item.to_owned()).collect());
        attributes.set("likes", list(&["a", "b"])).unwrap();
        attributes.set("odd", list(&["a", "{{b}}"])).unwrap();
        assert_eq!(Value::Object(members(&attributes)), json!({ "likes": ["a", "b"] }));
    }

    #[test]
    fn fields_about_the_person_are_read_only_if_an_activation_lists_one() {
        let fields = |listed: &str| {
            let text = format!(
                "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n\
                 [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
                 [activation.email]\n{listed}"
            );
            let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
            fields_of(brands.brand(&BrandId::parse("acme").unwrap()).unwrap())
        };
        let list = |name: &str| format!("[activation.attributes]\n{name} = {{ type = \"text\" }}\n");
        assert_eq!(fields(""), Fields::IdentityAndAttributes);
        assert_eq!(fields(&list("tier")), Fields::IdentityAndAttributes);
        assert_eq!(fields(&list("first_name")), Fields::IdentityAttributesAndPerson);
    }
}
