use std::time::Duration;

use memory::Faults;
use ports::Clock;

use testkit::campaign::Campaign;

const ATTRIBUTE: &str = "attributes = { quikly_participant = true }";

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_tried_once_a_minute_and_work_continues_once_it_is_accepted() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    campaign.steer("PUT", "/_sim/keys", r#"{"keys": ["another"]}"#).await;
    campaign.run();
    let ids = campaign.accept_many(100).await;
    campaign.clock.sleep(Duration::from_secs(30)).await;
    let first_group = campaign.requests("/users/export/ids").await;
    assert!(first_group <= 16, "{first_group} requests before the refusal was known");
    campaign.clock.sleep(Duration::from_secs(600)).await;
    let probes = campaign.requests("/users/export/ids").await - first_group;
    assert!((5..=11).contains(&probes), "{probes} probes in ten minutes");

    campaign.steer("PUT", "/_sim/keys", r#"{"keys": ["sim-key"]}"#).await;
    campaign.all_end(&ids, Duration::from_secs(900)).await;
    assert_eq!(campaign.profiles().await.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_in_the_middle_of_a_backlog_is_tried_once_a_minute_too() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    campaign.run();
    let ids = campaign.accept_many(1_000).await;
    campaign.clock.sleep(Duration::from_secs(65)).await;
    campaign.steer("PUT", "/_sim/keys", r#"{"keys": ["another"]}"#).await;
    let before = campaign.requests("/users/export/ids").await;
    assert!(before < 1_000, "most still wait for the slots that they hold");
    campaign.clock.sleep(Duration::from_secs(600)).await;
    let refused = campaign.requests("/users/export/ids").await - before;
    assert!(refused <= 16 + 11, "{refused} requests with a refused key in ten minutes");

    campaign.steer("PUT", "/_sim/keys", r#"{"keys": ["sim-key"]}"#).await;
    campaign.all_end(&ids, Duration::from_secs(900)).await;
}
