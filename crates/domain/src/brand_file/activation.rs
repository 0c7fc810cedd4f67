//! `[[activation]]` and the ways to take part in it.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::Timestamp;
use crate::attributes::{AttributeValue, Attributes};
use crate::brand::{
    Activation, CreditMoment, EmailActivation, EventActivation, Extra, ExtraKind, RewardsToBraze,
};
use crate::brand_file::claims::Unique;
use crate::brand_file::incentive::{self, Ways};
use crate::brand_file::keys;
use crate::brand_file::reading::Reading;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::{attribute_name, count, event_name, moment};
use crate::brand_file::{answers, consent, opt_in, sms};
use crate::ids::{Channel, Scope};

pub(super) fn activation(mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Option<Activation> {
    let scope = section.required("scope").and_then(|field| {
        let scope = field.parsed(Scope::parse)?;
        reading.claims.add(&field, Unique::Scope(scope.clone())).then_some(scope)
    });
    let opens = section.required("opens").and_then(|field| moment(&field));
    let closing = section.required("closes");
    let closes = closing.as_ref().and_then(moment);
    let mut phase = opens.zip(closes);
    if phase.is_some_and(|(opens, closes)| closes <= opens) {
        section.fault("closes", "must be after opens");
        phase = None;
    }
    let over = |at: Option<Timestamp>| at.zip(section.source.reviewed_at).is_some_and(|(at, now)| at <= now);
    let is_over = over(closes);
    if let Some(field) = closing.filter(|_| is_over && phase.is_some()) {
        field.doubt("is over: nobody can take part any more");
    }
    let most = section.optional("most_participations").and_then(|field| count(&field, u32::MAX));
    if !["email", "sms", "events"].iter().any(|way| section.has(way)) {
        section.doubt(
            "scope",
            "has no way in: [activation.email], [activation.sms] or [activation.events.NAME] is missing",
        );
    }
    let incentives = incentive::all(&mut section, phase);
    let ways = Ways { incentives: &incentives, unguarded: reading.unguarded };
    let email = section
        .optional("email")
        .and_then(|field| Some(email_activation(field.section(keys::EMAIL)?, &ways)));
    let sms = section.optional("sms").and_then(|field| sms::activation(field.section(keys::SMS)?, &ways));
    let confirming = email.as_ref().and_then(|email| email.opt_in.as_ref()?.group.as_ref());
    if confirming.is_some() && confirming == sms.as_ref().map(|sms| &sms.group) {
        section.fault(
            "email",
            "has the subscription_group_id of [activation.sms]: a group is for addresses or for numbers",
        );
    }
    let bringing = section.optional("events");
    let events = bringing.as_ref().map(|field| events(field, &ways)).unwrap_or_default();
    if let Some(field) = bringing.filter(|_| !reading.has_tokens) {
        field.doubt("cannot come in: no webhook has a token, [webhook] tokens_sha256 is missing");
    }
    let consent = consent::rules(&mut section, sms.as_ref(), attributes);
    let listed = answers::listed(&mut section, reading.signs);
    let rewarding = section.optional("rewards_to_braze");
    let rewards = rewarding.as_ref().and_then(|field| Some(rewards(field.section(keys::REWARDS_TO_BRAZE)?)));
    if let Some(field) = rewarding.filter(|_| incentives.are_none()) {
        let names = |rewards: &RewardsToBraze| {
            rewards.reward.is_some() || rewards.position.is_some() || rewards.incentive.is_some()
        };
        if rewards.as_ref().is_some_and(names) {
            field.doubt("has nothing to write: the activation has no incentive");
        }
    }
    incentives.doubt_unused(is_over);
    if let Some(listed) = &listed {
        listed.compare(email.as_ref(), rewards.as_ref());
    }
    section.finish();
    Some(Activation {
        scope: scope?,
        opens: opens?,
        closes: closes?,
        most_participations: most,
        email,
        sms,
        events,
        answers: listed.map(|listed| listed.rules),
        consent,
        incentives: incentives.into_usable(),
        rewards: rewards.unwrap_or_default(),
    })
}

fn email_activation(mut section: Section<'_>, ways: &Ways<'_, '_>) -> EmailActivation {
    let attributes =
        section.optional("attributes").and_then(|field| Some(attributes(field.section(keys::NAMES)?)));
    let event = section.optional("event").and_then(|field| field.parsed(event_name));
    let credit = section.optional("credit").and_then(|field| {
        field.word(&[("on_receipt", CreditMoment::OnReceipt), ("on_enrollment", CreditMoment::OnEnrollment)])
    });
    let incentive = ways.incentive(&mut section, Channel::Email);
    let opt_in = opt_in::by_email(&mut section, event.is_some(), credit);
    section.finish();
    let by_default = if opt_in.is_some() { CreditMoment::OnEnrollment } else { CreditMoment::OnReceipt };
    EmailActivation {
        attributes: attributes.unwrap_or_default(),
        event,
        credit: credit.unwrap_or(by_default),
        incentive,
        opt_in,
    }
}

/// `[activation.events.NAME]`, a table for each event.
fn events(field: &Field<'_>, ways: &Ways<'_, '_>) -> BTreeMap<String, EventActivation> {
    let mut events = BTreeMap::new();
    let Some(mut section) = field.section(keys::NAMES) else { return events };
    for (name, field) in section.fields() {
        match event_name(name) {
            Err(why) => field.fault(why),
            Ok(name) => {
                let read = field.section(keys::EVENT).map(|section| event(section, ways));
                events.insert(name, read.unwrap_or_default());
            }
        }
    }
    events
}

fn event(mut section: Section<'_>, ways: &Ways<'_, '_>) -> EventActivation {
    let attributes =
        section.optional("attributes").and_then(|field| Some(attributes(field.section(keys::NAMES)?)));
    let extras = section.optional("extras").and_then(|field| field.items()).unwrap_or_default();
    let extras = extras.iter().filter_map(extra).collect();
    let repeatable = section.optional("repeatable").and_then(|field| field.boolean());
    let incentive = ways.incentive(&mut section, Channel::Event);
    section.finish();
    EventActivation {
        attributes: attributes.unwrap_or_default(),
        extras,
        repeatable: repeatable.unwrap_or(false),
        incentive,
    }
}

/// `"store"`, or `{ name = "visits", type = "integer" }`.
fn extra(item: &Field<'_>) -> Option<Extra> {
    if item.is_text() {
        return item.parsed(attribute_name).map(|name| Extra { name, kind: None });
    }
    let mut section = item.section(keys::EXTRA)?;
    let name = section.required("name").and_then(|field| field.parsed(attribute_name));
    let kind = section.optional("type").map(|field| {
        field.word(&[
            ("text", ExtraKind::Text),
            ("integer", ExtraKind::Integer),
            ("number", ExtraKind::Number),
            ("boolean", ExtraKind::Boolean),
            ("date", ExtraKind::Date),
        ])
    });
    section.finish();
    match kind {
        None => Some(Extra { name: name?, kind: None }),
        Some(kind) => Some(Extra { name: name?, kind: Some(kind?) }),
    }
}

fn rewards(mut section: Section<'_>) -> RewardsToBraze {
    let mut name = |key: &str| section.optional(key).and_then(|field| field.parsed(attribute_name));
    let (reward, position, incentive) = (name("reward"), name("position"), name("incentive"));
    let event = section.optional("event").and_then(|field| field.parsed(event_name));
    section.finish();
    RewardsToBraze { reward, position, incentive, event }
}

fn attributes(mut section: Section<'_>) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, field) in section.fields() {
        let Some(value) = attribute_value(&field) else { continue };
        if let Err(error) = attributes.set(name, value) {
            field.fault(error.to_string());
        }
    }
    attributes
}

fn attribute_value(field: &Field<'_>) -> Option<AttributeValue> {
    match field.value.get_ref() {
        DeValue::String(text) => Some(AttributeValue::Text(text.to_string())),
        DeValue::Integer(_) => field.integer().map(AttributeValue::Integer),
        DeValue::Float(number) => number.as_str().parse().map(AttributeValue::Float).ok(),
        DeValue::Boolean(value) => Some(AttributeValue::Boolean(*value)),
        DeValue::Datetime(moment) => Some(AttributeValue::Text(moment.to_string())),
        DeValue::Array(_) | DeValue::Table(_) => {
            field.fault("must be a string, number, true, false or date");
            None
        }
    }
}
