//! What Braze's pages leave open, either way.

use serde_json::json;

use crate::sim::{PHONE, SMS, Simulated};

#[tokio::test(start_paused = true)]
async fn a_number_that_nobody_has_creates_a_profile_or_not() {
    for (creates, expected) in [(true, 1), (false, 0)] {
        let sim = Simulated::at_once();
        sim.call("PUT", "/_sim/unconfirmed", &json!({ "phone_creates": creates })).await;
        sim.write(json!({ "phone": PHONE, "reward": "X" })).await;
        sim.log(json!({ "phone": PHONE, "name": "won", "time": "2026-01-01T00:00:00Z" })).await;
        assert_eq!(sim.count().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_somebody_has_is_written_to_in_any_case() {
    let sim = Simulated::at_once();
    sim.call("PUT", "/_sim/unconfirmed", &json!({ "phone_creates": false })).await;
    sim.has(json!([{ "external_id": "u-1", "phone": PHONE }])).await;
    sim.write(json!({ "phone": PHONE, "reward": "X" })).await;
    assert_eq!(sim.by_id("u-1").await["custom_attributes"], json!({ "reward": "X" }));
}

#[tokio::test(start_paused = true)]
async fn double_opt_in_in_the_object_that_creates_the_profile_asks_the_consumer_or_not() {
    for asks in [true, false] {
        let sim = Simulated::at_once();
        sim.call("PUT", "/_sim/unconfirmed", &json!({ "opt_in_at_creation": asks })).await;
        sim.write(opting_in()).await;
        assert_eq!(confirms(&sim).await, asks);
    }
}

#[tokio::test(start_paused = true)]
async fn double_opt_in_for_a_profile_that_exists_asks_the_consumer_in_any_case() {
    let sim = Simulated::at_once();
    sim.call("PUT", "/_sim/unconfirmed", &json!({ "opt_in_at_creation": false })).await;
    sim.write(opting_in()).await;
    sim.write(opting_in()).await;
    assert!(confirms(&sim).await);
}

fn opting_in() -> serde_json::Value {
    let group = json!({ "subscription_group_id": SMS, "subscription_state": "subscribed", "use_double_opt_in_logic": true });
    json!({ "external_id": "u-1", "phone": PHONE, "subscription_groups": [group] })
}

async fn confirms(sim: &Simulated) -> bool {
    let answer = sim.accepted("/_sim/replies", json!({ "phone": PHONE, "text": "Y" })).await;
    answer["confirmed"] == true
}
