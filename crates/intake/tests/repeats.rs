//! Which callers learn the id of a participation: the caller that created it, and callers that sign.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::participation::{Outcome, Participation, Unanswered};
use domain::token::TokenHash;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, StatusCode};
use intake::{Announcing, IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";
const EMAIL: &str = r#"{"scope":"spring","email":"ada@example.com"}"#;
const PHONE: &str = r#"{"scope":"spring","phone":"+13135550100","consent":true}"#;
const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

struct RepeatsFront {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
}

impl RepeatsFront {
    fn open(intake: &str, announcing: Announcing) -> Self {
        let hash = TokenHash::of("qb_1");
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n[intake]\n{intake}\n\
             [webhook]\ntokens_sha256 = [\"{hash}\"]\n\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\n\
             [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
             [activation.events.signed_in]\n"
        );
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        memory.keep_secret(SecretRef::Env("S".into()), SECRET);
        let deps = IntakeDeps { announcing, ..IntakeDeps::over(&memory, memory.clone(), clock.clone()) };
        let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory, clock }
    }

    fn unsigned() -> Self {
        Self::open("", Announcing::Together)
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer =
            self.routes.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn take_part(&self, key: Option<&str>, body: &str) -> Value {
        let headers: Vec<(&str, &str)> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let (status, answer) = self.post("/participations", &headers, body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        answer
    }

    async fn take_part_signed(&self, body: &str) -> Value {
        let seconds = self.clock.now().as_second();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{body}").as_bytes());
        let header = format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()));
        self.post("/participations", &[("x-quikly-signature", &header)], body).await.1
    }

    async fn stored(&self, id: &Value) -> Participation {
        let id = ParticipationId::parse(id.as_str().unwrap()).unwrap();
        self.memory.get(&[id]).await.unwrap().found.remove(0)
    }

    async fn ends(&self, id: &Value) {
        self.ends_as(id, Outcome::Rejected { reason: "no".into() }).await;
    }

    async fn ends_as(&self, id: &Value, outcome: Outcome) {
        let mut participation = self.stored(id).await;
        participation.apply(&Step::Done(outcome), self.clock.now());
        self.memory.save(&[participation]).await.unwrap();
    }
}

fn repeat() -> Value {
    json!({ "state": "received", "repeat": true })
}

#[tokio::test]
async fn whoever_posts_a_consumer_that_takes_part_already_learns_that_and_no_more() {
    for announcing in [Announcing::Together, Announcing::BeforeTheAnswer] {
        for body in [EMAIL, PHONE] {
            let front = RepeatsFront::open("", announcing);
            let first = front.take_part(None, body).await;
            assert_eq!(first, json!({ "id": first["id"], "state": "received", "repeat": false }));
            assert_eq!(front.take_part(None, body).await, repeat());
            front.ends(&first["id"]).await;
            assert_eq!(front.take_part(None, body).await, repeat(), "whatever its state is");
        }
    }
}

#[tokio::test]
async fn a_caller_that_repeats_its_own_key_gets_the_first_answer() {
    for body in [EMAIL, PHONE] {
        let front = RepeatsFront::unsigned();
        let first = front.take_part(Some(KEY), body).await;
        assert_eq!(front.take_part(Some(KEY), body).await, first);
        front.ends(&first["id"]).await;
        assert_eq!(front.take_part(Some(KEY), body).await, first, "whatever its state is");
        for other in [None, Some("another-key-of-somebody"), Some(&KEY.to_uppercase()[..])] {
            assert_eq!(front.take_part(other, body).await, repeat(), "{other:?}");
        }
        assert_eq!(front.take_part(Some(KEY), body).await, first, "no other key replaces it");
    }
}

