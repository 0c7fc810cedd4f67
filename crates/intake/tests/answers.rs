//! Attributes of `POST /participations`: what an activation lists is accepted, and everything else is refused.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::attributes::{AttributeValue, Attributes};
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::token::TokenHash;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";

const LIST: &str = r#"
[activation.attributes]
first_name = { type = "text", max_length = 10 }
shoe_size = { type = "number", min = 30, max = 50 }
member = { type = "boolean" }
next_trip = { type = "date" }
likes = { type = "list", choices = ["running", "hiking", "cycling"], most = 2 }
"#;

const REQUIRED: &str = "[activation.attributes]\nfirst_name = { type = \"text\", required = true }\nmember = { type = \"boolean\" }\n";

struct AnswersFront {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
    signs: bool,
}

impl AnswersFront {
    fn open(list: &str, signs: bool) -> Self {
        let hash = TokenHash::of("qb_1");
        let intake = if signs { "[intake]\nsigning_secret = { env = \"S\" }\n" } else { "" };
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n{intake}\
             [webhook]\ntokens_sha256 = [\"{hash}\"]\n\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\n\
             [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
             [activation.events.signed_in]\nextras = [\"store\"]\n{list}"
        );
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        memory.keep_secret(SecretRef::Env("S".into()), SECRET);
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory, clock, signs }
    }

    fn listing(list: &str) -> Self {
        Self::open(list, false)
    }

    async fn send(&self, path: &str, body: Value) -> (u16, Value) {
        let body = body.to_string();
        let mut request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", "Bearer qb_1");
        if self.signs {
            let seconds = self.clock.now().as_second();
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(format!("{seconds}.{body}").as_bytes());
            let header = format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()));
            request = request.header("x-quikly-signature", header);
        }
        let answer = self.routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn post(&self, attributes: Value) -> (u16, Value) {
        let body = json!({ "scope": "spring", "email": "ada@example.com", "attributes": attributes });
        self.send("/participations", body).await
    }

    /// The attributes of an accepted participation.
    async fn accepted(&self, attributes: Value) -> Attributes {
        let (status, answer) = self.post(attributes).await;
        assert_eq!(status, 202, "{answer}");
        self.stored(&answer).await
    }

    async fn stored(&self, answer: &Value) -> Attributes {
        let id = ParticipationId::parse(answer["id"].as_str().unwrap()).unwrap();
        self.memory.get(&[id]).await.unwrap().found.remove(0).attributes().clone()
    }

    /// The fields that are refused, each with its code.
    async fn refused(&self, attributes: Value) -> Vec<(String, Value)> {
        let (status, problem) = self.post(attributes).await;
        assert_eq!((status, &problem["type"]), (422, &json!("urn:quikly-braze:invalid-field")), "{problem}");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| (error["field"].as_str().unwrap().to_owned(), error["code"].clone())).collect()
    }

    async fn is_refused(&self, attributes: Value, field: &str, code: &str) {
        assert_eq!(self.refused(attributes.clone()).await, [(field.to_owned(), json!(code))], "{attributes}");
    }
}

