//! Subscription groups of phone numbers (braze-docs, subscription group endpoints).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::error::Error;

/// The most phone numbers in one request, for reading and for writing.
pub const MOST_PHONES: usize = 50;

/// The state of a number in a subscription group, as Braze stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    /// The number is subscribed.
    Subscribed,
    /// The number is not subscribed.
    Unsubscribed,
    /// Braze has no state: the number has no profile or no history.
    Unknown,
}

impl SubscriptionState {
    /// Reads a state in any case, since the documentation and real answers differ. An unknown word does not
    /// count as a subscription.
    fn read(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "subscribed" => Self::Subscribed,
            "unsubscribed" => Self::Unsubscribed,
            _ => Self::Unknown,
        }
    }
}

/// The states of some numbers.
#[derive(Clone, PartialEq, Eq)]
pub enum Statuses {
    /// One state for each number asked for, in their order.
    InOrder(Vec<SubscriptionState>),
    /// The keys of the answer are not the numbers that were asked for, so the states cannot be assigned.
    /// Braze does not document how it keys an answer to a request by phone. With one number a request, the
    /// keys do not matter.
    Unkeyed,
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InOrder(states) => write!(f, "InOrder({states:?})"),
            Self::Unkeyed => f.write_str("Unkeyed"),
        }
    }
}

/// Numbers to subscribe to a group.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupPhones {
    /// The group.
    pub group: String,
    /// The numbers, each of them once.
    pub phones: Vec<String>,
}

impl fmt::Debug for GroupPhones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupPhones({}, {} numbers)", self.group, self.phones.len())
    }
}

/// Which of Braze's two write endpoints to use. They share one rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetEndpoint {
    /// `/subscription/status/set`.
    V1,
    /// `/v2/subscription/status/set`.
    #[default]
    V2,
}

impl SetEndpoint {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::V1 => "/subscription/status/set",
            Self::V2 => "/v2/subscription/status/set",
        }
    }

    /// The body that subscribes numbers to their groups; the first version takes one group. With double
    /// opt-in logic, Braze first asks each consumer for a confirmation, at most once in 24 hours, and does
    /// nothing for numbers without a profile.
    pub(crate) fn body(self, wanted: &[GroupPhones], double_opt_in: bool) -> Result<Value, Error> {
        let entry = |wanted: &GroupPhones, phones: &str| {
            let mut entry = json!({
                "subscription_group_id": wanted.group, "subscription_state": "subscribed", phones: wanted.phones,
            });
            if double_opt_in {
                entry["use_double_opt_in_logic"] = true.into();
            }
            entry
        };
        match (self, wanted) {
            (Self::V1, [wanted]) => Ok(entry(wanted, "phone")),
            (Self::V1, _) => Err(Error::Unsendable("version 1 of the endpoint takes one group a request")),
            (Self::V2, _) => {
                let entries: Vec<Value> = wanted.iter().map(|wanted| entry(wanted, "phones")).collect();
                Ok(json!({ "subscription_groups": entries }))
            }
        }
    }
}

/// The contacts whose states in a group are asked for. `Debug` shows only how many there are.
#[derive(Clone, Copy)]
pub enum GroupContacts<'a> {
    /// Numbers in E.164 form.
    Phones(&'a [String]),
    /// E-mail addresses.
    Emails(&'a [String]),
}

impl<'a> GroupContacts<'a> {
    pub(crate) fn texts(self) -> &'a [String] {
        match self {
            Self::Phones(texts) | Self::Emails(texts) => texts,
        }
    }
}

impl fmt::Debug for GroupContacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phones(texts) => write!(f, "Phones({})", texts.len()),
            Self::Emails(texts) => write!(f, "Emails({})", texts.len()),
        }
    }
}

/// The path and query of a status request. The `+` of a number is sent as `%2B`, since Braze would read a
/// bare one as a space.
pub(crate) fn status_path(group: &str, contacts: GroupContacts<'_>) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("subscription_group_id", group);
    let (one, several) = match contacts {
        GroupContacts::Phones(_) => ("phone", "phone[]"),
        GroupContacts::Emails(_) => ("email", "email[]"),
    };
    match contacts.texts() {
        [contact] => query.append_pair(one, contact),
        contacts => query.extend_pairs(contacts.iter().map(|contact| (several, contact))),
    };
    format!("/subscription/status/get?{}", query.finish())
}

