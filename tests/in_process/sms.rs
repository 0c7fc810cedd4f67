//! SMS acquisition over minutes and days.

use std::time::Duration;

use domain::ids::ParticipationId;
use memory::Faults;
use ports::Clock;
use serde_json::{Value, json};

use testkit::campaign::Campaign;

const BY_NUMBER: &str = "identity_by_phone = \"phone\"";
const REWARDED: &str = "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 10\nreward = \"SPRING20\"\n[activation.rewards_to_braze]\nreward = \"q_reward\"\n";
const HOUR: Duration = Duration::from_secs(3_600);
const SINGLE: &str =
    "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"";
const DOUBLE: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"";
/// A plan for a brand without the `$subscription` webhook: every minute, every five, and then every thirty.
const POLL: &str =
    "\npoll = [{ every = \"1m\", for = \"10m\" }, { every = \"5m\", for = \"1h\" }, { every = \"30m\" }]";

fn phone(number: usize) -> String {
    format!("+1313555{number:04}")
}

async fn asks_by_event(campaign: &Campaign) {
    let body = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &body.to_string()).await;
}

async fn confirm(campaign: &Campaign, number: usize) {
    let reply = json!({ "phone": phone(number), "text": "Y" });
    let answer = campaign.ask("POST", "/_sim/replies", &reply.to_string()).await;
    assert_eq!(answer["confirmed"], true, "{number} was asked");
}

/// A number of consumers take part by mobile number, and are asked to confirm within the given time.
async fn are_asked(
    campaign: &Campaign,
    count: usize,
    email: impl Fn(usize) -> Option<String>,
    within: Duration,
) -> Vec<ParticipationId> {
    asks_by_event(campaign).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(campaign.accept_phone(&phone(number), email(number).as_deref()).await);
    }
    campaign.all_reach(&ids, "awaiting_opt_in", within).await;
    ids
}

fn events(profiles: &[Value]) -> u64 {
    profiles.iter().filter_map(|profile| profile["custom_events"]["opt_in"]["count"].as_u64()).sum()
}

#[tokio::test(start_paused = true)]
async fn two_days_of_double_opt_in_poll_in_fifties_and_credit_within_a_poll() {
    let campaign = Campaign::with(Faults::none(), "", &format!("{DOUBLE}{POLL}"));
    let email = |number| Some(format!("c{number}@example.com"));
    let ids = are_asked(&campaign, 100, email, Duration::from_secs(600)).await;
    // The first forty arrived a moment before the others, while the brand's limit was being learned. The tick brings them together.
    campaign.clock.sleep(Duration::from_secs(60)).await;
    let before = campaign.requests("/subscription/status/get").await;
    campaign.clock.sleep(Duration::from_secs(300)).await;
    let polls = campaign.requests("/subscription/status/get").await - before;
    assert!(polls <= 2 * 6, "{polls} requests to poll a hundred numbers for five minutes");

    for (number, id) in ids.iter().enumerate().take(60) {
        confirm(&campaign, number).await;
        if number % 20 == 0 {
            campaign.all_reach(&[*id], "credited", Duration::from_secs(6 * 60)).await;
        }
    }
    campaign.clock.sleep(49 * HOUR).await;
    campaign.all_reach(&ids[..60], "credited", Duration::ZERO).await;
    campaign.all_reach(&ids[60..], "expired", Duration::ZERO).await;
    let profiles = campaign.profiles().await;
    assert_eq!((profiles.len(), events(&profiles)), (100, 100));
}

/// The plan of earlier versions read the status 116 times.
#[tokio::test(start_paused = true)]
async fn whoever_never_answers_costs_five_reads_by_the_default_plan() {
    let campaign = Campaign::with(Faults::none(), "settle = \"2m\"", DOUBLE);
    let ids = are_asked(&campaign, 50, |_| None, Duration::from_secs(600)).await;
    let before = campaign.requests("/subscription/status/get").await;
    campaign.all_reach(&ids, "expired", 49 * HOUR).await;
    let reads = campaign.requests("/subscription/status/get").await - before;
    // The first forty arrived a moment before the others, while the brand's limit was being learned.
    assert!(
        (5..=2 * 5).contains(&reads),
        "{reads} requests for two days of fifty consumers, fifty in a request"
    );
}

#[tokio::test(start_paused = true)]
async fn with_every_fault_of_aws_nobody_is_asked_twice_and_nobody_is_lost() {
    let campaign = Campaign::with(Faults::like_aws(), "", DOUBLE);
    let ids = are_asked(&campaign, 60, |_| None, 6 * HOUR).await;
    // Braze has accepted the writes, and has not applied them yet.
    campaign.clock.sleep(Duration::from_secs(60)).await;
    for number in 0..60 {
        confirm(&campaign, number).await;
    }
    campaign.all_reach(&ids, "credited", 6 * HOUR).await;
    let profiles = campaign.profiles().await;
    assert_eq!((profiles.len(), events(&profiles)), (60, 60));
}

