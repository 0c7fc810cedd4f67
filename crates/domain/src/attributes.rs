//! What is written to a Braze profile besides its identifiers: a limited set of plain values.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::Timestamp;

/// The most attributes of one participation.
pub const MOST_ATTRIBUTES: usize = 32;

/// The longest attribute name and the longest text value, in characters (Braze cuts at 255).
pub const LONGEST_TEXT: usize = 255;

/// The most items of a list (braze-docs, custom attributes: 25 unless Braze raises it).
pub const MOST_ITEMS: usize = 25;

/// Fields of Braze's attributes object that identify a profile, state its consent, or control how the object
/// is read. A participant must not set them.
const RESERVED: [&str; 19] = [
    "external_id",
    "user_alias",
    "braze_id",
    "appboy_id",
    "email",
    "phone",
    "email_subscribe",
    "push_subscribe",
    "subscription_groups",
    "push_tokens",
    "push_token_import",
    "email_open_tracking_disabled",
    "email_click_tracking_disabled",
    "marked_email_as_spam_at",
    "date_of_first_session",
    "date_of_last_session",
    "current_location",
    "app_id",
    "time",
];

/// A value that can be written again without a second effect: it has no operators and no nesting.
#[derive(Clone, PartialEq)]
pub enum AttributeValue {
    /// A text of at most [`LONGEST_TEXT`] characters.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// Several different texts, at most [`MOST_ITEMS`]. Writing the list again replaces it as a whole.
    List(Vec<String>),
}

impl AttributeValue {
    /// Whether writing the value would change nothing if Braze shows `present`: Braze writes moments in a
    /// form of its own, and numbers with or without a fraction.
    #[must_use]
    pub fn is_shown_as(&self, present: &Self) -> bool {
        match (self, present) {
            (Self::Text(ours), Self::Text(shown)) => ours == shown || is_same_moment(ours, shown),
            (Self::Integer(ours), Self::Integer(shown)) => ours == shown,
            (Self::Float(ours), Self::Float(shown)) => ours == shown,
            (Self::Integer(whole), Self::Float(number)) | (Self::Float(number), Self::Integer(whole)) => {
                number.fract() == 0.0 && format!("{number:.0}") == whole.to_string()
            }
            (Self::Boolean(ours), Self::Boolean(shown)) => ours == shown,
            (Self::List(ours), Self::List(shown)) => ours == shown,
            (Self::Text(_) | Self::Integer(_) | Self::Float(_) | Self::Boolean(_) | Self::List(_), _) => {
                false
            }
        }
    }
}

fn is_same_moment(one: &str, other: &str) -> bool {
    moment(one).is_some_and(|one| moment(other) == Some(one))
}

/// Reads a text that Braze takes for a date: without a zone it is in UTC, and without a time it is midnight
/// (braze-docs, event object).
fn moment(text: &str) -> Option<Timestamp> {
    let with_zone = || text.parse::<Timestamp>().ok();
    let without = || text.parse::<DateTime>().ok();
    let american = || Some(Date::strptime("%m/%d/%Y", text).ok()?.to_datetime(Time::midnight()));
    with_zone().or_else(|| TimeZone::UTC.to_timestamp(without().or_else(american)?).ok())
}

/// Values come from consumers, so `Debug` shows only their kind.
impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Integer(_) => "Integer(…)",
            Self::Float(_) => "Float(…)",
            Self::Boolean(_) => "Boolean(…)",
            Self::List(_) => "List(…)",
        })
    }
}

/// Why an attribute is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// The name is empty, too long, surrounded by space, or has control characters.
    #[error("an attribute's name is 1 to 255 characters without surrounding space")]
    BadName,
    /// The name has a meaning for Braze that a participation must not use.
    #[error("this name is reserved")]
    Reserved,
    /// The text is longer than Braze keeps.
    #[error("a text may have at most 255 characters")]
    TextTooLong,
    /// The list has more items than Braze keeps.
    #[error("a list may have at most 25 items")]
    ListTooLong,
    /// The number is NaN or infinite.
    #[error("a number must be finite")]
    NotFinite,
    /// There are more than [`MOST_ATTRIBUTES`].
    #[error("at most 32 attributes are accepted")]
    TooMany,
}

impl AttributeError {
    /// The stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadName => "attribute_name",
            Self::Reserved => "attribute_reserved",
            Self::TextTooLong | Self::ListTooLong => "attribute_range",
            Self::NotFinite => "attribute_type",
            Self::TooMany => "attributes-too-many",
        }
    }
}

