//! E-mail acquisition, from the click to the profile.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const SOON: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(90);

fn addresses(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("consumer-{number}@example.com")).collect()
}

/// A profile that the brand has had for a long time.
fn known(email: &str) -> Value {
    json!({
        "external_id": format!("crm-{email}"), "email": email, "first_name": "Kim",
        "created_at": "2024-01-01T00:00:00Z", "custom_attributes": { "plan": "gold" },
    })
}

/// Everyone takes part at once, every tenth consumer twice; half of them are known to Braze. Returns the ids from the answers.
async fn everyone_takes_part(
    server: &ServeProcess,
    workspace: &SimProcess,
    addresses: &[String],
) -> BTreeSet<String> {
    workspace.add_profiles(addresses.iter().step_by(2).map(|email| known(email)).collect()).await;
    let twice = addresses.iter().enumerate().filter(|(number, _)| number % 10 == 0).map(|(_, email)| email);
    let posts = addresses.iter().chain(twice);
    stream::iter(posts).map(|email| server.take_part("spring", email)).buffer_unordered(64).collect().await
}

async fn all_are_enrolled(server: &ServeProcess, ids: &BTreeSet<String>) {
    for id in ids {
        let shown = server.reaches(id, "enrolled", LATER).await;
        assert_eq!(shown["credited"], true);
    }
}

/// Checks that each address has one profile, and that existing profiles gained the attribute and nothing else.
async fn every_address_has_one_profile(workspace: &SimProcess, addresses: &[String]) {
    let profiles = workspace.profiles().await;
    assert_eq!(profiles.len(), addresses.len(), "no second profile");
    for (number, email) in addresses.iter().enumerate() {
        let of_email: Vec<&Value> = profiles.iter().filter(|profile| profile["email"] == **email).collect();
        assert_eq!(of_email.len(), 1, "{number}");
        let profile = of_email[0];
        assert_eq!(profile["custom_attributes"]["quikly_participant"], true);
        if number % 2 == 0 {
            let custom = json!({ "plan": "gold", "quikly_participant": true });
            assert_eq!(profile["custom_attributes"], custom);
            assert_eq!((&profile["first_name"], &profile["user_aliases"]), (&json!("Kim"), &json!([])));
        } else {
            let alias = json!([{ "alias_label": "email", "alias_name": email }]);
            assert_eq!((&profile["external_id"], &profile["user_aliases"]), (&Value::Null, &alias));
        }
    }
}

#[tokio::test]
async fn two_hundred_at_once_need_two_hundred_look_ups_and_share_their_writes() {
    let workspace = SimProcess::start("200ms").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let addresses = addresses(200);
    let ids = everyone_takes_part(&server, &workspace, &addresses).await;
    assert_eq!(ids.len(), 200);
    all_are_enrolled(&server, &ids).await;
    every_address_has_one_profile(&workspace, &addresses).await;
    let (look_ups, writes) =
        (workspace.requests("/users/export/ids").await, workspace.requests("/users/track").await);
    println!("200 participants: {look_ups} look-ups, {writes} track requests");
    // How many share a write depends on how fast they arrive, so it depends on the machine. `in_process/requests.rs` has exact figures.
    assert!(look_ups <= 200 && writes <= 50, "{look_ups} look-ups, {writes} writes");
    server.said_nothing_of(&addresses);
}

#[tokio::test]
async fn outages_throttling_and_lost_answers_change_nothing_in_the_end() {
    let workspace = SimProcess::start("200ms").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 2_500 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for fault in [
        json!({ "kind": "status", "status": 503, "one_in": 20 }),
        json!({ "kind": "status", "status": 429, "one_in": 20, "retry_after": 1 }),
        json!({ "kind": "drop", "when": "before", "one_in": 40 }),
        json!({ "kind": "drop", "when": "after", "one_in": 40 }),
        // There are few writes. These faults are certain to meet each kind of them.
        json!({ "path": "/users/track", "kind": "status", "status": 503, "count": 1 }),
        json!({ "path": "/users/track", "kind": "drop", "when": "after", "count": 2 }),
    ] {
        workspace.fault(fault).await;
    }
    let addresses = addresses(200);
    let ids = everyone_takes_part(&server, &workspace, &addresses).await;
    assert_eq!(ids.len(), 200);
    all_are_enrolled(&server, &ids).await;
    every_address_has_one_profile(&workspace, &addresses).await;
    let lost = workspace.status_count("/users/export/ids", 0).await
        + workspace.status_count("/users/track", 0).await;
    assert!(lost > 0 && workspace.status_count("/users/export/ids", 503).await > 0, "the faults were met");
    server.said_nothing_of(&addresses);
}

