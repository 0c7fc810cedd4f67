//! What polls cost that find nothing new.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ids::BrandId;

use super::counted::CountedActivation;
use super::units::Units;
use super::{INCENTIVE, sms};

/// Between asking and the end, only lists are written, each for up to fifty.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_who_never_answers_is_not_written_between_asking_and_the_end() {
    let double = sms("double")
        + "double_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"30m\"\npoll = [{ every = \"1m\" }]\n";
    let counted = CountedActivation::new(&double).await;
    let calls = counted.calls(CountedActivation::by_phone).await;
    let Units { own, lists, calls, read, .. } =
        counted.row("SMS, double opt-in, never answered in thirty reads", &calls);
    assert!(own <= 6.0 && lists <= 6.6, "{own} units, and {lists} for lists");
    assert!(read <= 28.6 && calls <= 1.2, "{read} read units, and {calls} units for the record of calls");
}

/// They were accepted some seconds before the tick, so no poll is a whole minute after the tick that made the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_who_never_answer_share_lists_and_requests_over_thirty_looks() {
    let double = sms("double")
        + "double_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"30m\"\npoll = [{ every = \"1m\" }]\n";
    let counted = CountedActivation::new(&double).await.of(100);
    let ids = counted.accepted(CountedActivation::by_phone).await;
    counted.process(&ids).await;
    counted.pass(47).await;
    counted.until_ended(&ids).await;
    let Units { own, lists, limits, calls, read, .. } =
        counted.row("SMS, double opt-in, a hundred who never answer in thirty reads", &counted.proxy.take());
    // Braze's limit is not known at first, so sixty of them wait once for a request slot.
    assert!(own <= 6.6 && lists <= 1.4, "{own} units, and {lists} for lists");
    assert!(limits + calls <= 0.45, "{limits} units for limits, and {calls} for calls");
    assert!(read <= 21.5, "{read} read units");
}

/// The tick reads each polled participation once, at half the price because the read may be a moment old. All of them share Braze's limits.
#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_finds_nothing_new_is_half_a_read_unit_of_the_participation() {
    let double = sms("double")
        + "double_opt_in_event = \"quikly_sms_opt_in\"\nincentive = \"first\"\nwindow = \"30m\"\npoll = [{ every = \"1m\" }]\n"
        + INCENTIVE;
    let counted = CountedActivation::new(&double).await;
    let ids = counted.accepted(CountedActivation::by_phone).await;
    let brand = BrandId::parse("acme").unwrap();
    counted.connector.step(&brand, &ids).await.unwrap();
    let poll = async || {
        for _ in 0..60 {
            counted.clock.advance(Duration::from_secs(1));
            counted.deliver(&brand).await;
        }
        let _before = counted.proxy.take();
        counted.tick().await;
        counted.proxy.take()
    };
    for _until_everybody_is_polled in 0..5 {
        poll().await;
    }
    let asked = counted.requests.load(Ordering::Relaxed);
    let calls = poll().await;
    let of = |action: &str, table: &str| {
        let these = calls.iter().filter(|call| call.action == action && call.resource.ends_with(table));
        these.map(|call| call.read_units).collect::<Vec<f64>>()
    };
    assert_eq!(of("dynamodb:BatchGetItem", "-participations"), [0.5 * 10.0], "{calls:?}");
    assert_eq!(of("dynamodb:UpdateItem", "-participations"), [0.0; 0]);
    assert!(counted.requests.load(Ordering::Relaxed) > asked, "Braze was asked");
}
