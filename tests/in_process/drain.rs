//! A burst is worked off as fast as Braze allows.

use std::time::Duration;

use braze_sim::HeaderStyle;
use tests::drain::{Burst, Drained, Flow, Limit, drain};

const COUNT: usize = 1_000;

const A_MINUTE: Limit = Limit::a_minute(250);
const MANY_A_MINUTE: Limit = Limit::a_minute(2_500);
const A_SECOND: Limit = Limit::a_second(40);

/// Bursts of several minutes.
const LONG: [Burst; 3] = [
    Burst::new(Flow::Email, 2_000, A_MINUTE),
    Burst::new(Flow::Email, 10_000, MANY_A_MINUTE),
    Burst::new(Flow::Email, 6_000, A_SECOND),
];

const MIDWAY: Duration = Duration::from_millis(17_300);
const LATENCY: Duration = Duration::from_millis(200);

/// To learn the limit, and to fill what is left of the last window.
const A_MOMENT: Duration = Duration::from_secs(2);

fn assert_full(drained: &Drained, what: &str) {
    let Drained { looked_up_after, least, .. } = drained;
    assert!(
        *looked_up_after <= least.div_f64(0.97) + A_MOMENT,
        "{what}: {looked_up_after:?}, and {least:?} would do"
    );
    if let Some(ratio) = drained.ratio() {
        assert!(ratio >= 0.97, "{what}: {looked_up_after:?}, and {least:?} would do: {ratio:.3}");
    }
}

async fn assert_full_without_429s(burst: Burst) {
    let drained = drain(burst).await;
    assert_full(&drained, &format!("{burst:?}"));
    assert_eq!(drained.throttled, 0, "{burst:?}: alone in the workspace, nobody is throttled");
    assert_eq!(usize::try_from(drained.requests["/users/export/ids"]), Ok(burst.count), "{burst:?}");
}

#[tokio::test(start_paused = true)]
async fn every_look_up_that_braze_grants_is_used_and_no_429_drawn() {
    for limit in [A_MINUTE, MANY_A_MINUTE, A_SECOND] {
        for flow in [Flow::Email, Flow::Single, Flow::Double] {
            assert_full_without_429s(Burst::new(flow, COUNT, limit)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_midway_has_the_window_that_is_open_and_then_whole_ones() {
    for burst in LONG {
        assert_full_without_429s(burst.after_the_minute(MIDWAY)).await;
    }
}

/// Not so at 2,500 a minute: BENCHMARKS.md has the figures.
#[tokio::test(start_paused = true)]
async fn answers_that_take_their_time_cost_no_window() {
    for burst in LONG.into_iter().filter(|burst| burst.limit != MANY_A_MINUTE) {
        for phase in [Duration::ZERO, MIDWAY] {
            assert_full_without_429s(burst.after_the_minute(phase).answered_in(LATENCY)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_told_in_seconds_left_does_as_well() {
    for burst in LONG {
        let told = burst.after_the_minute(MIDWAY).told_by(HeaderStyle::SecondsLeft);
        assert_full_without_429s(told).await;
        if burst.limit != MANY_A_MINUTE {
            assert_full_without_429s(told.answered_in(LATENCY)).await;
        }
    }
}

/// Braze's window cannot be known then, so the first one that is used in full begins with the burst.
#[tokio::test(start_paused = true)]
async fn without_headers_the_brands_file_tells_how_many_a_minute() {
    for phase in [Duration::ZERO, MIDWAY] {
        let burst = Burst::new(Flow::Email, 7_500, A_MINUTE).told_by(HeaderStyle::None);
        assert_full_without_429s(burst.after_the_minute(phase)).await;
    }
}

/// Windows of a second are used in full by two as well, but not without a 429: BENCHMARKS.md has the figures.
#[tokio::test(start_paused = true)]
async fn two_processes_share_what_braze_grants() {
    for burst in LONG.into_iter().filter(|burst| burst.limit != A_SECOND) {
        assert_full_without_429s(burst.after_the_minute(MIDWAY).by(2)).await;
    }
}

/// Longer than a quarter of an hour, which is the longest that a message can be delayed.
#[tokio::test(start_paused = true)]
async fn a_backlog_of_half_an_hour_is_worked_off_as_fast_as_one_of_minutes() {
    for (limit, count) in [(A_MINUTE, 7_500), (Limit::a_second(4), 7_200)] {
        assert_full_without_429s(Burst::new(Flow::Email, count, limit)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn beside_somebody_who_uses_half_we_use_the_other_half() {
    let drained = drain(Burst::new(Flow::Email, COUNT, A_MINUTE.shared_with(125))).await;
    let look_ups = drained.requests["/users/export/ids"];
    assert_full(&drained, "the other half");
    assert!(drained.throttled * 100 < look_ups, "{} of {look_ups} were throttled", drained.throttled);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_the_same_every_time() {
    let burst = Burst::new(Flow::Email, COUNT, A_MINUTE);
    assert_eq!(drain(burst).await, drain(burst).await);
}
