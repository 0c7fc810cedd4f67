//! Callbacks that are delivered by the process that makes them, as functions do.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use domain::ids::BrandId;
use domain::time::between;
use memory::Faults;
use ports::ledger::MAKERS_LEASE;
use ports::{Callbacks, Clock};
use testkit::campaign::Campaign;

const CALLBACK: &str = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";

/// A participation by webhook that is credited on receipt, and whose callback nobody has sent.
async fn credited() -> Campaign {
    let incentive =
        "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 9\nreward = \"SPRING20\"\n";
    let activation = format!("[activation.events.signed_in]\nincentive = \"early\"\n{incentive}");
    let campaign = Campaign::with(Faults::none(), CALLBACK, &activation);
    campaign.memory.enter_later();
    campaign.memory.leave_callbacks_to_makers();
    let id = campaign.accept_event("signed_in", "c0@example.com").await;
    campaign.connector.step(&BrandId::parse("acme").unwrap(), &[id]).await.unwrap();
    campaign
}

#[tokio::test(start_paused = true)]
async fn a_worker_delivers_the_callbacks_that_it_has_made_before_others_may_take_them() {
    let campaign = credited().await;
    let taken = campaign.memory.take_callbacks(campaign.clock.now(), 9).await.unwrap().callbacks;
    assert_eq!(taken, []);
    assert_eq!(campaign.connector.deliver_callbacks().await.unwrap().tried, 1);
    assert_eq!(campaign.quikly.told().len(), 1);
    campaign.clock.sleep(2 * MAKERS_LEASE).await;
    assert_eq!(campaign.connector.dispatch().await.unwrap().tried, 0, "it is delivered");
}

#[tokio::test(start_paused = true)]
async fn the_callbacks_of_a_worker_that_dies_are_delivered_by_another_one_a_minute_later() {
    let campaign = credited().await;
    let another = campaign.connector_over(campaign.deps.clone());
    assert_eq!(another.dispatch().await.unwrap().tried, 0, "the first one may still deliver it");
    campaign.clock.sleep(MAKERS_LEASE).await;
    assert_eq!(another.dispatch().await.unwrap().tried, 1);
    assert_eq!(campaign.quikly.told().len(), 1);
    // The first one was only slow.
    assert_eq!(campaign.connector.deliver_callbacks().await.unwrap().tried, 0);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_its_maker_could_not_deliver_is_tried_again() {
    let campaign = credited().await;
    campaign.quikly.fails.store(1, SeqCst);
    let dispatched = campaign.connector.deliver_callbacks().await.unwrap();
    let again_at = dispatched.again_at.unwrap();
    campaign.clock.sleep(between(campaign.clock.now(), again_at)).await;
    assert_eq!(campaign.connector.dispatch().await.unwrap().tried, 1);
    let told = campaign.quikly.told();
    assert_eq!((told.len(), &told[0].0), (2, &told[1].0), "under the same id");
    campaign.clock.sleep(Duration::from_secs(7_200)).await;
    assert_eq!(campaign.connector.dispatch().await.unwrap().tried, 0);
}
