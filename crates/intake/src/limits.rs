//! What an attribute may be, as an activation shows it and as an error repeats it.

use domain::answers::AnswerKind;
use domain::attributes::LONGEST_TEXT;
use serde::Serialize;
use serde_json::{Map, Value};

/// The limits of an attribute. Those that its type does not have are absent.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AttributeLimits {
    /// The fewest characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    shortest: Option<usize>,
    /// The most characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    longest: Option<usize>,
    /// The least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    min: Option<f64>,
    /// The greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    max: Option<f64>,
    /// How many choices a list may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    most: Option<usize>,
    /// What can be chosen, if not everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schema(required = false))]
    choices: Vec<String>,
}

impl AttributeLimits {
    /// The limits of a type.
    pub(crate) fn of(kind: &AnswerKind) -> Self {
        match kind {
            AnswerKind::Text(rule) => Self {
                shortest: (rule.min_length > 0).then_some(rule.min_length),
                longest: Some(rule.max_length.unwrap_or(LONGEST_TEXT)),
                choices: rule.choices.clone(),
                ..Self::default()
            },
            AnswerKind::Number { min, max } => Self { min: *min, max: *max, ..Self::default() },
            AnswerKind::List { choices, most } => {
                Self { choices: choices.clone(), most: Some(*most), ..Self::default() }
            }
            AnswerKind::Boolean | AnswerKind::Date => Self::default(),
        }
    }

    /// The limits as parameters of an error.
    pub(crate) fn params(self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(limits)) => limits,
            Ok(_) | Err(_) => Map::new(),
        }
    }
}

/// The name of a type.
pub(crate) fn name(kind: &AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Text(_) => "text",
        AnswerKind::Number { .. } => "number",
        AnswerKind::Boolean => "boolean",
        AnswerKind::Date => "date",
        AnswerKind::List { .. } => "list",
    }
}
