//! Braze's answers decide what is done next: a success must say so, and no request is repeated earlier than Braze asks.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use braze_sim::{ObservedRequest, Settings};
use domain::Timestamp;
use domain::profile::ProfileRef;
use memory::Faults;
use parking_lot::Mutex;
use ports::Clock;
use serde_json::{Value, json};

use testkit::campaign::{Campaign, SETTLE};

const AN_HOUR: Duration = Duration::from_secs(3_600);
const MARKS: &str = "[activation.email]\nattributes = { quikly_participant = true }";
const SMS: &str =
    "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"";
const PHONE: &str = "+13135550100";

const TRACK: &str = "/users/track";
const EXPORT: &str = "/users/export/ids";
const STATUS_GET: &str = "/subscription/status/get";
const STATUS_SET: &str = "/v2/subscription/status/set";

/// A campaign, and the requests that its workspace gets.
struct WatchedCampaign {
    campaign: Campaign,
    seen: Arc<Mutex<Vec<ObservedRequest>>>,
}

impl WatchedCampaign {
    /// Takes part by e-mail or mobile number. The profile `u-1` has both.
    async fn new(activation: &str) -> Self {
        let known = json!({ "external_id": "u-1", "email": "ada@example.com", "phone": PHONE });
        Self::with(activation, Settings::default(), &[known]).await
    }

    async fn with(activation: &str, settings: Settings, profiles: &[Value]) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = seen.clone();
        let on_request = move |observed: &ObservedRequest| keep.lock().push(observed.clone());
        let settings = Settings { settle: SETTLE, on_request: Some(Arc::new(on_request)), ..settings };
        let campaign = Campaign::at(Faults::none(), "", activation, settings);
        campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
        campaign.run();
        Self { campaign, seen }
    }

    async fn fault(&self, path: &str, fault: &Value) {
        let mut fault = fault.clone();
        fault["path"] = path.into();
        self.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    }

    /// Lets the consumer take part, and waits for the end.
    async fn takes_part(&self, path: &str) {
        let (id, end) = match path {
            TRACK | EXPORT => (self.campaign.accept("ada@example.com").await, "enrolled"),
            _ => (self.campaign.accept_phone(PHONE, Some("ada@example.com")).await, "credited"),
        };
        self.campaign.all_reach(&[id], end, AN_HOUR).await;
    }

    /// The times at which an endpoint was asked.
    fn asked(&self, path: &str) -> Vec<Timestamp> {
        self.seen.lock().iter().filter(|seen| seen.path == path).map(|seen| seen.at).collect()
    }
}

fn activation(path: &str) -> &'static str {
    if [TRACK, EXPORT].contains(&path) { MARKS } else { SMS }
}

