//! Fields that this version does not know. They are set apart when a record is read, and put back when it is
//! written.

use std::collections::BTreeMap;

use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::choice;
use crate::error::Why;

/// The unknown fields of one object, and of the objects in it.
#[derive(Default, Serialize, Deserialize)]
struct LeftOver {
    /// What identifies the object among those that may later replace it, such as the name of a state. Unknown
    /// fields belong to the object and are dropped with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    within: BTreeMap<String, LeftOver>,
}

/// The fields that are in a stored text and that this version would not write.
pub(crate) fn left_over(stored: &Value, known: &Value) -> Result<UnknownFields, Why> {
    let (Value::Object(stored), Value::Object(known)) = (stored, known) else {
        return Ok(UnknownFields::default());
    };
    let left = LeftOver::between("", stored, known);
    if left.is_empty() {
        return Ok(UnknownFields::default());
    }
    Ok(UnknownFields::new(serde_json::to_string(&left)?))
}

/// Puts the fields that were left over at reading back into the record.
pub(crate) fn put_back(mut record: Value, kept: &str) -> Result<Value, Why> {
    let left: LeftOver = serde_json::from_str(kept)?;
    if let Value::Object(object) = &mut record {
        left.put_into("", object);
    }
    Ok(record)
}

/// What identifies an object among others at the same field: its `name`, or the choice in it.
fn identity<'a>(field: &str, object: &'a Map<String, Value>) -> Option<&'a str> {
    object.get("name").and_then(Value::as_str).or_else(|| choice::chosen(field, object))
}

impl LeftOver {
    fn between(field: &str, stored: &Map<String, Value>, known: &Map<String, Value>) -> Self {
        let mut left = Self { of: identity(field, known).map(str::to_owned), ..Self::default() };
        for (name, value) in stored {
            match (value, known.get(name)) {
                // A null is the same as an absent field.
                (Value::Null, _) => {}
                (value, None) => {
                    left.fields.insert(name.clone(), value.clone());
                }
                (Value::Object(stored), Some(Value::Object(known))) => {
                    let within = Self::between(name, stored, known);
                    if !within.is_empty() {
                        left.within.insert(name.clone(), within);
                    }
                }
                (_, Some(_)) => {}
            }
        }
        left
    }

    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.within.is_empty()
    }

    fn put_into(self, field: &str, object: &mut Map<String, Value>) {
        if self.of.as_deref() != identity(field, object) {
            return;
        }
        for (name, within) in self.within {
            if let Some(Value::Object(object)) = object.get_mut(&name) {
                within.put_into(&name, object);
            }
        }
        for (name, value) in self.fields {
            object.entry(name).or_insert(value);
        }
    }
}
