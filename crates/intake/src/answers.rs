//! The attributes of `POST /participations`: a consumer's answers.

use domain::Timestamp;
use domain::answers::{AnswerError, AnswerKind, AnswerRules};
use domain::attributes::{
    AttributeError, AttributeValue, Attributes, LONGEST_TEXT, MOST_ATTRIBUTES, MOST_ITEMS,
};
use domain::brand::Activation;
use domain::ids::Scope;
use domain::seen::Asking;
use serde_json::{Map, Value};
use stored::participation::attribute_size;

use crate::Intake;
use crate::accept::{MOST_ATTRIBUTE_BYTES, attribute};
use crate::body::{Members, shown};
use crate::field_error::FieldError;
use crate::limits::AttributeLimits;

/// Which attributes a caller may send.
#[derive(Clone, Copy)]
pub(crate) enum Allowed<'a> {
    /// Those that the activation lists.
    Listed(&'a AnswerRules),
    /// None: the activation lists none, and the caller does not sign.
    None,
    /// Any plain value: the activation lists none, and the caller signs. The next release allows this no
    /// longer.
    Any,
}

impl<'a> Allowed<'a> {
    /// The rule of the activation that a body names. If there is no such activation, any attribute is allowed here,
    /// because the body is refused for its scope.
    pub(crate) fn of(intake: &'a Intake, members: &Members, asking: Asking) -> Self {
        let scope = members.peek("scope").and_then(|text| Scope::parse(text).ok());
        let Some((_, activation)) = scope.and_then(|scope| intake.brands.activation(&scope)) else {
            return Self::Any;
        };
        match (&activation.answers, asking) {
            (Some(rules), _) => Self::Listed(rules),
            (None, Asking::Unsigned) => Self::None,
            (None, Asking::Signed) => Self::Any,
        }
    }

    /// The rule for rows of a file. Nobody signs a file.
    pub(crate) fn under(activation: &'a Activation) -> Self {
        activation.answers.as_ref().map_or(Self::None, Self::Listed)
    }

    /// The type of a listed attribute.
    pub(crate) fn kind(self, name: &str) -> Option<&'a AnswerKind> {
        let Self::Listed(rules) = self else { return None };
        rules.by_name.get(name).map(|rule| &rule.kind)
    }

    /// Reads the attributes. What is wrong with them is added to `errors`.
    pub(crate) fn read(
        self,
        members: Map<String, Value>,
        now: Timestamp,
        errors: &mut Vec<FieldError>,
    ) -> Attributes {
        // A value that is not an object was refused as a whole, so no attribute of it can be missing.
        let is_object = !errors.iter().any(|error| error.field == "attributes");
        let missing = if is_object { self.missing(&members) } else { Vec::new() };
        let mut attributes = Attributes::default();
        let (mut refused, mut bytes) = (0_usize, 0_usize);
        for (name, value) in members {
            if refused >= MOST_ATTRIBUTES {
                break;
            }
            let field = format!("attributes.{}", shown(&name));
            let value = match self.value(&name, value, now) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(error) => {
                    errors.push(refusal(field, &error, self.limits(&name)));
                    refused += 1;
                    continue;
                }
            };
            bytes = bytes.saturating_add(attribute_size(&name, &value));
            if let Err(error) = attributes.set(&name, value) {
                let refused = FieldError::new(field, error.to_string(), error.code());
                errors.push(match error {
                    AttributeError::TextTooLong => refused.with("longest", LONGEST_TEXT),
                    AttributeError::TooMany | AttributeError::ListTooLong => {
                        refused.with("most", most(error))
                    }
                    AttributeError::BadName | AttributeError::Reserved | AttributeError::NotFinite => refused,
                });
                if error == AttributeError::TooMany {
                    break;
                }
            }
        }
        errors.extend(missing);
        if bytes > MOST_ATTRIBUTE_BYTES {
            let message =
                format!("may have at most {MOST_ATTRIBUTE_BYTES} bytes in all, names and values together");
            let error = FieldError::new("attributes", message, "attributes-too-large");
            errors.push(error.with("most_bytes", MOST_ATTRIBUTE_BYTES));
        }
        attributes
    }

    /// An error for each required attribute that is not given.
    fn missing(self, members: &Map<String, Value>) -> Vec<FieldError> {
        let Self::Listed(rules) = self else { return Vec::new() };
        let is_given = |name: &str| members.get(name).is_some_and(|value| !is_absent(value));
        let error = |name: &str| {
            let missing = AnswerError::Missing;
            FieldError::new(format!("attributes.{}", shown(name)), missing.to_string(), missing.code())
        };
        rules.missing(is_given).map(error).collect()
    }

    /// The limits of a listed attribute.
    fn limits(self, name: &str) -> Option<AttributeLimits> {
        let Self::Listed(rules) = self else { return None };
        rules.by_name.get(name).map(|rule| AttributeLimits::of(&rule.kind))
    }

    /// The value to store; `None` if it counts as absent.
    fn value(self, name: &str, value: Value, now: Timestamp) -> Result<Option<AttributeValue>, AnswerError> {
        match self {
            Self::None => Err(AnswerError::Unknown),
            Self::Any => any(value),
            Self::Listed(rules) if is_absent(&value) && rules.by_name.contains_key(name) => Ok(None),
            Self::Listed(rules) => Ok(Some(rules.check(name, given(value), now)?)),
        }
    }
}

/// Why a value is refused, with the limits of its attribute.
fn refusal(field: String, error: &AnswerError, limits: Option<AttributeLimits>) -> FieldError {
    let refused = FieldError::new(field, error.to_string(), error.code());
    match error {
        AnswerError::Type(expected) => refused.with("expected", *expected),
        AnswerError::Range(_) => limits
            .into_iter()
            .flat_map(AttributeLimits::params)
            .fold(refused, |refused, (name, value)| refused.with(&name, value)),
        AnswerError::Unknown | AnswerError::Unrendered | AnswerError::Missing => refused,
    }
}

/// How many there may be.
fn most(error: AttributeError) -> usize {
    if error == AttributeError::TooMany { MOST_ATTRIBUTES } else { MOST_ITEMS }
}

/// Whether the consumer left an answer out: null, an empty text, or an empty list.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => domain::invisible::trim(text).is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// The value for a listed attribute; `None` if no attribute can have it.
fn given(value: Value) -> Option<AttributeValue> {
    match value {
        Value::Array(items) => {
            let text = |item: Value| if let Value::String(text) = item { Some(text) } else { None };
            items.into_iter().map(text).collect::<Option<_>>().map(AttributeValue::List)
        }
        other => attribute(other),
    }
}

/// A value that a caller that signs may send without a list.
fn any(value: Value) -> Result<Option<AttributeValue>, AnswerError> {
    if value.as_str().is_some_and(|text| domain::invisible::trim(text).is_empty()) {
        return Ok(None);
    }
    if value.as_str().is_some_and(domain::liquid::is_unrendered) {
        return Err(AnswerError::Unrendered);
    }
    attribute(value).map(Some).ok_or(AnswerError::Type("a string, number, true or false"))
}
