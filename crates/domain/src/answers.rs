//! Which attributes a caller may send with a participation, and which values they may have. An activation
//! lists them; what it does not list is refused.

mod kind;
mod plain;
mod profile_field;
mod refused;
mod texts;

use std::collections::BTreeMap;

pub use kind::AnswerKind;
pub use profile_field::ProfileField;
pub use refused::AnswerError;
pub use texts::{Pattern, PatternError, TextRule};

use crate::Timestamp;
use crate::attributes::AttributeValue;
use crate::invisible;

/// The most choices of an attribute.
pub const MOST_CHOICES: usize = 100;

/// The attributes that an activation accepts, by name.
#[derive(Debug, Clone, Default)]
pub struct AnswerRules {
    /// The rule of each attribute.
    pub by_name: BTreeMap<String, AnswerRule>,
    /// Whether an answer replaces the value that a profile has already.
    pub overwrite: bool,
}

/// What one attribute may be.
#[derive(Debug, Clone)]
pub struct AnswerRule {
    /// The type, with its limits.
    pub kind: AnswerKind,
    /// Whether a participation without this attribute is refused.
    pub required: bool,
}

impl AnswerRules {
    /// Checks a value; `None` stands for a value that no attribute can have. Returns the value to write.
    ///
    /// # Errors
    /// If the attribute is not listed, or if the value is not one that it may have.
    pub fn check(
        &self,
        name: &str,
        value: Option<AttributeValue>,
        now: Timestamp,
    ) -> Result<AttributeValue, AnswerError> {
        let rule = self.by_name.get(name).ok_or(AnswerError::Unknown)?;
        let value = rule.kind.check(value)?;
        match ProfileField::named(name) {
            Some(field) => field.check(value, now),
            None => Ok(value),
        }
    }

    /// The required attributes that are not among `given`.
    pub fn missing(&self, given: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let missing = self.by_name.iter().filter(move |(name, rule)| rule.required && !given(name));
        missing.map(|(name, _)| name.as_str())
    }
}

/// Whether an answer counts as absent.
#[must_use]
pub fn is_blank(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::Text(text) => invisible::trim(text).is_empty(),
        AttributeValue::List(items) => items.is_empty(),
        AttributeValue::Integer(_) | AttributeValue::Float(_) | AttributeValue::Boolean(_) => false,
    }
}

#[cfg(test)]
mod tests;
