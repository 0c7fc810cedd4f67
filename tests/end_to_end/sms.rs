//! SMS acquisition, from the number to the credit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::Timestamp;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use testkit::eventually_async;

use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const SINGLE: &str = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"single\"";
const DOUBLE: &str = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"double\"\ndouble_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"1m\"\npoll = [{ every = \"1s\" }]";
const LATER: Duration = Duration::from_secs(150);

fn phone(number: usize) -> String {
    format!("+1313555{number:04}")
}

fn email(number: usize) -> String {
    format!("consumer-{number}@example.com")
}

fn known(number: usize, with_phone: bool) -> Value {
    let mut profile = json!({ "external_id": format!("crm-{number}"), "email": email(number) });
    if with_phone {
        profile["phone"] = phone(number).into();
    }
    profile
}

fn by_email(profiles: Vec<Value>) -> BTreeMap<String, Value> {
    profiles.into_iter().map(|profile| (profile["email"].as_str().unwrap().to_owned(), profile)).collect()
}

async fn everyone_takes_part(server: &ServeProcess, numbers: std::ops::Range<usize>) -> Vec<String> {
    stream::iter(numbers)
        .map(|number| async move {
            server.take_part_by_phone("spring", &phone(number), Some(&email(number))).await
        })
        .buffered(64)
        .collect()
        .await
}

/// Numbers 0..100 are subscribed already, 100..200 are on a profile, 200..300 have a profile without the number, 300..500 are new.
#[tokio::test]
async fn five_hundred_numbers_single_opt_in() {
    let workspace = SimProcess::start("1s").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 100_000 })).await;
    workspace.add_profiles((0..300).map(|number| known(number, number < 200)).collect()).await;
    workspace.subscribed(GROUP, &(0..100).map(phone).collect::<Vec<_>>()).await;
    let before = by_email(workspace.profiles().await);
    let braze = "settle = \"3s\"\nsettle_by = \"queue\"\nlimits = { export_ids_per_minute = 100000 }";
    let server =
        ServeProcess::start(&BrandFixture { braze, sms: SINGLE, ..BrandFixture::at(&workspace) }).await;

    let ids = everyone_takes_part(&server, 0..500).await;
    for id in &ids {
        eventually_async("past its first step", LATER, async || {
            (server.show(id).await["state"] != "received").then_some(())
        })
        .await;
    }
    let (first_reads, first_sets) = (
        workspace.requests("/subscription/status/get").await,
        workspace.requests("/v2/subscription/status/set").await,
    );
    for id in &ids {
        let shown = server.reaches(id, "credited", LATER).await;
        assert_eq!(shown["credited"], true);
    }
    let sets = workspace.requests("/v2/subscription/status/set").await;
    let reads = workspace.requests("/subscription/status/get").await;
    println!(
        "500 numbers: {first_reads} status reads by the end of the first pass ({first_sets} of them may read back a subscription), {reads} in all, {sets} sets"
    );
    // How many share a request depends on how fast they arrive, so it depends on the machine. `in_process/requests.rs` has exact figures.
    assert!(first_reads <= 100, "{first_reads} reads for 500 numbers");
    assert!(sets <= 40, "{sets} sets for 400 numbers");

    let after = by_email(workspace.profiles().await);
    assert_eq!(after.len(), 500, "no second profile");
    for number in 0..100 {
        assert_eq!(
            after[&email(number)],
            before[&email(number)],
            "a subscribed consumer's profile is not changed"
        );
    }
    let subscriptions = workspace.subscriptions().await;
    assert_eq!(subscriptions["parked"], json!([]), "nobody was subscribed before the profile existed");
    let states = subscriptions["states"].as_array().unwrap();
    let since: BTreeMap<&str, &str> = states
        .iter()
        .map(|state| (state["phone"].as_str().unwrap(), state["since"].as_str().unwrap()))
        .collect();
    for number in 200..500 {
        let profile = &after[&email(number)];
        assert_eq!(profile["phone"], phone(number));
        let written = moment(profile["updated_at"].as_str().unwrap());
        let settled_for = moment(since[phone(number).as_str()]).duration_since(written).as_secs_f64();
        assert!(settled_for >= 2.5, "{number} was subscribed {settled_for} s after its profile was written");
    }
    let contacts: Vec<String> = (0..500).flat_map(|number| [phone(number), email(number)]).collect();
    server.said_nothing_of(&contacts);
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn events(workspace: &SimProcess) -> u64 {
    let profiles = workspace.profiles().await;
    profiles
        .iter()
        .filter_map(|profile| profile["custom_events"]["quikly_sms_opt_in"]["count"].as_u64())
        .sum()
}

/// Every number under 150 answers at a time of its own. Returns the longest time from the answer to the credit.
async fn a_hundred_and_fifty_confirm(
    server: &ServeProcess,
    workspace: &SimProcess,
    ids: &[String],
) -> Duration {
    let confirming = (0..150).map(|number| async move {
        let phone = phone(number * 7 % 150);
        eventually_async("the question", LATER, async || workspace.replies_yes(&phone).await.then_some(()))
            .await;
        let confirmed = now();
        server.reaches(&ids[number * 7 % 150], "credited", LATER).await;
        confirmed.elapsed()
    });
    // A few answer at a time, so that they answer at different times.
    stream::iter(confirming)
        .buffer_unordered(20)
        .fold(Duration::ZERO, async |longest, one| longest.max(one))
        .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a consumer waits for the credit is measured, not decided"
)]
fn now() -> Instant {
    Instant::now()
}

