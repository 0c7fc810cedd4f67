//! How long a consumer with a mobile number waits: one new consumer a second, while Braze answers after 0.2 s and builds a profile in 1 to
//! 20 s.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use connector::Deps;
use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::message::{QueueName, WorkMessage};
use domain::time::between;
use http::{Request, Response};
use memory::{Faults, SeededChance, TokioClock};
use ports::queues::{Outgoing, Queues};
use ports::{Chance, Clock, Store};
use serde_json::json;

use testkit::campaign::Campaign;

/// New consumers, one a second.
const CONSUMERS: usize = 120;
/// How often the consumers look at their phones.
const LOOK: Duration = Duration::from_millis(500);
const ANSWERS_AFTER: Duration = Duration::from_millis(200);
const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";

/// A workspace that takes its time. Only a subscription of a number whose profile is there appears at once.
struct SlowBraze {
    way: Arc<dyn Transport>,
    clock: Arc<TokioClock>,
    chance: SeededChance,
}

#[async_trait]
impl Transport for SlowBraze {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path();
        let builds = path == "/users/track";
        // A jitter is 19 to 38 s.
        let built = self.chance.jitter(Duration::from_secs(19)) - Duration::from_secs(18);
        let settle = if builds { built } else { Duration::ZERO };
        if builds || path.ends_with("/set") {
            let uri = format!("http://{}/_sim/settle", request.uri().authority().unwrap());
            let body = json!({ "settle_ms": settle.as_millis() }).to_string();
            let set = Request::put(uri).header("content-type", "application/json").body(body.into());
            self.way.send(set.unwrap()).await?;
        }
        let answer = self.way.send(request).await;
        self.clock.sleep(ANSWERS_AFTER).await;
        answer
    }
}

/// What happened to a consumer, and when.
#[derive(Debug, Clone, Copy)]
struct Times {
    clicked: Timestamp,
    there: Option<Timestamp>,
    confirmed: Option<Timestamp>,
    credited: Option<Timestamp>,
}

fn phone(number: usize) -> String {
    format!("+1313555{number:04}")
}

/// Braze reports that the consumer's subscription has changed, and intake makes the participation due.
async fn push(campaign: &Campaign, id: ParticipationId) {
    loop {
        let mut participation = campaign.memory.get(&[id]).await.unwrap().found.remove(0);
        if !participation.hears_of_subscription(campaign.clock.now()) {
            return;
        }
        let look = WorkMessage { brand: participation.brand().clone(), ids: vec![id] };
        let saved = campaign.memory.save(&[participation]).await.unwrap();
        if saved == [ports::store::Saved::Saved] {
            let message = Outgoing { look, delay: Duration::ZERO };
            campaign.memory.send(QueueName::SmsSubscriptions, vec![message]).await.unwrap();
            return;
        }
    }
}

/// Consumers who take part one a second, and answer "Y" as soon as they are asked.
struct Arrivals {
    campaign: Campaign,
    consumers: Vec<(ParticipationId, Times)>,
    double: bool,
    pushes: bool,
}

impl Arrivals {
    async fn new(braze: &str, opt_in: &str, pushes: bool) -> Self {
        let braze = format!("settle = \"2m\"\n{braze}");
        let campaign = Campaign::with(Faults::none(), &braze, &format!("{SMS}{opt_in}"));
        let per_minute = if braze.contains("export_ids_per_minute") { 250 } else { 2_400 };
        let limits = json!({ "export_ids_per_minute": per_minute });
        campaign.steer("PUT", "/_sim/limits", &limits.to_string()).await;
        let asks = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
        campaign.steer("PUT", "/_sim/double_opt_in", &asks.to_string()).await;
        let way = campaign.deps.transport.clone();
        let slow = SlowBraze { way, clock: campaign.clock.clone(), chance: SeededChance::new(7) };
        let deps = Deps { transport: Arc::new(slow), ..campaign.deps.clone() };
        campaign.run_beside(campaign.connector_over(deps));
        Self { campaign, consumers: Vec::new(), double: opt_in.contains("double"), pushes }
    }

    /// Lets time pass until everybody is credited.
    async fn all_credited(&mut self) {
        let began = self.campaign.clock.now();
        let waits = |consumers: &[(ParticipationId, Times)]| {
            consumers.len() < CONSUMERS || consumers.iter().any(|(_, times)| times.credited.is_none())
        };
        while waits(&self.consumers) {
            let now = self.campaign.clock.now();
            assert!(between(began, now) < Duration::from_secs(1_800), "not everybody is credited");
            let arrived = self.consumers.len();
            if arrived < CONSUMERS && between(began, now) >= Duration::from_secs(arrived as u64) {
                let id = self.campaign.accept_phone(&phone(arrived), None).await;
                let times = Times { clicked: now, there: None, confirmed: None, credited: None };
                self.consumers.push((id, times));
            }
            self.look(now).await;
            self.campaign.clock.sleep(LOOK).await;
        }
    }

