//! From TOML to a checked brand, one function per table.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::attributes::{AttributeValue, Attributes};
use crate::brand::{
    Activation, Brand, BrazeLimits, BrazeWorkspace, CreditMoment, EmailActivation, Endpoint, Identity,
    PhoneMismatch, SecretRef, SettleBy,
};
use crate::brand_file::SecretCheck;
use crate::brand_file::section::{Field, Section, Source};
use crate::brand_file::sms;
use crate::identity::{BrandId, Scope};

const DEFAULT_SETTLE: Duration = Duration::from_secs(120);
const DEFAULT_EXPORTS: NonZeroU32 = NonZeroU32::new(250).unwrap();
/// Braze's hard cap on the objects of one `/users/track` request.
const MOST_TRACK_OBJECTS: NonZeroU32 = NonZeroU32::new(75).unwrap();

/// Reads one file. Ids and scopes seen so far, each with the file that took it, keep both unique over all files.
pub(super) fn brand<'a>(
    source: &'a Source<'a>,
    table: &'a Spanned<DeTable<'a>>,
    secret_is_there: SecretCheck<'_>,
    ids: &mut BTreeMap<String, String>,
    scopes: &mut BTreeMap<String, String>,
    file: &str,
) -> Option<Brand> {
    let mut root = Section::new(source, String::new(), 0..0, table.get_ref());
    let id = root.required("id").and_then(|field| distinct(&field, ids, file, BrandId::parse));
    let braze = root.required("braze").and_then(|field| workspace(field.section()?, secret_is_there));
    let mut activations = BTreeMap::new();
    for section in root.sections("activation") {
        if let Some(activation) = activation(section, source, scopes, file) {
            activations.insert(activation.scope.clone(), activation);
        }
    }
    root.finish();
    Some(Brand { id: id?, braze: braze?, activations })
}

/// A string that `parse` accepts and that no field has taken before.
fn distinct<T, E: std::fmt::Display>(
    field: &Field<'_>,
    taken: &mut BTreeMap<String, String>,
    file: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let value = field.parsed(parse)?;
    let text = field.text()?;
    if let Some(other) = taken.get(text) {
        field.fault(format!("\"{text}\" is already taken in {other}"));
        return None;
    }
    taken.insert(text.to_owned(), file.to_owned());
    Some(value)
}

fn workspace(mut section: Section<'_>, secret_is_there: SecretCheck<'_>) -> Option<BrazeWorkspace> {
    let endpoint = section.required("endpoint").and_then(|field| field.parsed(Endpoint::parse));
    let api_key = section.required("api_key").and_then(|field| secret(&field, secret_is_there));
    let limits = match section.optional("limits") {
        Some(field) => field.section().map(limits),
        None => Some(BrazeLimits {
            export_ids_per_minute: DEFAULT_EXPORTS,
            track_objects: MOST_TRACK_OBJECTS,
            track_per_array: false,
        }),
    };
    let settle = section.optional("settle").map_or(Some(DEFAULT_SETTLE), |field| field.parsed(duration));
    let identity = section.optional("identity").map_or(Some(Identity::Alias), |field| {
        field.word(&[("alias", Identity::Alias), ("email", Identity::Email)])
    });
    let on_phone_mismatch =
        section.optional("on_phone_mismatch").map_or(Some(PhoneMismatch::Skip), |field| {
            field.word(&[("update", PhoneMismatch::Update), ("skip", PhoneMismatch::Skip)])
        });
    let settle_by = section.optional("settle_by").map_or(Some(SettleBy::Schedule), |field| {
        field.word(&[("schedule", SettleBy::Schedule), ("queue", SettleBy::Queue)])
    });
    section.finish();
    Some(BrazeWorkspace {
        endpoint: endpoint?,
        api_key: api_key?,
        limits: limits?,
        settle: settle?,
        identity: identity?,
        on_phone_mismatch: on_phone_mismatch?,
        settle_by: settle_by?,
    })
}

fn limits(mut section: Section<'_>) -> BrazeLimits {
    let per_minute = section.optional("export_ids_per_minute").and_then(|field| count(&field, u32::MAX));
    let objects = section.optional("track_objects").and_then(|field| count(&field, MOST_TRACK_OBJECTS.get()));
    let per_array = section.optional("track_per_array").and_then(|field| field.boolean());
    section.finish();
    BrazeLimits {
        export_ids_per_minute: per_minute.unwrap_or(DEFAULT_EXPORTS),
        track_objects: objects.unwrap_or(MOST_TRACK_OBJECTS),
        track_per_array: per_array.unwrap_or(false),
    }
}

