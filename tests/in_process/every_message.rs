//! Every flow, with every message lost once and with every message delivered twice, ends the same way.

use std::time::Duration;

use memory::Faults;
use ports::Clock;
use serde_json::{Value, json};

use testkit::campaign::Campaign;

const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// A flow from acceptance to its end.
struct MessageFlow {
    name: &'static str,
    braze: &'static str,
    activation: String,
    way: TestedWay,
    ends: &'static str,
    /// How many of the three consumers have a profile at the end.
    profiles: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum TestedWay {
    Email,
    Phone,
    Event,
}

/// Two rewards for three consumers, and an event with each.
const INCENTIVE: &str = "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 2\nreward = \"SPRING20\"\n\
                         [activation.rewards_to_braze]\nreward = \"q_reward\"\nposition = \"q_position\"\nevent = \"q_rewarded\"\n";

fn flows() -> Vec<MessageFlow> {
    let flow = |way, ends| {
        move |name, braze, activation: &str| {
            let begin = if way == TestedWay::Email { "[activation.email]\n" } else { SMS };
            MessageFlow { name, braze, activation: format!("{begin}{activation}"), way, ends, profiles: 3 }
        }
    };
    let (email, sms) = (flow(TestedWay::Email, "enrolled"), flow(TestedWay::Phone, "credited"));
    let rewarded = |activation: &str| format!("incentive = \"early\"\n{activation}\n{INCENTIVE}");
    vec![
        email("e-mail", "", "attributes = { p = true }"),
        email("e-mail with event", "", "attributes = { p = true }\nevent = \"opt_in\""),
        email("e-mail by e-mail identity", "identity = \"email\"", "event = \"opt_in\""),
        sms("single", "", "opt_in = \"single\""),
        sms("single, settled by queue", "settle_by = \"queue\"", "opt_in = \"single\""),
        sms("with profile", "", "opt_in = \"single\"\nsubscribe = \"with_profile\""),
        sms("double by event", "", "opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\""),
        sms("double by logic", "", "opt_in = \"double\"\ndouble_opt_in = { braze_logic = true }"),
        email("e-mail with incentive", "", &rewarded("event = \"opt_in\"")),
        email("e-mail with incentive, on enrollment", "", &rewarded("credit = \"on_enrollment\"")),
        email(
            "e-mail identity with incentive",
            "identity = \"email\"",
            &rewarded("credit = \"on_enrollment\""),
        ),
        sms("single with incentive", "", &rewarded("opt_in = \"single\"")),
        MessageFlow {
            name: "event with incentive",
            braze: "",
            activation: format!("[activation.events.signed_in]\n{}", rewarded("attributes = { p = true }")),
            way: TestedWay::Event,
            ends: "credited",
            // An event never creates the profile, even if Braze says that there is one.
            profiles: 2,
        },
    ]
}

/// Runs three consumers: one new, one known to Braze, one known by the number. Returns how many messages it took.
async fn runs_to_its_end(flow: &MessageFlow, faults: Faults, lost: Option<u64>) -> u64 {
    let campaign = Campaign::with(faults, flow.braze, &flow.activation);
    if let Some(number) = lost {
        campaign.memory.lose_message(number);
    }
    let opt_in = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &opt_in.to_string()).await;
    let profiles = json!([
        { "external_id": "u-1", "email": "c1@example.com" },
        { "external_id": "u-2", "email": "c2@example.com", "phone": "+13135550102" },
    ]);
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..3 {
        let email = format!("c{number}@example.com");
        let phone = format!("+1313555010{number}");
        ids.push(match flow.way {
            TestedWay::Phone => campaign.accept_phone(&phone, Some(&email)).await,
            TestedWay::Email => campaign.accept(&email).await,
            TestedWay::Event => campaign.accept_event("signed_in", &email).await,
        });
    }
    let (deadline, minute) = (campaign.clock.now() + A_DAY, Duration::from_secs(60));
    for id in &ids {
        while campaign.state(*id).await != flow.ends {
            let state = campaign.state(*id).await;
            assert!(campaign.clock.now() < deadline, "{}: {state} with message {lost:?} lost", flow.name);
            campaign.clock.sleep(minute).await;
            for number in 0..3 {
                let reply = json!({ "phone": format!("+1313555010{number}"), "text": "Y" });
                campaign.steer("POST", "/_sim/replies", &reply.to_string()).await;
            }
        }
    }
    // Rewards are written after the end, by address once the profile has settled.
    campaign.clock.sleep(Duration::from_secs(600)).await;
    let profiles = campaign.profiles().await;
    assert_eq!(profiles.len(), flow.profiles, "{}: no second profile with message {lost:?} lost", flow.name);
    rewards_are_shown_once(flow, &profiles, lost);
    let events: u64 = profiles
        .iter()
        .filter_map(|profile: &Value| profile["custom_events"]["opt_in"]["count"].as_u64())
        .sum();
    let expected = if flow.activation.contains("event = \"opt_in\"") { 3 } else { 0 };
    assert_eq!(events, expected, "{}: events with message {lost:?} lost", flow.name);
    campaign.memory.messages_sent()
}

/// Checks that two consumers are rewarded, if there is an incentive: on their profiles, and by one event each.
fn rewards_are_shown_once(flow: &MessageFlow, profiles: &[Value], lost: Option<u64>) {
    let rewarded = profiles.iter().filter(|profile| profile["custom_attributes"]["q_reward"] == "SPRING20");
    let events: u64 =
        profiles.iter().filter_map(|profile| profile["custom_events"]["q_rewarded"]["count"].as_u64()).sum();
    // Of the first two, the consumer without a profile cannot show the reward.
    let expected = match (flow.activation.contains("incentive"), flow.way) {
        (false, _) => 0,
        (true, TestedWay::Event) => 1,
        (true, TestedWay::Email | TestedWay::Phone) => 2,
    };
    let name = flow.name;
    assert_eq!((rewarded.count(), events), (expected, expected as u64), "{name} with message {lost:?} lost");
}

#[tokio::test(start_paused = true)]
async fn every_flow_ends_the_same_whichever_message_is_lost() {
    let mut runs = 0;
    for flow in flows() {
        let messages = runs_to_its_end(&flow, Faults::none(), None).await;
        for lost in 1..=messages {
            runs_to_its_end(&flow, Faults::none(), Some(lost)).await;
            runs += 1;
        }
    }
    assert!(runs >= 13 * 3, "{runs} runs");
}

#[tokio::test(start_paused = true)]
async fn every_flow_ends_the_same_when_every_message_is_delivered_twice() {
    for flow in flows() {
        runs_to_its_end(&flow, Faults { message_twice: 0.9, schedule_twice: 1.0, ..Faults::none() }, None)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_flow_ends_the_same_when_schedules_are_lost() {
    for flow in flows() {
        runs_to_its_end(&flow, Faults { schedule_lost: 1.0, ..Faults::none() }, None).await;
    }
}
