//! Bad input: every request gets a clear answer, nothing is stored, and the server stays up.

use serde_json::{Value, json};

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const JSON: Option<&str> = Some("application/json");

struct BadInput {
    name: &'static str,
    body: Vec<u8>,
    status: u16,
    kind: &'static str,
    field: Option<&'static str>,
}

fn case(
    name: &'static str,
    body: impl Into<Vec<u8>>,
    status: u16,
    kind: &'static str,
    field: &'static str,
) -> BadInput {
    BadInput { name, body: body.into(), status, kind, field: (!field.is_empty()).then_some(field) }
}

fn with(field: &str, value: Value) -> Vec<u8> {
    let mut body = json!({ "scope": "spring", "email": "ada@example.com" });
    body[field] = value;
    body.to_string().into_bytes()
}

fn without(field: &str) -> Vec<u8> {
    let mut body = json!({ "scope": "spring", "email": "ada@example.com" });
    body.as_object_mut().unwrap().remove(field);
    body.to_string().into_bytes()
}

fn with_phone(phone: &str) -> Vec<u8> {
    json!({ "scope": "spring", "phone": phone, "consent": true }).to_string().into_bytes()
}

fn cases() -> Vec<BadInput> {
    let deep = [b"{\"a\":".repeat(1_000), b"1".to_vec(), b"}".repeat(1_000)].concat();
    let twice = r#"{"scope":"spring","email":"ada@example.com","email":"bob@example.com"}"#;
    let many: serde_json::Map<String, Value> = (0..40).map(|n| (format!("a{n}"), json!(1))).collect();
    vec![
        case("empty", "", 400, "malformed-body", ""),
        case("not JSON", "scope=spring", 400, "malformed-body", ""),
        case("cut off", r#"{"scope":"spr"#, 400, "malformed-body", ""),
        case("an array", "[1,2]", 400, "malformed-body", ""),
        case("a text", "\"hello\"", 400, "malformed-body", ""),
        case("invalid UTF-8", b"{\"scope\":\"\xff\xfe\"}".to_vec(), 400, "malformed-body", ""),
        case("nested 1,000 deep", deep, 400, "malformed-body", ""),
        case("a key twice", twice, 400, "malformed-body", ""),
        case("no scope", without("scope"), 422, "invalid-field", "scope"),
        case("no e-mail", without("email"), 422, "invalid-field", "email"),
        case("e-mail null", with("email", Value::Null), 422, "invalid-field", "email"),
        case("e-mail a number", with("email", json!(5)), 422, "invalid-field", "email"),
        case("e-mail empty", with("email", json!("  ")), 422, "invalid-field", "email"),
        case("no address", with("email", json!("ada.example.com")), 422, "invalid-field", "email"),
        case("two addresses", with("email", json!("a@b.com,c@d.com")), 422, "invalid-field", "email"),
        case("an unknown field", with("e_mail", json!("x")), 422, "invalid-field", "e_mail"),
        case("consent a text", with("consent", json!("yes")), 422, "invalid-field", "consent"),
        case(
            "a phone without consent",
            with("phone", json!("+13135550100")),
            422,
            "invalid-field",
            "consent",
        ),
        case("a phone, not offered", with_phone("+13135550100"), 422, "invalid-field", "phone"),
        case("attributes a list", with("attributes", json!([1])), 422, "invalid-field", "attributes"),
        case(
            "a reserved attribute",
            with("attributes", json!({"external_id": "u"})),
            422,
            "invalid-field",
            "attributes.external_id",
        ),
        case(
            "a nested attribute",
            with("attributes", json!({"a": {"inc": 1}})),
            422,
            "invalid-field",
            "attributes.a",
        ),
        case("too many attributes", with("attributes", Value::Object(many)), 422, "invalid-field", ""),
        case("unknown scope", with("scope", json!("winter")), 422, "unknown-scope", "scope"),
        case("absurd scope", with("scope", json!("../../etc")), 422, "unknown-scope", "scope"),
        case("over", with("scope", json!("over")), 422, "activation-closed", "scope"),
        case("not open yet", with("scope", json!("later")), 422, "activation-not-open", "scope"),
        case("too large", vec![b' '; 64 * 1024 + 1], 413, "body-too-large", ""),
        case("ten megabytes", vec![b'x'; 10 * 1024 * 1024], 413, "body-too-large", ""),
    ]
}

pub(crate) fn is_problem(name: &str, answer: &(u16, String, Value), status: u16, kind: &str) {
    let (got, content_type, body) = answer;
    assert_eq!(*got, status, "{name}: {body}");
    assert_eq!(content_type, "application/problem+json", "{name}");
    assert_eq!(body["type"], format!("urn:quikly-braze:{kind}"), "{name}");
    assert_eq!(body["status"], status, "{name}");
}

#[tokio::test]
async fn bad_bodies_get_a_reason_and_leave_nothing_behind() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for case in cases() {
        let answer = server.send("POST", "/participations", JSON, case.body).await;
        is_problem(case.name, &answer, case.status, case.kind);
        let body = answer.2;
        let fields: Vec<&str> = body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["field"].as_str())
            .collect();
        assert!(case.field.is_none_or(|field| fields.contains(&field)), "{}: {body}", case.name);
        let echoed =
            ["ada@", "bob@", "winter", "etc", "+1313"].iter().any(|text| body.to_string().contains(text));
        assert!(!echoed, "{}: what was sent is not repeated: {body}", case.name);
    }
    let id = server.take_part("spring", "proof@example.com").await;
    server.reaches(&id, "enrolled", std::time::Duration::from_secs(60)).await;
    assert_eq!(workspace.profiles().await.len(), 1, "only what came after");
}

#[tokio::test]
async fn wrong_methods_types_and_paths_are_distinguished() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let good = || with("scope", json!("spring"));
    for (name, method, path, content_type, status, kind) in [
        ("plain text", "POST", "/participations", Some("text/plain"), 415, "not-json"),
        ("no type", "POST", "/participations", None, 415, "not-json"),
        ("GET", "GET", "/participations", None, 405, "method-not-allowed"),
        ("DELETE", "DELETE", "/participations", JSON, 405, "method-not-allowed"),
        ("another path", "POST", "/participation", JSON, 404, "no-such-path"),
        ("a malformed id", "GET", "/participations/1", None, 404, "no-such-participation"),
        (
            "an unknown id",
            "GET",
            "/participations/00000000000000000000000000000000",
            None,
            404,
            "no-such-participation",
        ),
        ("an id of garbage", "GET", "/participations/%ff%00", None, 404, "no-such-participation"),
    ] {
        let answer = server.send(method, path, content_type, good()).await;
        is_problem(name, &answer, status, kind);
    }
    let (status, ..) =
        server.send("POST", "/participations", Some("Application/JSON; charset=utf-8"), good()).await;
    assert_eq!(status, 202, "a type with parameters is still JSON");
}
