//! Signing in to the app, unsubscribing by link, texting STOP.

use serde_json::{Value, json};

use crate::sim::{NEWS, OTHER_PHONE, PHONE, SMS, Simulated, alias, alias_only};

const ADA: &str = "ada@example.com";

fn sign_in(from: Value) -> Value {
    json!({ "external_id": "u-1", "from": from })
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_merges_the_alias_only_profile_into_the_identified_one() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only(ADA), { "external_id": "u-1" }])).await;
    sim.accepted("/_sim/sign_ins", sign_in(json!({ "user_alias": alias("email", ADA) }))).await;
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_alias(ADA).await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_leaves_an_alias_behind_whose_label_the_identified_profile_has() {
    let sim = Simulated::at_once();
    let identified = json!({ "external_id": "u-1", "user_aliases": [alias("email", "old@example.com")] });
    sim.has(json!([alias_only(ADA), identified])).await;
    sim.accepted("/_sim/sign_ins", sign_in(json!({ "user_alias": alias("email", ADA) }))).await;
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_alias(ADA).await, Value::Null);
    assert_eq!(sim.by_email(ADA).await[0]["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_carries_custom_data_only_when_asked_to() {
    for (carries, expected) in [(false, Value::Null), (true, json!({ "reward": "X" }))] {
        let sim = Simulated::at_once();
        let anonymous =
            json!({ "user_aliases": [alias("email", ADA)], "custom_attributes": { "reward": "X" } });
        sim.has(json!([anonymous, { "external_id": "u-1" }])).await;
        let mut body = sign_in(json!({ "user_alias": alias("email", ADA) }));
        body["carries_custom_data"] = carries.into();
        sim.accepted("/_sim/sign_ins", body).await;
        assert_eq!(sim.by_id("u-1").await["custom_attributes"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_sign_in_identifies_the_anonymous_profile() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "first_name": "Ada", "email": ADA }])).await;
    let braze_id = sim.by_email(ADA).await[0]["braze_id"].clone();
    sim.accepted("/_sim/sign_ins", sign_in(json!({ "braze_id": braze_id }))).await;
    assert_eq!(sim.by_id("u-1").await["braze_id"], braze_id);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_on_a_new_device_creates_a_profile() {
    let sim = Simulated::at_once();
    sim.accepted("/_sim/sign_ins", json!({ "external_id": "u-1" })).await;
    assert_eq!(sim.by_id("u-1").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn somebody_else_who_signs_in_is_merged_with_nobody() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-0" }, { "external_id": "u-1" }])).await;
    sim.accepted("/_sim/sign_ins", sign_in(json!({ "external_id": "u-0" }))).await;
    assert_eq!(sim.count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_unsubscribe_link_applies_to_every_profile_with_the_address() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA }, { "external_id": "u-2", "email": ADA }])).await;
    sim.accepted("/_sim/unsubscribes", json!({ "email": "Ada@example.com" })).await;
    for id in ["u-1", "u-2"] {
        assert_eq!(sim.by_id(id).await["email_subscribe"], "unsubscribed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_the_state_applies_to_every_profile_with_the_address() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA }, { "external_id": "u-2", "email": ADA }])).await;
    sim.write(json!({ "external_id": "u-1", "email_subscribe": "opted_in" })).await;
    assert_eq!(sim.by_id("u-2").await["email_subscribe"], "opted_in");
}

#[tokio::test(start_paused = true)]
async fn an_unsubscribe_link_of_a_group_leaves_other_mail_alone() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "email": ADA }])).await;
    sim.subscribe(NEWS, ADA).await;
    sim.accepted("/_sim/unsubscribes", json!({ "email": ADA, "subscription_group_id": NEWS })).await;
    assert_eq!(sim.state(NEWS, ADA).await, "Unsubscribed");
    assert_eq!(sim.by_id("u-1").await["email_subscribe"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_addresses_is_set_with_the_profile() {
    let sim = Simulated::at_once();
    let groups = json!([
        { "subscription_group_id": NEWS, "subscription_state": "subscribed" },
        { "subscription_group_id": SMS, "subscription_state": "subscribed" },
    ]);
    sim.write(json!({ "external_id": "u-1", "email": ADA, "phone": PHONE, "subscription_groups": groups }))
        .await;
    assert_eq!(sim.state(NEWS, ADA).await, "Subscribed");
    assert_eq!(sim.state(SMS, PHONE).await, "Subscribed");
}

#[tokio::test(start_paused = true)]
async fn stop_unsubscribes_the_number_whatever_its_case() {
    for text in ["STOP", " stop ", "Unsubscribe", "QUIT"] {
        let sim = Simulated::at_once();
        let phones = [PHONE, OTHER_PHONE];
        sim.has(
            json!([{ "external_id": "u-1", "phone": PHONE }, { "external_id": "u-2", "phone": OTHER_PHONE }]),
        )
        .await;
        for phone in phones {
            sim.subscribe(SMS, phone).await;
        }
        let answer = sim.accepted("/_sim/replies", json!({ "phone": PHONE, "text": text })).await;
        assert_eq!(answer, json!({ "confirmed": false, "opted_out": true }));
        assert_eq!(sim.state(SMS, PHONE).await, "Unsubscribed", "{text}");
        assert_eq!(sim.state(SMS, OTHER_PHONE).await, "Subscribed", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_stop_the_prompt_cannot_be_confirmed() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE }])).await;
    let body = json!({ "subscription_group_id": SMS, "subscription_state": "subscribed", "phone": PHONE, "use_double_opt_in_logic": true });
    sim.accepted("/subscription/status/set", body).await;
    sim.accepted("/_sim/replies", json!({ "phone": PHONE, "text": "STOP" })).await;
    let answer = sim.accepted("/_sim/replies", json!({ "phone": PHONE, "text": "Y" })).await;
    assert_eq!(answer["confirmed"], false);
    assert_eq!(sim.state(SMS, PHONE).await, "Unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn the_app_updates_a_profile_that_exists() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "external_id": "u-1", "custom_attributes": { "a": 1 } }])).await;
    sim.has(json!([{ "external_id": "u-1", "email": ADA, "custom_attributes": { "b": 2 } }])).await;
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_id("u-1").await["custom_attributes"], json!({ "a": 1, "b": 2 }));
}
