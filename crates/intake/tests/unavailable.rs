//! A request that cannot be stored gets an answer that makes the sender repeat it: Braze repeats after a 503,
//! and drops every other refusal for good.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::message::QueueName;
use domain::token::TokenHash;
use futures::FutureExt;
use http::{Request, StatusCode};
use intake::{Announcing, IntakeDeps, router};
use memory::{Faults, Memory, TestClock, TokioClock};
use ports::health::Subject;
use ports::queues::{Delivery, Outgoing, Receipt};
use ports::{Clock, Queues, Troubles};
use tower::ServiceExt;

fn brand() -> BrandFile {
    let hash = TokenHash::of("qb_1");
    let text = format!(
        "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
         [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\n\
         [activation.events.signed_in]\nincentive = \"first\"\n\
         [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 2\nreward = \"A\"\n"
    );
    BrandFile { name: "acme".into(), text }
}

/// The routes over a store in memory whose faults can be changed.
fn serving(faults: Faults, announcing: Announcing, clock: Arc<dyn Clock>) -> (Router, Arc<Memory>) {
    serving_in(faults, announcing, clock, Troubles::default())
}

fn serving_in(
    faults: Faults,
    announcing: Announcing,
    clock: Arc<dyn Clock>,
    troubles: Troubles,
) -> (Router, Arc<Memory>) {
    let (memory, deps) = deps(faults, announcing, clock, troubles);
    (routes(deps), memory)
}

fn deps(
    faults: Faults,
    announcing: Announcing,
    clock: Arc<dyn Clock>,
    troubles: Troubles,
) -> (Arc<Memory>, IntakeDeps) {
    let memory = Arc::new(Memory::new(1, faults, clock.clone()));
    let deps = IntakeDeps { announcing, troubles, ..IntakeDeps::over(&memory, memory.clone(), clock) };
    (memory, deps)
}

fn routes(deps: IntakeDeps) -> Router {
    let brands = Arc::new(read_all(&[brand()], &AssumePresent).unwrap());
    router(deps, brands, IdKey::new([1; 32]))
}

async fn post(
    faults: Faults,
    announcing: Announcing,
    path: &str,
    body: &'static str,
) -> (StatusCode, Option<String>) {
    post_to(&serving(faults, announcing, Arc::new(TokioClock::start())).0, path, body).await
}

async fn post_to(routes: &Router, path: &str, body: &'static str) -> (StatusCode, Option<String>) {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("authorization", "Bearer qb_1")
        .body(Body::from(body))
        .unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), retry_after)
}

/// The status and the detail of the health report.
async fn health(routes: &Router) -> (StatusCode, String) {
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status, body["detail"].as_str().unwrap_or_default().to_owned())
}

