//! How many acceptances a second AWS's limits allow, found by counting. What one acceptance takes of each key and each queue does not depend
//! on how fast the emulator is.

use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use aws::sqs::Sqs;
use axum::Router;
use axum::body::Body;
use domain::id_key::IdKey;
use futures::future::join_all;
use http::Request;
use intake::IntakeDeps;
use memory::{Faults, Memory, TestClock};
use serde_json::json;
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::{Ceiling, FaultProxy, LimitCounts, Rush, Rushed};
use testkit::start;
use tower::ServiceExt;

/// Acceptances that are counted. The first ones open what later ones share.
const ACCEPTED: u32 = 200;

/// Intake over tables and queues, as a function has it.
async fn intake_behind(proxy: &FaultProxy, activation: BrandText) -> Router {
    let (config, prefix) = (aws::emulator(proxy.url()).await, prefix());
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(&prefix)).waiting_for_numbers());
    dynamo.make_tables().await.unwrap();
    let queues = Arc::new(Sqs::make(&config, &prefix, Duration::from_secs(30), 5).await.unwrap());
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

/// What [`ACCEPTED`] acceptances took, and the most calls that one of them makes before it is answered.
async fn counted(activation: BrandText) -> (LimitCounts, usize) {
    let proxy = FaultProxy::before(endpoint().await);
    let routes = intake_behind(&proxy, activation).await;
    let mut most_calls = 0;
    for number in 0..10 {
        let _before = proxy.take();
        takes_part(&routes, number).await;
        most_calls = most_calls.max(proxy.take().len());
    }
    let _first = proxy.take_counts();
    for some in (10..10 + ACCEPTED).collect::<Vec<_>>().chunks(20) {
        join_all(some.iter().map(|number| takes_part(&routes, *number))).await;
    }
    (proxy.take_counts(), most_calls)
}

/// The ceiling of these acceptances, and what becomes of 250,000 within two minutes.
#[expect(clippy::print_stdout, reason = "the figures are what the tests are for")]
fn judged(name: &str, counts: &LimitCounts, calls: usize) -> (Ceiling, Rushed) {
    let ceiling = counts.ceiling(ACCEPTED);
    println!("{name}: {:.0}/s, {}; {calls} calls each", ceiling.a_second, ceiling.limited_by);
    let rush = Rush { requests: 250_000, within: Duration::from_secs(120) };
    let rushed = rush.against(counts, ACCEPTED, 1);
    println!("{name}, 250,000 in two minutes: {rushed:?}");
    (ceiling, rushed)
}

fn activation() -> BrandText {
    BrandText::acme().with("[intake]\nopen_to_anybody = true").activation("spring")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_incentive_an_activation_accepts_at_least_900_a_second() {
    let (counts, calls) = counted(activation().email("")).await;
    let (ceiling, rushed) = judged("without an incentive", &counts, calls);
    assert!(ceiling.a_second >= 900.0, "{ceiling:?}");
    assert!(calls <= 4, "{calls} calls before the answer");
    assert_eq!((rushed.accepted, rushed.unavailable), (250_000, 0));
}

/// Every acceptance draws its number from one item. While that is throttled, the answer comes without a place.
#[tokio::test(flavor = "multi_thread")]
async fn with_an_incentive_a_thousand_a_second_are_accepted_because_its_counter_takes_no_more() {
    let won = activation().email("incentive = \"first\"").first("first", 1_000, "reward = \"SPRING20\"");
    let (counts, calls) = counted(won).await;
    let ceiling = counts.ceiling(ACCEPTED);
    println!("with an incentive: {:.0}/s, {}; {calls} calls each", ceiling.a_second, ceiling.limited_by);
    assert!((900.0..=1_000.0).contains(&ceiling.a_second), "{ceiling:?}");
    assert!(ceiling.limited_by.ends_with(" number"), "{ceiling:?}");
    assert!(calls <= 4, "{calls} calls before the answer");
}
