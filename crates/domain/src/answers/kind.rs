//! The types of answers.

use jiff::tz::TimeZone;

use super::plain::{civil_date, plain};
use super::refused::AnswerError;
use super::texts::TextRule;
use crate::Timestamp;
use crate::attributes::AttributeValue;

/// The type of an attribute, with its limits.
#[derive(Debug, Clone)]
pub enum AnswerKind {
    /// A text.
    Text(TextRule),
    /// A number of at least `min` and at most `max`.
    Number {
        /// The least number.
        min: Option<f64>,
        /// The greatest number.
        max: Option<f64>,
    },
    /// True or false.
    Boolean,
    /// A date, or a moment with an offset.
    Date,
    /// A list of different choices.
    List {
        /// What can be chosen.
        choices: Vec<String>,
        /// How many may be chosen.
        most: usize,
    },
}

impl AnswerKind {
    pub(super) fn check(&self, value: Option<AttributeValue>) -> Result<AttributeValue, AnswerError> {
        match (self, value) {
            (Self::Text(rule), Some(AttributeValue::Text(text))) => {
                rule.check(&text).map(AttributeValue::Text)
            }
            (
                Self::Number { min, max },
                Some(number @ (AttributeValue::Integer(_) | AttributeValue::Float(_))),
            ) => within(number, *min, *max),
            (Self::Boolean, Some(value @ AttributeValue::Boolean(_))) => Ok(value),
            (Self::Date, Some(AttributeValue::Text(text))) => date(&text).map(AttributeValue::Text),
            (Self::List { choices, most }, Some(AttributeValue::List(items))) => {
                chosen(items, choices, *most).map(AttributeValue::List)
            }
            (Self::Text(_), _) => Err(AnswerError::Type("a string")),
            (Self::Number { .. }, _) => Err(AnswerError::Type("a number")),
            (Self::Boolean, _) => Err(AnswerError::Type("true or false")),
            (Self::Date, _) => Err(AnswerError::Type(A_DATE)),
            (Self::List { .. }, _) => Err(AnswerError::Type("a list of strings")),
        }
    }
}

const A_DATE: &str = "a date as 2026-11-23, or a moment as 2026-11-23T10:00:00Z";

/// The last year of a date; Braze stores a later one as text.
const LAST_YEAR: i16 = 3000;

fn within(number: AttributeValue, min: Option<f64>, max: Option<f64>) -> Result<AttributeValue, AnswerError> {
    let size = match number {
        #[expect(clippy::cast_precision_loss, reason = "limits of 16 digits and more are not exact")]
        AttributeValue::Integer(number) => number as f64,
        AttributeValue::Float(number) => number,
        AttributeValue::Text(_) | AttributeValue::Boolean(_) | AttributeValue::List(_) => f64::NAN,
    };
    if !size.is_finite() {
        return Err(AnswerError::Type("a number"));
    }
    if min.is_none_or(|min| size >= min) && max.is_none_or(|max| size <= max) {
        return Ok(number);
    }
    Err(AnswerError::Range(match (min, max) {
        (Some(min), Some(max)) => format!("must be from {min} to {max}"),
        (Some(min), None) => format!("must be at least {min}"),
        (None, Some(max)) => format!("must be at most {max}"),
        (None, None) => unreachable!("every number is within no limits"),
    }))
}

/// A date as `2026-11-23`, or a moment, which is written in UTC.
fn date(text: &str) -> Result<String, AnswerError> {
    let text = plain(text)?;
    let (date, written) = match civil_date(text) {
        Some(date) => (date, text.to_owned()),
        None => {
            let moment: Timestamp = text.parse().map_err(|_| AnswerError::Type(A_DATE))?;
            (TimeZone::UTC.to_datetime(moment).date(), moment.to_string())
        }
    };
    if !(0..=LAST_YEAR).contains(&date.year()) {
        return Err(AnswerError::range("must be in a year from 0 to 3000"));
    }
    Ok(written)
}

fn chosen(items: Vec<String>, choices: &[String], most: usize) -> Result<Vec<String>, AnswerError> {
    if items.len() > most {
        return Err(AnswerError::Range(format!("may have at most {most} items")));
    }
    for (position, item) in items.iter().enumerate() {
        plain(item)?;
        if !choices.contains(item) {
            return Err(AnswerError::range("has an item that is not one of the choices"));
        }
        if items.iter().take(position).any(|earlier| earlier == item) {
            return Err(AnswerError::range("has an item twice"));
        }
    }
    Ok(items)
}
