//! Values of a webhook that are written to the profile.

use crate::attributes::AttributeValue;
use crate::{invisible, moment};

/// A key of the webhook whose value is written to the profile under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The key.
    pub name: String,
    /// The type that the value must have; `None` for any type. Bodies of keys and values contain only text.
    pub kind: Option<ExtraKind>,
}

/// The type that a value must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date and time.
    Date,
}

impl Extra {
    /// The value as this type; `None` if it cannot be converted.
    #[must_use]
    pub fn value(&self, given: AttributeValue) -> Option<AttributeValue> {
        let Some(kind) = self.kind else { return Some(given) };
        let text = match &given {
            AttributeValue::Text(text) => invisible::trim(text).to_owned(),
            AttributeValue::Integer(number) => number.to_string(),
            AttributeValue::Float(number) => number.to_string(),
            AttributeValue::Boolean(value) => value.to_string(),
            AttributeValue::List(_) => return None,
        };
        match kind {
            ExtraKind::Text => Some(AttributeValue::Text(text)),
            ExtraKind::Integer => {
                let whole = text.split_once('.').filter(|(_, rest)| rest.bytes().all(|digit| digit == b'0'));
                whole.map_or(text.as_str(), |(whole, _)| whole).parse().ok().map(AttributeValue::Integer)
            }
            ExtraKind::Number => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map(AttributeValue::Float)
            }
            ExtraKind::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some(AttributeValue::Boolean(true)),
                "false" | "0" | "no" => Some(AttributeValue::Boolean(false)),
                _ => None,
            },
            ExtraKind::Date => moment::read(&text).map(|moment| AttributeValue::Text(moment.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_converted_to_the_type_in_the_file() {
        use AttributeValue::{Boolean, Float, Integer, Text};
        let text = |text: &str| Text(text.to_owned());
        let cases = [
            (ExtraKind::Integer, text(" 42 "), Some(Integer(42))),
            (ExtraKind::Integer, text("42.00"), Some(Integer(42))),
            (ExtraKind::Integer, text("42.5"), None),
            (ExtraKind::Integer, text("many"), None),
            (ExtraKind::Number, text("4.5"), Some(Float(4.5))),
            (ExtraKind::Number, text("NaN"), None),
            (ExtraKind::Number, text("1e400"), None),
            (ExtraKind::Boolean, text("True"), Some(Boolean(true))),
            (ExtraKind::Boolean, Integer(0), Some(Boolean(false))),
            (ExtraKind::Boolean, text("perhaps"), None),
            (ExtraKind::Date, text("2026-11-23 16:57:00 UTC"), Some(text("2026-11-23T16:57:00Z"))),
            (ExtraKind::Date, text("soon"), None),
            (ExtraKind::Text, Integer(7), Some(text("7"))),
        ];
        for (kind, given, expected) in cases {
            let extra = Extra { name: "x".to_owned(), kind: Some(kind) };
            assert!(extra.value(given) == expected, "{kind:?} {expected:?}");
        }
        let untyped = Extra { name: "x".to_owned(), kind: None };
        assert!(untyped.value(text("42")) == Some(text("42")));
    }
}
