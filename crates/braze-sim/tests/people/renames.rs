//! `/users/external_ids/…` and `/users/alias/…`.

use serde_json::{Value, json};

use crate::sim::{Simulated, alias, alias_only};

fn rename(current: &str, new: &str) -> Value {
    json!({ "external_id_renames": [{ "current_external_id": current, "new_external_id": new }] })
}

#[tokio::test(start_paused = true)]
async fn a_renamed_profile_is_found_by_both_external_ids_until_the_old_one_is_removed() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old" }])).await;
    let answer = sim.post("/users/external_ids/rename", rename("old", "new")).await;
    assert_eq!(answer, (201, json!({ "external_ids": ["new"], "rename_errors": [], "message": "success" })));
    for id in ["old", "new"] {
        assert_eq!(sim.by_id(id).await["external_id"], "new");
    }
    let answer = sim.post("/users/external_ids/remove", json!({ "external_ids": ["old"] })).await;
    assert_eq!(answer, (201, json!({ "removed_ids": ["old"], "removal_errors": [], "message": "success" })));
    assert_eq!(sim.by_id("old").await, Value::Null);
    assert_eq!(sim.by_id("new").await["external_id"], "new");
}

#[tokio::test(start_paused = true)]
async fn only_a_primary_external_id_is_renamed_and_only_to_an_unused_one() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "a" }, { "external_id": "b" }])).await;
    sim.accepted("/users/external_ids/rename", rename("a", "new")).await;
    for (current, new) in [("a", "newer"), ("unknown", "newer"), ("new", "b"), ("new", "new")] {
        let answer = sim.accepted("/users/external_ids/rename", rename(current, new)).await;
        assert_eq!(answer["rename_errors"][0][0], 0, "{current} to {new}");
        assert_eq!(answer["external_ids"], json!([]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_primary_external_id_is_not_removed() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1" }])).await;
    let answer = sim.accepted("/users/external_ids/remove", json!({ "external_ids": ["u-1"] })).await;
    assert_eq!((&answer["removed_ids"], &answer["removal_errors"][0][0]), (&json!([]), &json!(0)));
    assert_eq!(sim.by_id("u-1").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn a_new_alias_names_an_identified_profile() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1" }])).await;
    let entry = json!({ "external_id": "u-1", "alias_label": "email", "alias_name": "ada@example.com" });
    let answer = sim.post("/users/alias/new", json!({ "user_aliases": [entry] })).await;
    assert_eq!(answer, (201, json!({ "aliases_processed": 1, "message": "success" })));
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn a_new_alias_without_an_external_id_creates_a_profile() {
    let sim = Simulated::at_once();
    sim.accepted("/users/alias/new", json!({ "user_aliases": [alias("email", "ada@example.com")] })).await;
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], Value::Null);
    assert_eq!(sim.count().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_exists_and_an_external_id_that_does_not_change_nothing() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("ada@example.com"), { "external_id": "u-1" }])).await;
    for id in ["u-1", "unknown"] {
        let entry = json!({ "external_id": id, "alias_label": "email", "alias_name": "ada@example.com" });
        assert_eq!(sim.post("/users/alias/new", json!({ "user_aliases": [entry] })).await.0, 201);
    }
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], Value::Null);
    assert_eq!(sim.count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_profile_has_one_alias_of_a_label() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "user_aliases": [alias("email", "old@example.com")] }])).await;
    let entry = json!({ "external_id": "u-1", "alias_label": "email", "alias_name": "new@example.com" });
    sim.accepted("/users/alias/new", json!({ "user_aliases": [entry] })).await;
    assert_eq!(sim.by_alias("new@example.com").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_updated_alias_names_the_profile_by_its_new_name_only() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("old@example.com")])).await;
    let update = json!({ "alias_label": "email", "old_alias_name": "old@example.com", "new_alias_name": "new@example.com" });
    sim.accepted("/users/alias/update", json!({ "alias_updates": [update] })).await;
    assert_eq!(sim.by_alias("old@example.com").await, Value::Null);
    assert_eq!(sim.by_alias("new@example.com").await["email"], "old@example.com");
}
