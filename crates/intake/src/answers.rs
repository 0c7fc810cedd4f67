//! The attributes of `POST /participations`: a consumer's answers.

use domain::Timestamp;
use domain::answers::{AnswerError, AnswerRules, is_blank};
use domain::attributes::{AttributeError, AttributeValue, Attributes, MOST_ATTRIBUTES};
use domain::ids::Scope;
use domain::seen::Asking;
use serde_json::{Map, Value};
use stored::participation::attribute_size;

use crate::Intake;
use crate::accept::{MOST_ATTRIBUTE_BYTES, attribute};
use crate::body::{Members, shown};
use crate::problem::FieldError;

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
    /// What is allowed in the activation that a body names. If there is no such activation, the body is refused
    /// for that.
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

    /// Reads the attributes. What is wrong with them is added to `errors`.
    pub(crate) fn read(
        self,
        members: Map<String, Value>,
        now: Timestamp,
        errors: &mut Vec<FieldError>,
    ) -> Attributes {
        let mut attributes = Attributes::default();
        let mut refused: Vec<String> = Vec::new();
        let mut bytes = 0_usize;
        for (name, value) in members {
            if refused.len() >= MOST_ATTRIBUTES {
                break;
            }
            let field = format!("attributes.{}", shown(&name));
            let value = match self.value(&name, value, now) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(Refused { message, code }) => {
                    errors.push(FieldError { field, message, code });
                    refused.push(name);
                    continue;
                }
            };
            bytes = bytes.saturating_add(attribute_size(&name, &value));
            if let Err(error) = attributes.set(&name, value) {
                errors.push(FieldError::new(field, error.to_string()));
                if error == AttributeError::TooMany {
                    break;
                }
            }
        }
        if let Self::Listed(rules) = self
            && !errors.iter().any(|error| error.field == "attributes")
        {
            let is_given =
                |name: &str| attributes.get(name).is_some() || refused.iter().any(|known| known == name);
            errors.extend(rules.missing(is_given).map(|name| {
                let error = AnswerError::Missing;
                FieldError::new(format!("attributes.{}", shown(name)), error.to_string()).coded(error.code())
            }));
        }
        if bytes > MOST_ATTRIBUTE_BYTES {
            let message =
                format!("may have at most {MOST_ATTRIBUTE_BYTES} bytes in all, names and values together");
            errors.push(FieldError::new("attributes", message).coded("attributes-too-large"));
        }
        attributes
    }

    /// The value to store; `None` if it counts as absent.
    fn value(self, name: &str, value: Value, now: Timestamp) -> Result<Option<AttributeValue>, Refused> {
        match self {
            Self::None => Err(AnswerError::Unknown.into()),
            Self::Any => any(value),
            Self::Listed(rules) => match answer(value) {
                AnswerValue::Absent if rules.by_name.contains_key(name) => Ok(None),
                AnswerValue::Absent => Err(AnswerError::Unknown.into()),
                AnswerValue::Given(value) => Ok(Some(rules.check(name, value, now)?)),
            },
        }
    }
}

/// Why a value is refused.
struct Refused {
    message: String,
    code: Option<&'static str>,
}

impl From<AnswerError> for Refused {
    fn from(error: AnswerError) -> Self {
        Self { message: error.to_string(), code: Some(error.code()) }
    }
}

/// A value for a listed attribute.
enum AnswerValue {
    /// The consumer left it out: null, an empty text, or an empty list.
    Absent,
    /// The value; `None` if no attribute can have it.
    Given(Option<AttributeValue>),
}

fn answer(value: Value) -> AnswerValue {
    let value = match value {
        Value::Null => return AnswerValue::Absent,
        Value::Array(items) => {
            let text = |item: Value| if let Value::String(text) = item { Some(text) } else { None };
            items.into_iter().map(text).collect::<Option<_>>().map(AttributeValue::List)
        }
        other => attribute(other),
    };
    if value.as_ref().is_some_and(is_blank) { AnswerValue::Absent } else { AnswerValue::Given(value) }
}

/// A value that a caller that signs may send without a list.
fn any(value: Value) -> Result<Option<AttributeValue>, Refused> {
    if value.as_str().is_some_and(|text| domain::invisible::trim(text).is_empty()) {
        return Ok(None);
    }
    if value.as_str().is_some_and(domain::liquid::is_unrendered) {
        return Err(AnswerError::Unrendered.into());
    }
    let message = "must be a string, number, true or false";
    attribute(value).map(Some).ok_or_else(|| Refused { message: message.to_owned(), code: None })
}
