//! Webhooks as Braze sends them: which are authorised, which are accepted, and which are refused for good.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::brand_text::BrandText;

use crate::bad_input::is_problem;
use crate::secrets::{OTHER_TOKEN, TOKEN};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const SOON: Duration = Duration::from_secs(60);

fn events() -> String {
    let signed_in = "attributes = { quikly_signed_in = true }\nextras = [\"store\"]\nincentive = \"first-2\"";
    let events = BrandText::default().event("signed_in", signed_in).event("purchase", "repeatable = true");
    let events = events.event("answered", "incentive = \"quick\"");
    let quick = "kind = \"speed\"\nsince = \"sent_at\"\nsteps = [{ within = \"1m\", reward = \"FAST\" }]";
    let events = events.first("first-2", 2, "reward = \"SPRING20\"").incentive("quick", quick);
    events.rewards_to_braze().with("incentive = \"quikly_incentive\"").to_string()
}

fn access() -> String {
    let hash = domain::token::TokenHash::of(TOKEN);
    let old = domain::token::TokenHash::of("qb_the_one_before");
    format!("[webhook]\ntokens_sha256 = [\"{old}\", \"{hash}\"]\n")
}

fn bearer(token: &str) -> Option<String> {
    Some(format!("Bearer {token}"))
}

fn signed_in(email: &str) -> Value {
    json!({ "q_scope": "spring", "event": "signed_in", "email": email })
}

async fn start(workspace: &SimProcess) -> ServeProcess {
    let access = access();
    ServeProcess::start(&BrandFixture { access: &access, more: &events(), ..BrandFixture::at(workspace) })
        .await
}

