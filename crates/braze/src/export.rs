//! `/users/export/ids`: profiles by identifier (braze-docs, export users by identifier).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::track::UserAlias;

/// The most external ids and aliases, counted together, that one request may name.
pub const MOST_IDENTIFIERS: usize = 50;

/// Which profiles to export. `Debug` shows only the kind of query.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ExportQuery {
    /// All profiles with this e-mail address. A request can name one address.
    Email(String),
    /// Profiles by external ids and aliases, at most [`MOST_IDENTIFIERS`] together.
    Identifiers {
        /// External ids.
        external_ids: Vec<String>,
        /// Aliases.
        aliases: Vec<UserAlias>,
    },
    /// All profiles with this number, in E.164 form. A request can name one number.
    Phone(String),
    /// The profile with this `braze_id`.
    BrazeId(String),
}

impl ExportQuery {
    /// How many identifiers it names.
    #[must_use]
    pub fn identifiers(&self) -> usize {
        match self {
            Self::Email(_) | Self::Phone(_) | Self::BrazeId(_) => 1,
            Self::Identifiers { external_ids, aliases } => external_ids.len() + aliases.len(),
        }
    }

    /// Whether the query names profiles by identifier and can return several.
    #[must_use]
    pub fn asks_for_several(&self) -> bool {
        matches!(self, Self::Identifiers { external_ids, aliases } if external_ids.len() + aliases.len() > 1)
    }
}

impl fmt::Debug for ExportQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(_) => f.write_str("Email(…)"),
            Self::Phone(_) => f.write_str("Phone(…)"),
            Self::Identifiers { external_ids, aliases } => {
                write!(f, "Identifiers({} external ids, {} aliases)", external_ids.len(), aliases.len())
            }
            Self::BrazeId(_) => f.write_str("BrazeId(…)"),
        }
    }
}

/// Which fields of a profile to export. Every request names its fields: newer contracts require it, and so
/// does the faster rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// The fields that tell profiles apart.
    Identity,
    /// The identity fields and the custom attributes.
    IdentityAndAttributes,
    /// The identity fields, the custom attributes, and Braze's own fields about the person.
    IdentityAttributesAndPerson,
    /// The identity fields, the custom attributes, and whether the address gets e-mails.
    IdentityAttributesAndEmailState,
    /// All of these.
    IdentityAttributesPersonAndEmailState,
    /// The identity fields and the custom events of the last 90 days.
    IdentityAndEvents,
    /// The identity fields, the custom attributes, and the custom events of the last 90 days.
    IdentityAttributesAndEvents,
    /// The same, and whether the address gets e-mails.
    IdentityAttributesEventsAndEmailState,
}

/// Braze's own fields about a person.
const PERSON: [&str; 8] =
    ["first_name", "last_name", "home_city", "dob", "gender", "country", "language", "time_zone"];

/// Braze's field that says whether an address gets e-mails.
const EMAIL_STATE: &str = "email_subscribe";

impl Fields {
    fn names(self) -> Vec<&'static str> {
        const ALL: [&str; 8] = [
            "custom_attributes",
            "external_id",
            "braze_id",
            "user_aliases",
            "email",
            "phone",
            "created_at",
            "custom_events",
        ];
        match self {
            Self::Identity => ALL[1..7].to_vec(),
            Self::IdentityAndAttributes => ALL[..7].to_vec(),
            Self::IdentityAttributesAndPerson => [&ALL[..7], &PERSON[..]].concat(),
            Self::IdentityAttributesAndEmailState => [&ALL[..7], &[EMAIL_STATE][..]].concat(),
            Self::IdentityAttributesPersonAndEmailState => {
                [&ALL[..7], &PERSON[..], &[EMAIL_STATE][..]].concat()
            }
            Self::IdentityAndEvents => ALL[1..].to_vec(),
            Self::IdentityAttributesAndEvents => ALL.to_vec(),
            Self::IdentityAttributesEventsAndEmailState => [&ALL[..], &[EMAIL_STATE][..]].concat(),
        }
    }
}

impl ExportQuery {
    pub(crate) fn body(&self, fields: Fields) -> Result<Value, Error> {
        let mut body = Map::new();
        match self {
            Self::Email(email) => {
                body.insert("email_address".to_owned(), email.as_str().into());
            }
            Self::Phone(phone) => {
                body.insert("phone".to_owned(), phone.as_str().into());
            }
            Self::BrazeId(id) => {
                body.insert("braze_id".to_owned(), id.as_str().into());
            }
            Self::Identifiers { external_ids, aliases } => {
                if !(1..=MOST_IDENTIFIERS).contains(&(external_ids.len() + aliases.len())) {
                    return Err(Error::Unsendable("an export must name 1 to 50 external ids and aliases"));
                }
                if !external_ids.is_empty() {
                    body.insert("external_ids".to_owned(), json!(external_ids));
                }
                if !aliases.is_empty() {
                    body.insert("user_aliases".to_owned(), aliases.iter().map(UserAlias::json).collect());
                }
            }
        }
        body.insert("fields_to_export".to_owned(), json!(fields.names()));
        Ok(Value::Object(body))
    }
}

