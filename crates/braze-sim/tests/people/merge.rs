//! `/users/merge` and the dashboard's bulk merge: what is left of two profiles.

use serde_json::{Value, json};

use crate::sim::{OTHER_PHONE, PHONE, SMS, Simulated, alias, alias_only};

const SHARED: &str = "ada@example.com";

fn merge(from: Value, into: Value) -> Value {
    json!({ "merge_updates": [{ "identifier_to_merge": from, "identifier_to_keep": into }] })
}

fn ids(from: &str, into: &str) -> Value {
    merge(json!({ "external_id": from }), json!({ "external_id": into }))
}

fn shared(priorities: Value) -> Value {
    json!({ "email": SHARED, "prioritization": priorities })
}

#[tokio::test(start_paused = true)]
async fn the_kept_profile_keeps_what_it_has_and_takes_what_it_lacks() {
    let sim = Simulated::at_once();
    sim.has(json!([
        { "external_id": "old", "first_name": "Alex", "last_name": "Sterling", "custom_attributes": { "a": 1, "b": 1 } },
        { "external_id": "new", "first_name": "Al", "custom_attributes": { "b": 2 } },
    ]))
    .await;
    assert_eq!(sim.post("/users/merge", ids("old", "new")).await, (202, json!({ "message": "success" })));
    let kept = sim.by_id("new").await;
    assert_eq!((&kept["first_name"], &kept["last_name"]), (&json!("Al"), &json!("Sterling")));
    assert_eq!(kept["custom_attributes"], json!({ "a": 1, "b": 2 }));
}

#[tokio::test(start_paused = true)]
async fn events_of_both_profiles_are_counted_together() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old" }, { "external_id": "new" }])).await;
    for (id, time) in [("old", "2026-01-01T00:00:00Z"), ("new", "2026-02-01T00:00:00Z")] {
        sim.log(json!({ "external_id": id, "name": "won", "time": time })).await;
    }
    sim.accepted("/users/merge", ids("old", "new")).await;
    let event = &sim.by_id("new").await["custom_events"][0];
    assert_eq!((&event["count"], &event["first"]), (&json!(2), &json!("2026-01-01T00:00:00Z")));
    assert_eq!(event["last"], "2026-02-01T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_a_label_that_the_kept_profile_lacks_names_the_kept_profile() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only(SHARED), { "external_id": "u-1" }])).await;
    let by_alias = json!({ "user_alias": alias("email", SHARED) });
    sim.accepted("/users/merge", merge(by_alias, json!({ "external_id": "u-1" }))).await;
    assert_eq!(sim.by_alias(SHARED).await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn of_two_aliases_of_one_label_only_the_kept_profiles_alias_names_it() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("old@example.com"), alias_only("new@example.com")])).await;
    let by_alias = |name: &str| json!({ "user_alias": alias("email", name) });
    sim.accepted("/users/merge", merge(by_alias("old@example.com"), by_alias("new@example.com"))).await;
    assert_eq!(sim.by_alias("old@example.com").await, Value::Null);
    let kept = sim.by_alias("new@example.com").await;
    assert_eq!(kept["user_aliases"], json!([alias("email", "new@example.com")]));
}

