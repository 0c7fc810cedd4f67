//! E-mail double opt-in: the consumer gets a mail with a link, and is credited once Braze says so.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use braze_sim::Settings;
use domain::ids::ParticipationId;
use domain::message::{QueueName, WorkMessage};
use memory::Faults;
use ports::queues::{Outgoing, Queues};
use ports::{Clock, Store};
use serde_json::{Value, json};
use testkit::campaign::{Campaign, SETTLE};

const HOUR: Duration = Duration::from_secs(3_600);
const ADA: &str = "ada@example.com";
const STATUS: &str = "/subscription/status/get";
const GROUP: &str = "subscription_group_id = \"news\"\n";
const POLL: &str = "poll = [{ every = \"5m\" }]\n";
const REWARDED: &str = "incentive = \"early\"\n[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 200\n\
    reward = \"SPRING20\"\n[activation.rewards_to_braze]\nreward = \"q_reward\"\n";

/// Where consumers confirm, with these keys.
fn activation(keys: &str) -> String {
    format!(
        "[activation.email]\nattributes = {{ quikly_participant = true }}\nevent = \"ask\"\nopt_in = \"double\"\n{keys}{REWARDED}"
    )
}

async fn campaign(faults: Faults, keys: &str) -> Campaign {
    let settings = Settings { settle: SETTLE, email_groups: vec!["news".into()], ..Settings::default() };
    let campaign = Campaign::at(faults, "", &activation(keys), settings);
    let asks = json!({ "event": "ask", "subscription_group_id": "news" });
    campaign.steer("PUT", "/_sim/double_opt_in", &asks.to_string()).await;
    campaign
}

async fn confirms(campaign: &Campaign, email: &str) {
    let link = json!({ "email": email }).to_string();
    let answer = campaign.ask("POST", "/_sim/confirmations", &link).await;
    assert_eq!(answer["confirmed"], true, "{email} got a mail");
}

/// Braze reports that the subscription of the address has changed, and intake makes the participation due.
async fn push(campaign: &Campaign, id: ParticipationId) {
    let mut participation = campaign.memory.get(&[id]).await.unwrap().found.remove(0);
    assert!(participation.hears_of_subscription(campaign.clock.now()));
    let look = WorkMessage { brand: participation.brand().clone(), ids: vec![id] };
    assert_eq!(campaign.memory.save(&[participation]).await.unwrap(), [ports::store::Saved::Saved]);
    let message = Outgoing { look, delay: Duration::ZERO };
    campaign.memory.send(QueueName::EmailEnrollments, vec![message]).await.unwrap();
}

async fn earned(campaign: &Campaign, id: ParticipationId) -> bool {
    campaign.memory.get(&[id]).await.unwrap().found[0].earned_at().is_some()
}

fn questions(profiles: &[Value]) -> u64 {
    profiles.iter().filter_map(|profile| profile["custom_events"]["ask"]["count"].as_u64()).sum()
}

