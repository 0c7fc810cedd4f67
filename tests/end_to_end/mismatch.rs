//! An address and a phone number that do not belong together: which callers learn of it, and which do not.

use std::time::Duration;

use ports::Clock;
use ports::clock::SystemClock;
use serde_json::{Value, json};
use testkit::{eventually, eventually_async};

use crate::bad_input::is_problem;
use crate::front_end::signature;
use crate::quikly::QuiklyEnd;
use crate::secrets::SECRET;
use crate::server::{BrandFixture, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const DOUBLE: &str = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"double\"\ndouble_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"60s\"\npoll = [{ every = \"1s\" }]\nincentive = \"first\"";
const SINGLE: &str = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"single\"";
const FIRST: &str =
    "[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 5\nreward = \"SPRING20\"";
const REASON: &str = "the profile carries another phone number";
const LATER: Duration = Duration::from_secs(120);

async fn two_who_have_numbers(workspace: &SimProcess) {
    let profile = |name: &str, phone: &str| json!({ "external_id": name, "email": format!("{name}@example.com"), "phone": phone });
    workspace.add_profiles(vec![profile("ada", "+13135550101"), profile("bob", "+13135550102")]).await;
}

/// Everything that is shown, without the fields that say who it is, when, and which place.
fn alike(mut shown: Value) -> Value {
    for own in ["id", "accepted_at", "answer_by", "updated_at", "position"] {
        shown.as_object_mut().unwrap().remove(own);
    }
    shown
}

#[tokio::test]
async fn an_unsigned_caller_cannot_find_out_which_address_and_number_belong_together() {
    let workspace = SimProcess::start("0s").await;
    workspace.asks_by_event("quikly_sms_opt_in", GROUP).await;
    two_who_have_numbers(&workspace).await;
    let quikly = QuiklyEnd::start().await;
    let access = format!("[intake]\nopen_to_anybody = true\n{}", quikly.section());
    let brand = BrandFixture { access: &access, sms: DOUBLE, more: FIRST, ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&brand).await;
    let right = server.take_part_by_phone("spring", "+13135550101", Some("ada@example.com")).await;
    let wrong = server.take_part_by_phone("spring", "+13135550199", Some("bob@example.com")).await;
    for id in [&right, &wrong] {
        server.reaches(id, "awaiting_opt_in", LATER).await;
    }
    let told = eventually("Quikly gets the callback", LATER, || quikly.told().pop()).await;
    let data = &told.body["data"];
    assert_eq!((&told.body["type"], &data["id"]), (&json!("participation.ended"), &json!(wrong)));
    assert_eq!(data["reason"], REASON, "the back end gets the reason at once");
    server.logs(REASON).await;
    let (of_right, of_wrong) = (server.show(&right).await, server.show(&wrong).await);
    assert_eq!(alike(of_wrong.clone()), alike(of_right));
    assert_eq!((&of_wrong["position"], &of_wrong["credited"]), (&json!(2), &json!(false)));

    let mut states = Vec::new();
    let over = eventually_async("both waits are over", LATER, async || {
        let shown = [server.show(&right).await, server.show(&wrong).await];
        states.extend(shown.iter().map(|shown| shown["state"].as_str().unwrap().to_owned()));
        shown.iter().all(|shown| shown["state"] == "expired").then_some(shown)
    })
    .await;
    assert!(states.iter().all(|state| state == "awaiting_opt_in" || state == "expired"), "{states:?}");
    let [of_right, of_wrong] = over;
    assert_eq!(of_wrong["no_reward"], "not_credited");
    assert_eq!(alike(of_wrong), alike(of_right));
}

#[tokio::test]
async fn a_signed_caller_sees_the_reason() {
    let workspace = SimProcess::start("0s").await;
    two_who_have_numbers(&workspace).await;
    let access = format!("[intake]\nsigning_secret = {{ env = \"{SECRET_VARIABLE}\" }}\n");
    let server =
        ServeProcess::start(&BrandFixture { access: &access, sms: SINGLE, ..BrandFixture::at(&workspace) })
            .await;
    let now = SystemClock.now().as_second();
    let body =
        json!({ "scope": "spring", "phone": "+13135550199", "email": "bob@example.com", "consent": true });
    let body = body.to_string().into_bytes();
    let json = ("content-type", "application/json".to_owned());
    let headers = [json, ("x-quikly-signature", signature(now, &body, SECRET))];
    let (status, _, accepted) = server.send_with("POST", "/participations", &headers, body.clone()).await;
    assert_eq!(status, 202, "{accepted}");
    let path = format!("/participations/{}", accepted["id"].as_str().unwrap());
    let get = async |path: &str, header: String| {
        server.send_with("GET", path, &[("x-quikly-signature", header)], Vec::new()).await
    };
    let signed = eventually_async("it has ended", LATER, async || {
        let (_, _, shown) = get(&path, signature(now, path.as_bytes(), SECRET)).await;
        (shown["state"] != "received").then_some(shown)
    })
    .await;
    assert_eq!((&signed["state"], &signed["reason"]), (&json!("rejected"), &json!(REASON)));
    let (_, _, with_query) = get(&format!("{path}?now"), signature(now, path.as_bytes(), SECRET)).await;
    assert_eq!(with_query["reason"], REASON, "the path is signed, and nothing behind it");

    let unsigned = server.show(accepted["id"].as_str().unwrap()).await;
    assert_eq!((&unsigned["state"], unsigned.get("reason")), (&json!("subscribing"), None));
    for (name, header) in [
        ("of another path", signature(now, b"/participations/0", SECRET)),
        ("with another secret", signature(now, path.as_bytes(), "guessed")),
        ("too old", signature(now - 400, path.as_bytes(), SECRET)),
    ] {
        is_problem(name, &get(&path, header).await, 401, "unsigned");
    }
}