/// Checked attributes by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(BTreeMap<String, AttributeValue>);

impl Attributes {
    /// Adds or replaces one attribute.
    ///
    /// # Errors
    /// If the name or value is not acceptable, or if there are too many.
    pub fn set(&mut self, name: &str, value: AttributeValue) -> Result<(), AttributeError> {
        check_name(name)?;
        check_value(&value)?;
        if self.0.len() >= MOST_ATTRIBUTES && !self.0.contains_key(name) {
            return Err(AttributeError::TooMany);
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// The names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The attributes with these names.
    #[must_use]
    pub fn only<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let named = names.filter_map(|name| self.0.get_key_value(name));
        Self(named.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The attributes that `present` does not show already.
    #[must_use]
    pub fn not_among(&self, present: &BTreeMap<String, AttributeValue>) -> Self {
        let shown = |name: &str, value: &AttributeValue| {
            present.get(name).is_some_and(|present| value.is_shown_as(present))
        };
        let others = self.0.iter().filter(|(name, value)| !shown(name, value));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The attributes whose names `is_kept` does not hold back.
    #[must_use]
    pub fn without(&self, is_kept: impl Fn(&str) -> bool) -> Self {
        let others = self.0.iter().filter(|(name, _)| !is_kept(name));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These attributes together with `base`. If both have a name, `base` wins: a consumer cannot override
    /// what a brand configures.
    #[must_use]
    pub fn beneath(&self, base: &Self) -> Self {
        let mut merged = self.0.clone();
        merged.extend(base.0.clone());
        Self(merged)
    }
}

fn check_name(name: &str) -> Result<(), AttributeError> {
    let length = name.chars().count();
    if length == 0 || length > LONGEST_TEXT || name.trim() != name || name.chars().any(char::is_control) {
        return Err(AttributeError::BadName);
    }
    if name.starts_with(['_', '$']) || RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(AttributeError::Reserved);
    }
    Ok(())
}

fn check_value(value: &AttributeValue) -> Result<(), AttributeError> {
    let is_too_long = |text: &String| text.chars().count() > LONGEST_TEXT;
    match value {
        AttributeValue::Text(text) if is_too_long(text) => Err(AttributeError::TextTooLong),
        AttributeValue::List(items) if items.len() > MOST_ITEMS => Err(AttributeError::ListTooLong),
        AttributeValue::List(items) if items.iter().any(is_too_long) => Err(AttributeError::TextTooLong),
        AttributeValue::Float(number) if !number.is_finite() => Err(AttributeError::NotFinite),
        AttributeValue::Text(_)
        | AttributeValue::List(_)
        | AttributeValue::Float(_)
        | AttributeValue::Integer(_)
        | AttributeValue::Boolean(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_cannot_name_another_profile_or_consent_for_it() {
        let mut attributes = Attributes::default();
        for name in ["external_id", "Email", "phone", "subscription_groups", "_update_existing_only", "$add"]
        {
            let refused = attributes.set(name, AttributeValue::Boolean(true));
            assert_eq!(refused, Err(AttributeError::Reserved), "{name}");
        }
        assert!(attributes.is_empty());
    }

    #[test]
    fn sizes_are_bounded() {
        let mut attributes = Attributes::default();
        let long = AttributeValue::Text("x".repeat(LONGEST_TEXT + 1));
        assert_eq!(attributes.set("note", long), Err(AttributeError::TextTooLong));
        for i in 0..MOST_ATTRIBUTES {
            attributes.set(&format!("a{i}"), AttributeValue::Integer(1)).unwrap();
        }
        assert_eq!(attributes.set("more", AttributeValue::Integer(1)), Err(AttributeError::TooMany));
        assert_eq!(attributes.set("a0", AttributeValue::Integer(2)), Ok(()));
    }

    #[test]
    fn a_value_that_a_profile_shows_already_is_not_written_again() {
        use AttributeValue::{Boolean, Float, Integer, List, Text};
        let text = |text: &str| Text(text.to_owned());
        let list = |items: &[&str]| List(items.iter().map(|&item| item.to_owned()).collect());
        let same = [
            (text("gold"), text("gold")),
            (text("2026-11-23T10:00:00+01:00"), text("2026-11-23T09:00:00.000Z")),
            (text("2026-11-23 10:00:00"), text("2026-11-23T10:00:00.000Z")),
            (text("2026-11-23"), text("2026-11-23T00:00:00.000Z")),
            (text("11/23/2026"), text("2026-11-23T00:00:00.000Z")),
            (Integer(7), Float(7.0)),
            (Float(7.0), Integer(7)),
            (Boolean(true), Boolean(true)),
            (list(&["a", "b"]), list(&["a", "b"])),
        ];
        let other = [
            (text("gold"), text("Gold")),
            (text("2026-11-23T10:00:00Z"), text("2026-11-23T10:00:01Z")),
            (text("2026-11-23"), text("2026-11-24T00:00:00.000Z")),
            (text("7"), Integer(7)),
            (Integer(7), Float(7.5)),
            (Integer(i64::MAX), Float(9.3e18)),
            (Boolean(true), text("true")),
            (list(&["a", "b"]), list(&["b", "a"])),
            (list(&["a"]), text("a")),
        ];
        for (cases, left) in [(&same[..], 0), (&other[..], 1)] {
            for (ours, shown) in cases {
                let mut attributes = Attributes::default();
                attributes.set("tier", ours.clone()).unwrap();
                let present = BTreeMap::from([("tier".to_owned(), shown.clone())]);
                assert_eq!(attributes.not_among(&present).len(), left, "{:?}", (ours, shown));
                assert_eq!(attributes.not_among(&BTreeMap::new()).len(), 1);
            }
        }
    }

    #[test]
    fn the_brands_own_attributes_win() {
        let mut consumer = Attributes::default();
        consumer.set("tier", AttributeValue::Text("gold".into())).unwrap();
        consumer.set("first_name", AttributeValue::Text("Ada".into())).unwrap();
        let mut brand = Attributes::default();
        brand.set("tier", AttributeValue::Text("basic".into())).unwrap();
        let merged = consumer.beneath(&brand);
        let tier = merged.iter().find(|(name, _)| *name == "tier").unwrap().1;
        assert_eq!(tier, &AttributeValue::Text("basic".into()));
        assert_eq!(merged.iter().count(), 2);
    }

    #[test]
    fn a_number_with_a_fraction_is_shown_as_itself_and_as_no_other() {
        let float = AttributeValue::Float;
        assert!(float(7.5).is_shown_as(&float(7.5)));
        assert!(!float(7.5).is_shown_as(&float(7.25)));
    }

    #[test]
    fn a_name_is_1_to_255_plain_characters() {
        let named = |name: &str| Attributes::default().set(name, AttributeValue::Boolean(true));
        for name in ["x", "é", &"é".repeat(LONGEST_TEXT)] {
            assert_eq!(named(name), Ok(()), "{name}");
        }
        for name in ["", " x", "x ", "a\tb", &"é".repeat(LONGEST_TEXT + 1)] {
            assert_eq!(named(name), Err(AttributeError::BadName), "{name:?}");
        }
    }

    #[test]
    fn a_text_of_255_characters_fits_and_a_number_is_finite() {
        let set = |value| Attributes::default().set("note", value);
        assert_eq!(set(AttributeValue::Text("é".repeat(LONGEST_TEXT))), Ok(()));
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(set(AttributeValue::Float(number)), Err(AttributeError::NotFinite));
        }
        assert_eq!(set(AttributeValue::Float(0.5)), Ok(()));
    }

    #[test]
    fn a_list_has_at_most_25_items_of_at_most_255_characters() {
        let set = |items| Attributes::default().set("likes", AttributeValue::List(items));
        assert_eq!(set(vec!["é".repeat(LONGEST_TEXT); MOST_ITEMS]), Ok(()));
        assert_eq!(set(vec!["x".to_owned(); MOST_ITEMS + 1]), Err(AttributeError::ListTooLong));
        assert_eq!(set(vec!["x".repeat(LONGEST_TEXT + 1)]), Err(AttributeError::TextTooLong));
    }

    #[test]
    fn some_can_be_picked_by_name() {
        let mut attributes = Attributes::default();
        for name in ["a", "b", "c"] {
            attributes.set(name, AttributeValue::Text(name.into())).unwrap();
        }
        let picked = attributes.only(["c", "x", "a"].into_iter());
        assert_eq!(picked.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn values_do_not_print_themselves() {
        use AttributeValue::{Boolean, Float, Integer, List, Text};
        let values = [Text("Ada".into()), Integer(7), Float(7.5), Boolean(true), List(vec!["Ada".into()])];
        let shown = values.map(|value| format!("{value:?}"));
        assert_eq!(shown, ["Text(…)", "Integer(…)", "Float(…)", "Boolean(…)", "List(…)"]);
    }
}
