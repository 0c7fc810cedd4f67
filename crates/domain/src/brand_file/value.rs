//! Values that several tables have: counts, moments, names of attributes and events, secrets, and addresses that are not
//! public.

use std::num::NonZeroU32;

use toml::de::DeValue;

use crate::Timestamp;
use crate::attributes::{AttributeError, AttributeValue, Attributes};
use crate::brand::SecretRef;
use crate::brand_file::secrets::{NamedSecret, SecretPurpose};
use crate::brand_file::section::Field;
use crate::brand_file::{Resolver, keys};

/// Reads a whole number from 1 to `most`.
pub(super) fn count(field: &Field<'_>, most: u32) -> Option<NonZeroU32> {
    let number = field.integer()?;
    let count = u32::try_from(number).ok().and_then(NonZeroU32::new).filter(|count| count.get() <= most);
    if count.is_none() {
        field.fault(format!("must be from 1 to {most}"));
    }
    count
}

/// Reports that a field uses addresses that are not public, if that is not allowed.
pub(super) fn private(field: &Field<'_>, resolver: &dyn Resolver, what: &str) {
    const NEEDS: &str = "only `serve --allow-private` takes that, which is implied while it listens on loopback and no proxy is in front; \
                         functions take it with QUIKLY_ALLOW_PRIVATE=true";
    if let Some(severity) = resolver.private_addresses() {
        field.note(severity, format!("{what}: {NEEDS}"));
    }
}

/// Reads `{ env = "NAME" }` or `{ ssm = "/name" }`.
pub(super) fn secret(
    field: &Field<'_>,
    purpose: SecretPurpose,
    resolver: &dyn Resolver,
) -> Option<SecretRef> {
    let DeValue::Table(_) = field.value.get_ref() else {
        field
            .fault("must be { env = \"NAME\" } or { ssm = \"/name\" }; a secret itself does not belong here");
        return None;
    };
    let before = field.source.faults();
    let mut section = field.section(keys::SECRET)?;
    let env = section.optional("env").and_then(|env| env.text());
    let ssm = section.optional("ssm").and_then(|ssm| ssm.text());
    section.finish();
    let reference = match (env, ssm) {
        (Some(name), None) if !name.is_empty() => SecretRef::Env(name.to_owned()),
        (None, Some(name)) if !name.is_empty() => SecretRef::Ssm(name.to_owned()),
        // A misspelt key was reported already.
        _ if field.source.faults() > before => return None,
        _ => {
            field.fault("must name one place: { env = \"NAME\" } or { ssm = \"/name\" }");
            return None;
        }
    };
    field.source.names(NamedSecret {
        reference: reference.clone(),
        purpose,
        line: field.source.line(&field.value.span()),
        field: field.name.clone(),
    });
    if let Err(doubt) = resolver.secret(&reference, purpose) {
        field.note(doubt.severity, doubt.message);
    }
    Some(reference)
}

/// Reads the name of a custom event.
pub(super) fn event_name(text: &str) -> Result<String, &'static str> {
    let length = text.chars().count();
    if length == 0 || length > 255 || text.trim() != text {
        return Err("must be 1 to 255 characters without surrounding space");
    }
    Ok(text.to_owned())
}

/// Reads a name that a participation could also set itself.
pub(super) fn attribute_name(text: &str) -> Result<String, AttributeError> {
    Attributes::default().set(text, AttributeValue::Boolean(true)).map(|()| text.to_owned())
}

/// Reads a moment. It needs an offset, since a local time would mean different moments on different machines.
pub(super) fn moment(field: &Field<'_>) -> Option<Timestamp> {
    let moment = match field.value.get_ref() {
        DeValue::Datetime(moment) => moment.to_string().parse().ok(),
        _ => None,
    };
    if moment.is_none() {
        field.fault("must be a date and time with offset, as 2026-11-01T00:00:00Z");
    }
    moment
}