/// Answers with a status of success that confirm nothing.
fn unconfirmed() -> Vec<(u16, Value)> {
    let status = json!({ PHONE: "Subscribed" });
    vec![
        (200, json!({ "message": "failure" })),
        (201, json!({ "errors": [] })),
        (200, json!({ "message": "failure", "users": [], "status": status })),
        (201, json!({ "users": [], "status": status })),
        (201, json!({ "message": "Success", "users": [], "status": status })),
        (201, json!({ "message": true, "users": [], "status": status })),
        (201, json!({ "message": null, "users": [], "status": status })),
        (200, json!({ "message": "queued", "users": [], "status": status })),
        (201, json!(["success"])),
        (201, json!([{ "message": "success", "users": [], "status": status }])),
        (201, json!("\"success\"")),
        (201, json!("")),
        (204, json!("")),
        (202, json!({ "message": "accepted" })),
        (200, json!("<html><body>success</body></html>")),
        (201, json!("{\"message\": \"success\", \"users\": [], \"status\": {}")),
        (201, json!("{\"message\": \"failure\", \"message\": \"success\", \"users\": [], \"status\": {}}")),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_success_that_does_not_say_so_counts_for_nothing() {
    for path in [TRACK, EXPORT, STATUS_GET, STATUS_SET] {
        for (status, body) in unconfirmed() {
            let watched = WatchedCampaign::new(activation(path)).await;
            watched
                .fault(path, &json!({ "kind": "answer", "status": status, "body": body, "count": 3 }))
                .await;
            watched.takes_part(path).await;
            let asked = watched.asked(path).len();
            assert!(asked >= 4, "{path}: {status} {body} was believed after {asked} requests");
            let profiles = watched.campaign.profiles().await;
            assert_eq!(profiles.len(), 1, "{path}: {status} {body} made a second profile");
            if path == TRACK {
                assert_eq!(profiles[0]["custom_attributes"]["quikly_participant"], true, "{status} {body}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_braze_queues_during_maintenance_is_accepted() {
    for path in [TRACK, STATUS_SET] {
        let watched = WatchedCampaign::new(activation(path)).await;
        let queued =
            json!({ "kind": "answer", "when": "after", "status": 202, "body": { "message": "queued" } });
        watched.fault(path, &queued).await;
        watched.takes_part(path).await;
        assert_eq!(watched.asked(path).len(), 1, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_braze_queues_is_not_answered() {
    let watched = WatchedCampaign::new(MARKS).await;
    let queued = json!({ "message": "queued", "users": [] });
    watched.fault(EXPORT, &json!({ "kind": "answer", "status": 202, "body": queued, "count": 2 })).await;
    watched.takes_part(EXPORT).await;
    assert_eq!((watched.asked(EXPORT).len(), watched.campaign.profiles().await.len()), (3, 1));
}

/// The time from each of five answers to the next request.
async fn waits(path: &str, status: u16, headers: &Value) -> Vec<Duration> {
    let watched = WatchedCampaign::new(activation(path)).await;
    let fault = json!({ "kind": "answer", "status": status, "headers": headers, "body": { "message": "no" }, "count": 5 });
    watched.fault(path, &fault).await;
    watched.takes_part(path).await;
    let asked = watched.asked(path);
    let gaps = asked.windows(2).map(|pair| Duration::try_from(pair[1].duration_since(pair[0])).unwrap());
    gaps.take(5).collect()
}

#[tokio::test(start_paused = true)]
async fn braze_is_left_alone_for_as_long_as_it_asks_and_no_longer() {
    for path in [TRACK, EXPORT, STATUS_GET, STATUS_SET] {
        for (status, headers, seconds) in [
            (429, json!({ "retry-after": "2" }), 2),
            (429, json!({ "retry-after": "2.5" }), 3),
            (429, json!({ "retry-after": "20.01" }), 21),
            (429, json!({ "x-ratelimit-retry-after": "7", "retry-after": "3" }), 7),
            (429, json!({ "x-ratelimit-reset": "10" }), 10),
            (429, json!({ "x-ratelimit-reset": "10", "x-ratelimit-remaining": "4" }), 10),
            (429, json!({ "x-ratelimit-reset": "40", "retry-after": "3" }), 3),
            (429, json!({ "x-ratelimit-reset": "15", "retry-after": "soon" }), 15),
            (429, json!({ "x-ratelimit-reset": "15", "retry-after": "-4" }), 15),
            (503, json!({ "retry-after": "6" }), 6),
            (500, json!({ "retry-after": "6" }), 6),
            (425, json!({ "retry-after": "6" }), 6),
        ] {
            for wait in waits(path, status, &headers).await {
                let asked = Duration::from_secs(seconds);
                let kept = wait >= asked && wait <= asked + Duration::from_secs(2);
                assert!(kept, "{path}, {status} {headers}: the next request came after {wait:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_named_wait_leads_to_requests_without_a_pause() {
    for headers in [
        json!({ "retry-after": "0" }),
        json!({ "retry-after": "-1" }),
        json!({ "x-ratelimit-reset": "0" }),
        json!({ "x-ratelimit-reset": "1600000000" }),
        json!({}),
    ] {
        for path in [TRACK, EXPORT] {
            let waits = waits(path, 429, &headers).await;
            assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(1)), "{path} {headers}: {waits:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_says_nothing_of_the_consumer_costs_them_nothing() {
    for status in [
        302, 307, 402, 407, 408, 409, 418, 421, 423, 424, 425, 426, 429, 451, 499, 500, 502, 503, 504, 520,
        529, 530, 598, 799,
    ] {
        for path in [TRACK, EXPORT, STATUS_GET, STATUS_SET] {
            let watched = WatchedCampaign::new(activation(path)).await;
            watched.fault(path, &json!({ "kind": "answer", "status": status, "body": "", "count": 2 })).await;
            watched.takes_part(path).await;
            assert!(watched.asked(path).len() > 2, "{status} on {path}");
            assert_eq!(watched.campaign.profiles().await.len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_about_the_request_ends_it() {
    for status in [400, 404, 413, 415, 422] {
        let watched = WatchedCampaign::new(MARKS).await;
        watched.fault(TRACK, &json!({ "kind": "answer", "status": status, "body": "" })).await;
        let id = watched.campaign.accept("ada@example.com").await;
        watched.campaign.all_reach(&[id], "rejected", AN_HOUR).await;
        let asked = watched.asked(TRACK).len();
        watched.campaign.clock.sleep(AN_HOUR).await;
        assert_eq!(watched.asked(TRACK).len(), asked, "{status}");
    }
}

/// The workspace's answers to the requests that subscribed.
fn subscribed(watched: &WatchedCampaign) -> Vec<String> {
    let seen = watched.seen.lock();
    seen.iter().filter(|seen| seen.path == STATUS_SET).map(|seen| seen.summary.clone()).collect()
}

/// This many activations, with a group each, or all with the same group.
fn activations(count: usize, group: impl Fn(usize) -> String) -> String {
    let mut text = SMS.replace("g-1", &group(0));
    for number in 1..count {
        text += "\n[[activation]]\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n";
        text += &format!("scope = \"s{number}\"\n{}", SMS.replace("g-1", &group(number)));
    }
    text
}

/// One consumer takes part in each of this many activations at once.
async fn takes_part_in_all(watched: &WatchedCampaign, count: usize) -> Vec<domain::ids::ParticipationId> {
    let mut ids = vec![watched.campaign.accept_phone(PHONE, Some("ada@example.com")).await];
    for number in 1..count {
        ids.push(
            watched.campaign.accept_phone_in(&format!("s{number}"), PHONE, Some("ada@example.com")).await,
        );
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn a_number_is_subscribed_to_a_group_once_however_many_activations_want_it() {
    let watched = WatchedCampaign::new(&activations(3, |_| "g-1".to_owned())).await;
    let ids = takes_part_in_all(&watched, 3).await;
    watched.campaign.all_reach(&ids, "credited", AN_HOUR).await;
    assert_eq!(subscribed(&watched), ["1 number(s)"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_subscribes_to_as_many_groups_as_braze_takes() {
    let groups: Vec<String> = (0..100).map(|number| format!("g-{number}")).collect();
    let settings = Settings { subscription_groups: groups, ..Settings::default() };
    let known = json!({ "external_id": "u-1", "email": "ada@example.com", "phone": PHONE });
    let watched =
        WatchedCampaign::with(&activations(100, |number| format!("g-{number}")), settings, &[known]).await;
    let ids = takes_part_in_all(&watched, 100).await;
    watched.campaign.all_reach(&ids, "credited", AN_HOUR).await;
    let requests = subscribed(&watched).len();
    assert!(requests <= 4, "{requests} requests for a hundred groups");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_there_holds_up_no_other() {
    let groups: Vec<String> =
        (0..9).filter(|number| *number != 4).map(|number| format!("g-{number}")).collect();
    let settings = Settings { subscription_groups: groups, ..Settings::default() };
    let known = json!({ "external_id": "u-1", "email": "ada@example.com", "phone": PHONE });
    let watched =
        WatchedCampaign::with(&activations(9, |number| format!("g-{number}")), settings, &[known]).await;
    let mut ids = takes_part_in_all(&watched, 9).await;
    ids.remove(4);
    watched.campaign.all_reach(&ids, "credited", AN_HOUR).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_to_a_profile_that_is_gone_makes_no_profile() {
    let activation = "[activation.events.signed_in]\n[activation.rewards_to_braze]\nevent = \"q_credited\"";
    for profile in [ProfileRef::ExternalId("null".into()), ProfileRef::BrazeId("0123".into())] {
        let watched = WatchedCampaign::with(activation, Settings::default(), &[]).await;
        let id =
            watched.campaign.accept_event_of("signed_in", "ada@example.com", Some(profile.clone())).await;
        watched.campaign.all_reach(&[id], "credited", AN_HOUR).await;
        assert!(watched.campaign.profiles().await.is_empty(), "{profile:?}");
        assert!(!watched.asked(TRACK).is_empty(), "the event was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn where_schedules_are_precise_settling_takes_no_longer_than_the_brand_says() {
    let known = json!({ "external_id": "u-1", "email": "ada@example.com" });
    let watched = WatchedCampaign::with(SMS, Settings::default(), &[known]).await;
    watched.campaign.memory.fire_exactly();
    watched.campaign.clock.sleep(Duration::from_millis(7_300)).await;
    watched.takes_part(STATUS_SET).await;
    let waited =
        Duration::try_from(watched.asked(STATUS_SET)[0].duration_since(watched.asked(TRACK)[0])).unwrap();
    assert!(waited >= SETTLE && waited <= SETTLE + Duration::from_secs(2), "{waited:?}");
}