/// The status and the whole health report.
async fn health_in_full(routes: &Router) -> (StatusCode, serde_json::Value) {
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_problem_while_participations_are_stored_is_degraded_and_not_unhealthy() {
    let troubles = Troubles::default();
    let clock = Arc::new(TestClock::at("2026-11-23T16:57:37Z".parse().unwrap()));
    let (routes, _memory) = serving_in(Faults::none(), Announcing::Together, clock.clone(), troubles.clone());
    let webhooks = serde_json::json!({ "accepted": 0, "refused": {} });
    let ok = serde_json::json!({ "status": "ok", "webhooks": webhooks });
    assert_eq!(health_in_full(&routes).await, (StatusCode::OK, ok.clone()));
    let acme = || Subject::Brand("acme".into());
    troubles.report("braze_unanswered", acme(), clock.now(), "no answer");
    troubles.report("task_restarts", Subject::Task("tick".into()), clock.now(), "it panicked");
    let since = "2026-11-23T16:57:37Z";
    let degraded = serde_json::json!([
        { "kind": "braze_unanswered", "brand": "acme", "since": since, "text": "no answer" },
        { "kind": "task_restarts", "task": "tick", "since": since, "text": "it panicked" },
    ]);
    let expected = serde_json::json!({ "status": "degraded", "degraded": degraded, "webhooks": webhooks });
    assert_eq!(health_in_full(&routes).await, (StatusCode::OK, expected));
    assert!(troubles.clear("braze_unanswered", acme()));
    assert!(troubles.clear("task_restarts", Subject::Task("tick".into())));
    assert_eq!(health_in_full(&routes).await, (StatusCode::OK, ok));
}

/// A queue that panics.
struct PanickingQueue;

#[async_trait]
impl Queues for PanickingQueue {
    async fn send(&self, _queue: QueueName, _messages: Vec<Outgoing>) -> ports::Result<()> {
        panic!("a fault was injected")
    }

    async fn receive(&self, _queue: QueueName, _wait: Duration) -> ports::Result<Vec<Delivery>> {
        Ok(Vec::new())
    }

    async fn acknowledge(&self, _queue: QueueName, _receipts: &[Receipt]) -> ports::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_that_panics_is_answered_and_shown_and_the_next_one_is_served() {
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
    let (_, deps) = deps(Faults::none(), Announcing::BeforeTheAnswer, clock, Troubles::default());
    let routes = routes(IntakeDeps { queues: Arc::new(PanickingQueue), ..deps });
    let request = Request::post("/webhook/braze")
        .header("content-type", "application/json")
        .header("authorization", "Bearer qb_1")
        .body(Body::from(WEBHOOK))
        .unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let (status, health) = health_in_full(&routes).await;
    assert_eq!((status, &health["degraded"][0]["kind"]), (StatusCode::OK, &"panicked".into()));
}

const WEBHOOK: &str = r#"{"q_scope":"spring","event":"signed_in","email":"ada@example.com"}"#;
const BY_EMAIL: &str = r#"{"scope":"spring","email":"ada@example.com"}"#;

fn again() -> (StatusCode, Option<String>) {
    (StatusCode::SERVICE_UNAVAILABLE, Some("5".to_owned()))
}

#[tokio::test]
async fn a_request_that_cannot_be_stored_must_be_sent_again() {
    let failing = || Faults { write_fails: 1.0, ..Faults::none() };
    for (path, body) in [("/webhook/braze", WEBHOOK), ("/participations", BY_EMAIL)] {
        assert_eq!(post(failing(), Announcing::Together, path, body).await, again(), "{path}");
        let stored = post(Faults::none(), Announcing::Together, path, body).await;
        assert_eq!(stored, (StatusCode::ACCEPTED, None), "{path}");
    }
}

/// Trying again does not help, and the store itself is not at fault.
#[tokio::test]
async fn an_unreadable_participation_is_not_a_failure_of_the_store() {
    let (routes, memory) = serving(Faults::none(), Announcing::Together, Arc::new(TokioClock::start()));
    let send = async |request: Request<Body>| {
        let answer = routes.clone().oneshot(request).await.unwrap();
        let (status, retry) = (answer.status(), answer.headers().contains_key("retry-after"));
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        (status, retry, body)
    };
    let post = || {
        let request = Request::post("/participations").header("content-type", "application/json");
        request.body(Body::from(BY_EMAIL)).unwrap()
    };
    let (_, _, accepted) = send(post()).await;
    let id = accepted["id"].as_str().unwrap().to_owned();
    memory.damage(domain::ids::ParticipationId::parse(&id).unwrap(), true);
    let show = Request::get(format!("/participations/{id}")).body(Body::empty()).unwrap();
    for request in [show, post()] {
        let (status, retry, body) = send(request).await;
        assert_eq!((status, retry), (StatusCode::INTERNAL_SERVER_ERROR, false), "{body}");
        assert_eq!(body["type"], "urn:quikly-braze:unreadable-participation");
    }
    assert_eq!(health(&routes).await.0, StatusCode::OK);
    assert_eq!(post_to(&routes, "/webhook/braze", WEBHOOK).await, (StatusCode::ACCEPTED, None));
}

/// The participation is durable, and the tick finds it.
#[tokio::test]
async fn a_participation_that_cannot_be_announced_is_accepted() {
    let failing = || Faults { send_fails: 1.0, ..Faults::none() };
    for announcing in [Announcing::Together, Announcing::BeforeTheAnswer] {
        for (path, body) in [("/webhook/braze", WEBHOOK), ("/participations", BY_EMAIL)] {
            assert_eq!(post(failing(), announcing, path, body).await, (StatusCode::ACCEPTED, None), "{path}");
        }
    }
}

#[tokio::test]
async fn the_health_says_that_the_store_fails_until_it_works_again() {
    let faults = Faults { write_fails: 1.0, ..Faults::none() };
    let (routes, memory) = serving(faults, Announcing::BeforeTheAnswer, Arc::new(TokioClock::start()));
    assert_eq!(health(&routes).await.0, StatusCode::OK);
    assert_eq!(post_to(&routes, "/webhook/braze", WEBHOOK).await, again());
    let (status, detail) = health(&routes).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(detail.contains("cannot be stored: the store does not answer"), "{detail}");
    memory.change_faults(Faults::none());
    assert_eq!(post_to(&routes, "/webhook/braze", WEBHOOK).await.0, StatusCode::ACCEPTED);
    assert_eq!(health(&routes).await.0, StatusCode::OK);
}

#[tokio::test]
async fn frequent_health_requests_ask_the_store_once_a_second() {
    let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
    let (routes, memory) = serving(Faults::none(), Announcing::Together, clock.clone());
    assert_eq!(health(&routes).await.0, StatusCode::OK);
    memory.change_faults(Faults { read_fails: 1.0, ..Faults::none() });
    for _ in 0..100 {
        assert_eq!(health(&routes).await.0, StatusCode::OK);
    }
    clock.advance(Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(health(&routes).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(memory.struck().get("reads failed"), Some(&1));
}

/// A function is frozen as soon as it has answered.
#[tokio::test]
async fn a_function_sends_the_announcement_before_the_answer() {
    let (routes, memory) =
        serving(Faults::none(), Announcing::BeforeTheAnswer, Arc::new(TokioClock::start()));
    post_to(&routes, "/participations", BY_EMAIL).await;
    let received = memory.receive(QueueName::EmailEnrollments, Duration::ZERO).now_or_never();
    assert_eq!(received.unwrap().unwrap().len(), 1);
}