#[tokio::test(start_paused = true)]
async fn by_number_nobody_is_looked_up_and_a_known_profile_is_not_doubled() {
    let campaign = Campaign::with(Faults::none(), BY_NUMBER, DOUBLE);
    let known = json!({ "profiles": [{ "external_id": "u-1", "phone": phone(0) }] });
    campaign.steer("POST", "/_sim/profiles", &known.to_string()).await;
    let email = |number| Some(format!("c{number}@example.com"));
    let ids = are_asked(&campaign, 50, email, Duration::from_secs(600)).await;
    campaign.clock.sleep(Duration::from_secs(40)).await;
    for number in 0..50 {
        confirm(&campaign, number).await;
    }
    campaign.all_reach(&ids, "credited", HOUR).await;
    let profiles = campaign.profiles().await;
    assert_eq!((profiles.len(), events(&profiles)), (50, 50));
    assert!(profiles.iter().all(|profile| profile["email"].is_null()), "Braze would go by the address");
    assert_eq!(campaign.requests("/users/export/ids").await, 0);
}

#[tokio::test(start_paused = true)]
async fn by_number_the_reward_is_on_the_profile_of_the_number() {
    let won = format!("{SINGLE}\nsubscribe = \"with_profile\"\nincentive = \"early\"\n{REWARDED}");
    let campaign = Campaign::with(Faults::none(), BY_NUMBER, &won);
    campaign.run();
    let id = campaign.accept_phone(&phone(1), Some("ada@example.com")).await;
    campaign.all_reach(&[id], "credited", Duration::from_secs(300)).await;
    campaign.clock.sleep(Duration::from_secs(300)).await;
    let profiles = campaign.profiles().await;
    assert_eq!(profiles.len(), 1);
    assert_eq!(
        (&profiles[0]["phone"], &profiles[0]["custom_attributes"]["q_reward"]),
        (&json!(phone(1)), &json!("SPRING20"))
    );
    assert_eq!(campaign.requests("/users/export/ids").await, 0);
}

/// Braze does not document that it creates a profile for a number.
#[tokio::test(start_paused = true)]
async fn where_braze_creates_no_profile_by_number_nobody_is_credited() {
    let with_profile = format!("{SINGLE}\nsubscribe = \"with_profile\"");
    let campaign = Campaign::with(Faults::none(), BY_NUMBER, &with_profile);
    campaign.steer("PUT", "/_sim/unconfirmed", r#"{"phone_creates": false}"#).await;
    campaign.run();
    let id = campaign.accept_phone(&phone(1), None).await;
    campaign.all_reach(&[id], "unverified", HOUR).await;
    assert!(campaign.profiles().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_bad_number_holds_up_none_of_the_other_forty_nine() {
    let campaign = Campaign::with(Faults::none(), "", SINGLE);
    campaign.steer("PUT", "/_sim/bad_phones", &json!({ "phones": [phone(17)] }).to_string()).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(campaign.accept_phone(&phone(number), None).await);
    }
    let bad = ids.remove(17);
    campaign.all_reach(&ids, "credited", Duration::from_secs(600)).await;
    campaign.all_reach(&[bad], "rejected", Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn numbers_are_asked_for_one_by_one_when_answers_are_not_keyed_by_number() {
    let campaign = Campaign::with(Faults::none(), "", SINGLE);
    campaign.steer("PUT", "/_sim/status_keys", r#"{"status_keys": "profile"}"#).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(campaign.accept_phone(&phone(number), None).await);
    }
    campaign.all_reach(&ids, "credited", Duration::from_secs(600)).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_group_waits_to_be_corrected_and_changes_nothing() {
    let campaign = Campaign::with(Faults::none(), "", &SINGLE.replace("g-1", "g-2"));
    campaign.run();
    let id = campaign.accept_phone(&phone(1), None).await;
    campaign.clock.sleep(HOUR).await;
    assert_eq!(campaign.state(id).await, "received");
    let asked = campaign.requests("/subscription/status/get").await;
    assert!((2..=60).contains(&asked), "asked {asked} times in an hour");
    assert!(campaign.profiles().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_the_profile_the_subscription_needs_no_request_of_its_own() {
    let campaign = Campaign::with(Faults::none(), "", &format!("{SINGLE}\nsubscribe = \"with_profile\""));
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(campaign.accept_phone(&phone(number), None).await);
    }
    campaign.all_reach(&ids, "credited", Duration::from_secs(120)).await;
    assert_eq!(campaign.requests("/v2/subscription/status/set").await, 0);
}

#[tokio::test(start_paused = true)]
async fn brazes_own_double_opt_in_logic_asks_the_consumer() {
    let logic = DOUBLE.replace("double_opt_in_event = \"opt_in\"", "double_opt_in = { braze_logic = true }");
    let campaign = Campaign::with(Faults::none(), "", &logic);
    campaign.run();
    let id = campaign.accept_phone(&phone(1), None).await;
    campaign.all_reach(&[id], "awaiting_opt_in", Duration::from_secs(300)).await;
    campaign.clock.sleep(Duration::from_secs(60)).await;
    confirm(&campaign, 1).await;
    campaign.all_reach(&[id], "credited", Duration::from_secs(180)).await;
}
