//! The promises hold when messages are lost, repeated or reordered, when writes fail, and when every step is done twice.

use std::time::Duration;

use domain::contact::{Contact, Email};
use futures::future::join_all;
use memory::Faults;
use ports::Clock;
use serde_json::json;

use testkit::campaign::Campaign;

const EVENT: &str = "attributes = { quikly_participant = true }\nevent = \"quikly_participated\"";
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// Checks that everyone has one profile with one event.
async fn everyone_has_one_of_each(campaign: &Campaign, count: usize) {
    let profiles = campaign.profiles().await;
    assert_eq!(profiles.len(), count);
    for profile in profiles {
        assert_eq!(profile["custom_events"]["quikly_participated"]["count"], 1);
        assert_eq!(profile["custom_attributes"]["quikly_participant"], true);
    }
}

/// Sixty consumers take part, and each ends with one of everything.
async fn sixty_end(campaign: &Campaign) {
    campaign.run();
    let ids = campaign.accept_many(60).await;
    campaign.all_end(&ids, A_DAY).await;
    everyone_has_one_of_each(campaign, 60).await;
}

async fn runs_to_the_end(faults: Faults) {
    let campaign = Campaign::new(faults, EVENT);
    sixty_end(&campaign).await;
}

#[tokio::test(start_paused = true)]
async fn when_every_message_is_lost_the_tick_finds_everyone() {
    runs_to_the_end(Faults { message_lost: 1.0, schedule_lost: 1.0, ..Faults::none() }).await;
}

#[tokio::test(start_paused = true)]
async fn when_every_message_is_delivered_twice_nothing_is_done_twice() {
    runs_to_the_end(Faults { message_twice: 0.9, message_order: 1.0, ..Faults::none() }).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_store_fails_before_or_after_writing_everyone_gets_there() {
    runs_to_the_end(Faults {
        write_fails: 0.2,
        write_lost_answer: 0.2,
        save_conflicts: 0.2,
        ..Faults::none()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_every_fault_of_aws_everyone_is_enrolled() {
    runs_to_the_end(Faults::like_aws()).await;
}

#[tokio::test(start_paused = true)]
async fn two_ticks_at_once_do_no_harm() {
    let campaign = Campaign::new(Faults { message_lost: 1.0, ..Faults::none() }, EVENT);
    let ids = campaign.accept_many(40).await;
    for _minute in 0..10 {
        campaign.clock.sleep(Duration::from_secs(60)).await;
        join_all((0..3).map(|_| campaign.connector.tick())).await;
    }
    campaign.all_end(&ids, Duration::from_secs(1)).await;
    assert_eq!(
        campaign.requests("/users/export/ids").await,
        41,
        "nobody was looked up twice, and one reads back"
    );
    everyone_has_one_of_each(&campaign, 40).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_is_waited_out() {
    let campaign = Campaign::new(Faults::none(), EVENT);
    campaign.steer("POST", "/_sim/faults", r#"{"kind": "status", "status": 503}"#).await;
    campaign.run();
    let ids = campaign.accept_many(40).await;
    campaign.clock.sleep(Duration::from_secs(6 * 3_600)).await;
    assert_eq!(campaign.state(ids[0]).await, "received");
    campaign.steer("DELETE", "/_sim/faults", "").await;
    campaign.all_end(&ids, Duration::from_secs(1_200)).await;
    everyone_has_one_of_each(&campaign, 40).await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_takes_a_thousand_says_how_far_behind_it_is_and_whether_more_is_due() {
    let campaign = Campaign::new(Faults { message_lost: 1.0, ..Faults::none() }, "attributes = { p = true }");
    campaign.steer("PUT", "/_sim/limits", r#"{"export_ids_per_minute": 100000}"#).await;
    for number in 0..1_200 {
        campaign.accept(&format!("c{number}@example.com")).await;
    }
    assert_eq!(campaign.connector.tick().await.unwrap().due, 0, "nothing is due in its first minute");
    campaign.clock.sleep(Duration::from_secs(90)).await;
    let first = campaign.connector.tick().await.unwrap();
    assert_eq!((first.due, first.behind, first.more), (1_000, Duration::from_secs(30), true));
    let second = campaign.connector.tick().await.unwrap();
    assert_eq!((second.due, second.more), (200, false));
}

#[tokio::test(start_paused = true)]
async fn unreadable_answers_are_verified_once_braze_has_settled() {
    for when in ["before", "after"] {
        let campaign = Campaign::new(Faults::none(), EVENT);
        let fault = format!(r#"{{"path": "/users/track", "kind": "garbage", "when": "{when}", "count": 3}}"#);
        campaign.steer("POST", "/_sim/faults", &fault).await;
        sixty_end(&campaign).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whether_events_arrived_is_asked_for_fifty_at_once() {
    const COUNT: u64 = 61;
    let campaign = Campaign::new(Faults::none(), EVENT);
    let address = |number: u64| format!("c{number}@example.com");
    let profile = |number| json!({ "external_id": format!("u-{number}"), "email": address(number) });
    let known = json!({ "profiles": (0..COUNT).map(profile).collect::<Vec<_>>() });
    campaign.steer("POST", "/_sim/profiles", &known.to_string()).await;
    campaign.run();
    // The first one learns the limit, so that the others are looked up, and written, together.
    campaign.all_end(&[campaign.accept(&address(0)).await], A_DAY).await;
    let fault = json!({ "path": "/users/track", "kind": "garbage", "when": "after", "count": 2 });
    campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    let contact = |number| Contact::Email(Email::parse(&address(number)).unwrap());
    let ids = campaign.accept_all((1..COUNT).map(contact)).await;
    campaign.all_end(&ids, A_DAY).await;
    let asked = campaign.requests("/users/export/ids").await;
    assert_eq!(asked, COUNT + 2, "a look-up each, and two for what became of sixty events");
    everyone_has_one_of_each(&campaign, 61).await;
}
