//! What polls cost that find nothing new.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ports::store::OLDEST_GLIMPSE;

use super::counted::{CountedActivation, acme};
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
    assert!(read <= 13.0 && calls <= 1.2, "{read} read units, and {calls} units for the record of calls");
}

/// A hundred that are polled every minute for half an hour, and begin so much later.
async fn a_hundred_polled_for_half_an_hour(later: Duration) -> Units {
    let double = sms("double")
        + "double_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"30m\"\npoll = [{ every = \"1m\" }]\n";
    let counted = CountedActivation::new(&double).await.of(100);
    counted.clock.advance(later);
    let ids = counted.accepted(CountedActivation::by_phone).await;
    counted.process(&ids).await;
    counted.pass(47).await;
    counted.until_ended(&ids).await;
    counted.row("SMS, double opt-in, a hundred who never answer in thirty reads", &counted.proxy.take())
}

/// They were accepted some seconds before the tick, so no poll is a whole minute after the tick that made the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_who_never_answer_share_lists_and_requests_over_thirty_looks() {
    let Units { own, lists, limits, calls, read, .. } =
        a_hundred_polled_for_half_an_hour(Duration::ZERO).await;
    // Braze's limit is not known at first, so sixty of them wait once for a request slot.
    assert!(own <= 6.6 && lists <= 1.4, "{own} units, and {lists} for lists");
    assert!(limits + calls <= 0.45, "{limits} units for limits, and {calls} for calls");
    assert!(read <= 8.0, "{read} read units");
}

/// In a window that is nearly over, Braze's limit cannot be learned, so sixty of them wait for a second slot, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_begin_at_the_end_of_a_window_wait_twice_while_the_limit_is_learned() {
    let Units { own, lists, limits, calls, .. } =
        a_hundred_polled_for_half_an_hour(Duration::from_secs(48)).await;
    assert!(own <= 7.8 && lists <= 1.5, "{own} units, and {lists} for lists");
    assert!(limits + calls <= 0.55, "{limits} units for limits, and {calls} for calls");
}

/// Ten that have an incentive and are polled every minute. All of them have been polled.
async fn polled_every_minute() -> CountedActivation {
    let double = sms("double")
        + "double_opt_in_event = \"quikly_sms_opt_in\"\nincentive = \"first\"\nwindow = \"4h\"\npoll = [{ every = \"1m\" }]\n"
        + INCENTIVE;
    let counted = CountedActivation::new(&double).await;
    let ids = counted.accepted(CountedActivation::by_phone).await;
    counted.connector.step(&acme(), &ids).await.unwrap();
    for _until_everybody_is_polled in 0..3 {
        poll(&counted).await;
    }
    counted
}

/// Ticks a minute later. Returns the read units of each read of participations.
async fn poll(counted: &CountedActivation) -> Vec<f64> {
    counted.pass(60).await;
    let _before = counted.proxy.take();
    let asked = counted.requests.load(Ordering::Relaxed);
    counted.tick().await;
    assert!(counted.requests.load(Ordering::Relaxed) > asked, "Braze was asked");
    let calls = counted.proxy.take();
    let of = |action: &'static str| {
        let these = calls.iter().filter(move |call| call.action == action);
        these.filter(|call| call.resource.ends_with("-participations"))
    };
    assert_eq!(of("dynamodb:UpdateItem").count(), 0, "a poll without news writes no participation");
    of("dynamodb:BatchGetItem").map(|call| call.read_units).collect()
}

/// The tick keeps what it has read of a participation, and asks Braze again by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_follows_one_without_news_reads_no_participation() {
    let counted = polled_every_minute().await;
    assert_eq!(poll(&counted).await, [0.0; 0]);
}

/// Such a read may be a moment old, which costs half.
#[tokio::test(flavor = "multi_thread")]
async fn a_participation_that_is_polled_for_two_hours_is_read_again_for_half_a_unit() {
    let counted = polled_every_minute().await;
    counted.clock.advance(OLDEST_GLIMPSE);
    assert_eq!(poll(&counted).await, [0.5 * 10.0]);
    assert_eq!(poll(&counted).await, [0.0; 0]);
}

/// A function whose instance was replaced has kept nothing.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_reads_participations_once_and_goes_on_polling() {
    let counted = polled_every_minute().await.with_another_ticker().await;
    assert_eq!(poll(&counted).await, [0.5 * 10.0]);
    assert_eq!(poll(&counted).await, [0.0; 0]);
}

/// The plan that the documents name for brands without the webhook. Between the looks, ticks find nobody due.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_never_answer_116_looks_and_all_else_are_eleven_dollars_of_dynamodb_a_million() {
    let plan = "window = \"48h\"\npoll = [{ every = \"1m\", for = \"10m\" }, { every = \"5m\", for = \"1h\" }, { every = \"30m\" }]\n";
    let double = sms("double") + "double_opt_in_event = \"quikly_sms_opt_in\"\n" + plan;
    let counted = CountedActivation::new(&double).await.of(100);
    let ids = counted.accepted(CountedActivation::by_phone).await;
    counted.process(&ids).await;
    counted.pass(47).await;
    let asked = counted.requests.load(Ordering::Relaxed);
    for (looks, minutes) in [(11, 1), (13, 5), (93, 30)] {
        for _ in 0..looks {
            counted.pass(60).await;
            counted.clock.advance(Duration::from_secs(60 * (minutes - 1)));
            counted.tick().await;
            counted.keep_calls_of_ticks().await;
        }
    }
    counted.until_ended(&ids).await;
    let asked = counted.requests.load(Ordering::Relaxed) - asked;
    let units =
        counted.row("SMS, double opt-in, a hundred who never answer in 116 reads", &counted.proxy.take());
    let Units { own, lists, limits, figures, calls, read } = units;
    let written = own + lists + limits + figures + calls;
    let dollars = written * 0.625 + read * 0.125;
    println!("{written:.2} write units and {read:.1} read units, ${dollars:.2} a million");
    assert!(asked >= 2 * 116, "{asked} requests for looks at two times fifty");
    assert!(dollars <= 11.0, "{dollars}");
}
