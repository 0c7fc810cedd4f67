//! The interface for a brand's front end: CORS, and signatures.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bad_input::is_problem;
use crate::secrets::SECRET;
use crate::server::{BrandFixture, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);
const OPEN: &str = "[intake]\nopen_to_anybody = true\n";

pub(crate) fn signature(seconds: i64, body: &[u8], secret: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn participations_of_a_brand_that_signs_must_be_signed() {
    let workspace = SimProcess::start("0s").await;
    let access = format!("[intake]\nsigning_secret = {{ env = \"{SECRET_VARIABLE}\" }}\n");
    let server = ServeProcess::start(&BrandFixture { access: &access, ..BrandFixture::at(&workspace) }).await;
    let body = || json!({ "scope": "spring", "email": "ada@example.com" }).to_string().into_bytes();
    let now = ports::Clock::now(&ports::clock::SystemClock).as_second();
    let post = async |signature: Option<String>, body: Vec<u8>| {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(signature.map(|signature| ("x-quikly-signature", signature)));
        server.send_with("POST", "/participations", &headers, body).await
    };
    for (name, header) in [
        ("none", None),
        ("of another body", Some(signature(now, b"{}", SECRET))),
        ("with another secret", Some(signature(now, &body(), "guessed"))),
        ("too old", Some(signature(now - 301, &body(), SECRET))),
        ("from the future", Some(signature(now + 310, &body(), SECRET))),
        ("garbage", Some("t=x".to_owned())),
    ] {
        is_problem(name, &post(header, body()).await, 401, "unsigned");
    }
    // Without a valid signature, the answer says nothing about the body.
    let absurd = br#"{"scope":"spring","email":7,"shoe":1}"#.to_vec();
    is_problem("an unsigned absurd body", &post(None, absurd).await, 401, "unsigned");
    let (status, _, accepted) = post(Some(signature(now - 290, &body(), SECRET)), body()).await;
    assert_eq!(status, 202, "{accepted}");
    let (_, _, shown) = server
        .send("GET", &format!("/participations/{}", accepted["id"].as_str().unwrap()), None, vec![])
        .await;
    assert_eq!(shown["credited"], true);
    server.said_nothing_of(&["ada@example.com".to_owned()]);
}

#[tokio::test]
async fn only_pages_of_the_brands_origins_may_call() {
    let workspace = SimProcess::start("0s").await;
    let access = "[intake]\norigins = [\"https://promo.acme.example\"]\n";
    let server = ServeProcess::start(&BrandFixture { access, ..BrandFixture::at(&workspace) }).await;
    let client = reqwest::Client::new();
    let allowed = async |method: reqwest::Method, path: &str, origin: &str| {
        let request = client
            .request(method, format!("{}{path}", server.url))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-quikly-signature");
        let response = request.send().await.unwrap();
        let header = response.headers().get("access-control-allow-origin");
        header.map(|value| value.to_str().unwrap().to_owned())
    };
    let ours = "https://promo.acme.example";
    for method in [reqwest::Method::OPTIONS, reqwest::Method::POST] {
        assert_eq!(allowed(method.clone(), "/participations", ours).await.as_deref(), Some(ours), "{method}");
        for other in [
            "https://evil.example",
            "https://promo.acme.example.evil.example",
            "http://promo.acme.example",
            "null",
        ] {
            assert_eq!(allowed(method.clone(), "/participations", other).await, None, "{method} {other}");
        }
    }
    assert_eq!(allowed(reqwest::Method::OPTIONS, "/webhook/braze", ours).await, None, "no page calls that");
}

/// Posts as a page does, and returns the answer.
async fn posts(server: &ServeProcess, key: Option<&str>, body: &Value) -> Value {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(key.map(|key| ("idempotency-key", key.to_owned())));
    let (status, _, answer) =
        server.send_with("POST", "/participations", &headers, body.to_string().into_bytes()).await;
    assert_eq!(status, 202, "{answer}");
    answer
}

#[tokio::test]
async fn a_script_that_has_the_addresses_reads_no_code() {
    let workspace = SimProcess::start("0s").await;
    let email = "attributes = { quikly_participant = true }\nincentive = \"codes\"";
    let more =
        "[[activation.incentive]]\nid = \"codes\"\nkind = \"first\"\nquantity = 20\ncodes = \"codes.txt\"";
    let brand = BrandFixture { access: OPEN, email, more, codes: 80, ..BrandFixture::at(&workspace) };
    let mut server = ServeProcess::start(&brand).await;
    let body =
        |number: usize| json!({ "scope": "spring", "email": format!("consumer-{number}@example.com") });
    let key = |number: usize| format!("page-of-consumer-{number:04}");
    let mut won = Vec::new();
    for number in 0..20 {
        let first = posts(&server, Some(&key(number)), &body(number)).await;
        assert_eq!(first["position"], number + 1);
        let id = first["id"].as_str().unwrap().to_owned();
        let shown = server.reaches(&id, "enrolled", LATER).await;
        assert!(shown["reward"].as_str().unwrap().starts_with("CODE-"), "{shown}");
        won.push((id, shown["reward"].clone()));
    }
    server.kill_and_restart().await;
    for (number, (id, reward)) in won.iter().enumerate() {
        let repeat = json!({ "state": "received", "repeat": true });
        assert_eq!(posts(&server, None, &body(number)).await, repeat, "the script has no key");
        assert_eq!(posts(&server, Some(&key(number + 1)), &body(number)).await, repeat, "nor the right one");
        let own = posts(&server, Some(&key(number)), &body(number)).await;
        let answer = json!({ "id": id, "state": "received", "repeat": false, "position": number + 1, "reward": reward });
        assert_eq!(own, answer, "the page that lost its answer");
    }
}

#[tokio::test]
async fn a_page_may_send_an_idempotency_key() {
    let workspace = SimProcess::start("0s").await;
    let access = "[intake]\norigins = [\"https://promo.acme.example\"]\n";
    let server = ServeProcess::start(&BrandFixture { access, ..BrandFixture::at(&workspace) }).await;
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{}/participations", server.url))
        .header("origin", "https://promo.acme.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,idempotency-key");
    let answer = preflight.send().await.unwrap();
    let allowed = answer.headers().get("access-control-allow-headers").unwrap().to_str().unwrap();
    assert!(allowed.split(',').any(|name| name.trim() == "idempotency-key"), "{allowed}");
}
