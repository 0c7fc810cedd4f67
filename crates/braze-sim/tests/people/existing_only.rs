//! Writes to an identifier that names nobody any more.

use serde_json::{Value, json};

use crate::sim::{Simulated, alias, alias_only};

const ADA: &str = "ada@example.com";
const TIME: &str = "2026-01-01T00:00:00Z";

/// Ada had a profile with an alias. It is merged into one that has an alias of that label.
async fn merged_away() -> Simulated {
    let sim = Simulated::at_once();
    let identified = json!({ "external_id": "u-1", "user_aliases": [alias("email", "old@example.com")] });
    sim.has(json!([alias_only(ADA), identified])).await;
    let update = json!({ "identifier_to_merge": { "user_alias": alias("email", ADA) }, "identifier_to_keep": { "external_id": "u-1" } });
    sim.accepted("/users/merge", json!({ "merge_updates": [update] })).await;
    sim
}

#[tokio::test(start_paused = true)]
async fn attributes_that_only_update_are_accepted_and_change_nobody() {
    let sim = merged_away().await;
    let attributes =
        json!({ "user_alias": alias("email", ADA), "_update_existing_only": true, "reward": "X" });
    let answer = sim.post("/users/track", json!({ "attributes": [attributes] })).await;
    assert_eq!(answer, (201, json!({ "attributes_processed": 1, "message": "success" })));
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_id("u-1").await["custom_attributes"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn attributes_by_alias_only_update_unless_they_say_otherwise() {
    let sim = merged_away().await;
    sim.write(json!({ "user_alias": alias("email", ADA), "reward": "X" })).await;
    assert_eq!(sim.count().await, 1);
    sim.write(json!({ "user_alias": alias("email", ADA), "_update_existing_only": false, "reward": "X" }))
        .await;
    assert_eq!(sim.by_alias(ADA).await["custom_attributes"], json!({ "reward": "X" }));
    assert_eq!(sim.count().await, 2, "the alias is free for a second profile");
}

#[tokio::test(start_paused = true)]
async fn an_event_by_alias_is_accepted_and_logged_nowhere_whatever_it_says() {
    let sim = merged_away().await;
    for only in [true, false] {
        sim.log(json!({ "user_alias": alias("email", ADA), "name": "won", "time": TIME, "_update_existing_only": only }))
            .await;
    }
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_id("u-1").await["custom_events"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_event_by_external_id_creates_a_profile_unless_it_only_updates() {
    let sim = Simulated::at_once();
    sim.log(json!({ "external_id": "gone", "name": "won", "time": TIME, "_update_existing_only": true }))
        .await;
    assert_eq!(sim.by_id("gone").await, Value::Null);
    sim.log(json!({ "external_id": "gone", "name": "won", "time": TIME })).await;
    assert_eq!(sim.by_id("gone").await["custom_events"][0]["count"], 1);
}

#[tokio::test(start_paused = true)]
async fn attributes_by_external_id_create_a_profile_unless_they_only_update() {
    let sim = Simulated::at_once();
    sim.write(json!({ "external_id": "gone", "_update_existing_only": true, "reward": "X" })).await;
    assert_eq!(sim.by_id("gone").await, Value::Null);
    sim.write(json!({ "external_id": "gone", "reward": "X" })).await;
    assert_eq!(sim.by_id("gone").await["custom_attributes"], json!({ "reward": "X" }));
}

#[tokio::test(start_paused = true)]
async fn a_braze_id_that_is_gone_never_creates_a_profile() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1" }])).await;
    let braze_id = sim.by_id("u-1").await["braze_id"].clone();
    sim.accepted("/users/delete", json!({ "external_ids": ["u-1"] })).await;
    sim.write(json!({ "braze_id": braze_id, "reward": "X" })).await;
    sim.log(json!({ "braze_id": braze_id, "name": "won", "time": TIME })).await;
    assert_eq!(sim.count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_export_says_which_external_ids_name_nobody() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1" }])).await;
    let body = json!({ "external_ids": ["u-1", "gone"], "fields_to_export": ["external_id"] });
    let answer = sim.accepted("/users/export/ids", body).await;
    assert_eq!(answer["users"], json!([{ "external_id": "u-1" }]));
    assert_eq!(answer["invalid_user_ids"], json!(["gone"]));
}
