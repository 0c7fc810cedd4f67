//! The whole system on an emulated AWS: the real functions, deployed from infra/template.yaml, with simulated workspaces.

mod first_invocation;
mod in_browser;
mod policies;
mod runtime;
mod stack;
mod tls;

use std::time::Duration;

use serde_json::{Value, json};
use testkit::template::{FunctionName, functions};

use crate::on_aws::stack::{GROUP, Stack, token_of};
use crate::secrets::TOKEN;
use crate::workspace::SimProcess;

/// The functions have to start, and they share two processors with the other tests.
const SOON: Duration = Duration::from_secs(60);

/// A schedule fires to the minute, and the tick runs every minute.
const MINUTES: Duration = Duration::from_secs(200);

async fn profile(workspace: &SimProcess, key: &str, value: &str) -> Option<Value> {
    workspace.profiles().await.into_iter().find(|profile| profile[key] == value)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_email_the_profile_is_updated_and_the_participation_credited() {
    let stack = Stack::get().await;
    let id = stack.participate(&json!({ "scope": "email", "email": "ada@example.com" })).await;
    let shown = stack.reaches(&id, "enrolled", SOON).await;
    assert_eq!(shown["credited"], true);
    let profile = profile(stack.workspace("email"), "email", "ada@example.com").await.unwrap();
    assert_eq!(profile["custom_attributes"]["quikly_participant"], true);
    // The emulator may put something in front of a line.
    let line = |said: &str| serde_json::from_str::<Value>(&said[said.find("{\"")?..]).ok();
    let counted = |line: &Value| {
        line["Function"] == "email-enroller"
            && line["Brands"]["email"]["Credited"] == 1
            && line["Credited"].is_u64()
    };
    testkit::eventually("a line of metrics counts the brand's credit", SOON, || {
        stack.said().lines().filter_map(line).find(counted)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_is_seen_at_work_so_that_its_calls_are_compared_with_its_role() {
    let stack = Stack::get().await;
    stack.participate(&json!({ "scope": "single", "phone": "+14155550109", "consent": true })).await;
    let body = json!({ "q_scope": "seen", "event": "signed_in", "email": "seen@example.com" });
    let (status, answer) = stack.post_webhook(&token_of("seen"), &body).await;
    // A number takes at most 80 ms of the answer, and the emulator may be slower.
    let place = answer.get("position").expect("it says the place, or that it is not known yet");
    assert!(status == 202 && (*place == 1 || place.is_null()), "{answer}");
    testkit::eventually("every function has made calls", MINUTES, || {
        let calls = stack.proxy.calls();
        let is_seen = |function: &FunctionName| calls.iter().any(|call| call.by == function.package);
        functions().iter().all(is_seen).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_opt_in_is_credited_after_a_one_time_schedule() {
    let stack = Stack::get().await;
    let body = json!({ "scope": "single", "phone": "+14155550101", "consent": true });
    let id = stack.participate(&body).await;
    let shown = stack.reaches(&id, "settling", SOON).await;
    assert_eq!(shown["credited"], false);
    let shown = stack.reaches(&id, "credited", MINUTES).await;
    assert_eq!(shown["credited"], true);
    let states = stack.workspace("single").subscriptions().await;
    assert!(states.to_string().to_lowercase().contains("subscribed"), "{states}");
}

#[tokio::test(flavor = "multi_thread")]
async fn double_opt_in_is_credited_by_the_tick_once_the_consumer_has_answered() {
    let stack = Stack::get().await;
    let workspace = stack.workspace("double");
    workspace.asks_by_event("quikly_sms_opt_in", GROUP).await;
    let body = json!({ "scope": "double", "phone": "+14155550102", "consent": true });
    let id = stack.participate(&body).await;
    stack.reaches(&id, "awaiting_opt_in", MINUTES).await;
    testkit::eventually_async("the consumer is asked", SOON, async || {
        workspace.replies_yes("+14155550102").await.then_some(())
    })
    .await;
    assert_eq!(stack.reaches(&id, "credited", MINUTES).await["credited"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_rewarded_in_order_and_the_profile_shows_it() {
    let stack = Stack::get().await;
    let workspace = stack.workspace("webhook");
    let take = async |email: &str| {
        let body = json!({ "q_scope": "webhook", "event": "signed_in", "email": email });
        let (status, answer) = stack.post_webhook(&token_of("webhook"), &body).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    };
    let consumers = ["one", "two", "three"];
    let known = |name: &str| json!({ "external_id": name, "email": format!("{name}@example.com") });
    workspace.add_profiles(consumers.map(known).to_vec()).await;
    let mut ids = Vec::new();
    for consumer in consumers {
        let id = take(&format!("{consumer}@example.com")).await;
        stack.reaches(&id, "credited", SOON).await;
        ids.push(id);
    }
    for (id, reward) in ids.iter().zip([json!("SPRING20"), json!("SPRING20"), Value::Null]) {
        assert_eq!(stack.show(id).await["reward"], reward);
    }
    let shown = testkit::eventually_async("the second profile shows the reward", SOON, async || {
        profile(workspace, "email", "two@example.com")
            .await
            .map(|profile| profile["custom_attributes"].clone())
            .filter(|attributes| attributes["quikly_reward"] == "SPRING20")
    })
    .await;
    assert_eq!(shown["quikly_position"], 2);
    let body = json!({ "q_scope": "webhook", "event": "signed_in", "email": "four@example.com" });
    assert_eq!(stack.post_webhook(TOKEN, &body).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_alone_becomes_a_dead_letter() {
    let stack = Stack::get().await;
    let poison = r#"{"brand":"poisoned","ids":["not an id"]}"#;
    let body = json!({ "MessageBody": poison, "MessageGroupId": "poisoned" });
    stack.queue("SendMessage", "local-email-enrollments", body).await;
    let id = stack.participate(&json!({ "scope": "poisoned", "email": "well@example.com" })).await;
    stack.reaches(&id, "enrolled", SOON).await;
    let dead = testkit::eventually_async("the poison is dead", MINUTES, async || {
        Some(stack.dead("email-enrollments").await).filter(|dead| !dead.is_empty())
    })
    .await;
    assert_eq!(dead, [poison]);
    let later = stack.participate(&json!({ "scope": "poisoned", "email": "later@example.com" })).await;
    stack.reaches(&later, "enrolled", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_braze_sends_nothing_to_the_dead_letters() {
    let stack = Stack::get().await;
    let workspace = stack.workspace("throttled");
    let fault = json!({ "path": "/users/export/ids", "kind": "status", "status": 429, "retry_after": 2, "count": 12 });
    workspace.fault(fault).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let body = json!({ "scope": "throttled", "email": format!("t{number}@example.com") });
        ids.push(stack.participate(&body).await);
    }
    for id in &ids {
        stack.reaches(id, "enrolled", MINUTES).await;
    }
    assert!(workspace.status_count("/users/export/ids", 429).await >= 6, "it was throttled for a while");
    let dead = stack.dead("email-enrollments").await;
    assert!(dead.iter().all(|body| !body.contains("throttled")), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_changes_nothing() {
    let stack = Stack::get().await;
    let workspace = stack.workspace("twice");
    let id = stack.participate(&json!({ "scope": "twice", "email": "again@example.com" })).await;
    let before = stack.reaches(&id, "enrolled", SOON).await;
    let profile_before = profile(workspace, "email", "again@example.com").await;
    let requests = workspace.requests("/users/track").await;
    let look = json!({ "brand": "twice", "ids": [id] }).to_string();
    for _ in 0..2 {
        let body = json!({ "MessageBody": look, "MessageGroupId": "twice" });
        stack.queue("SendMessage", "local-email-enrollments", body).await;
    }
    // A message that follows them is done after them.
    let next = stack.participate(&json!({ "scope": "twice", "email": "next@example.com" })).await;
    stack.reaches(&next, "enrolled", SOON).await;
    testkit::eventually_async("the messages are gone", SOON, async || {
        let wanted = json!({ "AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] });
        let told = stack.queue("GetQueueAttributes", "local-email-enrollments", wanted).await;
        let count = |name: &str| told["Attributes"][name].as_str().is_none_or(|count| count == "0");
        (count("ApproximateNumberOfMessages") && count("ApproximateNumberOfMessagesNotVisible")).then_some(())
    })
    .await;
    assert_eq!(stack.show(&id).await, before);
    assert_eq!(profile(workspace, "email", "again@example.com").await, profile_before);
    assert_eq!(profile_before.unwrap()["custom_events"]["quikly_participated"]["count"], 1);
    assert_eq!(
        workspace.requests("/users/track").await,
        requests + 1,
        "the other participation's, and no more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_activation_takes_no_new_participation_by_either_way() {
    let stack = Stack::get().await;
    let first = json!({ "scope": "full", "email": "first@example.com" });
    let id = stack.participate(&first).await;
    let full = |(status, problem): (u16, Value)| {
        assert!(status == 202 || problem["type"] == "urn:quikly-braze:activation-full", "{status} {problem}");
        (status == 422).then_some(())
    };
    // Functions report counts to each other, so a few more participations may be accepted meanwhile.
    let number = std::sync::atomic::AtomicUsize::new(0);
    let next = || format!("n{}@example.com", number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    testkit::eventually_async("no new participation can be posted", SOON, async || {
        full(stack.post_once(&json!({ "scope": "full", "email": next() })).await)
    })
    .await;
    testkit::eventually_async("no new webhook is accepted", SOON, async || {
        let body = json!({ "q_scope": "full", "event": "signed_in", "email": next() });
        full(stack.post_webhook(&token_of("full"), &body).await)
    })
    .await;
    assert_eq!(
        stack.participate(&first).await,
        id,
        "a consumer who takes part already gets the usual answer"
    );
}
