//! Writes keep to an hourly limit and to a limit of three seconds, and use both in full.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use braze_sim::{HeaderStyle, Settings};
use memory::Faults;
use ports::Clock;
use testkit::campaign::{Campaign, SETTLE};
use testkit::distant::{Asked, WithLatency};

const TRACK: &str = "/users/track";
const EMAIL: &str = "[activation.email]\nattributes = { quikly_participant = true }\n";
const HOUR: Duration = Duration::from_secs(3_600);

/// Many consumers who take part at once. Each needs a request of its own.
struct Writers {
    count: usize,
    per_3s: u32,
    per_hour: Option<u32>,
    /// What the brand file says about these limits.
    file: &'static str,
    headers: HeaderStyle,
    latency: Duration,
    processes: usize,
}

impl Writers {
    /// 250 consumers of a brand whose contract allows 20 requests in three seconds and 100 in an hour.
    fn new() -> Self {
        Self {
            count: 250,
            per_3s: 20,
            per_hour: Some(100),
            file: ", track_per_3s = 20, track_per_hour = 100",
            headers: HeaderStyle::SecondsLeft,
            latency: Duration::from_millis(400),
            processes: 1,
        }
    }

    /// The earliest moment at which the last request can be answered, by a crowd that arrives on the hour.
    fn least(&self) -> Duration {
        let last = self.count - 1;
        let an_hour = self.per_hour.map_or(usize::MAX, |per_hour| per_hour as usize);
        let hours = u32::try_from(last / an_hour).unwrap();
        let windows = u32::try_from(last % an_hour / self.per_3s as usize).unwrap();
        HOUR * hours + Duration::from_secs(3) * windows + self.latency
    }

    /// Lets everyone take part. Returns the requests, and when the last one was answered.
    async fn takes_part(&self) -> (Asked, Duration) {
        let settings = Settings {
            settle: SETTLE,
            track_per_3s: self.per_3s,
            track_per_hour: self.per_hour,
            header_style: self.headers,
            ..Settings::default()
        };
        let braze = format!("identity = \"email\"\nlimits = {{ track_objects = 1{} }}\n", self.file);
        let mut campaign = Campaign::at(Faults::none(), &braze, EMAIL, settings);
        let way = campaign.deps.transport.clone();
        let braze = Arc::new(WithLatency::new(way, campaign.clock.clone(), self.latency));
        campaign.deps.transport = braze.clone();
        campaign.connector = campaign.connector_over(campaign.deps.clone());
        let now = campaign.clock.now().as_second();
        let until_the_hour = 3_600 - now.rem_euclid(3_600);
        campaign.clock.sleep(Duration::from_secs(until_the_hour.unsigned_abs())).await;
        let began = campaign.clock.now();
        campaign.accept_many(self.count).await;
        campaign.run();
        for _other in 1..self.processes {
            campaign.run_beside(campaign.connector_over(campaign.deps.clone()));
        }
        while campaign.memory.ended() < self.count {
            campaign.clock.sleep(Duration::from_secs(1)).await;
            assert!(campaign.clock.now().duration_since(began).as_hours() < 24, "not everyone has ended");
        }
        let asked = braze.asked();
        let took = Duration::try_from(asked.last_answer[TRACK].duration_since(began)).unwrap();
        (asked, took)
    }
}

/// Checks that all limits are used without a 429.
async fn assert_full(crowd: Writers, what: &str) {
    let (asked, took) = crowd.takes_part().await;
    assert_eq!(asked.throttled, 0, "{what}: {:?}", asked.requests);
    assert_eq!(asked.requests[TRACK], crowd.count as u64, "{what}");
    // A wait of an hour is precise to the minute.
    let most = crowd.least() + Duration::from_secs(75);
    assert!(took <= most, "{what}: {took:?}, although {:?} is possible", crowd.least());
}

#[tokio::test(start_paused = true)]
async fn the_hour_and_the_three_seconds_of_the_contract_are_used_in_full_without_a_429() {
    for headers in [HeaderStyle::Epoch, HeaderStyle::SecondsLeft, HeaderStyle::None] {
        for latency in [Duration::ZERO, Duration::from_millis(400)] {
            let crowd = Writers { headers, latency, ..Writers::new() };
            assert_full(crowd, &format!("{headers:?} {latency:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_the_hour_and_the_first_tries() {
    assert_full(Writers { count: 100, processes: 2, ..Writers::new() }, "two processes").await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_that_the_brand_file_does_not_mention_is_learned_from_the_first_answers() {
    for headers in [HeaderStyle::Epoch, HeaderStyle::SecondsLeft] {
        let crowd = Writers { per_3s: 3_000, file: "", headers, ..Writers::new() };
        assert_full(crowd, &format!("{headers:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_smaller_limit_of_three_seconds_is_learned_from_the_first_answers() {
    for headers in [HeaderStyle::Epoch, HeaderStyle::SecondsLeft] {
        let crowd = Writers { per_3s: 50, per_hour: None, file: "", headers, ..Writers::new() };
        assert_full(crowd, &format!("{headers:?}")).await;
    }
}
