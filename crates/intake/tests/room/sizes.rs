//! How much of a request is stored.

use http::StatusCode;
use intake::Announcing;
use serde_json::{Value, json};

use crate::front::{RoomFront, by_event, extra};

/// Attributes whose names and values have this many bytes together. The values are stored unchanged.
fn attributes(bytes: usize) -> Value {
    let mut members = serde_json::Map::new();
    let mut left = bytes;
    for number in 0.. {
        let name = format!("attribute-{number:02}");
        if left < 2 * name.len() + 255 {
            members.insert(name.clone(), "x".repeat((left - name.len()).min(255)).into());
            left -= name.len() + (left - name.len()).min(255);
            if left == 0 {
                return members.into();
            }
            continue;
        }
        left -= name.len() + 255;
        members.insert(name, "x".repeat(255).into());
    }
    unreachable!()
}

#[tokio::test]
async fn attributes_have_at_most_4096_bytes_where_they_are_stored() {
    let front = RoomFront::open("", Announcing::Together, false);
    let with = |attributes: Value| json!({ "scope": "spring", "email": "ada@example.com", "attributes": attributes });
    let refused = [
        attributes(4_097),
        // Values that take more bytes in storage than in the request.
        json!({ "a": surrounded('\u{1}', 253), "b": surrounded('\u{1}', 253), "c": surrounded('\u{1}', 253) }),
        json!({ "a": "😀".repeat(255), "b": "😀".repeat(255), "c": "😀".repeat(255), "d": "😀".repeat(255), "e": "😀".repeat(10) }),
        Value::Object(
            (0..17).map(|number| ("n".repeat(240) + &format!("{number:02}"), json!(number))).collect(),
        ),
    ];
    for attributes in refused {
        let (status, problem) = front.post(&with(attributes)).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:quikly-braze:invalid-field"))
        );
        let expected = json!([{
            "field": "attributes",
            "message": "may have at most 4096 bytes in all, names and values together",
            "code": "attributes-too-large",
            "params": { "most_bytes": 4_096 },
        }]);
        assert_eq!(problem["errors"], expected);
    }
    assert_eq!(front.post(&with(attributes(4_096))).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_webhooks_values_for_which_there_is_no_room_are_left_out_and_counted() {
    let front = RoomFront::open("", Announcing::Together, false);
    let mut body = by_event(1);
    for number in 0..31 {
        // Eight bytes of name and 255 of value: fifteen fit, and then one that is small.
        let value = if number == 30 { "small".to_owned() } else { "x".repeat(255) };
        body[extra(number)] = value.into();
    }
    let (status, answer) = front.webhook(&body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let stored = front.stored(&answer).await;
    let names: Vec<&str> = stored.attributes().iter().map(|(name, _)| name).collect();
    assert_eq!((names.len(), names[14], names[15]), (16, "extra-14", "extra-30"));
    assert_eq!(front.health().await["webhooks"]["dropped"], json!({ "too-large": 15 }));
}

/// Characters that take one byte, two, six, or four in storage.
const FILLINGS: [char; 4] = ['x', '"', '\u{1}', '😀'];

/// The largest record; attributes take 4 KiB of it.
const LARGEST: usize = 8 * 1_024;

/// A text that is not empty after trimming.
fn surrounded(filling: char, times: usize) -> String {
    format!("x{}x", filling.to_string().repeat(times))
}

/// As many attributes as possible, which together are as large as allowed.
fn largest_attributes(filling: char) -> Vec<(String, Value)> {
    let width = serde_json::to_string(&filling).unwrap().len() - 2;
    let each = 4_096 / 32 - extra(0).len() - 2;
    (0..32).map(|number| (extra(number), surrounded(filling, each / width).into())).collect()
}

#[tokio::test]
async fn every_request_makes_a_small_record() {
    let mut largest = [0, 0];
    let email = format!("{}@{}example", "a".repeat(64), format!("{}.", "b".repeat(60)).repeat(2));
    for filling in FILLINGS {
        let front = RoomFront::open("", Announcing::Together, false);
        let attributes = largest_attributes(filling);
        let post = json!({
            "scope": "spring", "email": email, "phone": "+13135550100", "consent": true,
            "consent_text_id": filling.to_string().repeat(255),
            "attributes": Value::Object(attributes.iter().cloned().collect()),
        });
        let mut webhook = by_event(1);
        webhook["email"] = email.clone().into();
        for name in ["external_id", "braze_id", "dispatch_id"] {
            webhook[name] = filling.to_string().repeat(255).into();
        }
        webhook.as_object_mut().unwrap().extend(attributes);
        for (largest, answer) in
            largest.iter_mut().zip([front.post(&post).await, front.webhook(&webhook).await])
        {
            assert_eq!(answer.0, StatusCode::ACCEPTED, "{}", answer.1);
            let stored = front.stored(&answer.1).await;
            assert_eq!(stored.attributes().len(), 32);
            *largest = stored::participation::encode(&stored).unwrap().len().max(*largest);
        }
    }
    println!("the largest records: {} bytes by a post, {} by a webhook", largest[0], largest[1]);
    for bytes in largest {
        assert!((4_096..LARGEST).contains(&bytes), "{largest:?}");
    }
}