async fn take(server: &ServeProcess, body: &Value) -> String {
    let (status, _, answer) = server.webhook(bearer(TOKEN).as_deref(), body.to_string().into_bytes()).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_becomes_a_reward_and_the_reward_an_attribute() {
    let workspace = SimProcess::start("50ms").await;
    let server = start(&workspace).await;
    let profile = |name: &str| json!({ "external_id": name, "email": format!("{name}@example.com") });
    workspace.add_profiles(["ada", "bob", "cid"].map(profile).to_vec()).await;
    let mut body = signed_in("ada@example.com");
    body["external_id"] = json!("ada");
    body["store"] = json!("Detroit");
    body["plan"] = json!("gold");
    let ids = [
        take(&server, &body).await,
        take(&server, &signed_in("bob@example.com")).await,
        take(&server, &signed_in("cid@example.com")).await,
    ];
    for id in &ids {
        server.reaches(id, "credited", SOON).await;
    }
    let shown = server.show(&ids[0]).await;
    assert_eq!((&shown["reward"], &shown["position"]), (&json!("SPRING20"), &json!(1)));
    assert_eq!(
        (&shown["quantity"], &shown["claimed"], &shown["remaining"]),
        (&json!(2), &json!(2), &json!(0))
    );
    let late = server.show(&ids[2]).await;
    assert_eq!(
        (&late["credited"], &late["reward"], &late["waiting"]),
        (&json!(true), &Value::Null, &json!(1))
    );
    let profiles = workspace.profiles().await;
    let custom = |name: &str| {
        profiles.iter().find(|profile| profile["external_id"] == name).unwrap()["custom_attributes"].clone()
    };
    let rewarded = json!({
        "quikly_signed_in": true, "store": "Detroit",
        "quikly_reward": "SPRING20", "quikly_position": 1, "quikly_incentive": "first-2",
    });
    assert_eq!(custom("ada"), rewarded);
    assert_eq!(custom("cid"), json!({ "quikly_signed_in": true }));
    assert_eq!(workspace.requests("/users/export/ids").await, 2, "none for the consumer with an external id");
    let (_, _, left) = server.send("GET", "/incentives/spring/first-2", None, Vec::new()).await;
    assert_eq!((&left["claimed"], &left["remaining"], &left["waiting"]), (&json!(2), &json!(0), &json!(1)));
}

#[tokio::test]
async fn repeats_are_one_participation_unless_the_event_counts_each_occasion() {
    let workspace = SimProcess::start("50ms").await;
    let server = start(&workspace).await;
    let with = |event: &str, dispatch: &str| json!({ "q_scope": "spring", "event": event, "email": "ada@example.com", "dispatch_id": dispatch });
    let once = take(&server, &with("signed_in", "d-1")).await;
    assert_eq!(take(&server, &with("signed_in", "d-2")).await, once);
    let occasion = take(&server, &with("purchase", "d-1")).await;
    assert_eq!(take(&server, &with("purchase", "d-1")).await, occasion);
    assert_ne!(take(&server, &with("purchase", "d-2")).await, occasion);
    assert_ne!(occasion, once);
    assert_ne!(
        server.take_part("spring", "ada@example.com").await,
        once,
        "taking part by e-mail is another participation"
    );
}

#[tokio::test]
async fn any_of_a_brands_tokens_counts_and_a_missing_content_type_is_forgiven() {
    let workspace = SimProcess::start("50ms").await;
    let server = start(&workspace).await;
    let body = || signed_in("ada@example.com").to_string().into_bytes();
    for authorization in [bearer(TOKEN), bearer("qb_the_one_before"), Some(format!("bearer {TOKEN}"))] {
        assert_eq!(server.webhook(authorization.as_deref(), body()).await.0, 202);
    }
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    assert_eq!(server.send_with("POST", "/webhook/braze", &headers, body()).await.0, 202);
}

#[tokio::test]
async fn time_can_be_measured_from_the_sending() {
    let workspace = SimProcess::start("50ms").await;
    let server = start(&workspace).await;
    let now = ports::Clock::now(&ports::clock::SystemClock);
    for (name, sent_at, reward) in [
        ("seconds", json!(now.as_second()), json!("FAST")),
        ("milliseconds", json!(now.as_millisecond().to_string()), json!("FAST")),
        ("text", json!((now - Duration::from_secs(30)).to_string()), json!("FAST")),
        ("late", json!(now.as_second() - 3_600), Value::Null),
    ] {
        let email = format!("{name}@example.com");
        let body = json!({ "q_scope": "spring", "event": "answered", "email": email, "sent_at": sent_at });
        let id = take(&server, &body).await;
        let shown = server.reaches(&id, "credited", SOON).await;
        assert_eq!(shown["reward"], reward, "{name}");
    }
}

struct WebhookCase {
    name: &'static str,
    token: Option<&'static str>,
    body: Vec<u8>,
    status: u16,
    kind: &'static str,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, status: u16, kind: &'static str) -> WebhookCase {
    WebhookCase { name, token: Some(TOKEN), body: body.into(), status, kind }
}

fn with(field: &str, value: Value) -> Vec<u8> {
    let mut body = signed_in("ada@example.com");
    body[field] = value;
    body.to_string().into_bytes()
}

fn without(field: &str) -> Vec<u8> {
    let mut body = signed_in("ada@example.com");
    body.as_object_mut().unwrap().remove(field);
    body.to_string().into_bytes()
}

fn cases() -> Vec<WebhookCase> {
    let good = || signed_in("ada@example.com").to_string().into_bytes();
    let deep = [b"{\"a\":".repeat(1_000), b"1".to_vec(), b"}".repeat(1_000)].concat();
    let twice =
        r#"{"q_scope":"spring","event":"signed_in","email":"ada@example.com","email":"bob@example.com"}"#;
    let long_address = format!("{}@example.com", "x".repeat(5_000));
    vec![
        WebhookCase { token: None, ..case("no token", good(), 401, "unknown-token") },
        WebhookCase { token: Some(""), ..case("an empty token", good(), 401, "unknown-token") },
        WebhookCase { token: Some("qb_wrong"), ..case("a wrong token", good(), 401, "unknown-token") },
        WebhookCase {
            token: Some(OTHER_TOKEN),
            ..case("another brand's token", good(), 403, "foreign-scope")
        },
        case("another brand's scope", with("q_scope", json!("other-spring")), 403, "foreign-scope"),
        WebhookCase { token: None, ..case("no token, 10 MB", vec![b'x'; 10_000_000], 401, "unknown-token") },
        case("no scope", without("q_scope"), 422, "invalid-field"),
        case("an unknown scope", with("q_scope", json!("winter")), 422, "unknown-scope"),
        case("a malformed scope", with("q_scope", json!("../etc")), 422, "unknown-scope"),
        case("no event", without("event"), 422, "invalid-field"),
        case("an unknown event", with("event", json!("signed_out")), 422, "unknown-event"),
        case("an activation that is over", with("q_scope", json!("over")), 422, "activation-closed"),
        case("an activation to come", with("q_scope", json!("later")), 422, "activation-not-open"),
        case("empty", "", 400, "malformed-body"),
        case("not JSON", "q_scope=spring", 400, "malformed-body"),
        case("Liquid that broke it", r#"{"q_scope":"spring","email":"a"b"}"#, 400, "malformed-body"),
        case("an array", "[1]", 400, "malformed-body"),
        case("nested 1,000 deep, and no address", deep, 422, "empty-email"),
        case("invalid UTF-8, and no address", b"{\"q_scope\":\"\xff\"}".to_vec(), 422, "empty-email"),
        case("a key twice", twice, 400, "malformed-body"),
        case("10 MB", vec![b' '; 10_000_000], 413, "body-too-large"),
        case("no e-mail", without("email"), 422, "empty-email"),
        case("e-mail null", with("email", Value::Null), 422, "empty-email"),
        case("e-mail empty", with("email", json!("")), 422, "empty-email"),
        case("e-mail blank", with("email", json!(" ")), 422, "empty-email"),
        case("e-mail a number", with("email", json!(7)), 422, "invalid-field"),
        case(
            "Liquid that was not filled in",
            with("email", json!("{{${email_address}}}")),
            422,
            "unrendered-liquid",
        ),
        case("an absurd e-mail", with("email", json!(long_address)), 422, "invalid-field"),
        case("two addresses", with("email", json!("a@b.com,c@d.com")), 422, "invalid-field"),
        case("no moment where one is needed", with("event", json!("answered")), 422, "invalid-field"),
    ]
}

#[tokio::test]
async fn bad_webhooks_are_refused_for_good_counted_and_leave_nothing_behind() {
    let workspace = SimProcess::start("0s").await;
    let server = start(&workspace).await;
    let mut empty = 0;
    for case in cases() {
        let authorization = case.token.map(|token| format!("Bearer {token}"));
        let answer = server.webhook(authorization.as_deref(), case.body).await;
        is_problem(case.name, &answer, case.status, case.kind);
        let echoed =
            ["ada@", "winter", "signed_out", "qb_"].iter().any(|text| answer.2.to_string().contains(text));
        assert!(!echoed, "{}: what was sent is not repeated: {}", case.name, answer.2);
        empty += u64::from(case.kind == "empty-email");
    }
    let (_, _, left) = server.send("GET", "/incentives/spring/first-2", None, Vec::new()).await;
    assert_eq!((&left["remaining"], &left["claimed"], &left["held"]), (&json!(2), &json!(0), &json!(0)));
    let (_, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    assert_eq!(health["webhooks"]["refused"]["empty-email"], empty);
    assert_eq!(health["webhooks"]["accepted"], 0);
    let id = take(&server, &with_long_extra()).await;
    server.reaches(&id, "credited", SOON).await;
    assert_eq!(server.show(&id).await["position"], 1, "the first good webhook gets the first place");
    server.logs(r#"event="intake.webhook_refused""#).await;
    server.said_nothing_of(&["ada@example.com".to_owned()]);
}

/// A consumer's text is shortened, not refused: Braze would not send the webhook again.
fn with_long_extra() -> Value {
    let mut body = signed_in("proof@example.com");
    body["note"] = json!("y".repeat(1_000));
    body
}
