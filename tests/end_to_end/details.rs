//! A stranger sends somebody's number with an address of their own, before its owner takes part.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually_async;

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const PHONE: &str = "+13135550101";
const DOUBLE: &str = "subscription_group_id = \"8f1c6f0e-0000-4000-8000-000000000001\"\ndefault_region = \"US\"\nopt_in = \"double\"\ndouble_opt_in_event = \"quikly_sms_opt_in\"\nwindow = \"10m\"\npoll = [{ every = \"1s\" }]\nincentive = \"first\"";
const FIRST: &str = "[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 5\nreward = \"SPRING20\"\n[activation.rewards_to_braze]\nreward = \"q_reward\"";
const LATER: Duration = Duration::from_secs(120);

async fn on_profile(workspace: &SimProcess, email: &str) -> Value {
    let profiles = workspace.profiles().await;
    let of = profiles.iter().find(|profile| profile["email"] == email);
    let of = of.unwrap_or_else(|| panic!("nobody has {email}"));
    json!([of["phone"], of["custom_attributes"]["q_reward"]])
}

#[tokio::test]
async fn the_y_of_a_number_is_not_for_the_stranger_who_sent_the_number_first() {
    let workspace = SimProcess::start("1s").await;
    workspace.asks_by_event("quikly_sms_opt_in", GROUP).await;
    let profile = |name: &str| json!({ "external_id": name, "email": format!("{name}@example.com") });
    workspace.add_profiles(vec![profile("ada"), profile("eve")]).await;
    let access = "[intake]\nopen_to_anybody = true";
    let braze = "settle = \"2s\"\nsettle_by = \"queue\"";
    let brand = BrandFixture { access, braze, sms: DOUBLE, more: FIRST, ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&brand).await;
    let of_eve = server.take_part_by_phone("spring", PHONE, Some("eve@example.com")).await;
    let before = server.reaches(&of_eve, "awaiting_opt_in", LATER).await;
    assert_eq!(before["position"], 1);

    let body =
        json!({ "scope": "spring", "phone": PHONE, "email": "ada@example.com", "consent": true }).to_string();
    for _ in 0..2 {
        let (status, _, answer) =
            server.send("POST", "/participations", Some("application/json"), body.clone().into()).await;
        assert_eq!((status, answer), (202, json!({ "state": "received", "repeat": true })));
    }
    eventually_async("the number has moved", LATER, async || {
        (on_profile(&workspace, "ada@example.com").await[0] == PHONE).then_some(())
    })
    .await;
    server.reaches(&of_eve, "awaiting_opt_in", LATER).await;
    assert!(workspace.replies_yes(PHONE).await, "the telephone was asked");
    let shown = server.reaches(&of_eve, "credited", LATER).await;
    let names: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["accepted_at", "credited", "credited_at", "final", "id", "outcome", "state", "updated_at"],
        "nothing that is won is shown"
    );
    let won = json!([PHONE, "SPRING20"]);
    eventually_async("the reward is on the profile", LATER, async || {
        (on_profile(&workspace, "ada@example.com").await == won).then_some(())
    })
    .await;
    assert_eq!(on_profile(&workspace, "eve@example.com").await, json!([null, null]));
    server.said_nothing_of(&["ada@example.com", "eve@example.com", PHONE].map(str::to_owned));
}
