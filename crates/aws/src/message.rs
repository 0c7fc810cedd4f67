//! The body of a message. It contains ids, never contacts.

use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, WorkMessage};
use serde_json::{Value, json};

/// Encodes a message's body.
#[must_use]
pub fn encode(look: &WorkMessage) -> String {
    let ids: Vec<String> = look.ids.iter().map(ToString::to_string).collect();
    json!({ "brand": look.brand.as_str(), "ids": ids }).to_string()
}

/// Decodes a body; `None` when it is not one of ours.
#[must_use]
pub fn decode(body: &str) -> Option<WorkMessage> {
    let read: Value = serde_json::from_str(body).ok()?;
    let brand = BrandId::parse(read.get("brand")?.as_str()?).ok()?;
    let ids = read.get("ids")?.as_array()?;
    if ids.is_empty() || ids.len() > MOST_IN_MESSAGE {
        return None;
    }
    let id = |value: &Value| ParticipationId::parse(value.as_str()?).ok();
    let ids: Option<Vec<ParticipationId>> = ids.iter().map(id).collect();
    Some(WorkMessage { brand, ids: ids? })
}

#[cfg(test)]
mod tests {
    use domain::contact::{Contact, Email};
    use domain::id_key::IdKey;
    use domain::ids::Scope;

    use super::*;

    #[test]
    fn only_a_body_that_was_encoded_is_decoded() {
        let contact = Contact::Email(Email::parse("ada@example.com").unwrap());
        let id = IdKey::new([1; 32]).participation(&Scope::parse("spring").unwrap(), &contact);
        let look = WorkMessage { brand: BrandId::parse("acme").unwrap(), ids: vec![id, id] };
        assert_eq!(decode(&encode(&look)), Some(look));
        let of_a_newer_version = r#"{"brand":"acme","ids":["00000000000000000000000000000000"],"since":5}"#;
        assert!(decode(of_a_newer_version).is_some());
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"brand":"acme"}"#,
            r#"{"brand":"acme","ids":[]}"#,
            r#"{"brand":"acme","ids":["x"]}"#,
            r#"{"brand":"a b","ids":["00000000000000000000000000000000"]}"#,
            r#"{"brand":"acme","ids":"00000000000000000000000000000000"}"#,
        ] {
            assert_eq!(decode(body), None, "{body}");
        }
    }
    /// During a deployment two versions run at the same time, and a message may stay in a queue for days.
    #[test]
    fn a_body_is_what_every_version_has_written() {
        let look = WorkMessage {
            brand: BrandId::parse("acme").unwrap(),
            ids: vec![ParticipationId::from_bytes([0xab; 16])],
        };
        assert_eq!(encode(&look), r#"{"brand":"acme","ids":["abababababababababababababababab"]}"#);
    }
}
