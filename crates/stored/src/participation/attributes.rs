//! The attributes of a participation.

use domain::attributes::{AttributeValue, Attributes};
use serde_json::{Map, Number, Value};

use crate::error::Why;

pub(super) fn record(attributes: &Attributes) -> Result<Map<String, Value>, Why> {
    attributes.iter().map(|(name, value)| Ok((name.to_owned(), json(value)?))).collect()
}

fn json(value: &AttributeValue) -> Result<Value, Why> {
    Ok(match value {
        AttributeValue::Text(text) => Value::String(text.clone()),
        AttributeValue::Integer(number) => Value::Number((*number).into()),
        AttributeValue::Float(number) => {
            Value::Number(Number::from_f64(*number).ok_or("an attribute is not a finite number")?)
        }
        AttributeValue::Boolean(value) => Value::Bool(*value),
        AttributeValue::List(items) => items.iter().map(String::as_str).collect(),
    })
}

pub(super) fn read(stored: &Map<String, Value>) -> Result<Attributes, Why> {
    let mut attributes = Attributes::default();
    for (name, value) in stored {
        let value = match value {
            Value::String(text) => AttributeValue::Text(text.clone()),
            Value::Bool(value) => AttributeValue::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => AttributeValue::Integer(number),
                (None, Some(number)) => AttributeValue::Float(number),
                (None, None) => return Err("a number out of range".into()),
            },
            // Versions before lists refuse the record, so that they do not lose the answer.
            Value::Array(items) => AttributeValue::List(texts(items)?),
            Value::Null | Value::Object(_) => return Err("a nested attribute".into()),
        };
        attributes.set(name, value)?;
    }
    Ok(attributes)
}

fn texts(items: &[Value]) -> Result<Vec<String>, Why> {
    let text = |item: &Value| item.as_str().map(str::to_owned);
    Ok(items.iter().map(text).collect::<Option<_>>().ok_or("a list with an item that is not a text")?)
}

/// How many bytes an attribute takes in a record: its name and its value, without the punctuation around
/// them.
#[must_use]
pub fn attribute_size(name: &str, value: &AttributeValue) -> usize {
    let unquoted = |text: &str| Value::from(text).to_string().len().saturating_sub(2);
    let value = match value {
        AttributeValue::Text(text) => unquoted(text),
        AttributeValue::Integer(number) => number.to_string().len(),
        AttributeValue::Float(number) => Value::from(*number).to_string().len(),
        AttributeValue::Boolean(value) => value.to_string().len(),
        // An item also takes its quotes and a comma.
        AttributeValue::List(items) => items.iter().map(|item| unquoted(item).saturating_add(3)).sum(),
    };
    unquoted(name).saturating_add(value)
}
