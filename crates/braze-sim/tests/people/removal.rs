//! `/users/delete`.

use serde_json::{Value, json};

use crate::sim::{PHONE, SMS, Simulated, alias, alias_only};

#[tokio::test(start_paused = true)]
async fn a_deleted_profile_is_found_by_nothing() {
    let sim = Simulated::at_once();
    let email = "ada@example.com";
    sim.has(json!([{ "external_id": "u-1", "email": email, "user_aliases": [alias("email", email)] }])).await;
    let answer = sim.post("/users/delete", json!({ "external_ids": ["u-1"] })).await;
    assert_eq!(answer, (201, json!({ "deleted": 1, "message": "success" })));
    assert_eq!((sim.by_id("u-1").await, sim.by_alias(email).await), (Value::Null, Value::Null));
    assert!(sim.by_email(email).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn aliases_and_braze_ids_name_profiles_to_delete() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("a@example.com"), alias_only("b@example.com")])).await;
    let braze_id = sim.by_alias("b@example.com").await["braze_id"].clone();
    sim.accepted("/users/delete", json!({ "user_aliases": [alias("email", "a@example.com")] })).await;
    sim.accepted("/users/delete", json!({ "braze_ids": [braze_id] })).await;
    assert_eq!(sim.count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_request_has_identifiers_of_one_kind() {
    let sim = Simulated::at_once();
    for body in [json!({ "external_ids": ["a"], "braze_ids": ["b"] }), json!({})] {
        assert_eq!(sim.post("/users/delete", body).await.0, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_profile_with_a_number_takes_the_numbers_subscriptions_along() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE }, { "external_id": "u-2", "phone": PHONE }]))
        .await;
    sim.subscribe(SMS, PHONE).await;
    sim.accepted("/users/delete", json!({ "external_ids": ["u-1"] })).await;
    assert_eq!(sim.state(SMS, PHONE).await, "Subscribed");
    sim.accepted("/users/delete", json!({ "external_ids": ["u-2"] })).await;
    assert_eq!(sim.state(SMS, PHONE).await, "unknown");
}