fn count(field: &Field<'_>, most: u32) -> Option<NonZeroU32> {
    let number = field.integer()?;
    let count = u32::try_from(number).ok().and_then(NonZeroU32::new).filter(|count| count.get() <= most);
    if count.is_none() {
        field.fault(format!("must be from 1 to {most}"));
    }
    count
}

/// `{ env = "NAME" }` or `{ ssm = "/name" }`.
fn secret(field: &Field<'_>, secret_is_there: SecretCheck<'_>) -> Option<SecretRef> {
    let DeValue::Table(_) = field.value.get_ref() else {
        field
            .fault("must be { env = \"NAME\" } or { ssm = \"/name\" }; a secret itself does not belong here");
        return None;
    };
    let mut section = field.section()?;
    let env = section.optional("env").and_then(|env| env.text());
    let ssm = section.optional("ssm").and_then(|ssm| ssm.text());
    section.finish();
    let reference = match (env, ssm) {
        (Some(name), None) if !name.is_empty() => SecretRef::Env(name.to_owned()),
        (None, Some(name)) if !name.is_empty() => SecretRef::Ssm(name.to_owned()),
        _ => {
            field.fault("must name one place: { env = \"NAME\" } or { ssm = \"/name\" }");
            return None;
        }
    };
    secret_is_there(&reference).map_err(|why| field.fault(why)).ok()?;
    Some(reference)
}

fn activation(
    mut section: Section<'_>,
    source: &Source<'_>,
    scopes: &mut BTreeMap<String, String>,
    file: &str,
) -> Option<Activation> {
    let scope = section.required("scope").and_then(|field| distinct(&field, scopes, file, Scope::parse));
    let opens = section.required("opens").and_then(|field| moment(&field));
    let closes = section.required("closes").and_then(|field| moment(&field));
    if let (Some(opens), Some(closes)) = (opens, closes)
        && closes <= opens
    {
        source.fault(Some(section.place()), &section.name_of("closes"), "must be after opens");
    }
    let email = section.optional("email").and_then(|field| Some(email_activation(field.section()?)));
    let sms = section.optional("sms").and_then(|field| sms::activation(field.section()?));
    section.finish();
    Some(Activation { scope: scope?, opens: opens?, closes: closes?, email, sms })
}

fn email_activation(mut section: Section<'_>) -> EmailActivation {
    let attributes = section.optional("attributes").and_then(|field| Some(attributes(field.section()?)));
    let event = section.optional("event").and_then(|field| field.parsed(event_name));
    let credit = section.optional("credit").and_then(|field| {
        field.word(&[("on_receipt", CreditMoment::OnReceipt), ("on_enrollment", CreditMoment::OnEnrollment)])
    });
    section.finish();
    EmailActivation {
        attributes: attributes.unwrap_or_default(),
        event,
        credit: credit.unwrap_or(CreditMoment::OnReceipt),
    }
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

pub(super) fn event_name(text: &str) -> Result<String, &'static str> {
    let length = text.chars().count();
    if length == 0 || length > 255 || text.trim() != text {
        return Err("must be 1 to 255 characters without surrounding space");
    }
    Ok(text.to_owned())
}

/// A moment needs an offset: a local time would mean another moment on another machine.
fn moment(field: &Field<'_>) -> Option<Timestamp> {
    let moment = match field.value.get_ref() {
        DeValue::Datetime(moment) => moment.to_string().parse().ok(),
        _ => None,
    };
    if moment.is_none() {
        field.fault("must be a date and time with offset, as 2026-11-01T00:00:00Z");
    }
    moment
}

/// `90s`, `2m`, `48h`, or several of them, as `1h30m`.
///
/// # Errors
/// Says the expected form.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "must be a duration, as 90s, 2m or 48h";
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let (number, unit) = rest.split_at(digits);
        let number: u32 = number.parse().map_err(|_| FORM)?;
        let (unit, length) = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
            .into_iter()
            .find(|(name, _)| unit.starts_with(name))
            .ok_or(FORM)?;
        total += Duration::from_millis(length) * number;
        rest = &rest[digits + unit.len()..];
    }
    if text.is_empty() { Err(FORM) } else { Ok(total) }
}
