//! Braze reports that a number's subscription has changed. The participation becomes due, and nobody is credited by the report.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::Timestamp;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::contact::{Contact, Email, Phone};
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use domain::message::QueueName;
use domain::participation::{EnrollState, Open, Outcome, SmsState, Target};
use domain::profile::ProfileRef;
use domain::token::TokenHash;
use http::{Request, StatusCode};
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Queues, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

const PHONE: &str = "+13135550100";
const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

fn start() -> Timestamp {
    "2026-11-02T00:00:00Z".parse().unwrap()
}

fn brand(name: &str, scope: &str, ways: &str) -> BrandFile {
    let hash = TokenHash::of(&format!("qb_{name}"));
    let text = format!(
        "id = \"{name}\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n\
         [webhook]\ntokens_sha256 = [\"{hash}\"]\n\
         [[activation]]\nscope = \"{scope}\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n{ways}"
    );
    BrandFile { name: name.into(), text }
}

struct Told {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
    brands: Arc<Brands>,
    id_key: IdKey,
}

impl Told {
    fn new() -> Self {
        let sms = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
                   double_opt_in_event = \"opt_in\"\n";
        let mail =
            "[activation.email]\nevent = \"ask\"\nopt_in = \"double\"\nsubscription_group_id = \"news\"\n";
        let files = [
            brand("acme", "spring", sms),
            brand("other", "summer", "[activation.email]\n"),
            brand("mail", "autumn", mail),
        ];
        let brands = Arc::new(read_all(&files, &AssumePresent).unwrap());
        let clock = Arc::new(TestClock::at(start()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let id_key = IdKey::new([1; 32]);
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        Self { routes: router(deps, brands.clone(), id_key.clone()), memory, clock, brands, id_key }
    }

    /// The consumer was asked to confirm, and the next poll is in half an hour.
    async fn asked(&self) -> ParticipationId {
        let until = self.clock.now() + HALF_AN_HOUR;
        let state = Open::Sms(SmsState::AwaitingOptIn { since: self.clock.now(), asked_by: None });
        self.in_state(&Step::Wait { state, until }).await
    }

    async fn in_state(&self, step: &Step) -> ParticipationId {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let phone = Phone::from_e164(PHONE).unwrap();
        let contact = Contact::Phone { phone: phone.clone(), email: None };
        let id = self.id_key.participation(&terms.1.scope, &contact);
        let acceptance = Acceptance::new(id, terms, self.clock.now());
        let mut participation = acceptance.by_phone((phone, None), None, Attributes::default());
        participation.apply(step, self.clock.now());
        self.memory.insert(&participation, None).await.unwrap();
        id
    }

    /// The consumer was asked by e-mail to confirm.
    async fn asked_by_email(&self) -> ParticipationId {
        let terms = self.brands.activation(&Scope::parse("autumn").unwrap()).unwrap();
        let email = Email::parse("ada@example.com").unwrap();
        let id = self.id_key.participation(&terms.1.scope, &Contact::Email(email.clone()));
        let acceptance = Acceptance::new(id, terms, self.clock.now());
        let mut participation = acceptance.by_email(email, None, Attributes::default());
        let target = Target { profile: ProfileRef::ExternalId("u-1".into()), create: false };
        let state = Open::Enroll(EnrollState::AwaitingOptIn { target, since: self.clock.now() });
        let until = self.clock.now() + HALF_AN_HOUR;
        participation.apply(&Step::Wait { state, until }, self.clock.now());
        self.memory.insert(&participation, None).await.unwrap();
        id
    }

    async fn tells(&self, token: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::post("/webhook/braze")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn due_at(&self, id: ParticipationId) -> Option<Timestamp> {
        self.memory.get(&[id]).await.unwrap().found[0].due_at()
    }
}

fn change(phone: &str) -> Value {
    json!({ "q_scope": "spring", "event": "$subscription", "phone": phone })
}

#[tokio::test]
async fn a_consumer_who_was_asked_to_confirm_is_due_at_once_and_announced() {
    let told = Told::new();
    let id = told.asked().await;
    told.clock.advance(Duration::from_secs(60));
    let (status, answer) = told.tells("qb_acme", change("(313) 555-0100")).await;
    assert_eq!((status, answer), (StatusCode::ACCEPTED, json!({ "id": id.to_string() })));
    assert_eq!(told.due_at(id).await, Some(told.clock.now()));
    let announced = told.memory.receive(QueueName::SmsSubscriptions, Duration::from_secs(20)).await.unwrap();
    assert_eq!(announced[0].look.ids, [id]);
    let participation = told.memory.get(&[id]).await.unwrap().found.remove(0);
    assert_eq!(participation.state().name(), "awaiting_opt_in", "the report itself credits nobody");
}

#[tokio::test]
async fn the_same_report_again_changes_nothing_more() {
    let told = Told::new();
    let id = told.asked().await;
    told.tells("qb_acme", change(PHONE)).await;
    let version = told.memory.get(&[id]).await.unwrap().found[0].version();
    assert_eq!(told.tells("qb_acme", change(PHONE)).await.0, StatusCode::ACCEPTED);
    assert_eq!(told.memory.get(&[id]).await.unwrap().found[0].version(), version);
}

#[tokio::test]
async fn a_participation_that_waits_for_something_else_or_has_ended_is_left_alone() {
    for step in [
        Step::Wait { state: Open::Sms(SmsState::Received), until: start() + HALF_AN_HOUR },
        Step::Done(Outcome::Expired),
    ] {
        let told = Told::new();
        let id = told.in_state(&step).await;
        let due_at = told.due_at(id).await;
        assert_eq!(told.tells("qb_acme", change(PHONE)).await.0, StatusCode::ACCEPTED);
        assert_eq!(told.due_at(id).await, due_at);
    }
}

#[tokio::test]
async fn a_number_that_takes_no_part_is_accepted_without_an_id() {
    let told = Told::new();
    assert_eq!(told.tells("qb_acme", change("+13135550199")).await, (StatusCode::ACCEPTED, json!({})));
}

#[tokio::test]
async fn a_report_without_a_number_or_of_another_brand_is_refused_with_the_reason() {
    let told = Told::new();
    let nobody = json!({ "q_scope": "spring", "event": "$subscription", "email": "ada@example.com" });
    let liquid = change("{{${phone_number}}}");
    let no_sms = json!({ "q_scope": "summer", "event": "$subscription", "phone": PHONE });
    for (token, body, status, kind) in [
        ("qb_acme", nobody, 422, "invalid-field"),
        ("qb_acme", change("hello"), 422, "invalid-field"),
        ("qb_acme", liquid, 422, "unrendered-liquid"),
        ("qb_other", change(PHONE), 403, "foreign-scope"),
        ("qb_other", no_sms, 422, "unknown-event"),
    ] {
        let (answered, problem) = told.tells(token, body).await;
        assert_eq!(
            (answered.as_u16(), &problem["type"]),
            (status, &json!(format!("urn:quikly-braze:{kind}"))),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_consumer_who_was_asked_by_e_mail_is_due_at_once_and_not_credited_by_the_report() {
    let told = Told::new();
    let id = told.asked_by_email().await;
    told.clock.advance(Duration::from_secs(60));
    let change = json!({ "q_scope": "autumn", "event": "$subscription", "email": " Ada@Example.com" });
    let (status, answer) = told.tells("qb_mail", change).await;
    assert_eq!((status, answer), (StatusCode::ACCEPTED, json!({ "id": id.to_string() })));
    assert_eq!(told.due_at(id).await, Some(told.clock.now()));
    let announced = told.memory.receive(QueueName::EmailEnrollments, Duration::from_secs(20)).await.unwrap();
    assert_eq!(announced[0].look.ids, [id]);
    let participation = told.memory.get(&[id]).await.unwrap().found.remove(0);
    assert_eq!((participation.state().name(), participation.earned_at()), ("awaiting_opt_in", None));
}

#[tokio::test]
async fn a_report_of_an_address_is_refused_where_nobody_confirms_by_e_mail() {
    let told = Told::new();
    let change = json!({ "q_scope": "summer", "event": "$subscription", "email": "ada@example.com" });
    let (status, problem) = told.tells("qb_other", change).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("urn:quikly-braze:unknown-event")),
        "{problem}"
    );
}
