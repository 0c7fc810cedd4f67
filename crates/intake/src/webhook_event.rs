//! The content of a webhook, as far as it can be read without knowing the activation.

use std::collections::BTreeMap;

use domain::contact::EmailError;
use domain::{invisible, liquid};
use serde_json::Value;

use crate::counts::Dropped;
use crate::field_error::FieldError;
use crate::loose::Loose;
use crate::problem::Problem;
use crate::spelling::Typed;

/// The longest identifier that a webhook may carry, in characters.
const LONGEST_IDENTIFIER: usize = 255;

/// Keys that must not have two different values, because they decide what is credited.
const CREDITED_BY: [&str; 4] = ["q_scope", "event", "email", "phone"];

/// The event that says that the subscription of a number or an address has changed. No brand chooses it: it is ours.
const SUBSCRIPTION_EVENT: &str = "$subscription";

/// The content of a webhook.
pub(crate) enum WebhookContent {
    /// A consumer takes part.
    Event(WebhookEvent),
    /// The subscription of a number or an address has changed.
    SubscriptionChange(SubscriptionChange),
}

/// A contact whose subscription has changed, in the activation that is told.
pub(crate) struct SubscriptionChange {
    pub(crate) scope: String,
    pub(crate) contact: ChangedContact,
}

/// The contact of a change.
pub(crate) enum ChangedContact {
    /// The number as Braze shows it.
    Phone(String),
    /// The address.
    Email(Typed),
}

/// An event of a consumer.
pub(crate) struct WebhookEvent {
    pub(crate) scope: String,
    pub(crate) event: String,
    pub(crate) email: Typed,
    pub(crate) external_id: Option<String>,
    pub(crate) braze_id: Option<String>,
    pub(crate) dispatch_id: Option<String>,
    /// The time as it was written.
    pub(crate) sent_at: Option<String>,
    /// Every other member; `None` for a value that cannot be used.
    pub(crate) others: BTreeMap<String, Option<Value>>,
    /// The values that were left out.
    pub(crate) dropped: Vec<Dropped>,
}

/// Members by name, and the values that were left out.
struct LooseMembers {
    by_name: BTreeMap<String, Loose>,
    dropped: Vec<Dropped>,
}

pub(crate) fn read(members: Vec<(String, Loose)>) -> Result<WebhookContent, Problem> {
    let mut members = LooseMembers::of(members)?;
    let mut errors = Vec::new();
    let scope = members.needed("q_scope", &mut errors);
    let event = members.needed("event", &mut errors);
    if event.as_deref() == Some(SUBSCRIPTION_EVENT) {
        return subscription_change(scope, members, errors).map(WebhookContent::SubscriptionChange);
    }
    let email = email(&mut members, &mut errors)?;
    let external_id = members.identifier("external_id");
    let braze_id = members.identifier("braze_id");
    let dispatch_id = members.identifier("dispatch_id");
    let sent_at = members.written("sent_at");
    let LooseMembers { by_name, dropped } = members;
    let others = by_name.into_iter().map(|(name, value)| match value {
        Loose::Plain(value) => (name, Some(value)),
        Loose::Nested | Loose::Unreadable => (name, None),
    });
    match (scope, event, email) {
        (Some(scope), Some(event), Some(email)) => Ok(WebhookContent::Event(WebhookEvent {
            scope,
            event,
            email,
            external_id,
            braze_id,
            dispatch_id,
            sent_at,
            others: others.collect(),
            dropped,
        })),
        _ => Err(Problem::invalid(errors)),
    }
}

fn subscription_change(
    scope: Option<String>,
    mut members: LooseMembers,
    mut errors: Vec<FieldError>,
) -> Result<SubscriptionChange, Problem> {
    if !members.by_name.contains_key("phone") && members.by_name.contains_key("email") {
        let email = email(&mut members, &mut errors)?.map(ChangedContact::Email);
        return match (scope, email) {
            (Some(scope), Some(contact)) => Ok(SubscriptionChange { scope, contact }),
            (_, _) => Err(Problem::invalid(errors)),
        };
    }
    let phone = members.needed("phone", &mut errors);
    if phone.as_deref().is_some_and(liquid::names_nobody) {
        return Err(Problem::unrendered("phone"));
    }
    match (scope, phone) {
        (Some(scope), Some(phone)) => Ok(SubscriptionChange { scope, contact: ChangedContact::Phone(phone) }),
        (_, _) => Err(Problem::invalid(errors)),
    }
}

