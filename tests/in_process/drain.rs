//! A burst is worked off as fast as Braze allows.

use tests::drain::{Drained, Flow, Limit, drain};

const COUNT: usize = 1_000;

fn assert_full(drained: &Drained, what: &str) {
    assert!(
        drained.ratio() >= 0.97,
        "{what}: {} windows, and {} would do",
        drained.windows,
        drained.least_windows
    );
    assert_eq!(drained.throttled, 0, "{what}: alone in the workspace, nobody is throttled");
}

#[tokio::test(start_paused = true)]
async fn every_look_up_that_braze_grants_is_used_and_no_429_drawn() {
    for (limit, name) in [
        (Limit::a_minute(250), "250 a minute"),
        (Limit::a_minute(2_500), "2,500 a minute"),
        (Limit::a_second(40), "40 a second"),
    ] {
        for flow in [Flow::Email, Flow::Single, Flow::Double] {
            assert_full(&drain(flow, COUNT, limit).await, &format!("{flow:?}, {name}"));
        }
    }
}

/// Longer than a quarter of an hour, which is the longest that a message can be delayed.
#[tokio::test(start_paused = true)]
async fn a_backlog_of_half_an_hour_is_worked_off_as_fast_as_one_of_minutes() {
    for (limit, count) in [(Limit::a_minute(250), 7_500), (Limit::a_second(4), 7_200)] {
        let drained = drain(Flow::Email, count, limit).await;
        assert_full(&drained, &format!("{count}"));
        assert_eq!(drained.requests["/users/export/ids"], u64::try_from(count).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn beside_somebody_who_uses_half_we_use_the_other_half() {
    let shared = Limit::a_minute(250).shared_with(125);
    let drained = drain(Flow::Email, COUNT, shared).await;
    let look_ups = drained.requests["/users/export/ids"];
    assert!(drained.ratio() >= 0.97, "{} windows, and {} would do", drained.windows, drained.least_windows);
    assert!(drained.throttled * 100 < look_ups, "{} of {look_ups} were throttled", drained.throttled);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_the_same_every_time() {
    let run = async || {
        let drained = drain(Flow::Email, COUNT, Limit::a_minute(250)).await;
        (drained.ended_after, drained.requests, drained.backlog)
    };
    assert_eq!(run().await, run().await);
}
