//! An activation that an operator has paused: nobody new can take part, and existing participants get the usual answers.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::Scope;
use domain::token::TokenHash;
use http::{Request, StatusCode, header};
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Pauses};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Longer than it takes until a pause is noticed.
const NOTICED: Duration = Duration::from_secs(3);

struct Paused {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
}

impl Paused {
    fn new() -> Self {
        let activation = |scope: &str| {
            format!(
                "[[activation]]\nscope = \"{scope}\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
                 [activation.email]\n[activation.events.signed_in]\n"
            )
        };
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n\
             [webhook]\ntokens_sha256 = [\"{}\"]\n[intake]\nopen_to_anybody = true\n{}{}",
            TokenHash::of("qb_1"),
            activation("spring"),
            activation("summer")
        );
        let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
        let clock = Arc::new(TestClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let routes = router(deps, Arc::new(brands), IdKey::new([1; 32]));
        Self { routes, memory, clock }
    }

    async fn pause(&self) {
        self.memory.pause(&Scope::parse("spring").unwrap(), self.clock.now()).await.unwrap();
        self.clock.advance(NOTICED);
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Option<String>, Value) {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let wait = headers.get(header::RETRY_AFTER).map(|wait| wait.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, wait, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, body: Value) -> (StatusCode, Option<String>, Value) {
        let request = Request::post("/participations").header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn take_part(&self, scope: &str, email: &str) -> StatusCode {
        self.post(json!({ "scope": scope, "email": email })).await.0
    }

    async fn shown(&self, scope: &str) -> Value {
        self.send(Request::get(format!("/activations/{scope}")).body(Body::empty()).unwrap()).await.2
    }
}

#[tokio::test]
async fn nobody_new_takes_part_in_a_paused_activation_and_others_are_not_affected() {
    let paused = Paused::new();
    assert_eq!(paused.take_part("spring", "ada@example.com").await, StatusCode::ACCEPTED);
    paused.pause().await;
    let (status, wait, problem) = paused.post(json!({ "scope": "spring", "email": "bob@example.com" })).await;
    assert_eq!((status, wait.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("30")));
    assert_eq!(problem["type"], "urn:quikly-braze:activation-paused");
    assert_eq!(paused.take_part("summer", "bob@example.com").await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn whoever_takes_part_already_is_answered_as_always() {
    let paused = Paused::new();
    paused.take_part("spring", "ada@example.com").await;
    paused.pause().await;
    let (status, _, answer) = paused.post(json!({ "scope": "spring", "email": "ada@example.com" })).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
}

#[tokio::test]
async fn a_webhook_is_refused_so_that_braze_sends_it_again() {
    let paused = Paused::new();
    paused.pause().await;
    let request = Request::post("/webhook/braze")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "Bearer qb_1");
    let body = json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com" });
    let (status, _, problem) = paused.send(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
}

#[tokio::test]
async fn a_dry_run_says_that_it_is_paused() {
    let paused = Paused::new();
    paused.pause().await;
    let dry = json!({ "scope": "spring", "email": "ada@example.com", "dry_run": true });
    assert_eq!(paused.post(dry).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn pages_see_the_pause_and_its_end() {
    let paused = Paused::new();
    assert_eq!(paused.shown("spring").await["paused"], Value::Null);
    paused.pause().await;
    assert_eq!(paused.shown("spring").await["paused"], true);
    paused.memory.resume(&Scope::parse("spring").unwrap()).await.unwrap();
    paused.clock.advance(NOTICED);
    assert_eq!(paused.shown("spring").await["paused"], Value::Null);
    assert_eq!(paused.take_part("spring", "ada@example.com").await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_pause_counts_even_if_the_store_cannot_be_asked_any_more() {
    let paused = Paused::new();
    paused.pause().await;
    assert_eq!(paused.take_part("spring", "ada@example.com").await, StatusCode::SERVICE_UNAVAILABLE);
    paused.memory.change_faults(Faults { read_fails: 1.0, ..Faults::none() });
    paused.clock.advance(NOTICED);
    assert_eq!(paused.shown("spring").await["paused"], true);
}