#[tokio::test]
async fn a_key_counts_for_the_consumer_that_it_came_with_first() {
    let front = RepeatsFront::unsigned();
    let other = r#"{"scope":"spring","email":"grace@example.com"}"#;
    let theirs = front.take_part(Some("the-other-ones-own-key"), other).await;
    let first = front.take_part(Some(KEY), EMAIL).await;
    assert_eq!(front.take_part(Some(KEY), other).await, repeat());
    assert_ne!(first["id"], theirs["id"]);
    let new = front.take_part(Some(KEY), r#"{"scope":"spring","email":"cid@example.com"}"#).await;
    assert!(new["id"].is_string(), "a new consumer is new with any key: {new}");
}

#[tokio::test]
async fn a_participation_without_a_key_is_not_shown_to_a_caller_with_one() {
    let front = RepeatsFront::unsigned();
    front.take_part(None, EMAIL).await;
    assert_eq!(front.take_part(Some(KEY), EMAIL).await, repeat());
}

#[tokio::test]
async fn a_malformed_key_is_refused_and_nothing_is_stored() {
    let front = RepeatsFront::unsigned();
    for key in ["", "short", &"x".repeat(65), "with spaces in between", "8e03978e+40d5/43dd="] {
        let (status, problem) = front.post("/participations", &[("idempotency-key", key)], EMAIL).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{key}");
        assert_eq!(problem["type"], "urn:quikly-braze:malformed-idempotency-key", "{key}");
    }
    assert!(front.take_part(None, EMAIL).await["id"].is_string(), "it is the first that counts");
}

#[tokio::test]
async fn a_signed_caller_learns_id_and_state_of_a_repeat() {
    let front = RepeatsFront::open("signing_secret = { env = \"S\" }", Announcing::Together);
    let first = front.take_part_signed(EMAIL).await;
    let told = json!({ "id": first["id"], "state": "received", "repeat": true });
    assert_eq!(front.take_part_signed(EMAIL).await, told);
    front.ends(&first["id"]).await;
    let told = front.take_part_signed(EMAIL).await;
    assert_eq!(told, json!({ "id": first["id"], "state": "rejected", "repeat": true }));
}

#[tokio::test]
async fn a_webhook_learns_the_id_of_a_repeat() {
    let front = RepeatsFront::unsigned();
    let body = r#"{"q_scope":"spring","event":"signed_in","email":"ada@example.com"}"#;
    let bearer = [("authorization", "Bearer qb_1")];
    let first = front.post("/webhook/braze", &bearer, body).await;
    assert!(first.1["id"].is_string());
    assert_eq!(front.post("/webhook/braze", &bearer, body).await, first);
}

#[tokio::test]
async fn a_brand_file_may_allow_repeats_to_show_the_id() {
    let front = RepeatsFront::open("repeats = \"tell\"", Announcing::Together);
    let first = front.take_part(None, EMAIL).await;
    let told = json!({ "id": first["id"], "state": "received", "repeat": true });
    assert_eq!(front.take_part(None, EMAIL).await, told);
}

#[tokio::test]
async fn if_repeats_show_the_state_a_mismatch_still_looks_like_a_wait() {
    let front = RepeatsFront::open("repeats = \"tell\"", Announcing::Together);
    let first = front.take_part(None, PHONE).await;
    let wait = Unanswered { since: front.clock.now(), double: true, status: None, ended_at: None };
    front.ends_as(&first["id"], Outcome::Mismatch(wait)).await;
    let told = front.take_part(None, PHONE).await;
    assert_eq!(told, json!({ "id": first["id"], "state": "awaiting_opt_in", "repeat": true }));
}

#[tokio::test]
async fn only_one_of_many_callers_that_post_a_consumer_at_once_learns_the_id() {
    let front = RepeatsFront::unsigned();
    let all = futures::future::join_all((0..50).map(|_| front.take_part(None, EMAIL))).await;
    assert_eq!(all.iter().filter(|answer| answer["id"].is_string()).count(), 1);
    assert_eq!(all.iter().filter(|answer| **answer == repeat()).count(), 49);
}

/// In every channel, consent and refusal are stored with their time and the text that was shown to the
/// consumer.
#[tokio::test]
async fn what_the_consumer_said_about_messages_is_kept_for_every_channel() {
    let email = r#"{"scope":"spring","email":"ada@example.com","consent":true,"consent_text_id":"v3"}"#;
    let refused = email.replace("true", "false");
    let unasked = r#"{"scope":"spring","email":"ada@example.com","consent":null}"#;
    let phone = r#"{"scope":"spring","phone":"+13135550100","consent":true,"consent_text_id":"v3"}"#;
    let said = |given: bool| Some((given, Some("v3".to_owned())));
    for (body, expected) in
        [(email, said(true)), (&refused, said(false)), (unasked, None), (phone, said(true))]
    {
        let front = RepeatsFront::unsigned();
        let answer = front.take_part(None, body).await;
        let stored = front.stored(&answer["id"]).await;
        let read_back =
            stored::participation::decode(stored.id(), 0, &stored::participation::encode(&stored).unwrap())
                .unwrap();
        assert_eq!(read_back.consent(), stored.consent());
        let kept = stored.consent().map(|consent| {
            assert_eq!(consent.at, front.clock.now());
            (consent.given, consent.text_id.clone())
        });
        assert_eq!(kept, expected, "{body}");
    }
}

#[tokio::test]
async fn nobody_takes_part_by_number_without_consent() {
    let front = RepeatsFront::unsigned();
    for consent in ["", r#","consent":false"#, r#","consent":null"#] {
        let body =
            format!(r#"{{"scope":"spring","phone":"+13135550100","email":"ada@example.com"{consent}}}"#);
        let (status, problem) = front.post("/participations", &[], &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(problem["errors"][0]["field"], "consent", "{problem}");
    }
}

/// The record was written by a version that stored only consent, never refusal.
#[tokio::test]
async fn a_consent_stored_before_refusals_were_is_a_consent() {
    let front = RepeatsFront::unsigned();
    let answer = front.take_part(None, PHONE).await;
    let stored = front.stored(&answer["id"]).await;
    let record = stored::participation::encode(&stored).unwrap();
    assert!(!record.contains("refused"), "{record}");
    assert!(stored::participation::decode(stored.id(), 0, &record).unwrap().consent().unwrap().given);
}

#[tokio::test]
async fn the_key_itself_is_not_stored() {
    let front = RepeatsFront::unsigned();
    let first = front.take_part(Some(KEY), EMAIL).await;
    let record = stored::participation::encode(&front.stored(&first["id"]).await).unwrap();
    assert!(record.contains("repeat_key") && !record.contains(KEY), "{record}");
}
