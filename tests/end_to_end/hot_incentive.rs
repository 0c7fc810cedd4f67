//! One hot incentive, from the webhooks to the profiles and to Quikly, while the process is killed several times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use domain::Timestamp;
use domain::ids::ParticipationId;
use futures::StreamExt;
use futures::stream;
use ports::clock::SystemClock;
use ports::{Clock, Ledger};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::{eventually, eventually_async};

use crate::quikly::QuiklyEnd;
use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const CONSUMERS: usize = 2_000;
const QUANTITY: usize = 500;
const CONNECTIONS: usize = 64;
const LATER: Duration = Duration::from_secs(180);

fn events() -> String {
    let events = BrandText::default().event("signed_in", "incentive = \"first-500\"");
    events.first("first-500", QUANTITY, "codes = \"codes.txt\"").rewards_to_braze().to_string()
}

/// One consumer's webhook, with the times of its first request and its first answer.
struct Called {
    email: String,
    id: String,
    sent: Timestamp,
    answered: Timestamp,
}

/// Sends a consumer's webhook until it is accepted, and then once or twice more, as Braze may.
async fn call(client: &reqwest::Client, url: &str, number: usize, taken: &AtomicUsize) -> Called {
    let email = format!("consumer-{number}@example.com");
    let mut body = json!({ "q_scope": "spring", "event": "signed_in", "email": email });
    if number.is_multiple_of(2) {
        body["external_id"] = json!(format!("crm-{number}"));
    }
    let post = async || {
        let request = client.post(format!("{url}/webhook/braze")).bearer_auth(TOKEN);
        let response =
            request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
        if response.status() == 503 {
            return None;
        }
        assert_eq!(response.status(), 202);
        let answer: Value = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
        answer["id"].as_str().map(str::to_owned)
    };
    let sent = SystemClock.now();
    let id = eventually_async("a 202", LATER, post).await;
    let answered = SystemClock.now();
    taken.fetch_add(1, SeqCst);
    for _ in 0..number % 3 {
        if let Some(again) = post().await {
            assert_eq!(again, id, "the same consumer, the same participation");
        }
    }
    Called { email, id, sent, answered }
}

/// Sends all webhooks at once, while the process is killed four times.
async fn everyone_calls(server: &mut ServeProcess) -> Vec<Called> {
    let (client, url) = (reqwest::Client::new(), server.url.clone());
    let taken = Arc::new(AtomicUsize::new(0));
    let load = stream::iter(0..CONSUMERS)
        .map(|number| {
            let (client, url, taken) = (client.clone(), url.clone(), taken.clone());
            async move { call(&client, &url, number, &taken).await }
        })
        .buffer_unordered(CONNECTIONS)
        .collect::<Vec<Called>>();
    let kills = async {
        for threshold in [200, 550, 1_000, 1_600] {
            let reached = || (taken.load(SeqCst) >= threshold).then_some(());
            eventually("enough webhooks were accepted", LATER, reached).await;
            server.kill_and_restart().await;
        }
    };
    futures::join!(load, kills).0
}

