//! Items: attributes by name, and strict ways to read them.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::ParticipationId;
use ports::{Error, Result};

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A string attribute that must exist.
pub(crate) fn text_of<'a>(item: &'a Item, name: &'static str) -> Result<&'a str> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(missing(name)),
    }
}

/// A number attribute that may be absent.
pub(crate) fn number_of<N: FromStr>(item: &Item, name: &'static str) -> Result<Option<N>> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(number)) => number.parse().map(Some).map_err(|_| missing(name)),
        Some(_) => Err(missing(name)),
    }
}

/// A number attribute that must exist.
pub(crate) fn required<N: FromStr>(item: &Item, name: &'static str) -> Result<N> {
    number_of(item, name)?.ok_or_else(|| missing(name))
}

/// A binary attribute that must exist.
pub(crate) fn bytes_of(item: &Item, name: &'static str) -> Result<Vec<u8>> {
    match item.get(name) {
        Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref().to_vec()),
        _ => Err(missing(name)),
    }
}

/// The id of a participation's item.
pub(crate) fn id_of(item: &Item) -> Result<ParticipationId> {
    ParticipationId::parse(text_of(item, "id")?).map_err(|error| Error::corrupt("id", error))
}

fn missing(name: &'static str) -> Error {
    Error::corrupt("item", format!("its {name} is missing or of another type"))
}
