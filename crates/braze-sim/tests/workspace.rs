//! The workspace as a client sees it: settling under a paused clock, and faults over a real socket.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::{Settings, Workspace};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn post(router: &Router, path: &str, key: &str, body: &Value) -> (StatusCode, http::HeaderMap, Value) {
    let request = Request::post(path)
        .header("authorization", format!("bearer {key}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, serde_json::from_slice(&body).unwrap())
}

fn creation(email: &str) -> Value {
    json!({ "attributes": [{
        "user_alias": { "alias_label": "email", "alias_name": email },
        "_update_existing_only": false, "email": email,
    }] })
}

fn look_up(email: &str) -> Value {
    json!({ "email_address": email, "fields_to_export": ["external_id", "user_aliases", "custom_events"] })
}

async fn found(router: &Router, email: &str) -> usize {
    let (status, _, body) = post(router, "/users/export/ids", "sim-key", &look_up(email)).await;
    assert_eq!(status, StatusCode::CREATED);
    body["users"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn an_accepted_write_appears_once_it_has_settled() {
    let router = Workspace::new(Settings::default()).router();
    let (status, _, body) = post(&router, "/users/track", "sim-key", &creation("a@example.com")).await;
    assert_eq!(
        (status, &body),
        (StatusCode::CREATED, &json!({ "attributes_processed": 1, "message": "success" }))
    );
    assert_eq!(found(&router, "a@example.com").await, 0);
    tokio::time::advance(Duration::from_secs(119)).await;
    assert_eq!(found(&router, "a@example.com").await, 0);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(found(&router, "A@Example.com").await, 1);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_and_fifty_look_ups_a_minute_and_no_more() {
    let router = Workspace::new(Settings::default()).router();
    let mut statuses = Vec::new();
    for _ in 0..251 {
        let (status, headers, _) =
            post(&router, "/users/export/ids", "sim-key", &look_up("a@example.com")).await;
        assert_eq!(headers["x-ratelimit-limit"], "250");
        statuses.push(status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(found(&router, "a@example.com").await, 0);
}

#[tokio::test]
async fn a_wrong_key_is_repeated_with_empty_headers() {
    let router = Workspace::new(Settings::default()).router();
    let (status, headers, body) = post(&router, "/users/track", "wrong", &creation("a@example.com")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body, json!({ "message": "Invalid API key: wrong" }));
    assert_eq!(headers["x-ratelimit-remaining"], "");
}

#[tokio::test]
async fn paths_fields_and_sizes_are_checked() {
    let router = Workspace::new(Settings { max_objects: 2, ..Settings::default() }).router();
    let (status, _, body) = post(&router, "/users/track/", "sim-key", &json!({})).await;
    assert_eq!((status, body), (StatusCode::FORBIDDEN, json!({ "message": "Access Denied" })));
    let (status, _, body) =
        post(&router, "/users/track", "sim-key", &json!({ "attributes": [{}, {}, {}] })).await;
    assert_eq!((status, body), (StatusCode::BAD_REQUEST, json!({ "message": "Max Input Length Exceeded" })));
    let (status, _, body) = post(&router, "/users/track", "sim-key", &json!({ "attributes": [{}] })).await;
    assert_eq!((status, body["errors"][0]["index"].as_u64()), (StatusCode::BAD_REQUEST, Some(0)));
    let unnamed = json!({ "email_address": "a@example.com" });
    assert_eq!(post(&router, "/users/export/ids", "sim-key", &unnamed).await.0, StatusCode::BAD_REQUEST);
}

/// A workspace on a real socket, and a client for it.
async fn on_a_socket() -> (String, reqwest::Client) {
    let workspace = Workspace::new(Settings { settle: Duration::ZERO, ..Settings::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(braze_sim::serve(workspace, listener, std::future::pending()));
    (url, reqwest::Client::new())
}

async fn send(
    client: &reqwest::Client,
    method: http::Method,
    url: String,
    body: &Value,
) -> reqwest::Result<reqwest::Response> {
    let request = client.request(method, url).header("authorization", "Bearer sim-key");
    request.header("content-type", "application/json").body(body.to_string()).send().await
}

async fn profiles(client: &reqwest::Client, url: &str) -> usize {
    let text = client.get(format!("{url}/_sim/profiles")).send().await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["profiles"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection_before_or_after_the_work() {
    let (url, client) = on_a_socket().await;
    for (when, expected) in [("before", 0), ("after", 1)] {
        let fault = json!({ "path": "/users/track", "kind": "drop", "when": when, "count": 1 });
        send(&client, http::Method::POST, format!("{url}/_sim/faults"), &fault).await.unwrap();
        let track =
            send(&client, http::Method::POST, format!("{url}/users/track"), &creation("a@example.com")).await;
        assert!(track.is_err(), "{when}");
        assert_eq!(profiles(&client, &url).await, expected, "{when}");
    }
}

#[tokio::test]
async fn faults_answer_with_their_status_and_are_counted() {
    let (url, client) = on_a_socket().await;
    let fault = json!({ "kind": "status", "status": 503, "retry_after": 7, "count": 1 });
    send(&client, http::Method::POST, format!("{url}/_sim/faults"), &fault).await.unwrap();
    let track = format!("{url}/users/track");
    let faulty = send(&client, http::Method::POST, track.clone(), &creation("a@example.com")).await.unwrap();
    assert_eq!((faulty.status().as_u16(), faulty.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    let good = send(&client, http::Method::POST, track, &creation("a@example.com")).await.unwrap();
    assert_eq!(good.status(), 201);
    let requests = client.get(format!("{url}/_sim/requests")).send().await.unwrap().text().await.unwrap();
    let requests: Value = serde_json::from_str(&requests).unwrap();
    assert_eq!(requests["answered"]["POST /users/track"], json!({ "201": 1, "503": 1 }));
}

#[tokio::test]
async fn an_invalid_control_request_is_refused_with_a_reason() {
    let (url, client) = on_a_socket().await;
    let fault = json!({ "kind": "explode" });
    let answer = send(&client, http::Method::POST, format!("{url}/_sim/faults"), &fault).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("explode"));
}

#[tokio::test(start_paused = true)]
async fn an_hour_is_counted_beside_the_three_seconds_and_named_in_the_headers() {
    let settings = Settings { track_per_3s: 2, track_per_hour: Some(3), ..Settings::default() };
    let router = Workspace::starting_at(settings, "2026-11-01T10:59:51Z".parse().unwrap()).router();
    let said = async || {
        let (status, headers, _) = post(&router, "/users/track", "sim-key", &creation("a@example.com")).await;
        let number = |name: &str| headers[name].to_str().unwrap().parse::<u32>().unwrap();
        (status.as_u16(), number("x-ratelimit-limit"), number("x-ratelimit-remaining"))
    };
    assert_eq!((said().await, said().await), ((201, 3, 2), (201, 3, 1)));
    assert_eq!(said().await, (429, 2, 0), "the three seconds are used up");
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!((said().await, said().await), ((201, 3, 0), (429, 3, 0)), "the hour is used up");
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(said().await, (201, 3, 2), "the next hour has begun");
}
