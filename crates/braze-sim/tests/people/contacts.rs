//! Addresses and numbers that change.

use serde_json::{Value, json};

use crate::sim::{NEWS, OTHER_PHONE, PHONE, SMS, Simulated, alias, alias_only};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

#[tokio::test(start_paused = true)]
async fn a_profile_is_found_by_its_new_address_only_and_by_its_old_alias() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only(ADA)])).await;
    sim.accepted(
        "/_sim/contacts",
        json!({ "of": { "user_alias": alias("email", ADA) }, "set": { "email": BOB } }),
    )
    .await;
    assert!(sim.by_email(ADA).await.is_empty());
    assert_eq!(sim.by_email(BOB).await.len(), 1);
    assert_eq!(sim.by_alias(ADA).await["email"], BOB);
}

#[tokio::test(start_paused = true)]
async fn an_address_can_be_removed() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA, "phone": PHONE }])).await;
    sim.accepted("/_sim/contacts", json!({ "of": { "email": ADA }, "set": { "email": null } })).await;
    assert!(sim.by_email(ADA).await.is_empty());
    assert_eq!(sim.by_id("u-1").await["phone"], PHONE);
}

/// The state of the other number after a subscribed profile gets it.
async fn state_of_the_new_number(profiles: Value) -> String {
    let sim = Simulated::at_once();
    sim.has(profiles).await;
    sim.subscribe(SMS, PHONE).await;
    let change = json!({ "of": { "external_id": "u-1" }, "set": { "phone": OTHER_PHONE } });
    sim.accepted("/_sim/contacts", change).await;
    sim.state(SMS, OTHER_PHONE).await
}

#[tokio::test(start_paused = true)]
async fn a_new_number_takes_over_the_profiles_subscriptions() {
    let only = json!([{ "external_id": "u-1", "phone": PHONE }]);
    assert_eq!(state_of_the_new_number(only).await, "Subscribed");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_another_profile_has_keeps_its_own_subscriptions() {
    let two =
        json!([{ "external_id": "u-1", "phone": PHONE }, { "external_id": "u-2", "phone": OTHER_PHONE }]);
    assert_eq!(state_of_the_new_number(two).await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_waits_for_a_number_goes_before_the_profiles_own() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE }])).await;
    sim.subscribe(SMS, PHONE).await;
    sim.accepted("/_sim/replies", json!({ "phone": OTHER_PHONE, "text": "STOP" })).await;
    sim.write(json!({ "external_id": "u-1", "phone": OTHER_PHONE })).await;
    assert_eq!(sim.state(SMS, OTHER_PHONE).await, "Unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn who_unsubscribed_stays_unsubscribed_at_a_new_address() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA }])).await;
    sim.subscribe(NEWS, ADA).await;
    sim.accepted("/_sim/unsubscribes", json!({ "email": ADA })).await;
    sim.write(json!({ "external_id": "u-1", "email": BOB })).await;
    assert_eq!(sim.by_id("u-1").await["email_subscribe"], "unsubscribed");
    assert_eq!(sim.state(NEWS, BOB).await, "Subscribed");
}

#[tokio::test(start_paused = true)]
async fn a_profile_takes_over_the_state_of_an_address_that_another_one_has() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA, "email_subscribe": "unsubscribed" }])).await;
    sim.write(json!({ "user_alias": alias("email", ADA), "_update_existing_only": false, "email": ADA }))
        .await;
    assert_eq!(sim.by_alias(ADA).await["email_subscribe"], "unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn after_a_swap_each_profile_has_the_others_address_and_its_own_alias() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only(ADA), alias_only(BOB)])).await;
    let of = |name: &str| json!({ "user_alias": alias("email", name) });
    sim.accepted("/_sim/swaps", json!({ "one": of(ADA), "other": of(BOB) })).await;
    assert_eq!(sim.by_alias(ADA).await["email"], BOB);
    assert_eq!(sim.by_alias(BOB).await["email"], ADA);
    assert_eq!(sim.by_email(ADA).await[0]["user_aliases"], json!([alias("email", BOB)]));
}

#[tokio::test(start_paused = true)]
async fn a_swap_moves_numbers_when_it_names_them() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE, "email": ADA }, { "external_id": "u-2" }])).await;
    let body =
        json!({ "one": { "external_id": "u-1" }, "other": { "external_id": "u-2" }, "fields": ["phone"] });
    sim.accepted("/_sim/swaps", body).await;
    let (one, other) = (sim.by_id("u-1").await, sim.by_id("u-2").await);
    assert_eq!((&one["phone"], &one["email"]), (&Value::Null, &json!(ADA)));
    assert_eq!(other["phone"], PHONE);
}

#[tokio::test(start_paused = true)]
async fn an_identifier_that_is_no_identifier_is_refused_with_a_reason() {
    let sim = Simulated::at_once();
    let (status, answer) =
        sim.post("/_sim/contacts", json!({ "of": { "name": "Ada" }, "set": { "email": ADA } })).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("'external_id'"));
}