/// The settings of a brand that settles fast and has no limits that matter.
const FAST: &str = "settle = \"1s\"\nsettle_by = \"queue\"\nlimits = { export_ids_per_minute = 100000 }";

/// A workspace that asks consumers to confirm.
async fn that_asks() -> SimProcess {
    let workspace = SimProcess::start("200ms").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 100_000 })).await;
    workspace.asks_by_event("quikly_sms_opt_in", GROUP).await;
    workspace
}

#[tokio::test]
async fn two_hundred_are_asked_once_and_a_hundred_and_fifty_confirm() {
    let workspace = that_asks().await;
    let server =
        ServeProcess::start(&BrandFixture { braze: FAST, sms: DOUBLE, ..BrandFixture::at(&workspace) }).await;
    let ids = everyone_takes_part(&server, 0..200).await;
    let longest = a_hundred_and_fifty_confirm(&server, &workspace, &ids).await;
    println!("credited at the latest {longest:?} after the answer, at one poll a second");
    for id in &ids[150..] {
        let shown = server.reaches(id, "expired", LATER).await;
        assert_eq!(shown["credited"], false);
    }
    assert_eq!(events(&workspace).await, 200);
}

/// Braze's webhook after the subscription of a number has changed.
async fn report_subscription(server: &ServeProcess, number: usize) {
    let body = json!({ "q_scope": "spring", "event": "$subscription", "phone": phone(number) });
    let request = reqwest::Client::new().post(format!("{}/webhook/braze", server.url)).bearer_auth(TOKEN);
    let request = request.header("content-type", "application/json").body(body.to_string());
    assert_eq!(request.send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn a_consumer_who_confirms_is_credited_once_braze_reports_it_though_the_next_poll_is_far_away() {
    let workspace = that_asks().await;
    let sms = DOUBLE.replace("1m", "48h").replace("1s", "30m");
    let brand = BrandFixture { braze: FAST, sms: &sms, more: "", ..BrandFixture::with_webhooks(&workspace) };
    let server = ServeProcess::start(&brand).await;
    let ids = everyone_takes_part(&server, 0..20).await;
    for (number, id) in ids.iter().enumerate() {
        server.reaches(id, "awaiting_opt_in", LATER).await;
        eventually_async("the question", LATER, async || {
            workspace.replies_yes(&phone(number)).await.then_some(())
        })
        .await;
    }
    for id in &ids {
        assert_eq!(server.show(id).await["credited"], false, "the next poll is in half an hour");
    }
    let mut longest = Duration::ZERO;
    for (number, id) in ids.iter().enumerate() {
        let reported = now();
        report_subscription(&server, number).await;
        server.reaches(id, "credited", LATER).await;
        longest = longest.max(reported.elapsed());
    }
    println!("20 consumers credited at the latest {longest:?} after the report");
}

#[tokio::test]
async fn double_opt_in_works_with_a_kill_9_every_few_seconds() {
    let workspace = that_asks().await;
    let sms = DOUBLE.replace("25s", "60s");
    let mut server =
        ServeProcess::start(&BrandFixture { braze: FAST, sms: &sms, ..BrandFixture::at(&workspace) }).await;
    let mut ids = Vec::new();
    let mut kills = 0;
    for begin in [0, 50, 100, 150] {
        ids.extend(everyone_takes_part(&server, begin..begin + 50).await);
        server.kill_and_restart().await;
        kills += 1;
    }
    for number in 0..150 {
        eventually_async("the question", LATER, async || {
            workspace.replies_yes(&phone(number)).await.then_some(())
        })
        .await;
        if number % 50 == 49 {
            server.kill_and_restart().await;
            kills += 1;
        }
    }
    for id in &ids[..150] {
        server.reaches(id, "credited", LATER).await;
    }
    for id in &ids[150..] {
        server.reaches(id, "expired", LATER).await;
    }
    let sent = events(&workspace).await;
    println!("{sent} events for 200 participants over {kills} kills");
    assert!((200..=200 + kills).contains(&sent), "{sent} events, {kills} kills");
}

#[tokio::test]
async fn numbers_are_read_in_the_activations_country_and_bad_ones_refused_with_a_reason() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture { sms: SINGLE, ..BrandFixture::at(&workspace) }).await;
    server.take_part_by_phone("spring", "(313) 555-0100", None).await;
    let again = json!({ "scope": "spring", "phone": "+1 313 555 0100", "consent": true }).to_string();
    let (status, _, repeat) =
        server.send("POST", "/participations", Some("application/json"), again.into_bytes()).await;
    assert_eq!((status, &repeat["repeat"]), (202, &json!(true)), "the same consumer: {repeat}");
    for (phone, reason) in
        [("", "is empty"), ("hello", "is not a phone number"), ("+1 013 555 0100", "is not a valid number")]
    {
        let body = json!({ "scope": "spring", "phone": phone, "consent": true }).to_string().into_bytes();
        let (status, _, problem) =
            server.send("POST", "/participations", Some("application/json"), body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("phone")), "{phone}: {problem}");
        assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with(reason), "{phone}: {problem}");
    }
}
