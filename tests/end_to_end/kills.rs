//! The process is killed again and again under load. Everything that it accepted is done, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use testkit::eventually;

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const KILLS: usize = 50;
const CLIENTS: usize = 16;
/// How many participations are accepted between two kills.
const BETWEEN: usize = 20;
const LATER: Duration = Duration::from_secs(180);
const MARKS: &str = "attributes = { quikly_participant = true }\nevent = \"quikly_participated\"";

/// The state that the clients share.
#[derive(Default)]
struct SharedLoad {
    next: AtomicUsize,
    over: AtomicBool,
    /// The id by address, of the requests that were answered with 202.
    accepted: Mutex<BTreeMap<String, String>>,
}

/// Takes part with one new address after another, and does not repeat a request that was not answered.
async fn takes_part(load: Arc<SharedLoad>, url: String) {
    let client = reqwest::Client::new();
    while !load.over.load(SeqCst) {
        let email = format!("consumer-{}@example.com", load.next.fetch_add(1, SeqCst));
        let body = json!({ "scope": "spring", "email": email }).to_string();
        let request = client.post(format!("{url}/participations")).header("content-type", "application/json");
        let Ok(response) = request.body(body).send().await else { continue };
        if response.status() != 202 {
            assert_eq!(response.status(), 503);
            continue;
        }
        let Ok(body) = response.bytes().await else { continue };
        let answer: Value = serde_json::from_slice(&body).unwrap();
        load.accepted.lock().insert(email, answer["id"].as_str().unwrap().to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_accepted_is_lost_in_fifty_kills() {
    let workspace = SimProcess::start("200ms").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 1_000_000 })).await;
    let braze = "settle = \"1s\"\nlimits = { export_ids_per_minute = 1000000 }";
    let mut server =
        ServeProcess::start(&BrandFixture { braze, email: MARKS, ..BrandFixture::at(&workspace) }).await;
    let load = Arc::new(SharedLoad::default());
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(takes_part(load.clone(), server.url.clone()))).collect();
    for kill in 1..=KILLS {
        let accepted = || (load.accepted.lock().len() >= kill * BETWEEN).then_some(());
        eventually("enough were accepted", LATER, accepted).await;
        server.kill_and_restart().await;
    }
    load.over.store(true, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let accepted = load.accepted.lock().clone();
    for id in accepted.values() {
        server.reaches(id, "enrolled", LATER).await;
    }
    let profiles = settled(&workspace).await;
    for (email, id) in &accepted {
        let theirs: Vec<&Value> = profiles.iter().filter(|profile| profile["email"] == **email).collect();
        assert_eq!(theirs.len(), 1, "profiles of {id}");
        assert_eq!(theirs[0]["custom_events"]["quikly_participated"]["count"], 1, "events of {id}");
    }
    println!("{} accepted, {KILLS} kills", accepted.len());
    server.said_nothing_of(&accepted.into_keys().collect::<Vec<_>>());
}

/// Every profile, once nothing is pending any more.
async fn settled(workspace: &SimProcess) -> Vec<Value> {
    testkit::eventually_async("the workspace has settled", LATER, async || {
        let profiles = workspace.profiles().await;
        let pending = |profile: &Value| profile["pending_objects"].as_u64().is_some_and(|count| count > 0);
        (!profiles.iter().any(pending)).then_some(profiles)
    })
    .await
}

/// The number of kills in a burst, and of its participations.
const KILLS_IN_A_BURST: u64 = 8;
const BURST: u64 = 320;

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_a_dead_process_booked_are_used_by_the_next() {
    let workspace = SimProcess::start("200ms").await;
    let braze = "settle = \"1s\"\nlimits = { export_ids_per_minute = 250 }";
    let mut server =
        ServeProcess::start(&BrandFixture { braze, email: MARKS, ..BrandFixture::at(&workspace) }).await;
    let mut ids = Vec::new();
    for number in 0..BURST {
        ids.push(server.take_part("spring", &format!("burst-{number}@example.com")).await);
        if (number + 1) % (BURST / KILLS_IN_A_BURST) == 0 {
            server.kill_and_restart().await;
        }
    }
    for id in &ids {
        server.reaches(id, "enrolled", LATER).await;
    }
    let look_ups = workspace.requests("/users/export/ids").await;
    let throttled = workspace.status_count("/users/export/ids", 429).await;
    println!("{look_ups} look-ups, {throttled} of them throttled");
    assert!(throttled <= 2 * KILLS_IN_A_BURST, "{throttled} look-ups were throttled");
}
