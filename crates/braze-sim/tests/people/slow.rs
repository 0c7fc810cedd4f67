//! Every change appears after a while. Until then, exports show the old state.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::{PHONE, SMS, Simulated, alias, alias_only, pass};

const DELAY: Duration = Duration::from_secs(60);
const ADA: &str = "ada@example.com";

/// A workspace in which the profile of the old address is being merged into Ada's.
async fn merging() -> Simulated {
    let sim = Simulated::slow(DELAY);
    sim.has(json!([alias_only("old@example.com"), alias_only(ADA)])).await;
    let by_alias = |name: &str| json!({ "user_alias": alias("email", name) });
    let update =
        json!({ "identifier_to_merge": by_alias("old@example.com"), "identifier_to_keep": by_alias(ADA) });
    sim.accepted("/users/merge", json!({ "merge_updates": [update] })).await;
    sim
}

#[tokio::test(start_paused = true)]
async fn a_merged_profile_is_found_until_the_merge_appears() {
    let sim = merging().await;
    pass(DELAY - Duration::from_secs(1)).await;
    assert_eq!(sim.by_alias("old@example.com").await["email"], "old@example.com");
    pass(Duration::from_secs(1)).await;
    assert_eq!(sim.by_alias("old@example.com").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_profile_takes_writes_until_the_deletion_appears() {
    let sim = Simulated::slow(DELAY);
    sim.has(json!([{ "external_id": "u-1" }])).await;
    sim.accepted("/users/delete", json!({ "external_ids": ["u-1"] })).await;
    sim.write(json!({ "external_id": "u-1", "_update_existing_only": true, "reward": "X" })).await;
    assert_eq!(sim.by_id("u-1").await["custom_attributes"], json!({ "reward": "X" }));
    pass(DELAY).await;
    assert_eq!(sim.by_id("u-1").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_settles_after_a_merge_meets_the_merged_state() {
    let sim = merging().await;
    sim.call("PUT", "/_sim/settle", &json!({ "settle_ms": 90_000 })).await;
    sim.write(json!({ "user_alias": alias("email", "old@example.com"), "reward": "X" })).await;
    pass(Duration::from_secs(90)).await;
    assert_eq!(sim.by_alias(ADA).await["custom_attributes"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_consumers_action_appears_with_other_changes_or_when_it_says() {
    for (after_ms, before) in [(Value::Null, DELAY), (json!(5_000), Duration::from_secs(5))] {
        let sim = Simulated::slow(DELAY);
        sim.has(json!([{ "external_id": "u-1", "email": ADA }])).await;
        let change = json!({ "of": { "external_id": "u-1" }, "set": { "email": "new@example.com" }, "after_ms": after_ms });
        sim.accepted("/_sim/contacts", change).await;
        pass(before - Duration::from_secs(1)).await;
        assert_eq!(sim.by_email(ADA).await.len(), 1);
        pass(Duration::from_secs(1)).await;
        assert_eq!(sim.by_email(ADA).await.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_the_app_creates_appears_when_it_says() {
    let sim = Simulated::slow(DELAY);
    let body = json!({ "profiles": [{ "external_id": "u-1" }] });
    sim.accepted("/_sim/profiles?after_ms=5000", body).await;
    assert_eq!(sim.by_id("u-1").await, Value::Null);
    pass(Duration::from_secs(5)).await;
    assert_eq!(sim.by_id("u-1").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn stop_appears_with_other_changes() {
    let sim = Simulated::slow(DELAY);
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE }])).await;
    sim.subscribe(SMS, PHONE).await;
    sim.accepted("/_sim/replies", json!({ "phone": PHONE, "text": "STOP" })).await;
    assert_eq!(sim.state(SMS, PHONE).await, "Subscribed");
    pass(DELAY).await;
    assert_eq!(sim.state(SMS, PHONE).await, "Unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn of_two_renames_to_one_external_id_the_first_that_appears_counts() {
    let sim = Simulated::slow(DELAY);
    sim.has(json!([{ "external_id": "a" }, { "external_id": "b" }])).await;
    for current in ["a", "b"] {
        let rename = json!({ "current_external_id": current, "new_external_id": "new" });
        sim.accepted("/users/external_ids/rename", json!({ "external_id_renames": [rename] })).await;
    }
    pass(DELAY).await;
    assert_eq!(sim.by_id("a").await["external_id"], "new");
    assert_eq!(sim.by_id("b").await["external_id"], "b");
}

#[tokio::test(start_paused = true)]
async fn the_delay_can_be_changed() {
    let sim = Simulated::slow(DELAY);
    sim.has(json!([{ "external_id": "u-1" }])).await;
    sim.call("PUT", "/_sim/change_delay", &json!({ "delay_ms": 0 })).await;
    sim.accepted("/users/delete", json!({ "external_ids": ["u-1"] })).await;
    assert_eq!(sim.count().await, 0);
}
