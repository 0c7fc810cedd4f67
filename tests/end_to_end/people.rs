//! Profiles that change between two participations: what is won is on the profile that is the consumer's then.

use std::time::Duration;

use domain::time::later;
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::eventually_async;

use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const HINT_FRESH: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(150);

/// The consumers, each with the external id of the profile that is theirs in the end.
const CONSUMERS: [(&str, &str); 4] = [
    ("merged", "merged-new"),
    ("deleted", "deleted-new"),
    ("renamed", "renamed-new"),
    ("swapped", "swapped-new"),
];

fn email(consumer: &str) -> String {
    format!("{consumer}@example.com")
}

/// A server whose brand rewards an event and a subscription.
async fn start(workspace: &SimProcess, braze: &str) -> ServeProcess {
    let access = format!("{}\n[intake]\nopen_to_anybody = true\n", BrandText::default().webhook(TOKEN));
    let more = BrandText::default()
        .event("signed_in", "incentive = \"first-9\"")
        .first("first-9", 9, "reward = \"SPRING20\"")
        .rewards_to_braze()
        .to_string();
    let sms = format!(
        "subscription_group_id = \"{GROUP}\"\ndefault_region = \"US\"\nopt_in = \"single\"\nincentive = \"first-9\""
    );
    let brand =
        BrandFixture { braze, access: &access, more: &more, sms: &sms, ..BrandFixture::at(workspace) };
    ServeProcess::start(&brand).await
}

/// Everybody takes part by e-mail, so that their profiles are remembered.
async fn all_are_remembered(workspace: &SimProcess, server: &ServeProcess) {
    let known = |(consumer, _)| json!({ "external_id": consumer, "email": email(consumer) });
    workspace.add_profiles(CONSUMERS.map(known).to_vec()).await;
    for (consumer, _) in CONSUMERS {
        let id = server.take_part("spring", &email(consumer)).await;
        server.reaches(&id, "enrolled", LATER).await;
    }
}

/// Afterwards each consumer's remembered profile is gone, or is somebody else's, and was remembered longer ago than
/// `hint_fresh`.
async fn all_change(workspace: &SimProcess) {
    let remembered = SystemClock.now();
    let new =
        |consumer: &str, email: &str| json!({ "external_id": format!("{consumer}-new"), "email": email });
    let named = |id: &str| json!({ "external_id": id });
    workspace
        .add_profiles(vec![
            new("merged", &email("merged")),
            new("deleted", &email("deleted")),
            new("swapped", "somebody-else@example.com"),
        ])
        .await;
    let merge = json!({ "identifier_to_merge": named("merged"), "identifier_to_keep": named("merged-new") });
    workspace.command("/users/merge", &json!({ "merge_updates": [merge] })).await;
    workspace.command("/users/delete", &json!({ "external_ids": ["deleted"] })).await;
    let rename = json!({ "current_external_id": "renamed", "new_external_id": "renamed-new" });
    workspace.command("/users/external_ids/rename", &json!({ "external_id_renames": [rename] })).await;
    workspace.command("/users/external_ids/remove", &json!({ "external_ids": ["renamed"] })).await;
    let swap = json!({ "one": named("swapped"), "other": named("swapped-new"), "fields": ["email"] });
    workspace.command("/_sim/swaps", &swap).await;
    eventually_async("the changes", LATER, async || {
        let profiles = workspace.profiles().await;
        let has = |id: &str| profiles.iter().any(|profile| profile["external_id"] == id);
        let swapped = profiles.iter().find(|profile| profile["external_id"] == "swapped-new")?;
        let changed = !["merged", "deleted", "renamed"].map(has).contains(&true);
        let is_old = SystemClock.now() > later(remembered, HINT_FRESH);
        (is_old && changed && swapped["email"] == email("swapped")).then_some(())
    })
    .await;
}

/// Waits until every consumer's own profile shows the reward, and checks that no other profile does.
async fn everybodys_own_profile_shows_the_reward(workspace: &SimProcess) {
    let rewarded = async || {
        let profiles = workspace.profiles().await;
        let shows = |profile: &&Value| profile["custom_attributes"]["quikly_reward"] == "SPRING20";
        let mut ids: Vec<String> = profiles
            .iter()
            .filter(shows)
            .map(|profile| profile["external_id"].as_str().unwrap_or("without an external id").to_owned())
            .collect();
        ids.sort_unstable();
        ids
    };
    let mut expected = CONSUMERS.map(|(_, own)| own.to_owned());
    expected.sort_unstable();
    eventually_async("the rewards", LATER, async || (rewarded().await == expected).then_some(())).await;
    assert_eq!(workspace.profiles().await.len(), 5, "no profile was made");
}

/// A workspace where everybody has changed since their profiles were remembered, and its server.
async fn changed() -> (SimProcess, ServeProcess) {
    let workspace = SimProcess::start("200ms").await;
    let server = start(&workspace, "settle = \"1s\"\nsettle_by = \"queue\"\nhint_fresh = \"1s\"").await;
    all_are_remembered(&workspace, &server).await;
    all_change(&workspace).await;
    (workspace, server)
}

/// Braze reports that a consumer signed in.
async fn signs_in(server: &ServeProcess, consumer: &str) {
    let body = json!({ "q_scope": "spring", "event": "signed_in", "email": email(consumer) });
    let bearer = format!("Bearer {TOKEN}");
    let (status, _, answer) = server.webhook(Some(&bearer), body.to_string().into_bytes()).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test]
async fn what_is_won_by_an_event_is_on_the_profile_that_is_the_consumers_now() {
    let (workspace, server) = changed().await;
    for (consumer, _) in CONSUMERS {
        signs_in(&server, consumer).await;
    }
    everybodys_own_profile_shows_the_reward(&workspace).await;
}

#[tokio::test]
async fn what_is_won_by_number_is_on_the_profile_that_is_the_consumers_now() {
    let (workspace, server) = changed().await;
    for (number, (consumer, _)) in CONSUMERS.iter().enumerate() {
        let phone = format!("+1313555010{number}");
        server.take_part_by_phone("spring", &phone, Some(&email(consumer))).await;
    }
    everybodys_own_profile_shows_the_reward(&workspace).await;
}

#[tokio::test]
async fn a_reward_that_went_to_a_merged_profile_is_read_back_and_written_to_the_survivor() {
    let workspace = SimProcess::start("200ms").await;
    let server = start(&workspace, "settle = \"1s\"\nhint_fresh = \"30d\"").await;
    workspace.add_profiles(vec![json!({ "external_id": "old", "email": email("ada") })]).await;
    let id = server.take_part("spring", &email("ada")).await;
    server.reaches(&id, "enrolled", LATER).await;
    workspace.add_profiles(vec![json!({ "external_id": "new", "email": email("ada") })]).await;
    let (old, new) = (json!({ "external_id": "old" }), json!({ "external_id": "new" }));
    let merge = json!({ "identifier_to_merge": old, "identifier_to_keep": new });
    workspace.command("/users/merge", &json!({ "merge_updates": [merge] })).await;
    eventually_async("the merge", LATER, async || (workspace.profiles().await.len() == 1).then_some(()))
        .await;
    signs_in(&server, "ada").await;
    eventually_async("the reward", LATER, async || {
        let profiles = workspace.profiles().await;
        (profiles[0]["custom_attributes"]["quikly_reward"] == "SPRING20").then_some(())
    })
    .await;
    // It was read back first.
    server.logs(r#"event="connector.reward_missing""#).await;
}
