//! Requests for counters that come close together share one read of the store.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use http::{Request, StatusCode};
use intake::{COUNTS_FRESH_FOR, IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use serde_json::Value;
use tower::ServiceExt;

const BRAND: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { env = \"K\" }\n\
     [intake]\nopen_to_anybody = true\n\
     [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
     [activation.email]\nincentive = \"first\"\n\
     [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 9\nreward = \"A\"\n";

const COUNTER: &str = "/incentives/spring/first";

struct WatchedPages {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
}

impl WatchedPages {
    fn open() -> Self {
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let deps = IntakeDeps {
            counts_fresh_for: COUNTS_FRESH_FOR,
            ..IntakeDeps::over(&memory, memory.clone(), clock.clone())
        };
        let brands =
            read_all(&[BrandFile { name: "acme".into(), text: BRAND.into() }], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory, clock }
    }

    /// Somebody takes part, and gets a place. Returns the participation's path.
    async fn post(&self, email: &str) -> String {
        let body = format!(r#"{{"scope":"spring","email":"{email}"}}"#);
        let request = Request::post("/participations").header("content-type", "application/json");
        let (status, answer) = self.answer(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        format!("/participations/{}", answer["id"].as_str().unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.answer(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> (StatusCode, Value) {
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// How many places are kept, as the counter says.
    async fn held(&self) -> Value {
        let (status, shown) = self.get(COUNTER).await;
        assert_eq!(status, StatusCode::OK);
        shown["held"].clone()
    }

    fn reads_fail(&self, always: bool) {
        self.memory.change_faults(Faults { read_fails: f64::from(u8::from(always)), ..Faults::none() });
    }
}

#[tokio::test]
async fn a_counter_is_read_anew_once_the_last_read_is_a_quarter_of_a_second_old() {
    let watched = WatchedPages::open();
    assert_eq!(watched.held().await, 0);
    watched.post("ada@example.com").await;
    watched.clock.advance(COUNTS_FRESH_FOR - Duration::from_millis(1));
    assert_eq!(watched.held().await, 0);
    watched.clock.advance(Duration::from_millis(1));
    assert_eq!(watched.held().await, 1);
}

#[tokio::test]
async fn the_page_of_an_activation_shows_the_same_counter() {
    let watched = WatchedPages::open();
    let shown = async || watched.get("/activations/spring").await.1["incentives"][0]["held"].clone();
    assert_eq!((watched.held().await, shown().await), (0.into(), 0.into()));
    watched.post("ada@example.com").await;
    assert_eq!(shown().await, 0);
    watched.clock.advance(COUNTS_FRESH_FOR);
    assert_eq!((shown().await, watched.held().await), (1.into(), 1.into()));
}

#[tokio::test]
async fn consumers_see_what_is_left_after_their_own_participation() {
    let watched = WatchedPages::open();
    assert_eq!(watched.held().await, 0);
    let ada = watched.post("ada@example.com").await;
    let (_, shown) = watched.get(&ada).await;
    assert_eq!((&shown["position"], &shown["remaining"]), (&1.into(), &8.into()));
}

#[tokio::test]
async fn a_read_that_fails_is_tried_again_after_the_same_time() {
    let watched = WatchedPages::open();
    watched.reads_fail(true);
    assert_eq!(watched.get(COUNTER).await.0, StatusCode::SERVICE_UNAVAILABLE);
    watched.reads_fail(false);
    assert_eq!(watched.get(COUNTER).await.0, StatusCode::SERVICE_UNAVAILABLE);
    watched.clock.advance(COUNTS_FRESH_FOR);
    assert_eq!(watched.held().await, 0);
}

#[tokio::test]
async fn a_store_that_fails_is_noticed_as_soon_as_the_last_read_is_old() {
    let watched = WatchedPages::open();
    assert_eq!(watched.held().await, 0);
    watched.reads_fail(true);
    assert_eq!(watched.held().await, 0);
    watched.clock.advance(COUNTS_FRESH_FOR);
    assert_eq!(watched.get(COUNTER).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