#[derive(Deserialize)]
pub(crate) struct StatusBody {
    status: BTreeMap<String, Value>,
}

impl StatusBody {
    /// Assigns the answer to the numbers. For one number the key does not matter, and any `subscribed`
    /// counts.
    pub(crate) fn of(&self, phones: &[String]) -> Statuses {
        let state = |value: &Value| SubscriptionState::read(value.as_str().unwrap_or_default());
        if let [_] = phones {
            let states = self.status.values().map(state);
            let of_one = states.max_by_key(|state| match state {
                SubscriptionState::Unknown => 0,
                SubscriptionState::Unsubscribed => 1,
                SubscriptionState::Subscribed => 2,
            });
            return Statuses::InOrder(vec![of_one.unwrap_or(SubscriptionState::Unknown)]);
        }
        let mut distinct: Vec<&String> = phones.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if !distinct.into_iter().eq(self.status.keys()) {
            return Statuses::Unkeyed;
        }
        Statuses::InOrder(phones.iter().filter_map(|phone| self.status.get(phone)).map(state).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Value, phones: &[&str]) -> Statuses {
        let body: StatusBody =
            serde_json::from_value(json!({ "status": status, "message": "success" })).unwrap();
        body.of(&phones.iter().map(|phone| (*phone).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn states_are_read_in_any_case_and_in_the_order_asked() {
        let status = json!({ "+13135550100": "Unsubscribed", "+13135550101": "subscribed", "+13135550102": "Unknown" });
        let states = answer(status, &["+13135550101", "+13135550102", "+13135550100"]);
        let expected =
            vec![SubscriptionState::Subscribed, SubscriptionState::Unknown, SubscriptionState::Unsubscribed];
        assert_eq!(states, Statuses::InOrder(expected));
    }

    #[test]
    fn with_several_numbers_the_answer_must_be_keyed_by_number() {
        for status in [
            json!({ "u-1": "Subscribed", "u-2": "Subscribed" }),
            json!({ "13135550100": "Subscribed", "13135550101": "Subscribed" }),
            json!({ "+13135550100": "Subscribed" }),
            json!({ "+13135550100": "Subscribed", "+13135550101": "Subscribed", "u-1": "Subscribed" }),
            json!({}),
        ] {
            assert_eq!(answer(status, &["+13135550100", "+13135550101"]), Statuses::Unkeyed);
        }
    }

    #[test]
    fn with_one_number_the_value_counts_whatever_its_key_is() {
        for (status, expected) in [
            (json!({ "u-1": "Subscribed" }), SubscriptionState::Subscribed),
            (json!({ "u-1": "unknown", "u-2": "SUBSCRIBED" }), SubscriptionState::Subscribed),
            (json!({ "null": "Unsubscribed" }), SubscriptionState::Unsubscribed),
            (json!({ "u-1": 7 }), SubscriptionState::Unknown),
            (json!({}), SubscriptionState::Unknown),
        ] {
            assert_eq!(answer(status, &["+13135550100"]), Statuses::InOrder(vec![expected]));
        }
    }

    #[test]
    fn a_plus_is_not_sent_as_a_space() {
        let path = status_path("g", GroupContacts::Phones(&["+13135550100".into()]));
        assert_eq!(path, "/subscription/status/get?subscription_group_id=g&phone=%2B13135550100");
    }

    #[test]
    fn both_endpoints_have_their_own_form() {
        let phones = ["+13135550100".to_owned()];
        let entry =
            json!({ "subscription_group_id": "g", "subscription_state": "subscribed", "phone": phones });
        let wanted = |group: &str| GroupPhones { group: group.to_owned(), phones: phones.to_vec() };
        assert_eq!(SetEndpoint::V1.body(&[wanted("g")], false).unwrap(), entry);
        assert!(SetEndpoint::V1.body(&[wanted("g"), wanted("h")], false).is_err());
        let entry = json!({
            "subscription_group_id": "g", "subscription_state": "subscribed", "phones": phones,
            "use_double_opt_in_logic": true,
        });
        let mut other = entry.clone();
        other["subscription_group_id"] = "h".into();
        let both = SetEndpoint::V2.body(&[wanted("g"), wanted("h")], true).unwrap();
        assert_eq!(both, json!({ "subscription_groups": [entry, other] }));
    }
}