/// The result of an export.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Export {
    /// The profiles; empty if no profile matches.
    pub users: Vec<Profile>,
    /// Identifiers that no profile has.
    #[serde(default, deserialize_with = "or_default")]
    pub invalid_user_ids: Vec<String>,
}

/// A profile, with the fields that were asked for. `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Exported")]
pub struct Profile {
    /// The brand's own id; alias-only profiles have none.
    pub external_id: Option<String>,
    /// Braze's own id of the profile.
    pub braze_id: Option<String>,
    /// The aliases.
    pub aliases: Vec<UserAlias>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// Whether the address gets e-mails, in Braze's words.
    pub email_subscribe: Option<String>,
    /// When the profile was created.
    pub created_at: Option<Timestamp>,
    /// The custom attributes.
    pub custom_attributes: Map<String, Value>,
    /// Those of Braze's own fields about the person that have a value.
    pub person: Map<String, Value>,
    /// The custom events, as one summary for each name.
    pub custom_events: Vec<EventCount>,
}

/// A profile as Braze sends it: a field may be absent, `null`, or of an unexpected type.
#[derive(Deserialize)]
struct Exported {
    #[serde(default, deserialize_with = "lenient")]
    external_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    braze_id: Option<String>,
    /// The old name of `braze_id`; some answers carry both.
    #[serde(default, deserialize_with = "lenient")]
    appboy_id: Option<String>,
    #[serde(default, deserialize_with = "aliases")]
    user_aliases: Vec<UserAlias>,
    #[serde(default, deserialize_with = "lenient")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    phone: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    email_subscribe: Option<String>,
    #[serde(default, deserialize_with = "time")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "object")]
    custom_attributes: Map<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    custom_events: Vec<EventCount>,
    #[serde(default)]
    first_name: Value,
    #[serde(default)]
    last_name: Value,
    #[serde(default)]
    home_city: Value,
    #[serde(default)]
    dob: Value,
    #[serde(default)]
    gender: Value,
    #[serde(default)]
    country: Value,
    #[serde(default)]
    language: Value,
    #[serde(default)]
    time_zone: Value,
}

impl From<Exported> for Profile {
    fn from(exported: Exported) -> Self {
        let values = [
            exported.first_name,
            exported.last_name,
            exported.home_city,
            exported.dob,
            exported.gender,
            exported.country,
            exported.language,
            exported.time_zone,
        ];
        let person = PERSON.into_iter().zip(values).filter(|(_, value)| !value.is_null());
        Self {
            external_id: exported.external_id,
            braze_id: exported.braze_id.or(exported.appboy_id),
            aliases: exported.user_aliases,
            email: exported.email,
            phone: exported.phone,
            email_subscribe: exported.email_subscribe,
            created_at: exported.created_at,
            custom_attributes: exported.custom_attributes,
            person: person.map(|(name, value)| (name.to_owned(), value)).collect(),
            custom_events: exported.custom_events,
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile(identified: {}, {} aliases)", self.external_id.is_some(), self.aliases.len())
    }
}

/// How many times a custom event was logged on a profile, and when.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EventCount {
    /// The event's name.
    pub name: String,
    /// When the event was logged first.
    #[serde(default, deserialize_with = "time")]
    pub first: Option<Timestamp>,
    /// When the event was logged last.
    #[serde(default, deserialize_with = "time")]
    pub last: Option<Timestamp>,
    /// How many times the event was logged.
    #[serde(default)]
    pub count: u64,
}

/// Reads `null` and an absent key as the default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// Reads a text, and any other type as `None`.
fn lenient<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(input)? {
        Some(Value::String(text)) => Some(text),
        _ => None,
    })
}

/// Reads an object, and any other type as empty.
fn object<'de, D: Deserializer<'de>>(input: D) -> Result<Map<String, Value>, D::Error> {
    Ok(match Option::<Value>::deserialize(input)? {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    })
}

fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(lenient(input)?.and_then(|text| text.parse().ok()))
}

/// Skips malformed aliases, so that one of them does not cost the profile.
fn aliases<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<UserAlias>, D::Error> {
    let Some(Value::Array(items)) = Option::<Value>::deserialize(input)? else { return Ok(Vec::new()) };
    let part = |item: &Value, name: &str| item.get(name)?.as_str().map(str::to_owned);
    let alias = |item| Some(UserAlias { label: part(item, "alias_label")?, name: part(item, "alias_name")? });
    Ok(items.iter().filter_map(alias).collect())
}