fn names(attributes: &Attributes) -> Vec<&str> {
    attributes.iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn listed_attributes_of_each_type_are_stored() {
    let given = json!({
        "first_name": " Ada ", "shoe_size": 38.5, "member": false, "next_trip": "2026-12-24",
        "likes": ["hiking", "running"],
    });
    let stored = AnswersFront::listing(LIST).accepted(given).await;
    assert_eq!(stored.len(), 5);
    assert!(stored.get("first_name") == Some(&AttributeValue::Text("Ada".into())));
    assert!(stored.get("shoe_size") == Some(&AttributeValue::Float(38.5)));
    assert!(stored.get("member") == Some(&AttributeValue::Boolean(false)));
    assert!(stored.get("next_trip") == Some(&AttributeValue::Text("2026-12-24".into())));
    assert!(stored.get("likes") == Some(&AttributeValue::List(vec!["hiking".into(), "running".into()])));
}

#[tokio::test]
async fn an_attribute_that_is_not_listed_is_unknown_whoever_sends_it() {
    for signs in [false, true] {
        let front = AnswersFront::open(LIST, signs);
        for value in [json!("x"), json!(""), Value::Null, json!({ "inc": 1 })] {
            front.is_refused(json!({ "vip": value }), "attributes.vip", "unknown_attribute").await;
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_refused() {
    let front = AnswersFront::listing(LIST);
    for (name, value) in [
        ("first_name", json!(7)),
        ("shoe_size", json!("38")),
        ("member", json!("yes")),
        ("next_trip", json!("soon")),
        ("likes", json!("running")),
        ("likes", json!(["running", 1])),
        ("likes", json!({ "add": ["running"] })),
    ] {
        let field = format!("attributes.{name}");
        front.is_refused(json!({ name: value }), &field, "attribute_type").await;
    }
}

#[tokio::test]
async fn a_value_outside_of_what_is_allowed_is_refused() {
    let front = AnswersFront::listing(LIST);
    for (name, value) in [
        ("first_name", json!("Ada Lovelace")),
        ("first_name", json!("<b>Ada")),
        ("first_name", json!("A\u{0}da")),
        ("shoe_size", json!(29)),
        ("next_trip", json!("9999-01-01")),
        ("likes", json!(["running", "hiking", "cycling"])),
        ("likes", json!(["swimming"])),
    ] {
        let field = format!("attributes.{name}");
        front.is_refused(json!({ name: value }), &field, "attribute_range").await;
    }
}

#[tokio::test]
async fn a_piece_of_a_template_is_refused_with_or_without_a_list() {
    let value = json!({ "first_name": "{{${first_name}}}" });
    for front in [AnswersFront::listing(LIST), AnswersFront::open("", true)] {
        front.is_refused(value.clone(), "attributes.first_name", "unrendered-liquid").await;
    }
}

#[tokio::test]
async fn a_required_attribute_that_is_absent_is_missing() {
    let front = AnswersFront::listing(REQUIRED);
    for attributes in [Value::Null, json!({}), json!({ "first_name": " " }), json!({ "first_name": null })] {
        front.is_refused(attributes, "attributes.first_name", "attribute_missing").await;
    }
    let body = json!({ "scope": "spring", "phone": "+13135550100", "consent": true });
    let (status, problem) = front.send("/participations", body).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("attribute_missing")), "{problem}");
    assert_eq!(names(&front.accepted(json!({ "first_name": "Ada" })).await), ["first_name"]);
}

#[tokio::test]
async fn a_required_attribute_with_a_wrong_value_is_not_missing_too() {
    let front = AnswersFront::listing(REQUIRED);
    front.is_refused(json!({ "first_name": 1 }), "attributes.first_name", "attribute_type").await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_reported_at_once() {
    let front = AnswersFront::listing(REQUIRED);
    let body = json!({ "scope": "spring", "email": "nobody", "attributes": { "vip": 1, "member": "x" } });
    let (status, problem) = front.send("/participations", body).await;
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["field"].as_str()).collect();
    let expected = ["attributes.member", "attributes.vip", "attributes.first_name", "email"];
    assert_eq!((status, fields), (422, expected.to_vec()));
}

#[tokio::test]
async fn an_absent_answer_is_not_stored() {
    let given = json!({ "first_name": "", "likes": [], "member": null, "shoe_size": 40 });
    assert_eq!(names(&AnswersFront::listing(LIST).accepted(given).await), ["shoe_size"]);
}

#[tokio::test]
async fn without_a_list_an_unsigned_caller_cannot_send_attributes() {
    let front = AnswersFront::open("", false);
    front.is_refused(json!({ "first_name": "Ada" }), "attributes.first_name", "unknown_attribute").await;
    assert!(front.accepted(json!({})).await.is_empty());
}

#[tokio::test]
async fn without_a_list_a_caller_that_signs_sends_what_it_did_before() {
    let front = AnswersFront::open("", true);
    assert_eq!(names(&front.accepted(json!({ "b": "<i>", "a": 1, "empty": "" })).await), ["a", "b"]);
    let errors = front.refused(json!({ "a": null, "email": "x" })).await;
    let expected = [("attributes.a", "attribute_type"), ("attributes.email", "attribute_reserved")]
        .map(|(field, code)| (field.to_owned(), json!(code)));
    assert_eq!(errors, expected);
}

#[tokio::test]
async fn an_empty_list_refuses_every_attribute_of_a_caller_that_signs() {
    let front = AnswersFront::open("[activation.attributes]\n", true);
    front.is_refused(json!({ "a": 1 }), "attributes.a", "unknown_attribute").await;
}

#[tokio::test]
async fn a_long_list_of_unknown_attributes_gets_a_short_answer() {
    let front = AnswersFront::listing(LIST);
    let many: serde_json::Map<String, Value> = (0..2_000).map(|n| (format!("a{n}"), json!(1))).collect();
    assert_eq!(front.refused(many.into()).await.len(), 32);
}

#[tokio::test]
async fn a_required_attribute_behind_a_long_list_of_unknown_ones_is_not_missing() {
    let mut attributes: serde_json::Map<String, Value> =
        (0..100).map(|number| (format!("a{number:03}"), json!(1))).collect();
    attributes.insert("first_name".to_owned(), json!("Ada"));
    let refused = AnswersFront::listing(REQUIRED).refused(attributes.into()).await;
    assert!(refused.iter().all(|(_, code)| code == "unknown_attribute"), "{refused:?}");
    assert!(!refused.is_empty());
}

#[tokio::test]
async fn an_unknown_activation_is_refused_for_that() {
    let body = json!({ "scope": "winter", "email": "ada@example.com", "attributes": { "a": 1 } });
    let (status, problem) = AnswersFront::listing(LIST).send("/participations", body).await;
    assert_eq!((status, &problem["type"]), (422, &json!("urn:quikly-braze:unknown-scope")));
}

#[tokio::test]
async fn extras_of_webhooks_need_no_list_and_no_required_answer() {
    let front = AnswersFront::listing(REQUIRED);
    let body = json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com", "store": "<Detroit>" });
    let (status, answer) = front.send("/webhook/braze", body).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(names(&front.stored(&answer).await), ["store"]);
}
