//! Incentives, from the acceptance to the profile and to Quikly.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use domain::award::AwardStatus;
use domain::ids::IncentiveId;
use domain::incentive::NoPrize;
use memory::Faults;
use ports::{Clock, Ledger};
use serde_json::{Value, json};

use testkit::campaign::Campaign;

const A_DAY: Duration = Duration::from_secs(24 * 3_600);
const CALLBACK: &str = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";
const REWARDS: &str = "[activation.rewards_to_braze]\nreward = \"q_reward\"\nposition = \"q_position\"\n";

fn first(quantity: u32) -> String {
    format!(
        "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = {quantity}\nreward = \"SPRING20\"\n{REWARDS}"
    )
}

fn of(profiles: &[Value], email: &str) -> Value {
    profiles.iter().find(|profile| profile["email"] == email).cloned().unwrap_or_default()
}

fn rewards(profiles: &[Value]) -> Vec<(String, i64)> {
    let reward = |profile: &Value| {
        let custom = &profile["custom_attributes"];
        Some((profile["email"].as_str()?.to_owned(), custom["q_position"].as_i64()?))
    };
    let mut rewards: Vec<(String, i64)> = profiles.iter().filter_map(reward).collect();
    rewards.sort_by_key(|(_, position)| *position);
    rewards
}