    /// Notes what has happened to each consumer, and answers for those who are asked.
    async fn look(&mut self, now: Timestamp) {
        let profiles = self.campaign.ask("GET", "/_sim/profiles", "").await;
        let there: Vec<&str> =
            profiles["profiles"].as_array().unwrap().iter().filter_map(|one| one["phone"].as_str()).collect();
        for (number, (id, times)) in self.consumers.iter_mut().enumerate() {
            if times.credited.is_some() {
                continue;
            }
            if times.there.is_none() && there.contains(&phone(number).as_str()) {
                times.there = Some(now);
            }
            if self.double && times.there.is_some() && times.confirmed.is_none() {
                let reply = json!({ "phone": phone(number), "text": "Y" }).to_string();
                if self.campaign.ask("POST", "/_sim/replies", &reply).await["confirmed"] == true {
                    times.confirmed = Some(now);
                    if self.pushes {
                        push(&self.campaign, *id).await;
                    }
                }
            }
            if self.campaign.state(*id).await == "credited" {
                times.credited = Some(now);
            }
        }
    }
}

/// When what happened to each consumer, and the requests to each endpoint.
async fn take_part(braze: &str, opt_in: &str, pushes: bool) -> (Vec<Times>, BTreeMap<&'static str, u64>) {
    let mut arrivals = Arrivals::new(braze, opt_in, pushes).await;
    arrivals.all_credited().await;
    let mut requests = BTreeMap::new();
    for endpoint in
        ["/users/export/ids", "/subscription/status/get", "/users/track", "/v2/subscription/status/set"]
    {
        requests.insert(endpoint, arrivals.campaign.requests(endpoint).await);
    }
    (arrivals.consumers.into_iter().map(|(_, times)| times).collect(), requests)
}

/// The median and the 99th percentile, in seconds.
fn spread(mut waits: Vec<Duration>) -> (f64, f64) {
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() * share).div_ceil(100) - 1].as_secs_f64();
    (at(50), at(99))
}

fn waits(times: &[Times], of: impl Fn(&Times) -> (Timestamp, Timestamp)) -> (f64, f64) {
    spread(times.iter().map(of).map(|(from, to)| between(from, to)).collect())
}

fn until_credit(times: &[Times]) -> (f64, f64) {
    waits(times, |times| (times.clicked, times.credited.unwrap()))
}

const SINGLE: &str = "opt_in = \"single\"";
const DOUBLE: &str = "opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"";

#[tokio::test(start_paused = true)]
async fn a_new_consumer_is_subscribed_seconds_after_the_profile_is_built() {
    let with_profile = format!("{SINGLE}\nsubscribe = \"with_profile\"");
    for (opt_in, limits) in
        [(SINGLE, ""), (&*with_profile, ""), (SINGLE, "limits = { export_ids_per_minute = 250 }")]
    {
        let (times, requests) = take_part(limits, opt_in, false).await;
        let (median, slowest) = until_credit(&times);
        println!("{opt_in}, {limits:?}: click to credit {median} s, p99 {slowest} s; {requests:?}");
        assert!(median <= 15.0 && slowest <= 45.0, "{opt_in}, {limits:?}: {median} s, {slowest} s");
        // A look-up each, and less than one question for two consumers whether the profile is there.
        let look_ups = requests["/users/export/ids"];
        assert!(look_ups <= CONSUMERS as u64 * 8 / 5, "{opt_in}, {limits:?}: {look_ups} look-ups");
    }
}

#[tokio::test(start_paused = true)]
async fn the_question_comes_with_the_profile_and_the_credit_with_the_answer() {
    for (pushes, longest) in [(true, 5.0), (false, 121.0)] {
        let (times, requests) = take_part("", DOUBLE, pushes).await;
        let prompt = waits(&times, |times| (times.clicked, times.confirmed.unwrap()));
        let after_profile = waits(&times, |times| (times.there.unwrap(), times.confirmed.unwrap()));
        let credit = waits(&times, |times| (times.confirmed.unwrap(), times.credited.unwrap()));
        println!(
            "push {pushes}: click to question {prompt:?}, profile to question {after_profile:?}, \"Y\" to credit {credit:?}; {requests:?}"
        );
        assert!(after_profile.1 <= 10.0, "{after_profile:?} from the profile to the question");
        assert!(credit.1 <= longest, "{credit:?} from the answer to the credit, by push: {pushes}");
    }
}