#[tokio::test(start_paused = true)]
async fn whoever_confirms_is_credited_within_a_poll_and_nobody_before() {
    for keys in [format!("{GROUP}{POLL}"), POLL.to_owned()] {
        let campaign = campaign(Faults::none(), &keys).await;
        campaign.run();
        let id = campaign.accept(ADA).await;
        campaign.all_reach(&[id], "awaiting_opt_in", HOUR).await;
        campaign.clock.sleep(HOUR).await;
        assert_eq!((campaign.state(id).await, earned(&campaign, id).await), ("awaiting_opt_in", false));
        let profile = campaign.profiles().await.remove(0);
        assert_eq!(profile["custom_attributes"], json!({ "quikly_participant": true }), "nothing is won yet");
        assert_ne!(profile["email_subscribe"], "opted_in", "the connector subscribes nobody");
        confirms(&campaign, ADA).await;
        campaign.all_reach(&[id], "enrolled", Duration::from_secs(301)).await;
        assert!(earned(&campaign, id).await);
        let profile = campaign.profiles().await.remove(0);
        assert_eq!(profile["custom_attributes"]["q_reward"], "SPRING20");
        assert_eq!(questions(&[profile]), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_leads_to_the_credit_within_seconds_and_only_once_braze_says_so() {
    let campaign = campaign(Faults::none(), GROUP).await;
    campaign.run();
    let id = campaign.accept(ADA).await;
    campaign.all_reach(&[id], "awaiting_opt_in", HOUR).await;
    campaign.clock.sleep(HOUR).await;
    push(&campaign, id).await;
    campaign.clock.sleep(Duration::from_secs(60)).await;
    assert_eq!((campaign.state(id).await, earned(&campaign, id).await), ("awaiting_opt_in", false));
    confirms(&campaign, ADA).await;
    push(&campaign, id).await;
    campaign.all_reach(&[id], "enrolled", Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_confirm_expires_without_a_credit_after_five_reads() {
    let campaign = campaign(Faults::none(), GROUP).await;
    campaign.run();
    let ids = campaign.accept_many(50).await;
    campaign.all_reach(&ids, "awaiting_opt_in", HOUR).await;
    let before = campaign.requests(STATUS).await;
    campaign.all_reach(&ids, "expired", 49 * HOUR).await;
    let reads = campaign.requests(STATUS).await - before;
    assert!(
        (5..=10).contains(&reads),
        "{reads} requests for two days of fifty consumers, fifty in a request"
    );
    for id in ids {
        assert!(!earned(&campaign, id).await);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_subscribed_already_gets_no_mail_and_is_credited_at_once() {
    for keys in [GROUP, ""] {
        let campaign = campaign(Faults::none(), keys).await;
        let ada = json!({ "external_id": "u-1", "email": ADA, "email_subscribe": "opted_in" });
        campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
        let state =
            json!({ "subscription_group_id": "news", "subscription_state": "subscribed", "email": [ADA] });
        campaign.steer("POST", "/_sim/subscriptions", &state.to_string()).await;
        campaign.run();
        let id = campaign.accept(ADA).await;
        campaign.all_reach(&[id], "enrolled", Duration::from_secs(30)).await;
        assert!(earned(&campaign, id).await);
        let profiles = campaign.profiles().await;
        assert_eq!((profiles.len(), questions(&profiles)), (1, 0));
        assert_eq!(profiles[0]["custom_attributes"]["quikly_participant"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_had_unsubscribed_is_asked_and_stays_unsubscribed_until_the_confirmation() {
    let campaign = campaign(Faults::none(), &format!("{GROUP}{POLL}")).await;
    let ada = json!({ "external_id": "u-1", "email": ADA, "email_subscribe": "unsubscribed" });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
    let state =
        json!({ "subscription_group_id": "news", "subscription_state": "unsubscribed", "email": [ADA] });
    campaign.steer("POST", "/_sim/subscriptions", &state.to_string()).await;
    campaign.run();
    let id = campaign.accept(ADA).await;
    campaign.all_reach(&[id], "awaiting_opt_in", HOUR).await;
    let profile = campaign.profiles().await.remove(0);
    assert_eq!(profile["email_subscribe"], "unsubscribed");
    confirms(&campaign, ADA).await;
    campaign.all_reach(&[id], "enrolled", Duration::from_secs(301)).await;
}

#[tokio::test(start_paused = true)]
async fn with_every_fault_of_aws_nobody_gets_two_mails_and_nobody_is_lost() {
    let campaign = campaign(Faults::like_aws(), GROUP).await;
    campaign.run();
    let ids = campaign.accept_many(60).await;
    campaign.all_reach(&ids, "awaiting_opt_in", 6 * HOUR).await;
    campaign.clock.sleep(Duration::from_secs(60)).await;
    for number in 0..60 {
        confirms(&campaign, &format!("c{number}@example.com")).await;
    }
    campaign.all_reach(&ids, "enrolled", 13 * HOUR).await;
    let profiles = campaign.profiles().await;
    assert_eq!((profiles.len(), questions(&profiles)), (60, 60));
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_was_asked_for_on_a_profile_that_is_gone_is_asked_for_again() {
    let campaign = campaign(Faults::none(), &format!("{GROUP}{POLL}")).await;
    let profile = json!({ "external_id": "u-1", "email": ADA });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [profile] }).to_string()).await;
    campaign.steer("PUT", "/_sim/change_delay", r#"{"delay_ms": 0}"#).await;
    campaign.run();
    let id = campaign.accept(ADA).await;
    campaign.all_reach(&[id], "awaiting_opt_in", HOUR).await;
    // The profile goes before Braze has applied the write, and the app makes the consumer another one.
    let gone = json!({ "external_ids": ["u-1"] });
    campaign.steer("POST", "/users/delete", &gone.to_string()).await;
    let other = json!({ "profiles": [{ "external_id": "u-2", "email": ADA }] });
    campaign.steer("POST", "/_sim/profiles", &other.to_string()).await;
    campaign.clock.sleep(Duration::from_secs(600)).await;
    let profiles = campaign.profiles().await;
    assert_eq!(
        (profiles.len(), profiles[0]["external_id"].as_str(), questions(&profiles)),
        (1, Some("u-2"), 1)
    );
    confirms(&campaign, ADA).await;
    campaign.all_reach(&[id], "enrolled", Duration::from_secs(301)).await;
}