#[tokio::test(start_paused = true)]
async fn the_first_are_rewarded_and_their_profiles_show_it() {
    let activation = format!("[activation.events.signed_in]\nincentive = \"early\"\n{}", first(3));
    let campaign = Campaign::with(Faults::none(), CALLBACK, &activation);
    let profiles: Vec<Value> = (0..5)
        .map(|n| json!({ "external_id": format!("u-{n}"), "email": format!("c{n}@example.com") }))
        .collect();
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(campaign.accept_event("signed_in", &format!("c{number}@example.com")).await);
    }
    campaign.all_reach(&ids, "credited", A_DAY).await;
    let profiles = campaign.profiles().await;
    let expected: Vec<(String, i64)> = (0..3).map(|n| (format!("c{n}@example.com"), n + 1)).collect();
    assert_eq!(rewards(&profiles), expected);
    assert_eq!(of(&profiles, "c0@example.com")["custom_attributes"]["q_reward"], "SPRING20");
    assert_eq!(of(&profiles, "c4@example.com")["custom_attributes"], json!({}));
    let for_rewards = "only for consumers with a reward to write, and once to read back all of them";
    assert_eq!(campaign.requests("/users/export/ids").await, 4, "{for_rewards}");
    let told = campaign.quikly.told();
    assert_eq!(told.len(), 5);
    for (id, body) in told {
        let number = ids.iter().position(|known| id == format!("{known}-credited")).unwrap();
        let data = &body["data"];
        assert_eq!((&body["type"], &data["credited"]), (&json!("participation.credited"), &json!(true)));
        let reward = if number < 3 { json!("SPRING20") } else { Value::Null };
        assert_eq!((&data["reward"], data["waiting"] == true), (&reward, number >= 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reward_is_part_of_the_enrollments_write() {
    let activation =
        format!("[activation.email]\nattributes = {{ p = true }}\nincentive = \"early\"\n{}", first(2));
    for braze in ["", "identity = \"email\""] {
        let campaign = Campaign::with(Faults::none(), braze, &activation);
        campaign.run();
        let ids = campaign.accept_many(3).await;
        campaign.all_end(&ids, A_DAY).await;
        let profiles = campaign.profiles().await;
        assert_eq!((profiles.len(), rewards(&profiles).len()), (3, 2), "{braze}");
        assert_eq!(campaign.requests("/users/track").await, 1, "{braze}: one request for everything");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_through_the_double_opt_in_and_passed_on_when_it_expires() {
    let sms = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
               double_opt_in_event = \"opt_in\"\nwindow = \"2h\"\nincentive = \"early\"\n";
    let campaign = Campaign::with(Faults::none(), CALLBACK, &format!("{sms}{}", first(2)));
    let opt_in = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &opt_in.to_string()).await;
    campaign.run();
    let mut ids = Vec::new();
    for number in 0..4 {
        let email = format!("c{number}@example.com");
        ids.push(campaign.accept_phone(&format!("+1313555010{number}"), Some(&email)).await);
    }
    campaign.all_reach(&ids, "awaiting_opt_in", A_DAY).await;
    // Braze has asked by now. The second to fourth confirm. The first, who has the reserved place, does not.
    campaign.clock.sleep(Duration::from_secs(60)).await;
    for number in 1..4 {
        let reply = json!({ "phone": format!("+1313555010{number}"), "text": "Y" });
        campaign.steer("POST", "/_sim/replies", &reply.to_string()).await;
    }
    campaign.all_reach(&ids[1..], "credited", A_DAY).await;
    let before = rewards(&campaign.profiles().await);
    assert_eq!(before, [("c1@example.com".to_owned(), 2)], "one place is still kept for the first");
    campaign.all_reach(&ids[..1], "expired", A_DAY).await;
    let after = rewards(&campaign.profiles().await);
    assert_eq!(after, [("c2@example.com".to_owned(), 1), ("c1@example.com".to_owned(), 2)]);
    let mut told: Vec<String> = campaign.quikly.told().into_iter().map(|(id, _)| id).collect();
    told.sort();
    let mut expected: Vec<String> = ids[1..].iter().map(|id| format!("{id}-credited")).collect();
    expected.extend([format!("{}-ended", ids[0]), format!("{}-rewarded", ids[2])]);
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_reward_is_logged_once_even_when_its_answer_is_lost() {
    let activation =
        format!("[activation.events.signed_in]\nincentive = \"early\"\n{}event = \"q_rewarded\"\n", first(2));
    for when in ["before", "after"] {
        let campaign = Campaign::with(Faults::none(), "", &activation);
        let known = json!({ "profiles": [{ "external_id": "u-0", "email": "c0@example.com" }] });
        campaign.steer("POST", "/_sim/profiles", &known.to_string()).await;
        let fault = json!({ "path": "/users/track", "kind": "garbage", "when": when, "count": 2 });
        campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
        campaign.run();
        let id = campaign.accept_event("signed_in", "c0@example.com").await;
        campaign.all_reach(&[id], "credited", A_DAY).await;
        campaign.clock.sleep(Duration::from_secs(3_600)).await;
        let profile = of(&campaign.profiles().await, "c0@example.com");
        assert_eq!(profile["custom_events"]["q_rewarded"]["count"], 1, "lost {when} the work");
        assert_eq!(profile["custom_attributes"]["q_reward"], "SPRING20");
    }
}

#[tokio::test(start_paused = true)]
async fn a_raffle_is_drawn_at_its_close_and_its_winners_get_callbacks() {
    let closes = campaign_start_plus(3_600);
    let raffle = format!(
        "[[activation.incentive]]\nid = \"early\"\nkind = \"raffle\"\nquantity = 2\nreward = \"TRIP\"\ncloses = {closes}\n{REWARDS}"
    );
    let activation = format!("[activation.email]\nincentive = \"early\"\n{raffle}");
    let campaign = Campaign::with(Faults::none(), CALLBACK, &activation);
    campaign.run();
    let ids = campaign.accept_many(10).await;
    campaign.all_end(&ids, A_DAY).await;
    assert!(rewards(&campaign.profiles().await).is_empty(), "not before the close");
    campaign.clock.sleep(Duration::from_secs(2 * 3_600)).await;
    let winners = rewards(&campaign.profiles().await);
    assert_eq!(winners.len(), 2);
    let told = campaign.quikly.told();
    let rewarded =
        told.iter().filter(|(id, body)| id.ends_with("-rewarded") && body["data"]["reward"] == "TRIP");
    assert_eq!((told.len(), rewarded.count()), (12, 2));
}

/// A raffle among all who are enrolled.
fn raffle(settings: &str) -> String {
    let closes = campaign_start_plus(3_600);
    let raffle = "[[activation.incentive]]\nid = \"early\"\nkind = \"raffle\"\nquantity = 1\n";
    format!(
        "[activation.email]\ncredit = \"on_enrollment\"\nincentive = \"early\"\n{raffle}reward = \"TRIP\"\ncloses = {closes}\n{settings}"
    )
}

#[tokio::test(start_paused = true)]
async fn whoever_was_accepted_before_the_close_has_a_lot_however_long_enrolling_takes() {
    let campaign = Campaign::with(Faults::none(), "", &raffle(""));
    campaign.run();
    let mut ids = campaign.accept_many(5).await;
    campaign.all_end(&ids, A_DAY).await;
    campaign.clock.sleep(Duration::from_secs(3_600 - 90)).await;
    let fault = json!({ "kind": "status", "status": 503 });
    campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    for number in 5..8 {
        ids.push(campaign.accept(&format!("c{number}@example.com")).await);
    }
    campaign.clock.sleep(Duration::from_secs(600)).await;
    let counts = |campaign: &Campaign| {
        let ledger = campaign.terms().1.ledger(campaign.terms().1.email.as_ref().unwrap().incentive.as_ref());
        let memory = campaign.memory.clone();
        async move { memory.counts(&ledger).await.unwrap() }
    };
    let waits = counts(&campaign).await;
    assert_eq!((waits.open_lots, waits.drawn_at), (Some(3), None), "the draw waits for three");
    campaign.steer("DELETE", "/_sim/faults", "").await;
    campaign.all_end(&ids, A_DAY).await;
    campaign.clock.sleep(Duration::from_secs(120)).await;
    let drawn = counts(&campaign).await;
    assert_eq!(drawn.frozen.unwrap().lots, 8, "everyone who was accepted before the close has a lot");
}

#[tokio::test(start_paused = true)]
async fn a_draw_waits_no_longer_than_its_brand_file_says() {
    let campaign = Campaign::with(Faults::none(), "", &raffle("draw_after = \"10m\""));
    campaign.run();
    let ids = campaign.accept_many(5).await;
    campaign.all_end(&ids, A_DAY).await;
    let fault = json!({ "kind": "status", "status": 503 });
    campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    let late = campaign.accept("late@example.com").await;
    campaign.clock.sleep(Duration::from_secs(3_600 + 700)).await;
    let ledger = campaign.terms().1.ledger(campaign.terms().1.email.as_ref().unwrap().incentive.as_ref());
    assert_eq!(campaign.memory.counts(&ledger).await.unwrap().frozen.unwrap().lots, 5);
    campaign.steer("DELETE", "/_sim/faults", "").await;
    campaign.all_end(&[late], A_DAY).await;
    let award = campaign.memory.awards(&[late]).await.unwrap().found.remove(0);
    assert_eq!(award.status, AwardStatus::NoPrize(NoPrize::Closed));
}

/// The time this many seconds after the campaign begins, as a brand file has it.
fn campaign_start_plus(seconds: u64) -> String {
    (testkit::start() + Duration::from_secs(seconds)).to_string()
}

async fn has_a_profile(campaign: &Campaign, email: &str) {
    let profiles = json!({ "profiles": [{ "external_id": "u-0", "email": email }] });
    campaign.steer("POST", "/_sim/profiles", &profiles.to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_fails_is_repeated_with_the_same_id_and_body() {
    let activation = format!("[activation.events.signed_in]\nincentive = \"early\"\n{}", first(2));
    let campaign = Campaign::with(Faults::none(), CALLBACK, &activation);
    campaign.quikly.fails.store(6, SeqCst);
    has_a_profile(&campaign, "c0@example.com").await;
    campaign.run();
    let id = campaign.accept_event("signed_in", "c0@example.com").await;
    campaign.all_reach(&[id], "credited", A_DAY).await;
    campaign.clock.sleep(Duration::from_secs(3_600)).await;
    let told = campaign.quikly.told();
    assert_eq!(told.len(), 7, "six failures and a success");
    assert!(told.iter().all(|one| *one == told[0]));
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_no_receiver_accepts_is_parked_after_a_day() {
    let activation = format!("[activation.events.signed_in]\nincentive = \"early\"\n{}", first(2));
    let campaign = Campaign::with(Faults::none(), CALLBACK, &activation);
    campaign.quikly.fails.store(usize::MAX, SeqCst);
    has_a_profile(&campaign, "c0@example.com").await;
    campaign.run();
    let id = campaign.accept_event("signed_in", "c0@example.com").await;
    campaign.all_reach(&[id], "credited", A_DAY).await;
    campaign.clock.sleep(2 * A_DAY).await;
    let tried = campaign.quikly.told().len();
    assert!((20..80).contains(&tried), "{tried} tries in a day");
    campaign.clock.sleep(2 * A_DAY).await;
    assert_eq!(campaign.quikly.told().len(), tried, "not after it was parked");
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_nothing_is_oversold_and_every_callback_is_delivered() {
    let activation = format!(
        "[activation.email]\nevent = \"joined\"\nincentive = \"early\"\n[activation.events.signed_in]\nincentive = \"early\"\n{}",
        first(20)
    );
    let campaign = Campaign::with(Faults::like_aws(), CALLBACK, &activation);
    campaign.quikly.fails.store(10, SeqCst);
    for fault in [
        json!({ "kind": "status", "status": 503, "one_in": 10 }),
        json!({ "kind": "garbage", "when": "after", "one_in": 10 }),
    ] {
        campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    }
    campaign.run();
    let (mut emails, mut events) = (Vec::new(), Vec::new());
    for number in 0..30 {
        emails.push(campaign.accept(&format!("c{number}@example.com")).await);
        // Every consumer also signs in, and is still rewarded only once.
        events.push(campaign.accept_event("signed_in", &format!("c{number}@example.com")).await);
    }
    campaign.all_end(&emails, A_DAY).await;
    campaign.all_reach(&events, "credited", A_DAY).await;
    campaign.clock.sleep(A_DAY).await;
    let positions: Vec<i64> = rewards(&campaign.profiles().await).iter().map(|(_, place)| *place).collect();
    assert_eq!(positions, (1..=20).collect::<Vec<i64>>());
    let mut told: Vec<String> = campaign.quikly.told().into_iter().map(|(id, _)| id).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 60);
}

/// An activation whose lines are entered after they were stored, as on DynamoDB, and whose workers are not running.
fn entered_later(faults: Faults, quantity: u32) -> Campaign {
    let sms = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\nincentive = \"early\"\n";
    let activation = format!("[activation.email]\nincentive = \"early\"\n{sms}{}", first(quantity));
    let campaign = Campaign::with(faults, CALLBACK, &activation);
    campaign.memory.enter_later();
    campaign
}

#[tokio::test(start_paused = true)]
async fn a_worker_enters_a_line_that_has_not_earned_its_credit_too() {
    let campaign = entered_later(Faults::none(), 1);
    let by_phone = campaign.accept_phone("+13135550101", None).await;
    let by_email = campaign.accept("c0@example.com").await;
    let brand = domain::ids::BrandId::parse("acme").unwrap();
    campaign.connector.step(&brand, &[by_email, by_phone]).await.unwrap();
    let award = |id| campaign.memory.stored_award(id).unwrap();
    assert_eq!(award(by_phone).place(), Some(1), "it was accepted first");
    assert_eq!(award(by_email).status, AwardStatus::Waiting);
    assert!(award(by_email).credited_at.is_some() && award(by_phone).credited_at.is_none());
}

/// Before numbers were drawn, a message on the queue of awards had a line entered. A deployment deletes that queue with its messages.
#[tokio::test(start_paused = true)]
async fn what_the_queue_of_awards_held_at_a_deployment_is_found_by_the_tick_in_the_order_of_acceptance() {
    let campaign = entered_later(Faults { message_lost: 1.0, ..Faults::none() }, 2);
    campaign.memory.draw_no_numbers();
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(campaign.accept(&format!("c{number}@example.com")).await);
        campaign.clock.sleep(Duration::from_secs(1)).await;
    }
    campaign.run();
    campaign.all_end(&ids, Duration::from_secs(300)).await;
    let places: Vec<_> = ids.iter().map(|id| campaign.memory.stored_award(*id).unwrap().place()).collect();
    assert_eq!(places, [Some(1), Some(2), None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_place_whose_number_nobody_uses_goes_to_the_first_who_waits() {
    let campaign = entered_later(Faults::none(), 1);
    let early = campaign.terms().1.ledger(Some(&IncentiveId::parse("early").unwrap()));
    campaign.memory.numbers().unwrap().draw(&early, 1).await.unwrap();
    let (first, second) = (campaign.accept("c0@example.com").await, campaign.accept("c1@example.com").await);
    campaign.run();
    campaign.all_end(&[first, second], Duration::from_secs(30)).await;
    let place = |id| campaign.memory.stored_award(id).unwrap().place();
    assert_eq!((place(first), place(second)), (None, None), "the owner may still come");
    campaign.clock.sleep(Duration::from_secs(300)).await;
    assert_eq!((place(first), place(second)), (Some(1), None));
}
