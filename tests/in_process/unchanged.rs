//! Values that a profile has already are not sent again: under contracts from before spring 2025, Braze counts a data point for each
//! attribute written, changed or not.

use std::time::Duration;

use memory::Faults;
use metrics::Metric;
use serde_json::{Value, json};
use testkit::campaign::Campaign;

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// Lets a consumer whose profile has these attributes take part in an activation that sets `quikly_participant`, and logs `event` if given.
async fn takes_part(shown: &Value, event: Option<&str>) -> Campaign {
    let event = event.map(|name| format!("event = \"{name}\"\n")).unwrap_or_default();
    let campaign = Campaign::new(
        Faults::none(),
        &format!("attributes = {{ quikly_participant = true, tier = 3 }}\n{event}"),
    );
    let ada = json!({ "external_id": "u-1", "email": "ada@example.com", "custom_attributes": shown });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
    campaign.run();
    let id = campaign.accept("ada@example.com").await;
    campaign.all_end(&[id], AN_HOUR).await;
    campaign
}

/// How many attributes were not sent since the last call.
fn saved(campaign: &Campaign) -> u64 {
    campaign.connector.metrics().take().of(Metric::AttributesSaved)
}

#[tokio::test(start_paused = true)]
async fn an_up_to_date_profile_is_not_written() {
    let campaign = takes_part(&json!({ "quikly_participant": true, "tier": 3.0 }), None).await;
    assert_eq!(campaign.requests("/users/track").await, 0);
    assert_eq!(saved(&campaign), 2);
}

#[tokio::test(start_paused = true)]
async fn only_attributes_that_differ_are_written() {
    let campaign = takes_part(&json!({ "quikly_participant": true, "tier": 2, "plan": "gold" }), None).await;
    assert_eq!(saved(&campaign), 1);
    let attributes = campaign.profiles().await[0]["custom_attributes"].clone();
    assert_eq!(attributes, json!({ "quikly_participant": true, "tier": 3, "plan": "gold" }));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_logged_where_no_attribute_changes() {
    let shown = json!({ "quikly_participant": true, "tier": 3 });
    let campaign = takes_part(&shown, Some("q_participated")).await;
    assert_eq!(saved(&campaign), 2);
    assert_eq!(campaign.profiles().await[0]["custom_events"]["q_participated"]["count"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_written_a_moment_ago_is_written_once() {
    let events: String = (0..3)
        .map(|number| format!("[activation.events.visit_{number}]\nattributes = {{ tier = \"gold\" }}\n"))
        .collect();
    let campaign = Campaign::with(Faults::none(), "", &events);
    let ada = json!({ "external_id": "u-1", "email": "ada@example.com" });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
    campaign.run();
    for number in 0..3 {
        let id = campaign.accept_event(&format!("visit_{number}"), "ada@example.com").await;
        campaign.all_reach(&[id], "credited", AN_HOUR).await;
    }
    assert_eq!(campaign.requests("/users/track").await, 1);
    assert_eq!(campaign.profiles().await[0]["custom_attributes"]["tier"], "gold");
    assert_eq!(saved(&campaign), 2);
}