#[tokio::test]
async fn accepted_participations_survive_kill_9_and_every_event_is_logged_once() {
    let workspace = SimProcess::start("300ms").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 100_000 })).await;
    let email = "attributes = { quikly_participant = true }\nevent = \"quikly_participated\"";
    let brand = BrandFixture { braze: "settle = \"1s\"", email, ..BrandFixture::at(&workspace) };
    let mut server = ServeProcess::start(&brand).await;
    let addresses = addresses(200);
    workspace.add_profiles(addresses.iter().step_by(2).map(|email| known(email)).collect()).await;
    let mut ids = BTreeSet::new();
    for some in addresses.chunks(50) {
        let accepted: Vec<String> = stream::iter(some)
            .map(|email| server.take_part("spring", email))
            .buffer_unordered(32)
            .collect()
            .await;
        ids.extend(accepted);
        server.kill_and_restart().await;
    }
    assert_eq!(ids.len(), 200);
    all_are_enrolled(&server, &ids).await;
    every_address_has_one_profile(&workspace, &addresses).await;
    let profiles = workspace.profiles().await;
    let once = profiles
        .iter()
        .filter(|profile| profile["custom_events"]["quikly_participated"]["count"] == 1)
        .count();
    assert_eq!(once, 200, "each event exactly once");
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_verified_and_not_sent_twice() {
    let workspace = SimProcess::start("100ms").await;
    let email = "event = \"quikly_participated\"";
    let brand = BrandFixture { braze: "settle = \"1s\"", email, ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&brand).await;
    for when in ["before", "after"] {
        workspace.fault(json!({ "path": "/users/track", "kind": "drop", "when": when, "count": 1 })).await;
        let id = server.take_part("spring", &format!("{when}@example.com")).await;
        server.reaches(&id, "enrolled", LATER).await;
    }
    for profile in workspace.profiles().await {
        assert_eq!(profile["custom_events"]["quikly_participated"]["count"], 1, "{}", profile["email"]);
    }
}

#[tokio::test]
async fn a_consumer_known_from_an_earlier_activation_is_not_looked_up_again() {
    let workspace = SimProcess::start("50ms").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for scope in ["spring", "summer"] {
        let id = server.take_part(scope, "ada@example.com").await;
        server.reaches(&id, "enrolled", SOON).await;
    }
    assert_eq!(workspace.requests("/users/export/ids").await, 1);
    assert_eq!(workspace.profiles().await.len(), 1);
}

#[tokio::test]
async fn by_email_identity_there_are_no_look_ups_and_still_one_profile_each() {
    let workspace = SimProcess::start("500ms").await;
    let brand =
        BrandFixture { braze: "settle = \"1s\"\nidentity = \"email\"", ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&brand).await;
    workspace.add_profiles(vec![known("known@example.com")]).await;
    let mut ids = Vec::new();
    for email in ["new@example.com", "known@example.com"] {
        for scope in ["spring", "summer"] {
            ids.push(server.take_part(scope, email).await);
        }
    }
    for id in ids {
        server.reaches(&id, "enrolled", LATER).await;
    }
    assert_eq!(workspace.requests("/users/export/ids").await, 0);
    let mut emails: Vec<String> =
        workspace.profiles().await.iter().map(|profile| profile["email"].to_string()).collect();
    emails.sort();
    assert_eq!(emails, ["\"known@example.com\"", "\"new@example.com\""]);
}