#[tokio::test(start_paused = true)]
async fn the_merged_profiles_external_id_and_braze_id_name_nobody() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old" }, { "external_id": "new" }])).await;
    let braze_id = sim.by_id("old").await["braze_id"].clone();
    sim.accepted("/users/merge", ids("old", "new")).await;
    assert_eq!(sim.by_id("old").await, Value::Null);
    assert!(sim.export(json!({ "braze_id": braze_id })).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_merged_profiles_external_id_is_not_carried_over() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old" }, alias_only(SHARED)])).await;
    let by_alias = json!({ "user_alias": alias("email", SHARED) });
    sim.accepted("/users/merge", merge(json!({ "external_id": "old" }), by_alias)).await;
    assert_eq!(sim.by_id("old").await, Value::Null);
    assert_eq!(sim.by_alias(SHARED).await["external_id"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_address_and_the_number_that_the_kept_profile_takes_find_it() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old", "email": SHARED, "phone": PHONE }, { "external_id": "new" }]))
        .await;
    sim.accepted("/users/merge", ids("old", "new")).await;
    for by in [json!({ "email_address": SHARED }), json!({ "phone": PHONE })] {
        let found = sim.export(by).await;
        assert_eq!((found.len(), &found[0]["external_id"]), (1, &json!("new")));
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_merges_several_profiles() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "a" }, { "external_id": "b" }, { "external_id": "c" }])).await;
    let update = |from: &str| json!({ "identifier_to_merge": { "external_id": from }, "identifier_to_keep": { "external_id": "c" } });
    sim.accepted("/users/merge", json!({ "merge_updates": [update("a"), update("b")] })).await;
    assert_eq!(sim.count().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_means_a_profile_if_the_priorities_leave_one() {
    for (priorities, left) in
        [(json!(["unidentified"]), 3), (json!(["unidentified", "most_recently_updated"]), 2)]
    {
        let sim = Simulated::at_once();
        sim.has(json!([{ "email": SHARED }, { "email": SHARED }, { "external_id": "u-1" }])).await;
        let body = merge(shared(priorities), json!({ "external_id": "u-1" }));
        assert_eq!(sim.post("/users/merge", body).await.0, 202);
        assert_eq!(sim.count().await, left);
    }
}

#[tokio::test(start_paused = true)]
async fn two_profiles_with_invalid_numbers_are_not_merged() {
    let sim = Simulated::at_once();
    let profile = |id: &str, phone: &str| json!({ "external_id": id, "phone": phone });
    sim.has(json!([profile("old", "3135550100"), profile("new", "3135550101")])).await;
    assert_eq!(sim.post("/users/merge", ids("old", "new")).await.0, 202);
    assert_eq!(sim.count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_the_kept_profile_takes_keeps_its_subscriptions() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old", "phone": PHONE }, { "external_id": "new" }])).await;
    sim.subscribe(SMS, PHONE).await;
    sim.accepted("/users/merge", ids("old", "new")).await;
    assert_eq!(sim.by_id("new").await["phone"], PHONE);
    assert_eq!(sim.state(SMS, PHONE).await, "Subscribed");
}

#[tokio::test(start_paused = true)]
async fn a_number_without_a_profile_after_the_merge_loses_its_subscriptions() {
    let sim = Simulated::at_once();
    sim.has(
        json!([{ "external_id": "old", "phone": PHONE }, { "external_id": "new", "phone": OTHER_PHONE }]),
    )
    .await;
    sim.subscribe(SMS, PHONE).await;
    sim.accepted("/users/merge", ids("old", "new")).await;
    assert_eq!(sim.state(SMS, PHONE).await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn the_kept_profile_keeps_the_state_of_its_own_address() {
    let sim = Simulated::at_once();
    sim.has(json!([
        { "external_id": "old", "email": "old@example.com", "email_subscribe": "unsubscribed" },
        { "external_id": "new", "email": "new@example.com" },
    ]))
    .await;
    sim.accepted("/users/merge", ids("old", "new")).await;
    assert_eq!(sim.by_id("new").await["email_subscribe"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_the_kept_profile_takes_brings_its_state() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "old", "email": SHARED, "email_subscribe": "unsubscribed" }, { "external_id": "new" }]))
        .await;
    sim.accepted("/users/merge", ids("old", "new")).await;
    assert_eq!(sim.by_id("new").await["email_subscribe"], "unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn a_bulk_merge_keeps_the_last_updated_profile_with_an_external_id() {
    let sim = Simulated::at_once();
    let profile = |id: Option<&str>, email: &str| json!({ "external_id": id, "email": email });
    sim.has(json!([
        profile(Some("u-1"), SHARED),
        profile(Some("u-2"), SHARED),
        profile(None, SHARED),
        profile(Some("u-3"), "other@example.com"),
    ]))
    .await;
    sim.accepted("/_sim/bulk_merges", json!({ "by": "email" })).await;
    let left = sim.by_email(SHARED).await;
    assert_eq!((left.len(), &left[0]["external_id"]), (1, &json!("u-2")));
    assert_eq!(sim.count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_requests_are_refused_with_the_documented_messages() {
    let sim = Simulated::at_once();
    let only = "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'";
    let many = "a single request may not contain more than 50 merge updates";
    let update = json!({ "identifier_to_merge": { "external_id": "a" }, "identifier_to_keep": { "external_id": "b" } });
    for (updates, message) in [
        (json!({}), "'merge_updates' must be an array of objects"),
        (json!([{ "identifier_to_merge": { "external_id": "a" } }]), only),
        (json!(vec![update; 51]), many),
    ] {
        let answer = sim.post("/users/merge", json!({ "merge_updates": updates })).await;
        assert_eq!(answer, (400, json!({ "message": message })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_without_the_permission_is_refused() {
    let sim = Simulated::at_once();
    sim.call("PUT", "/_sim/permissions", &json!({ "withheld": ["users.merge"] })).await;
    assert_eq!(sim.post("/users/merge", ids("old", "new")).await.0, 403);
}
