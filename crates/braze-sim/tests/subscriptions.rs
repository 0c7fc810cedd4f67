//! Subscription groups, under a paused clock.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::{DoubleOptIn, Settings, StatusKeys, Workspace};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const PHONE: &str = "+13135550100";
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn workspace(settings: Settings) -> Router {
    let settle = Duration::from_secs(120);
    Workspace::new(Settings { settle, subscription_groups: vec![GROUP.into()], ..settings }).router()
}

async fn call(router: &Router, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("authorization", "Bearer sim-key");
    let request =
        request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap())
}

async fn state(router: &Router) -> Value {
    let path = format!("/subscription/status/get?subscription_group_id={GROUP}&phone=%2B13135550100");
    call(router, "GET", &path, &Value::Null).await.1["status"].clone()
}

async fn subscribe(router: &Router, double_opt_in: bool) {
    let entry = json!({
        "subscription_group_id": GROUP, "subscription_state": "subscribed", "phones": [PHONE],
        "use_double_opt_in_logic": double_opt_in,
    });
    let body = json!({ "subscription_groups": [entry] });
    assert_eq!(call(router, "POST", "/v2/subscription/status/set", &body).await.0, 201);
}

async fn create(router: &Router, extra: Value) {
    let mut object = json!({ "external_id": "u-1", "phone": PHONE });
    object.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    assert_eq!(call(router, "POST", "/users/track", &json!({ "attributes": [object] })).await.0, 201);
}

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn a_number_with_a_profile_is_subscribed_once_the_change_has_settled() {
    let router = workspace(Settings::default());
    create(&router, json!({})).await;
    pass(Duration::from_secs(120)).await;
    assert_eq!(state(&router).await, json!({ PHONE: "unknown" }));
    subscribe(&router, false).await;
    pass(Duration::from_secs(119)).await;
    assert_eq!(state(&router).await, json!({ PHONE: "unknown" }));
    pass(Duration::from_secs(1)).await;
    assert_eq!(state(&router).await, json!({ PHONE: "Subscribed" }));
}

#[tokio::test(start_paused = true)]
async fn a_state_without_a_profile_is_parked_for_thirty_days() {
    for (days, expected) in [(29, "Subscribed"), (31, "unknown")] {
        let router = workspace(Settings::default());
        subscribe(&router, false).await;
        pass(DAY * days).await;
        assert_eq!(state(&router).await, json!({ PHONE: "unknown" }));
        create(&router, json!({})).await;
        pass(Duration::from_secs(120)).await;
        assert_eq!(state(&router).await, json!({ PHONE: expected }), "after {days} days");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_in_the_attributes_object_subscribes_with_the_profile() {
    let router = workspace(Settings::default());
    let groups = json!([{ "subscription_group_id": GROUP, "subscription_state": "subscribed" }]);
    create(&router, json!({ "subscription_groups": groups })).await;
    pass(Duration::from_secs(120)).await;
    assert_eq!(state(&router).await, json!({ PHONE: "Subscribed" }));
}

#[tokio::test(start_paused = true)]
async fn with_double_opt_in_logic_the_consumer_answers_first_and_without_a_profile_nothing_happens() {
    let router = workspace(Settings::default());
    subscribe(&router, true).await;
    pass(Duration::from_secs(120)).await;
    create(&router, json!({})).await;
    pass(Duration::from_secs(120)).await;
    let reply = json!({ "phone": PHONE, "text": "Y" });
    assert_eq!(call(&router, "POST", "/_sim/replies", &reply).await.1, json!({ "confirmed": false }));
    subscribe(&router, true).await;
    pass(Duration::from_secs(120)).await;
    assert_eq!(state(&router).await, json!({ PHONE: "unknown" }));
    assert_eq!(call(&router, "POST", "/_sim/replies", &reply).await.1, json!({ "confirmed": true }));
    assert_eq!(state(&router).await, json!({ PHONE: "Subscribed" }));
}

#[tokio::test(start_paused = true)]
async fn the_brands_event_asks_the_number_of_its_profile() {
    let opt_in = DoubleOptIn { event: "opt_in".into(), subscription_group_id: GROUP.into() };
    let router = workspace(Settings { double_opt_in: Some(opt_in), ..Settings::default() });
    create(&router, json!({})).await;
    pass(Duration::from_secs(120)).await;
    let event = json!({ "external_id": "u-1", "name": "opt_in", "time": "2026-01-01T00:00:00Z" });
    call(&router, "POST", "/users/track", &json!({ "events": [event] })).await;
    pass(Duration::from_secs(120)).await;
    let reply = json!({ "phone": PHONE, "text": " yes " });
    assert_eq!(call(&router, "POST", "/_sim/replies", &reply).await.1, json!({ "confirmed": true }));
    assert_eq!(state(&router).await, json!({ PHONE: "Subscribed" }));
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_keyed_by_something_other_than_the_number() {
    let router = workspace(Settings { status_keys: StatusKeys::Profile, ..Settings::default() });
    create(&router, json!({})).await;
    pass(Duration::from_secs(120)).await;
    assert_eq!(state(&router).await, json!({ "u-1": "unknown" }));
}

#[tokio::test(start_paused = true)]
async fn groups_numbers_and_counts_are_checked() {
    let router = workspace(Settings::default());
    let refused = async |body: Value| call(&router, "POST", "/subscription/status/set", &body).await;
    let body = |group: &str, phones: Value| json!({ "subscription_group_id": group, "subscription_state": "subscribed", "phone": phones });
    let unknown = json!({ "message": "Invalid subscription group ID" });
    assert_eq!(refused(body("other", json!([PHONE]))).await, (400, unknown.clone()));
    assert_eq!(refused(body(GROUP, json!(["3135550100"]))).await.0, 400);
    assert_eq!(refused(body(GROUP, json!(vec![PHONE; 51]))).await.0, 400);
    assert_eq!(
        refused(
            json!({ "subscription_group_id": GROUP, "subscription_status": "subscribed", "phone": PHONE })
        )
        .await
        .0,
        400
    );
    let path = "/subscription/status/get?subscription_group_id=other&phone=%2B13135550100";
    assert_eq!(call(&router, "GET", path, &Value::Null).await, (400, unknown));
    let raw_plus = format!("/subscription/status/get?subscription_group_id={GROUP}&phone=+13135550100");
    assert_eq!(call(&router, "GET", &raw_plus, &Value::Null).await.0, 400, "a raw plus is a space");
}