#[tokio::test]
async fn the_500_earliest_of_2000_are_rewarded_with_a_code_each() {
    let workspace = SimProcess::start("200ms").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 100_000 })).await;
    let profile = |number: usize| json!({ "external_id": format!("crm-{number}"), "email": format!("consumer-{number}@example.com") });
    workspace.add_profiles((0..CONSUMERS).map(profile).collect()).await;
    let quikly = QuiklyEnd::start().await;
    let hash = domain::token::TokenHash::of(TOKEN);
    let access = format!("[webhook]\ntokens_sha256 = [\"{hash}\"]\n{}", quikly.section());
    let braze = "settle = \"1s\"\nlimits = { export_ids_per_minute = 100000 }";
    // The fixture makes four activations alike, and each may give out five hundred rewards.
    let brand = BrandFixture {
        braze,
        access: &access,
        more: &events(),
        codes: 4 * QUANTITY,
        ..BrandFixture::at(&workspace)
    };
    let mut server = ServeProcess::start(&brand).await;

    let calls = everyone_calls(&mut server).await;
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    let mut places = BTreeSet::new();
    for called in &calls {
        let shown = server.reaches(&called.id, "credited", LATER).await;
        assert_eq!(shown["credited"], true);
        match shown["reward"].as_str() {
            Some(code) => {
                assert!(codes.values().all(|given| given != code), "a code twice");
                codes.insert(called.email.clone(), code.to_owned());
                assert!(places.insert(shown["position"].as_u64().unwrap()), "a place twice");
            }
            None => assert!(shown["waiting"].as_u64().unwrap() > 0),
        }
    }
    assert_eq!((codes.len(), places.iter().max()), (QUANTITY, Some(&(QUANTITY as u64))));

    profiles_show_exactly(&workspace, &codes).await;
    let deliveries = everyone_gets_each_callback_once(&quikly, &calls, &codes).await;
    println!("{CONSUMERS} participations, {} rewards, {deliveries} callbacks", codes.len());
    server.said_nothing_of(&calls.iter().map(|called| called.email.clone()).collect::<Vec<_>>());
    server.said_nothing_of(&codes.values().cloned().collect::<Vec<_>>());
    the_earliest_won(&mut server, &calls, &codes).await;
}

async fn profiles_show_exactly(workspace: &SimProcess, codes: &BTreeMap<String, String>) {
    let shown = eventually_async("every winner's profile shows the code", LATER, async || {
        let profiles = workspace.profiles().await;
        assert_eq!(profiles.len(), CONSUMERS, "no second profile");
        let reward = |profile: &Value| {
            let code = profile["custom_attributes"]["quikly_reward"].as_str()?.to_owned();
            Some((profile["email"].as_str()?.to_owned(), code))
        };
        let shown: BTreeMap<String, String> = profiles.iter().filter_map(reward).collect();
        (shown.len() >= codes.len()).then_some(shown)
    })
    .await;
    assert!(shown == *codes, "exactly the winners, each with the code of the participation");
}

/// Checks the callbacks, and returns how many deliveries they took.
async fn everyone_gets_each_callback_once(
    quikly: &QuiklyEnd,
    calls: &[Called],
    codes: &BTreeMap<String, String>,
) -> usize {
    let told = eventually("everything is delivered", LATER, || {
        let told = quikly.told();
        let ids: BTreeSet<String> = told.iter().map(|told| told.id.clone()).collect();
        (ids.len() >= calls.len()).then_some(told)
    })
    .await;
    let mut by_id: BTreeMap<String, Value> = BTreeMap::new();
    let deliveries = told.len();
    for told in told {
        let first = by_id.entry(told.id).or_insert_with(|| told.body.clone());
        assert!(*first == told.body, "a repeated delivery is the same");
    }
    assert_eq!(by_id.len(), calls.len(), "one callback each");
    for called in calls {
        let body = &by_id[&format!("{}-credited", called.id)];
        assert!(body["data"]["reward"].as_str() == codes.get(&called.email).map(String::as_str));
    }
    deliveries
}

/// Checks the winners by the order of the ledger. No consumer who was answered before a winner's first request is left without a reward.
async fn the_earliest_won(server: &mut ServeProcess, calls: &[Called], codes: &BTreeMap<String, String>) {
    server.kill();
    let file = embedded::DataFile::open(&server.data(), Arc::new(SystemClock)).unwrap();
    let ids: Vec<ParticipationId> =
        calls.iter().map(|called| ParticipationId::parse(&called.id).unwrap()).collect();
    let mut arrivals = Vec::new();
    for some in ids.chunks(100) {
        arrivals.extend(file.awards(some).await.unwrap().found);
    }
    assert_eq!(arrivals.len(), CONSUMERS);
    arrivals.sort_by_key(|award| award.arrival);
    let won = arrivals.iter().take_while(|award| award.reward().is_some()).count();
    assert_eq!(won, QUANTITY, "the first five hundred, in the order of acceptance");
    let wins = |called: &&Called| codes.contains_key(&called.email);
    let last_winner_asked = calls.iter().filter(wins).map(|called| called.sent).max().unwrap();
    let too_late = calls.iter().filter(|called| !wins(called));
    assert!(too_late.map(|called| called.answered).min().unwrap() >= last_winner_asked);
}
