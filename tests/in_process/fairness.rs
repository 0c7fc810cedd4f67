//! One brand's limits hold up no other brand.

use std::time::Duration;

use braze_sim::Settings;
use domain::contact::{Contact, Email};
use memory::Faults;
use ports::Clock;
use serde_json::json;
use testkit::campaign::{Campaign, SETTLE};

const WAITING: usize = 100_000;

/// The delay that is allowed on top of the brand's own limits, which delay one participant by nothing.
const A_SECOND: Duration = Duration::from_secs(1);

/// A campaign whose brand has just got thousands of consumers who wait for look-ups.
async fn burst(activation: &str) -> Campaign {
    let settings = Settings { settle: SETTLE, ..Settings::default() };
    let campaign = Campaign::at(Faults::none(), "", activation, settings);
    let email = |number| Email::parse(&format!("c{number}@example.com"));
    campaign.accept_all((0..WAITING).map(email).filter_map(Result::ok).map(Contact::Email)).await;
    campaign.run();
    campaign
}

/// A campaign in the middle of such a burst.
async fn busy(activation: &str) -> Campaign {
    let campaign = burst(activation).await;
    campaign.clock.sleep(Duration::from_secs(90)).await;
    assert!(campaign.memory.ended() < 1_000, "most of them wait");
    campaign
}

async fn another_brands_participant_is_enrolled_at_once(campaign: &Campaign, email: &str) {
    let id = campaign.accept_at_other(email).await;
    campaign.all_reach(&[id], "enrolled", A_SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_brand_with_a_hundred_thousand_waiting_delays_no_other_brands_participant() {
    let campaign = burst("[activation.email]").await;
    another_brands_participant_is_enrolled_at_once(&campaign, "ada@example.com").await;
    campaign.clock.sleep(Duration::from_secs(90)).await;
    assert!(campaign.memory.ended() < 1_000, "most of them wait");
    another_brands_participant_is_enrolled_at_once(&campaign, "bob@example.com").await;
}

#[tokio::test(start_paused = true)]
async fn a_subscribed_number_is_credited_ahead_of_the_brands_look_ups() {
    let sms =
        "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n";
    let campaign = busy(&format!("[activation.email]\n{sms}")).await;
    let ada = json!({ "external_id": "u-1", "phone": "+13135550100" });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
    let entry = json!({
        "subscription_group_id": "g-1", "subscription_state": "subscribed", "phones": ["+13135550100"],
    });
    campaign
        .steer("POST", "/_sim/subscriptions", &json!({ "subscription_groups": [entry] }).to_string())
        .await;
    campaign.clock.sleep(SETTLE).await;
    let id = campaign.accept_phone("+13135550100", None).await;
    campaign.all_reach(&[id], "credited", A_SECOND).await;
}