/// A number of consumers take part at the same time.
async fn take_part_at_once(server: &ServeProcess, consumers: usize) -> Vec<String> {
    let one = async |email: String| server.take_part("spring", &email).await;
    stream::iter(addresses(consumers)).map(one).buffer_unordered(consumers).collect().await
}

#[tokio::test]
async fn a_contract_of_five_objects_per_request_is_respected() {
    let workspace = SimProcess::start("50ms").await;
    workspace.set_limits(json!({ "max_objects": 5 })).await;
    let braze = "limits = { track_objects = 5 }";
    let server = ServeProcess::start(&BrandFixture { braze, ..BrandFixture::at(&workspace) }).await;
    let ids = take_part_at_once(&server, 40).await;
    for id in ids {
        server.reaches(&id, "enrolled", SOON).await;
    }
    assert_eq!(workspace.status_count("/users/track", 400).await, 0);
    assert!(workspace.requests("/users/track").await >= 8);
}

#[tokio::test]
async fn a_burst_over_the_limit_waits_for_its_slots_without_a_429() {
    let workspace = SimProcess::start("50ms").await;
    let braze = "limits = { export_ids_per_minute = 20 }";
    let server = ServeProcess::start(&BrandFixture { braze, ..BrandFixture::at(&workspace) }).await;
    workspace.set_limits(json!({ "export_ids_per_minute": 20 })).await;
    let ids = take_part_at_once(&server, 30).await;
    for id in &ids {
        server.reaches(id, "enrolled", LATER).await;
    }
    assert_eq!(workspace.requests("/users/export/ids").await, 30);
    assert_eq!(workspace.status_count("/users/export/ids", 429).await, 0);
}

#[tokio::test]
async fn a_consumer_who_refuses_messages_takes_part_by_email_and_is_subscribed_to_nothing() {
    let workspace = SimProcess::start("50ms").await;
    let sms = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"single\"";
    let server = ServeProcess::start(&BrandFixture { sms, ..BrandFixture::at(&workspace) }).await;
    for (email, consent) in [("no@example.com", false), ("yes@example.com", true)] {
        let body = json!({ "scope": "spring", "email": email, "consent": consent, "consent_text_id": "v3" });
        let body = body.to_string().into_bytes();
        let (status, _, accepted) =
            server.send("POST", "/participations", Some("application/json"), body).await;
        assert_eq!(status, 202, "{accepted}");
        server.reaches(accepted["id"].as_str().unwrap(), "enrolled", SOON).await;
    }
    for profile in workspace.profiles().await {
        assert!(profile.get("email_subscribe").is_none(), "{profile}");
        assert_eq!(profile["custom_attributes"], json!({ "quikly_participant": true }));
    }
    assert_eq!(workspace.subscriptions().await["states"], json!([]));
    assert_eq!(workspace.requests("/v2/subscription/status/set").await, 0);
}

#[tokio::test]
async fn collected_attributes_are_part_of_the_same_write() {
    let workspace = SimProcess::start("50ms").await;
    let more = "[activation.attributes]\nfirst_name = { type = \"text\" }\nshoe_size = { type = \"number\" }\n\
                quikly_participant = { type = \"text\" }";
    let server = ServeProcess::start(&BrandFixture { more, ..BrandFixture::at(&workspace) }).await;
    let attributes = json!({ "first_name": "Ada", "shoe_size": 38, "quikly_participant": "no" });
    let body = json!({ "scope": "spring", "email": "ada@example.com", "attributes": attributes });
    let (status, _, accepted) =
        server.send("POST", "/participations", Some("application/json"), body.to_string().into_bytes()).await;
    assert_eq!(status, 202);
    server.reaches(accepted["id"].as_str().unwrap(), "enrolled", SOON).await;
    let profile = &workspace.profiles().await[0];
    assert_eq!(profile["first_name"], "Ada");
    let custom = json!({ "shoe_size": 38, "quikly_participant": true });
    assert_eq!(profile["custom_attributes"], custom, "a consumer cannot override what the brand sets");
}
