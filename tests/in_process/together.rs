//! Work on one profile is looked up and written once, and writes that failed for long are sent together again.

use std::time::Duration;

use domain::contact::{Contact, Email};
use memory::Faults;
use ports::Clock;
use serde_json::json;
use testkit::campaign::Campaign;

const A_DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test(start_paused = true)]
async fn events_of_one_consumer_are_one_look_up_and_one_object() {
    let events: Vec<String> = (0..5).map(|number| format!("did_{number}")).collect();
    let section = |event: &String| {
        format!("[activation.events.{event}]\nattributes = {{ {event} = true, last = \"{event}\" }}\n")
    };
    let campaign = Campaign::with(Faults::none(), "", &events.iter().map(section).collect::<String>());
    let known = json!({ "profiles": [{ "external_id": "u-1", "email": "ada@example.com" }] });
    campaign.steer("POST", "/_sim/profiles", &known.to_string()).await;
    // The limit is so low that separate objects would need five requests.
    campaign.steer("PUT", "/_sim/limits", r#"{"max_objects": 1}"#).await;
    let mut ids = Vec::new();
    for event in &events {
        ids.push(campaign.accept_event(event, "ada@example.com").await);
        campaign.clock.sleep(Duration::from_millis(1)).await;
    }
    campaign.run();
    campaign.all_reach(&ids, "credited", A_DAY).await;
    assert_eq!(campaign.requests("/users/export/ids").await, 1);
    assert_eq!(campaign.requests("/users/track").await, 1);
    let attributes = campaign.profiles().await[0]["custom_attributes"].clone();
    let expected =
        json!({ "did_0": true, "did_1": true, "did_2": true, "did_3": true, "did_4": true, "last": "did_4" });
    assert_eq!(attributes, expected, "of two values the later one counts");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_are_refused_as_one_object_only_the_one_at_fault_is_refused() {
    let activation = "[activation.events.bad]\nattributes = { bad = true }\n[activation.events.good]\nattributes = { good = true }\n";
    let campaign = Campaign::with(Faults::none(), "", activation);
    let known = json!({ "profiles": [{ "external_id": "u-1", "email": "ada@example.com" }] });
    campaign.steer("POST", "/_sim/profiles", &known.to_string()).await;
    // The fault is met by the request with one object, by the one with two, and by the first of the two alone.
    let refusal = json!({ "path": "/users/track", "kind": "status", "status": 400, "count": 3 });
    campaign.steer("POST", "/_sim/faults", &refusal.to_string()).await;
    let bad = campaign.accept_event("bad", "ada@example.com").await;
    campaign.clock.sleep(Duration::from_millis(1)).await;
    let good = campaign.accept_event("good", "ada@example.com").await;
    campaign.run();
    campaign.all_reach(&[bad], "rejected", A_DAY).await;
    campaign.all_reach(&[good], "credited", A_DAY).await;
    assert_eq!(campaign.profiles().await[0]["custom_attributes"], json!({ "good": true }));
}

#[tokio::test(start_paused = true)]
async fn writes_that_braze_refused_for_hours_are_sent_together_once_it_accepts_them() {
    const COUNT: usize = 40;
    // Only the tick processes anything here, and it takes everything that is due together.
    let faults = Faults { message_lost: 1.0, schedule_lost: 1.0, ..Faults::none() };
    let campaign = Campaign::new(faults, "attributes = { quikly_participant = true }");
    campaign
        .steer("POST", "/_sim/faults", r#"{"path": "/users/track", "kind": "status", "status": 503}"#)
        .await;
    campaign.run();
    let ids = campaign.accept_many(COUNT).await;
    campaign.clock.sleep(Duration::from_secs(2 * 3_600)).await;
    let in_vain = campaign.requests("/users/track").await;
    campaign.steer("DELETE", "/_sim/faults", "").await;
    campaign.all_end(&ids, Duration::from_secs(900)).await;
    let taken = campaign.requests("/users/track").await - in_vain;
    assert!(taken <= 11, "{taken} requests for forty objects, within the ten minutes of their waits");
    assert!(in_vain <= 9 * 120, "{in_vain} requests in two hours of ticks");
}

#[tokio::test(start_paused = true)]
async fn where_the_brand_says_so_aliases_are_asked_for_fifty_at_once_and_addresses_only_for_the_others() {
    let activation = "[activation.email]\nattributes = { quikly_participant = true }\n";
    let campaign = Campaign::with(Faults::none(), "look_up = \"alias_first\"", activation);
    let address = |number: u64| format!("c{number}@example.com");
    let aliased = |number: u64| json!({ "email": address(number), "user_aliases": [{ "alias_label": "email", "alias_name": address(number) }] });
    let elsewhere = |number: u64| json!({ "email": address(number), "external_id": format!("u-{number}") });
    let known: Vec<_> = (0..90).map(aliased).chain((90..100).map(elsewhere)).collect();
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": known }).to_string()).await;
    let contacts = (0..110).map(|number| Contact::Email(Email::parse(&address(number)).unwrap()));
    let ids = campaign.accept_all(contacts).await;
    campaign.run();
    campaign.all_end(&ids, A_DAY).await;
    let asked = campaign.requests("/users/export/ids").await;
    assert_eq!(asked, 3 + 20, "three by alias, and one for each of the twenty that no profile has");
    let profiles = campaign.profiles().await;
    assert_eq!(profiles.len(), 110, "ten were new, and nobody has two");
    assert!(profiles.iter().all(|profile| profile["custom_attributes"]["quikly_participant"] == true));
}

#[tokio::test(start_paused = true)]
async fn in_a_backlog_no_alias_is_asked_for_twice() {
    let activation = "[activation.email]\nattributes = { quikly_participant = true }\n";
    let campaign = Campaign::with(Faults::none(), "look_up = \"alias_first\"", activation);
    let contact = |number: u64| Contact::Email(Email::parse(&format!("c{number}@example.com")).unwrap());
    let ids = campaign.accept_all((0..1_000).map(contact)).await;
    campaign.run();
    campaign.all_end(&ids, A_DAY).await;
    let asked = campaign.requests("/users/export/ids").await;
    assert!((1_020..=1_030).contains(&asked), "{asked} requests: fifty aliases in each, then everyone once");
}
