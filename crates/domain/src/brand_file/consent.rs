//! `[activation.consent]`: which consent is asked for, and what it writes.

use std::collections::BTreeMap;

use crate::attributes::Attributes;
use crate::brand::SmsActivation;
use crate::brand_file::keys;
use crate::brand_file::section::{Field, Section};
use crate::consent::{ByPhone, ConsentRules, Demand, EmailState, TextHash};
use crate::ids::SubscriptionGroup;

/// The longest id of a text, in characters.
const LONGEST_TEXT_ID: usize = 255;

/// The most groups of a kind.
const MOST_GROUPS: usize = 10;

const DEMANDS: &[(&str, Demand)] = &[("required", Demand::Required), ("optional", Demand::Optional)];

/// Reads the table; `attributes` reads the one of attributes in it.
pub(super) fn rules(
    activation: &mut Section<'_>,
    sms: Option<&SmsActivation>,
    attributes: impl FnOnce(Section<'_>) -> Attributes,
) -> Option<ConsentRules> {
    let by = ["email", "sms"].map(|way| activation.has(way));
    let mut section = activation.optional("consent")?.section(keys::CONSENT)?;
    let texts = section.required("texts").map(|field| texts(&field)).unwrap_or_default();
    let by_email = section.optional("email").map(|field| {
        unused(&field, by[0], "e-mail");
        let mut section = field.section(keys::CONSENT_EMAIL)?;
        let demand = section.required("email").and_then(|field| field.word(DEMANDS));
        section.finish();
        demand
    });
    let by_phone = section.optional("sms").map(|field| {
        unused(&field, by[1], "mobile number");
        let mut section = field.section(keys::CONSENT_SMS)?;
        section.optional("sms").and_then(|field| field.word(&[("required", ())]));
        let email = section.optional("email").map(|field| field.word(DEMANDS));
        section.finish();
        Some(ByPhone { email: email.flatten() })
    });
    if by_email.is_none() && by_phone.is_none() {
        section.fault("email", "is missing, and so is sms: say which way in asks for consent");
    }
    let state = section.optional("email_subscribe").map(|field| {
        field.word(&[("subscribed", EmailState::Subscribed), ("opted_in", EmailState::OptedIn)])
    });
    let asks_for_email = by_email.is_some() || matches!(by_phone, Some(Some(ByPhone { email: Some(_) })));
    let email_groups = groups(section.optional("email_groups"), (asks_for_email, "e-mail"), None);
    let sms_groups =
        groups(section.optional("sms_groups"), (by_phone.is_some(), "messages to a number"), sms);
    let source = section.optional("source").and_then(|field| Some(attributes(field.section(keys::NAMES)?)));
    section.finish();
    Some(ConsentRules {
        texts,
        by_email: by_email.flatten(),
        by_phone: by_phone.flatten(),
        email_subscribe: state.flatten().unwrap_or(EmailState::Subscribed),
        email_groups,
        sms_groups,
        source: source.unwrap_or_default(),
    })
}

fn unused(field: &Field<'_>, is_offered: bool, way: &str) {
    if !is_offered {
        field.doubt(format!("is of no use: nobody can take part by {way}"));
    }
}

/// `"id" = "the wording"`, for each text.
fn texts(field: &Field<'_>) -> BTreeMap<String, TextHash> {
    let Some(mut section) = field.section(keys::NAMES) else { return BTreeMap::new() };
    let mut texts = BTreeMap::new();
    let fields = section.fields();
    if fields.is_empty() {
        field.fault("must have at least one text");
    }
    for (id, field) in fields {
        let length = id.chars().count();
        if length == 0 || length > LONGEST_TEXT_ID || id.trim() != id {
            field.fault("must have an id of 1 to 255 characters without surrounding space");
        } else if let Some(text) = field.text() {
            if text.trim().is_empty() {
                field.fault("must be the wording that consumers are shown");
            }
            texts.insert(id.to_owned(), TextHash::of(text));
        }
    }
    texts
}

/// Reads the ids of groups that a consent subscribes to.
fn groups(
    field: Option<Field<'_>>,
    (is_asked, channel): (bool, &str),
    sms: Option<&SmsActivation>,
) -> Vec<SubscriptionGroup> {
    let Some(field) = field else { return Vec::new() };
    if !is_asked {
        field.doubt(format!("is of no use: nobody is asked for consent to {channel}"));
    }
    let items = field.items().unwrap_or_default();
    if items.len() > MOST_GROUPS {
        field.fault("may have at most 10 groups");
    }
    let mut groups = Vec::new();
    for item in items {
        let Some(group) = item.parsed(SubscriptionGroup::parse) else { continue };
        if groups.contains(&group) {
            item.fault("is listed twice");
        } else if sms.is_some_and(|sms| sms.group == group) {
            item.fault("is the group of [activation.sms], which consumers are subscribed to anyway");
        } else {
            groups.push(group);
        }
    }
    groups
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
