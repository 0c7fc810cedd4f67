//! Answers to clients that send too early, too much, or through an edge.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, StatusCode};
use intake::{Caller, IntakeDeps, Rates, RequestLimits, router};
use memory::{Faults, Memory, TokioClock};
use ports::Clock;
use sha2::Sha256;
use tower::ServiceExt;

const SECRET: &str = "a secret of enough bytes";
const EDGE: &str = "what the edge adds";

fn brand(id: &str, access: &str) -> BrandFile {
    let text = format!(
        "id = \"{id}\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n{access}\n\
         [[activation]]\nscope = \"{id}-spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\n"
    );
    BrandFile { name: id.into(), text }
}

/// Routes that allow one post and one read a second for a client, and two signed requests a second for a
/// brand.
fn routes() -> Router {
    let clock = Arc::new(TokioClock::start());
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    let secret = |name: &str| SecretRef::Env(name.to_owned());
    memory.keep_secret(secret("ACME_SECRET"), SECRET);
    memory.keep_secret(secret("EDGE"), &format!("{EDGE}\n"));
    let [one, two] = [1, 2].map(NonZeroU32::new);
    let deps = IntakeDeps {
        edge_secret: Some(secret("EDGE")),
        limits: Arc::new(RequestLimits::new(Rates { posts: one, reads: one, signed: two })),
        ..IntakeDeps::over(&memory, memory.clone(), clock)
    };
    let signs = "[intake]\nsigning_secret = { env = \"ACME_SECRET\" }";
    let brands = read_all(&[brand("acme", signs), brand("open", "")], &AssumePresent).unwrap();
    router(deps, Arc::new(brands), IdKey::new([1; 32]))
}

fn post(scope: &str, number: u32) -> (http::request::Builder, String) {
    let request = Request::post("/participations").header("content-type", "application/json");
    let request = request.extension(Caller("192.0.2.1".parse().unwrap()));
    (request, format!("{{\"scope\":\"{scope}\",\"email\":\"c{number}@example.com\"}}"))
}

fn signature(secret: &str, body: &str) -> String {
    let seconds = TokioClock::start().now().as_second();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// How many of these requests are answered with this status.
async fn answered(routes: &Router, status: u16, many: u32, of: impl Fn(u32) -> Request<Body>) -> usize {
    let mut count = 0;
    for number in 0..many {
        let answer = routes.clone().oneshot(of(number)).await.unwrap();
        count += usize::from(answer.status().as_u16() == status);
    }
    count
}

#[tokio::test]
async fn reading_a_counter_keeps_nobody_from_taking_part() {
    let routes = routes();
    let read = |_| {
        let request =
            Request::get("/incentives/open-spring/none").extension(Caller("192.0.2.1".parse().unwrap()));
        request.body(Body::empty()).unwrap()
    };
    assert!(answered(&routes, 429, 30, read).await > 0);
    let take_part = |number| {
        let (request, body) = post("open-spring", number);
        request.body(Body::from(body)).unwrap()
    };
    assert_eq!(answered(&routes, 202, 5, take_part).await, 5);
}

#[tokio::test]
async fn a_back_end_that_signs_is_limited_as_its_brand() {
    let routes = routes();
    let signed = |secret: &'static str| {
        move |number| {
            let (request, body) = post("acme-spring", number);
            request.header("x-quikly-signature", signature(secret, &body)).body(Body::from(body)).unwrap()
        }
    };
    assert_eq!(answered(&routes, 202, 15, signed(SECRET)).await, 15, "more than an address may");
    assert!(answered(&routes, 429, 15, signed(SECRET)).await > 0, "no more than a brand may");
    assert_eq!(answered(&routes, 401, 10, signed("a guess")).await, 10);
    assert!(
        answered(&routes, 429, 5, signed("a guess")).await > 0,
        "a false signature counts against the address"
    );
}

#[tokio::test]
async fn viewers_behind_an_edge_that_proves_itself_are_clients_of_their_own() {
    let through_edge = |secret: &'static str| {
        move |number: u32| {
            let (request, body) = post("open-spring", number);
            let viewer = format!("198.51.100.{number}:4711");
            let request =
                request.header("x-quikly-edge-secret", secret).header("cloudfront-viewer-address", viewer);
            request.body(Body::from(body)).unwrap()
        }
    };
    assert_eq!(answered(&routes(), 202, 40, through_edge(EDGE)).await, 40);
    assert_eq!(
        answered(&routes(), 202, 40, through_edge("a guess")).await,
        10,
        "anybody can write the header"
    );
}

/// A request whose body arrives when the test sends it.
fn arriving(
    request: http::request::Builder,
) -> (mpsc::UnboundedSender<Result<Bytes, std::io::Error>>, Request<Body>) {
    let (sender, receiver) = mpsc::unbounded();
    (sender, request.body(Body::from_stream(receiver.boxed())).unwrap())
}

/// Every answer that is given before a body is read.
fn early() -> Vec<(StatusCode, http::request::Builder)> {
    let json = |request: http::request::Builder| request.header("content-type", "application/json");
    vec![
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Request::post("/participations").header("content-type", "text/plain"),
        ),
        (StatusCode::NOT_FOUND, json(Request::post("/nowhere"))),
        (StatusCode::METHOD_NOT_ALLOWED, json(Request::put("/participations"))),
        (StatusCode::UNAUTHORIZED, json(Request::post("/webhook/braze"))),
        (StatusCode::NOT_FOUND, json(Request::get("/participations/none"))),
    ]
}

#[tokio::test]
async fn an_early_answer_waits_until_the_body_has_arrived_and_keeps_the_connection() {
    for (status, request) in early() {
        let (body, request) = arriving(request);
        let mut answer = routes().oneshot(request).boxed();
        body.unbounded_send(Ok(Bytes::from_static(b"{\"scope\":"))).unwrap();
        assert!((&mut answer).now_or_never().is_none(), "{status}: the rest of the body is still to come");
        body.unbounded_send(Ok(Bytes::from_static(b"\"x\"}"))).unwrap();
        drop(body);
        let answer: Response = answer.await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("connection"), "{status}");
    }
}

#[tokio::test]
async fn too_many_requests_are_answered_once_their_bodies_have_arrived() {
    let routes = routes();
    let take_part = |number| {
        let (request, body) = post("open-spring", number);
        request.body(Body::from(body)).unwrap()
    };
    answered(&routes, 429, 20, take_part).await;
    let (body, request) = arriving(post("open-spring", 1).0);
    let mut answer = routes.oneshot(request).boxed();
    assert!((&mut answer).now_or_never().is_none());
    drop(body);
    let answer: Response = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.headers().contains_key("connection"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_answer_when_the_body_is_too_large_too_slow_or_not_sent() {
    let closes = async |request: Request<Body>| {
        let answer =
            tokio::time::timeout(Duration::from_secs(60), routes().oneshot(request)).await.unwrap().unwrap();
        answer.headers().get("connection").is_some_and(|value| value == "close")
    };
    for (status, request) in early() {
        let (body, stalled) = arriving(request);
        assert!(closes(stalled).await, "{status}");
        drop(body);
    }
    let announced = Request::post("/nowhere").header("content-length", "1000000000");
    let (_body, announced) = arriving(announced);
    assert!(closes(announced).await, "the server does not wait for a gigabyte");
    let (_body, expects) = arriving(Request::post("/nowhere").header("expect", "100-continue"));
    assert!(closes(expects).await, "the client has not sent it");
}
