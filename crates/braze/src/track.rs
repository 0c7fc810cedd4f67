//! The objects of `/users/track` (braze-docs, user attributes object and event object).

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A user alias, unique in a workspace. Braze refuses empty parts and parts over 236 bytes. `Debug` does not
/// show the name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserAlias {
    /// The label.
    pub label: String,
    /// The name, which is case-sensitive.
    pub name: String,
}

impl UserAlias {
    pub(crate) fn json(&self) -> Value {
        json!({ "alias_label": self.label, "alias_name": self.name })
    }
}

impl fmt::Debug for UserAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alias({}, …)", self.label)
    }
}

/// Which profile an object is about, by exactly one identifier. `Debug` shows only the kind of identifier.
#[derive(Clone, PartialEq, Eq)]
pub enum Identifier {
    /// The brand's own id.
    ExternalId(String),
    /// A user alias.
    UserAlias(UserAlias),
    /// Braze's own id of the profile.
    BrazeId(String),
    /// An e-mail address. It means the most recently updated profile with that address, and prefers one with
    /// an external id. If there is none, Braze creates an e-mail-only profile.
    Email(String),
    /// A number. It means the most recently updated profile with that number, and prefers one with an external id. That
    /// Braze creates a phone-only profile if there is none is likely, and not documented.
    Phone(String),
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExternalId(_) => "ExternalId(…)",
            Self::UserAlias(_) => "Alias(…)",
            Self::BrazeId(_) => "BrazeId(…)",
            Self::Email(_) => "Email(…)",
            Self::Phone(_) => "Phone(…)",
        })
    }
}

impl Identifier {
    fn write(&self, object: &mut Map<String, Value>) {
        let (key, value) = match self {
            Self::ExternalId(id) => ("external_id", Value::from(id.as_str())),
            Self::UserAlias(alias) => ("user_alias", alias.json()),
            Self::BrazeId(id) => ("braze_id", Value::from(id.as_str())),
            Self::Email(email) => ("email", Value::from(email.as_str())),
            Self::Phone(phone) => ("phone", Value::from(phone.as_str())),
        };
        object.insert(key.to_owned(), value);
    }
}

/// Profile fields and custom attributes to set. `Debug` shows no values.
#[derive(Clone, PartialEq)]
pub struct AttributesObject {
    /// The profile to write to.
    pub identifier: Identifier,
    /// Whether to write only to an existing profile. Braze's default is `true` by alias and `false` by
    /// external id.
    pub update_existing_only: Option<bool>,
    /// The profile's e-mail address.
    pub email: Option<String>,
    /// All other fields.
    pub fields: Map<String, Value>,
}

impl fmt::Debug for AttributesObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attributes({:?}, {} fields)", self.identifier, self.fields.len())
    }
}

/// A custom event. Braze counts every one that it receives.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// The profile to log the event on.
    pub identifier: Identifier,
    /// The event's name.
    pub name: String,
    /// When the event happened. Braze reads a future time as now.
    pub time: Timestamp,
    /// The event's properties.
    pub properties: Map<String, Value>,
    /// Whether to log the event only on an existing profile. By alias Braze documents this as always true: an
    /// event does not create a profile. By external id or address, an event without this flag creates one.
    pub update_existing_only: Option<bool>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {:?})", self.name, self.identifier)
    }
}

/// Objects that must travel in one request: attributes, and the events that need these attributes to exist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrackWrite {
    /// Attributes; Braze applies them before the events of the same request.
    pub attributes: Option<AttributesObject>,
    /// The events.
    pub events: Vec<Event>,
}

impl AttributesObject {
    pub(crate) fn json(&self) -> Value {
        let mut object = self.fields.clone();
        if let Some(email) = &self.email {
            object.insert("email".to_owned(), Value::from(email.as_str()));
        }
        insert_existing_only(&mut object, self.update_existing_only);
        self.identifier.write(&mut object);
        Value::Object(object)
    }
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), Value::from(self.name.as_str()));
        object.insert("time".to_owned(), Value::from(moment(self.time)));
        if !self.properties.is_empty() {
            object.insert("properties".to_owned(), Value::Object(self.properties.clone()));
        }
        insert_existing_only(&mut object, self.update_existing_only);
        self.identifier.write(&mut object);
        Value::Object(object)
    }
}

fn insert_existing_only(object: &mut Map<String, Value>, value: Option<bool>) {
    if let Some(value) = value {
        object.insert("_update_existing_only".to_owned(), Value::Bool(value));
    }
}

/// The body of one request. An array without objects is left out.
pub(crate) fn body(writes: &[TrackWrite]) -> Value {
    let attributes: Vec<Value> =
        writes.iter().filter_map(|w| w.attributes.as_ref()).map(AttributesObject::json).collect();
    let events: Vec<Value> = writes.iter().flat_map(|w| &w.events).map(Event::json).collect();
    let mut body = Map::new();
    for (name, objects) in [("attributes", attributes), ("events", events)] {
        if !objects.is_empty() {
            body.insert(name.to_owned(), Value::Array(objects));
        }
    }
    Value::Object(body)
}

/// Formats a moment for Braze.
fn moment(time: Timestamp) -> String {
    time.to_string()
}
