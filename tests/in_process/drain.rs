//! A burst is processed as fast as Braze allows.

use std::time::Duration;

use braze_sim::HeaderStyle;
use testkit::drain::{Burst, Drained, Flow, Limit, drain};

const COUNT: usize = 1_000;

const A_MINUTE: Limit = Limit::a_minute(250);
const MANY_A_MINUTE: Limit = Limit::a_minute(2_500);
const A_SECOND: Limit = Limit::a_second(40);

/// Bursts of several minutes. Braze's default where fields are named comes first.
const LONG: [Burst; 3] = [
    Burst::new(Flow::Email, 4_000, A_SECOND),
    Burst::new(Flow::Email, 7_500, MANY_A_MINUTE),
    Burst::new(Flow::Email, 1_000, A_MINUTE),
];

const MIDWAY: Duration = Duration::from_millis(17_300);
const LATENCIES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(400)];

/// The time to learn the limit, and to use the rest of the last window.
const A_MOMENT: Duration = Duration::from_secs(2);

fn assert_full(drained: &Drained, what: &str) {
    let Drained { looked_up_after, least, .. } = drained;
    assert!(
        *looked_up_after <= least.div_f64(0.97) + A_MOMENT,
        "{what}: {looked_up_after:?}, although {least:?} is possible"
    );
    if let Some(ratio) = drained.ratio() {
        assert!(ratio >= 0.97, "{what}: {looked_up_after:?}, although {least:?} is possible: {ratio:.3}");
    }
}

async fn assert_full_without_429s(burst: Burst) {
    let drained = drain(burst).await;
    assert_full(&drained, &format!("{burst:?}"));
    assert_eq!(drained.throttled, 0, "{burst:?}: alone in the workspace, nobody is throttled");
    assert_eq!(look_ups(&drained), burst.count, "{burst:?}");
}

/// Checks a run of several processes, which cannot know everything about each other's requests.
async fn assert_full_with_few_429s(burst: Burst) {
    let drained = drain(burst).await;
    let most = burst.count / 200;
    assert_full(&drained, &format!("{burst:?}"));
    assert!(drained.throttled as usize <= most, "{burst:?}: {} were throttled", drained.throttled);
    assert!(drained.twice as usize <= most, "{burst:?}: {} were looked up twice", drained.twice);
}

fn look_ups(drained: &Drained) -> usize {
    drained.requests["/users/export/ids"] as usize
}

#[tokio::test(start_paused = true)]
async fn every_look_up_that_braze_allows_is_used_without_a_429() {
    for limit in [A_SECOND, MANY_A_MINUTE, A_MINUTE] {
        for flow in [Flow::Email, Flow::Single, Flow::Double] {
            assert_full_without_429s(Burst::new(flow, COUNT, limit)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_between_windows_uses_the_open_window_and_then_whole_ones() {
    for burst in LONG {
        assert_full_without_429s(burst.after_the_minute(MIDWAY)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn slow_answers_cost_no_window() {
    for burst in LONG {
        for latency in LATENCIES {
            assert_full_without_429s(burst.after_the_minute(MIDWAY).answered_in(latency)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_whole_seconds_left_costs_no_window() {
    for burst in LONG {
        let told = burst.after_the_minute(MIDWAY).told_by(HeaderStyle::SecondsLeft);
        assert_full_without_429s(told).await;
        for latency in LATENCIES {
            assert_full_without_429s(told.answered_in(latency)).await;
        }
    }
}

/// Without headers, Braze's window is unknown, so the first window that is used in full begins with the burst.
#[tokio::test(start_paused = true)]
async fn without_headers_the_brand_file_gives_the_limit() {
    for phase in [Duration::ZERO, MIDWAY] {
        let burst = Burst::new(Flow::Email, 7_500, A_MINUTE).told_by(HeaderStyle::None);
        assert_full_without_429s(burst.after_the_minute(phase)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_the_limit_of_braze() {
    for burst in LONG {
        for (headers, latency) in [
            (HeaderStyle::Epoch, LATENCIES[0]),
            (HeaderStyle::Epoch, LATENCIES[1]),
            (HeaderStyle::SecondsLeft, LATENCIES[1]),
        ] {
            let midway = burst.after_the_minute(MIDWAY).told_by(headers);
            assert_full_with_few_429s(midway.answered_in(latency).by(2)).await;
        }
    }
}

/// A backlog of more than a quarter of an hour, which is the longest delay of a message.
#[tokio::test(start_paused = true)]
async fn a_backlog_of_half_an_hour_is_processed_as_fast_as_one_of_minutes() {
    for (limit, count) in [(A_MINUTE, 7_500), (Limit::a_second(4), 7_200)] {
        assert_full_without_429s(Burst::new(Flow::Email, count, limit)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn when_others_use_half_of_the_limit_we_use_the_other_half() {
    let drained = drain(Burst::new(Flow::Email, COUNT, A_MINUTE.shared_with(125))).await;
    let look_ups = look_ups(&drained);
    assert_full(&drained, "the other half");
    assert!(
        drained.throttled as usize * 100 < look_ups,
        "{} of {look_ups} were throttled",
        drained.throttled
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_is_the_same_every_time() {
    let burst = Burst::new(Flow::Email, COUNT, A_MINUTE);
    assert_eq!(drain(burst).await, drain(burst).await);
}
