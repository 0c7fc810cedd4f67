//! How many acceptances a second AWS's limits allow, found by counting. What one acceptance takes of each key and each queue does not depend
//! on how fast the emulator is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use aws::sqs::Sqs;
use axum::Router;
use axum::body::Body;
use domain::id_key::IdKey;
use domain::ledger::draw_lane::MOST_READS;
use futures::future::join_all;
use futures::{StreamExt, stream};
use http::Request;
use intake::IntakeDeps;
use memory::{Faults, Memory, TestClock};
use ports::numbering::DrawSettings;
use serde_json::json;
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::{Call, Ceiling, FaultProxy, LimitCounts, PlacesGiven, PlacesRush, Rush, Rushed};
use testkit::start;
use tower::ServiceExt;

use crate::lanes::{in_hasty_lanes, in_lanes};

/// Acceptances that are counted. The first ones open what later ones share.
const ACCEPTED: u32 = 200;

/// A quarter of a million people within two minutes.
const RUSH: Rush = Rush { requests: 250_000, within: Duration::from_secs(120) };

/// Makes tables with this prefix.
async fn made(prefix: &str) {
    let config = testkit::emulator::config().await;
    Dynamo::new(&config, Tables::of(prefix)).make_tables().await.unwrap();
}

/// Intake over tables and queues, as a function has it.
async fn intake_behind(
    proxy: &FaultProxy,
    prefix: &str,
    activation: BrandText,
    settings: DrawSettings,
) -> Router {
    let config = aws::emulator(proxy.url()).await;
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(prefix)).drawing_by(settings));
    let queues = Arc::new(Sqs::make(&config, prefix, Duration::from_secs(30), 5).await.unwrap());
    let clock = Arc::new(TestClock::at(start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    let deps = IntakeDeps {
        store: dynamo.clone(),
        ledger: dynamo,
        queues,
        ..IntakeDeps::over(&memory, memory.clone(), clock)
    };
    intake::router(deps, Arc::new(activation.brands()), IdKey::new([7; 32]))
}

async fn takes_part(routes: &Router, number: u32) {
    let body = json!({ "scope": "spring", "email": format!("c{number}@example.com") });
    let request = Request::post("/participations").header("content-type", "application/json");
    let Ok(answer) = routes.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!(answer.status(), 202);
}

/// What [`ACCEPTED`] acceptances took, so many at once, and the most calls that one of them makes before it is answered.
async fn counted(activation: BrandText, settings: DrawSettings, at_once: usize) -> (LimitCounts, usize) {
    let (proxy, prefix) = (FaultProxy::before(endpoint().await), prefix());
    made(&prefix).await;
    let routes = intake_behind(&proxy, &prefix, activation, settings).await;
    let mut most_calls = 0;
    for number in 0..10 {
        let _before = proxy.take();
        takes_part(&routes, number).await;
        most_calls = most_calls.max(proxy.take().len());
    }
    let _first = proxy.take_counts();
    let acceptances = stream::iter(10..10 + ACCEPTED).map(|number| takes_part(&routes, number));
    acceptances.buffer_unordered(at_once).collect::<Vec<()>>().await;
    (proxy.take_counts(), most_calls)
}

/// The ceiling of these acceptances.
#[expect(clippy::print_stdout, reason = "the figures are what the tests are for")]
fn judged(name: &str, counts: &LimitCounts, calls: usize) -> Ceiling {
    let ceiling = counts.ceiling(ACCEPTED);
    println!("{name}: {:.0}/s, {}; {calls} calls each", ceiling.a_second, ceiling.limited_by);
    let drawing =
        counts.write_units.iter().filter(|(key, _)| key.ends_with(" number") || key.ends_with(" lane"));
    let units: f64 = drawing.map(|(_, units)| units).sum();
    println!("{name}: {:.2} write units for the number", units / f64::from(ACCEPTED));
    ceiling
}

/// The outcome of the rush if each acceptance uses the counted units.
#[expect(clippy::print_stdout, reason = "the figures are what the tests are for")]
fn rushed(name: &str, counts: &LimitCounts) -> Rushed {
    let rushed = RUSH.against(counts, ACCEPTED, 1);
    println!("{name}, 250,000 in two minutes: {rushed:?}");
    rushed
}

fn activation() -> BrandText {
    BrandText::acme().with("[intake]\nopen_to_anybody = true").activation("spring")
}

fn with_an_incentive() -> BrandText {
    activation().email("incentive = \"first\"").first("first", 1_000, "reward = \"SPRING20\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_incentive_an_activation_accepts_at_least_900_a_second() {
    let (counts, calls) = counted(activation().email(""), DrawSettings::patient(), 20).await;
    let ceiling = judged("without an incentive", &counts, calls);
    assert!(ceiling.a_second >= 900.0, "{ceiling:?}");
    assert!(calls <= 4, "{calls} calls before the answer");
    let rushed = rushed("without an incentive", &counts);
    assert_eq!((rushed.accepted, rushed.unavailable), (250_000, 0));
}

/// Every acceptance draws its number from one item. While that is throttled, numbers are drawn in lanes.
#[tokio::test(flavor = "multi_thread")]
async fn one_counter_gives_the_places_of_900_a_second() {
    let (counts, calls) = counted(with_an_incentive(), DrawSettings::patient(), 20).await;
    let ceiling = judged("by the counter", &counts, calls);
    assert!((900.0..=1_000.0).contains(&ceiling.a_second), "{ceiling:?}");
    assert!(ceiling.limited_by.ends_with(" number"), "{ceiling:?}");
    assert!(counts.sends.is_empty(), "no message is sent to a FIFO queue");
    assert!(calls <= 4, "{calls} calls before the answer");
}

/// At three thousand a second, some 128 are in a lane at a time.
#[tokio::test(flavor = "multi_thread")]
async fn four_lanes_give_the_places_of_3000_a_second() {
    let (counts, calls) = counted(with_an_incentive(), in_lanes(4), 128).await;
    assert!(counts.sends.is_empty(), "no message is sent to a FIFO queue");
    // The emulator is slow, and members read their lane while they wait for it. A function reads it three times at most.
    let by_reads = 4.0 * 3_000.0 / f64::from(u8::try_from(MOST_READS).unwrap());
    let counts = LimitCounts { read_units: BTreeMap::new(), ..counts };
    let ceiling = judged("in four lanes", &counts, calls);
    assert!(ceiling.a_second.min(by_reads) >= 3_000.0, "{ceiling:?}");
    assert!(ceiling.limited_by.ends_with(" lane"), "{ceiling:?}");
}

/// How many calls are made one after another. The member that draws for a lane publishes the numbers while its participation is stored. The message
/// of an earlier acceptance may be among the calls.
fn one_after_another(calls: &[Call]) -> usize {
    let count = |action: &str| calls.iter().filter(|call| call.action.starts_with(action)).count();
    let publishes = count("dynamodb:UpdateItem") > 2;
    count("dynamodb:") - usize::from(publishes) + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn in_lanes_a_function_makes_at_most_eight_calls_one_after_another() {
    let prefix = prefix();
    made(&prefix).await;
    let mut functions = Vec::new();
    for number in 0..24 {
        let proxy = FaultProxy::before(endpoint().await);
        let routes = intake_behind(&proxy, &prefix, with_an_incentive(), in_hasty_lanes(4)).await;
        // From here on it knows that the ledger is numbered.
        takes_part(&routes, number).await;
        functions.push((proxy, routes));
    }
    let (mut most, mut all) = (0, 0);
    for round in 1..=4 {
        for (proxy, _) in &functions {
            let _before = proxy.take();
        }
        let asks =
            (0..24).zip(&functions).map(|(number, (_, routes))| takes_part(routes, round * 24 + number));
        join_all(asks).await;
        for (proxy, _) in &functions {
            let calls = proxy.take();
            most = most.max(one_after_another(&calls));
            all += calls.len();
            assert!(one_after_another(&calls) <= 8, "{calls:?}");
        }
    }
    println!("in lanes: {most} calls one after another at most, {:.1} calls each", all as f64 / 96.0);
}

/// What becomes of the rush for the places of one incentive.
#[expect(clippy::print_stdout, reason = "the figures are what the tests are for")]
fn rush_for(name: &str, rush: PlacesRush) -> PlacesGiven {
    let given = rush.play();
    println!("{name}, 250,000 in two minutes: {given:?}");
    assert_eq!(given.out_of_order, 0, "{name}");
    assert!(given.most_calls <= 8, "{name}");
    given
}

/// The API lets in two thousand a second, which is less than come.
#[test]
fn nearly_all_of_250_000_webhooks_within_two_minutes_know_their_place_and_some_are_refused_with_429() {
    let rush = PlacesRush {
        rush: RUSH,
        quantity: 50_000,
        lanes: Some(8),
        let_in: Some(2_000),
        environments: 1_000,
        seed: 1,
    };
    let given = rush_for("for 50,000 places by webhook", rush);
    assert_eq!((given.accepted + given.too_many, given.unavailable), (250_000, 0));
    assert!((5_000..=10_000).contains(&given.too_many), "{given:?}");
    assert!(given.not_known_yet * 50 < given.accepted, "{given:?}");
}

#[test]
fn of_250_000_within_two_minutes_for_500_places_those_behind_the_last_number_draw_none() {
    let rush =
        PlacesRush { rush: RUSH, quantity: 500, lanes: Some(8), let_in: None, environments: 1_000, seed: 1 };
    let given = rush_for("for 500 places by front end", rush);
    assert_eq!((given.accepted, given.unavailable), (250_000, 0));
    assert!(given.behind_the_last_number >= 245_000, "{given:?}");
    assert!(given.last_knows.0 < Duration::from_secs(2), "{given:?}");
}