/// The address. Liquid without a default leaves an empty text instead of an address. This is counted
/// separately, because the template is at fault, and so is a template that was not rendered.
fn email(members: &mut LooseMembers, errors: &mut Vec<FieldError>) -> Result<Option<Typed>, Problem> {
    let text = match members.by_name.remove("email") {
        None | Some(Loose::Plain(Value::Null)) => return Err(Problem::empty_email()),
        Some(Loose::Plain(Value::String(text))) => text,
        Some(_) => {
            errors.push(FieldError::wrong_type("email", "must be a string", "string"));
            return Ok(None);
        }
    };
    if liquid::names_nobody(&text) {
        return Err(Problem::unrendered("email"));
    }
    match Typed::parse(&text) {
        Ok(email) => Ok(Some(email)),
        Err(EmailError::Empty) => Err(Problem::empty_email()),
        Err(error) => {
            errors.push(FieldError::new("email", error.to_string(), "email-invalid"));
            Ok(None)
        }
    }
}

impl LooseMembers {
    fn of(members: Vec<(String, Loose)>) -> Result<Self, Problem> {
        let mut read = Self { by_name: BTreeMap::new(), dropped: Vec::new() };
        for (name, value) in members {
            match read.by_name.get(&name) {
                None => {
                    read.by_name.insert(name, value);
                }
                Some(first) if *first == value => {}
                Some(_) if CREDITED_BY.contains(&name.as_str()) => {
                    return Err(Problem::malformed(format!("The key {name} is repeated.")));
                }
                Some(_) => read.dropped.push(Dropped::RepeatedKey),
            }
        }
        Ok(read)
    }

    /// A text that the event cannot do without.
    fn needed(&mut self, name: &str, errors: &mut Vec<FieldError>) -> Option<String> {
        let error = match self.by_name.remove(name) {
            Some(Loose::Plain(Value::String(text))) => return Some(invisible::trim(&text).to_owned()),
            Some(Loose::Plain(Value::Number(number))) => return Some(number.to_string()),
            None | Some(Loose::Plain(Value::Null)) => FieldError::missing(name),
            Some(
                Loose::Plain(Value::Bool(_) | Value::Array(_) | Value::Object(_))
                | Loose::Nested
                | Loose::Unreadable,
            ) => FieldError::wrong_type(name, "must be a string", "string"),
        };
        errors.push(error);
        None
    }

    /// An identifier of the consumer or of the occasion, without surrounding space. One that cannot be valid
    /// is left out.
    fn identifier(&mut self, name: &str) -> Option<String> {
        let text = self.written(name)?;
        let dropped = if liquid::names_nobody(&text) {
            Dropped::UnrenderedLiquid
        } else if invisible::has_invisible(&text) || text.chars().count() > LONGEST_IDENTIFIER {
            Dropped::UnusableIdentifier
        } else {
            return Some(text);
        };
        self.dropped.push(dropped);
        None
    }

    /// A text or a number as trimmed text; an empty one counts as absent.
    fn written(&mut self, name: &str) -> Option<String> {
        let text = match self.by_name.remove(name)? {
            Loose::Plain(Value::String(text)) => text,
            Loose::Plain(Value::Number(number)) => number.to_string(),
            Loose::Plain(Value::Null) => return None,
            Loose::Plain(Value::Bool(_) | Value::Array(_) | Value::Object(_))
            | Loose::Nested
            | Loose::Unreadable => {
                self.dropped.push(Dropped::UnusableValue);
                return None;
            }
        };
        let trimmed = invisible::trim(&text);
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }
}
