//! The answer to a participation says where the consumer stands.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::token::TokenHash;
use http::{Request, StatusCode};
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use serde_json::{Value, json};
use tower::ServiceExt;

/// When the store enters the line of a participation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enters {
    AtOnce,
    Later,
}

struct StandingFront {
    routes: Router,
}

impl StandingFront {
    /// An activation whose two places are taken by e-mail and by an event; a second event has a raffle, and a third wins nothing.
    fn open(enters: Enters) -> Self {
        let hash = TokenHash::of("qb_1");
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n\
             [intake]\nopen_to_anybody = true\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
             [activation.email]\nincentive = \"first-2\"\n\
             [activation.events.signed_in]\nincentive = \"first-2\"\n\
             [activation.events.shared]\nincentive = \"trip\"\n[activation.events.looked]\n\
             [activation.events.drawn]\nincentive = \"luck\"\n\
             [[activation.incentive]]\nid = \"first-2\"\nkind = \"first\"\nquantity = 2\nreward = \"SPRING20\"\n\
             [[activation.incentive]]\nid = \"trip\"\nkind = \"raffle\"\nquantity = 1\nreward = \"TRIP\"\n\
             [[activation.incentive]]\nid = \"luck\"\nkind = \"draw\"\nodds = \"1/1\"\nquantity = 5\nreward = \"LUCK\"\n"
        );
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        if enters == Enters::Later {
            memory.enter_later();
        }
        let deps = IntakeDeps::over(&memory, memory.clone(), clock);
        let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])) }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = Request::post(path).header("content-type", "application/json");
        let request =
            request.header("authorization", "Bearer qb_1").header("idempotency-key", "k".repeat(20));
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        assert!(answer.as_object_mut().unwrap().remove("id").is_some());
        answer
    }

    async fn by_email(&self, name: &str) -> Value {
        let email = format!("{name}@example.com");
        self.post("/participations", json!({ "scope": "spring", "email": email })).await
    }

    async fn by_event(&self, event: &str, name: &str) -> Value {
        let email = format!("{name}@example.com");
        self.post("/webhook/braze", json!({ "q_scope": "spring", "event": event, "email": email })).await
    }
}

#[tokio::test]
async fn the_answer_says_the_place_or_the_place_in_line() {
    for enters in [Enters::AtOnce, Enters::Later] {
        let front = StandingFront::open(enters);
        assert_eq!(
            front.by_email("ada").await,
            json!({ "state": "received", "repeat": false, "position": 1 })
        );
        assert_eq!(front.by_event("signed_in", "bob").await, json!({ "position": 2 }));
        assert_eq!(
            front.by_email("cleo").await,
            json!({ "state": "received", "repeat": false, "waiting": 1 })
        );
        assert_eq!(front.by_event("signed_in", "dan").await, json!({ "waiting": 2 }));
    }
}

#[tokio::test]
async fn a_repeat_of_the_request_gets_the_place_again() {
    for enters in [Enters::AtOnce, Enters::Later] {
        let front = StandingFront::open(enters);
        for expected in [
            json!({ "state": "received", "repeat": false, "position": 1 }),
            json!({ "state": "received", "repeat": false, "position": 1 }),
        ] {
            assert_eq!(front.by_email("ada").await, expected);
        }
        front.by_email("bob").await;
        for _ in 0..2 {
            assert_eq!(
                front.by_email("cleo").await,
                json!({ "state": "received", "repeat": false, "waiting": 1 })
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_said_where_no_order_decides() {
    let front = StandingFront::open(Enters::AtOnce);
    for event in ["shared", "looked"] {
        assert_eq!(front.by_event(event, "ada").await, json!({}), "{event}");
    }
}

#[tokio::test]
async fn a_place_that_is_not_known_yet_is_null() {
    let front = StandingFront::open(Enters::Later);
    assert_eq!(front.by_event("drawn", "bob").await, json!({ "position": null }));
    assert_eq!(front.by_event("shared", "cleo").await, json!({}));
}
