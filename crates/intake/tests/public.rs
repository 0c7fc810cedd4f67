//! What pages read: an activation, its counters, a participation; how answers are cached, and how a request waits for a change.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::participation::Outcome;
use http::{Request, header};
use intake::{HeldRequests, IntakeDeps, router};
use memory::{Faults, Memory, TokioClock};
use ports::{Clock, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

const BRAND: &str = r#"
id = "acme"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { env = "K" }
[intake]
origins = ["https://promo.acme.example"]
[[activation]]
scope = "spring"
opens = 2026-10-01T00:00:00Z
closes = 2026-12-01T00:00:00Z
[activation.email]
incentive = "first-3"
[activation.sms]
subscription_group_id = "g-1"
default_region = "US"
opt_in = "double"
double_opt_in_event = "asks"
window = "48h"
[activation.attributes]
first_name = { type = "text", max_length = 10, required = true }
size = { type = "text", choices = ["S", "M"] }
age = { type = "number", min = 18 }
[[activation.incentive]]
id = "first-3"
kind = "first"
quantity = 3
reward = "SPRING20"
[[activation]]
scope = "later"
opens = 2026-11-01T00:00:04Z
closes = 2026-12-01T00:00:00Z
[activation.email]
[[activation]]
scope = "over"
opens = 2026-10-01T00:00:00Z
closes = 2026-10-31T00:00:00Z
[activation.email]
"#;

struct PublicFront {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TokioClock>,
    held: HeldRequests,
}

impl PublicFront {
    fn open() -> Self {
        let clock = Arc::new(TokioClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let held = HeldRequests::at_most(1);
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let deps = IntakeDeps { held: held.clone(), ..deps };
        let file = BrandFile { name: "acme".into(), text: BRAND.to_owned() };
        let brands = read_all(&[file], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory, clock, held }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request =
            headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        self.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn read(&self, path: &str) -> Value {
        body(self.get(path, &[]).await).await
    }

    async fn post(&self, asked: Value) -> Response {
        let request = Request::post("/participations").header("content-type", "application/json");
        let request = request.body(Body::from(asked.to_string())).unwrap();
        self.routes.clone().oneshot(request).await.unwrap()
    }

    /// Takes part, and returns the path of the participation.
    async fn take_part(&self) -> String {
        let answer = self.post(ada()).await;
        assert_eq!(answer.status(), 202);
        answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    async fn ends(&self, path: &str) {
        let id = ParticipationId::parse(path.rsplit('/').next().unwrap()).unwrap();
        let mut participation = self.memory.get(&[id]).await.unwrap().found.remove(0);
        participation.apply(&Step::Done(Outcome::Expired), self.clock.now());
        self.memory.save(&[participation]).await.unwrap();
    }
}

fn ada() -> Value {
    json!({ "scope": "spring", "email": "ada@example.com", "attributes": { "first_name": "Ada" } })
}

async fn body(answer: Response) -> Value {
    serde_json::from_slice(&to_bytes(answer.into_body(), 100_000).await.unwrap()).unwrap()
}

fn header_of(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_activation_says_when_it_is_open_how_to_take_part_and_what_is_left() {
    let front = PublicFront::open();
    front.take_part().await;
    let shown = front.read("/activations/spring").await;
    assert_eq!(
        shown,
        json!({
            "scope": "spring", "now": "2026-11-01T00:00:00Z", "phase": "open",
            "opens": "2026-10-01T00:00:00Z", "closes": "2026-12-01T00:00:00Z",
            "ways": [
                { "way": "email", "incentive": "first-3" },
                { "way": "sms", "region": "US", "answer_within_s": 172_800 },
            ],
            "attributes": [
                { "name": "age", "kind": "number", "required": false, "min": 18.0 },
                { "name": "first_name", "kind": "text", "required": true, "longest": 10 },
                { "name": "size", "kind": "text", "required": false, "longest": 255, "choices": ["S", "M"] },
            ],
            "incentives": [{
                "id": "first-3", "kind": "first", "opens": "2026-10-01T00:00:00Z", "closes": "2026-12-01T00:00:00Z",
                "quantity": 3, "claimed": 0, "remaining": 2, "held": 1, "waiting": 0,
            }],
            "next_ms": 1_000,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn an_activation_that_opens_soon_is_asked_for_at_its_opening_and_one_that_is_over_no_more() {
    let front = PublicFront::open();
    let later = front.read("/activations/later").await;
    assert_eq!((&later["phase"], &later["next_ms"]), (&json!("upcoming"), &json!(4_000)));
    let over = front.read("/activations/over").await;
    assert_eq!((&over["phase"], over.get("next_ms")), (&json!("closed"), None));
    let nowhere = front.get("/activations/nowhere", &[]).await;
    assert_eq!(nowhere.status(), 404);
    assert_eq!(body(nowhere).await["type"], "urn:quikly-braze:no-such-activation");
}

#[tokio::test(start_paused = true)]
async fn counters_may_be_kept_for_a_second_and_what_is_about_a_person_not_at_all() {
    let front = PublicFront::open();
    let participation = front.take_part().await;
    for (path, kept) in [
        ("/activations/spring", "public, max-age=1"),
        ("/incentives/spring/first-3", "public, max-age=1"),
        (participation.as_str(), "no-store"),
        ("/participations/nobody", "no-store"),
        ("/openapi.json", "public, max-age=60"),
    ] {
        assert_eq!(header_of(&front.get(path, &[]).await, "cache-control"), kept, "{path}");
    }
    assert_eq!(header_of(&front.post(ada()).await, "cache-control"), "no-store");
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_has_already_is_answered_with_304_until_it_changes() {
    let front = PublicFront::open();
    for path in ["/activations/spring", "/incentives/spring/first-3"] {
        let tag = header_of(&front.get(path, &[]).await, "etag");
        front.clock.set_forward(5_000);
        let again = front.get(path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status().as_u16(), header_of(&again, "etag")), (304, tag.clone()), "{path}");
        front.post(json!({ "scope": "spring", "email": format!("{}@example.com", path.len()), "attributes": { "first_name": "Bob" } })).await;
        assert_eq!(front.get(path, &[("if-none-match", &tag)]).await.status(), 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_participation_says_what_the_consumer_may_expect_and_when_to_ask_again() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let shown = front.read(&path).await;
    let expected = json!({ "outcome": "on_its_way", "final": false, "next_ms": 1_000, "accepted_at": "2026-11-01T00:00:00Z" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{shown}");
    }
    front.ends(&path).await;
    let shown = front.read(&path).await;
    assert_eq!(
        (&shown["outcome"], &shown["final"], shown.get("next_ms")),
        (&json!("refused"), &json!(true), None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_answered_once_the_participation_changes() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let waits = format!("{path}?wait=10");
    let asked = front.get(&waits, &[]);
    let changes = async {
        tokio::task::yield_now().await;
        front.ends(&path).await;
    };
    let (answer, ()) = tokio::join!(asked, changes);
    assert_eq!(body(answer).await["outcome"], "refused");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_result_that_is_final() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    front.ends(&path).await;
    let began = front.clock.now();
    let answer = front.get(&format!("{path}?wait=10"), &[]).await;
    assert_eq!((body(answer).await["final"].clone(), front.clock.now()), (json!(true), began));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_answered_after_its_time_or_when_the_process_stops() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let waits = format!("{path}?wait=10");
    let began = front.clock.now();
    let answer = front.get(&waits, &[]).await;
    assert_eq!(answer.status(), 200);
    let waited = front.clock.now().duration_since(began);
    assert!((10..11).contains(&waited.as_secs()), "{waited:?}");
    front.held.release();
    let began = front.clock.now();
    front.get(&waits, &[]).await;
    assert_eq!(front.clock.now(), began);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_knows_an_earlier_answer_does_not_wait_for_the_present_one() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let tag = header_of(&front.get(&path, &[]).await, "etag");
    front.ends(&path).await;
    let began = front.clock.now();
    let answer = front.get(&format!("{path}?wait=10"), &[("if-none-match", &tag)]).await;
    assert_eq!((answer.status().as_u16(), front.clock.now()), (200, began));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_room_for_waiting_requests_the_answer_comes_at_once() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let waits = format!("{path}?wait=10");
    let began = front.clock.now();
    let second = async {
        tokio::task::yield_now().await;
        front.get(&waits, &[]).await;
        front.clock.now()
    };
    let (_first, answered_at) = tokio::join!(front.get(&waits, &[]), second);
    assert_eq!(answered_at, began);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_not_a_number_is_refused() {
    let front = PublicFront::open();
    let path = front.take_part().await;
    let answer = front.get(&format!("{path}?wait=long"), &[]).await;
    assert_eq!(answer.status(), 422);
    let problem = body(answer).await;
    assert_eq!(problem["errors"][0]["code"], "out_of_range");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_names_every_mistake_and_stores_nothing() {
    let front = PublicFront::open();
    let mut asked = ada();
    asked["dry_run"] = json!(true);
    let answer = front.post(asked.clone()).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (200, json!({ "dry_run": true })));
    assert_eq!(front.read("/incentives/spring/first-3").await["remaining"], 3);
    asked["attributes"] = json!({});
    let answer = front.post(asked).await;
    assert_eq!(
        (answer.status().as_u16(), &body(answer).await["errors"][0]["code"]),
        (422, &json!("attribute_missing"))
    );
}

#[tokio::test(start_paused = true)]
async fn each_field_error_has_a_code_and_the_parameters_of_its_sentence() {
    let front = PublicFront::open();
    let attributes = json!({ "first_name": "Ada Augusta King", "size": "XL", "age": 7 });
    let problem = body(
        front.post(json!({ "scope": "spring", "email": "ada@", "attributes": attributes, "x": 1 })).await,
    )
    .await;
    let errors = problem["errors"].as_array().unwrap().iter();
    let told: Vec<Value> =
        errors.map(|error| json!([error["field"], error["code"], error["params"]])).collect();
    let expected = [
        json!(["attributes.age", "attribute_range", { "min": 18.0 }]),
        json!(["attributes.first_name", "attribute_range", { "longest": 10 }]),
        json!(["attributes.size", "attribute_range", { "longest": 255, "choices": ["S", "M"] }]),
        json!(["x", "unknown_field", null]),
        json!(["email", "email-invalid", null]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_time_says_when() {
    let front = PublicFront::open();
    let of = async |scope: &str| {
        body(front.post(json!({ "scope": scope, "email": "ada@example.com" })).await).await
    };
    let (later, over) = (of("later").await, of("over").await);
    assert_eq!(
        (&later["opens_at"], &later["errors"][0]["params"]["opens_at"]),
        (&json!("2026-11-01T00:00:04Z"), &json!("2026-11-01T00:00:04Z"))
    );
    assert_eq!(
        (&over["closed_at"], &over["errors"][0]["code"]),
        (&json!("2026-10-31T00:00:00Z"), &json!("activation-closed"))
    );
}

#[tokio::test(start_paused = true)]
async fn caches_keep_answers_to_different_pages_apart_also_those_to_servers() {
    let front = PublicFront::open();
    let to_page = front.get("/activations/spring", &[("origin", "https://promo.acme.example")]).await;
    let to_server = front.get("/activations/spring", &[]).await;
    assert!(header_of(&to_page, "vary").contains("origin"));
    assert_eq!(header_of(&to_server, "vary"), header_of(&to_page, "vary"));
    assert!(!to_server.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_listed_origin_may_read_the_headers_and_send_its_trace() {
    let front = PublicFront::open();
    let answer = front.get("/activations/spring", &[("origin", "https://promo.acme.example")]).await;
    assert_eq!(header_of(&answer, "access-control-expose-headers"), "date,etag,link,location,retry-after");
    let request = Request::options("/participations/x")
        .header("origin", "https://promo.acme.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "traceparent,if-none-match");
    let answer = front.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let allowed = header_of(&answer, "access-control-allow-headers");
    assert!(allowed.contains("traceparent") && allowed.contains("if-none-match"), "{allowed}");
    let stranger = front.get("/activations/spring", &[("origin", "https://evil.example")]).await;
    assert_eq!(header_of(&stranger, "access-control-allow-origin"), "");
}
