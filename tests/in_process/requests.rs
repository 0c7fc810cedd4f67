//! How many requests a thousand participants cost, flow by flow: the table of the README.

use std::fmt::Write;
use std::time::Duration;

use memory::Faults;
use ports::Clock;
use serde_json::json;

use tests::campaign::Campaign;

const COUNT: usize = 1_000;
const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";
const ENDPOINTS: [&str; 4] =
    ["/subscription/status/get", "/users/export/ids", "/users/track", "/v2/subscription/status/set"];

/// What Braze knows of the participants.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    No,
    Profile,
    ProfileWithPhone,
    Subscribed,
}

struct Flow {
    name: &'static str,
    activation: String,
    known: Known,
    ends: &'static str,
    /// What one request for each participant and step would cost, by endpoint.
    one_each: [usize; 4],
    /// What it may cost here.
    most: [u64; 4],
}

fn flows() -> Vec<Flow> {
    let email = "[activation.email]\nattributes = { quikly_participant = true }".to_owned();
    let sms = |opt_in: &str| format!("{SMS}{opt_in}");
    let (single, double) =
        (sms("opt_in = \"single\""), sms("opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\""));
    let with_profile = sms("opt_in = \"single\"\nsubscribe = \"with_profile\"");
    let flow = |name, activation: &str, known, ends, one_each, most| Flow {
        name,
        activation: activation.to_owned(),
        known,
        ends,
        one_each,
        most,
    };
    vec![
        flow("e-mail, new or known", &email, Known::Profile, "enrolled", [0, 1, 1, 0], [0, 1_000, 16, 0]),
        flow("SMS, subscribed already", &single, Known::Subscribed, "credited", [1, 0, 0, 0], [24, 0, 0, 0]),
        flow(
            "SMS single, profile with the number",
            &single,
            Known::ProfileWithPhone,
            "credited",
            [3, 1, 0, 1],
            [100, 1_000, 0, 24],
        ),
        flow("SMS single, new", &single, Known::No, "credited", [3, 1, 1, 1], [100, 1_000, 16, 24]),
        flow(
            "SMS single, with the profile",
            &with_profile,
            Known::No,
            "credited",
            [3, 1, 1, 0],
            [100, 1_000, 16, 0],
        ),
        flow(
            "SMS double, confirmed at once",
            &double,
            Known::No,
            "credited",
            [2, 1, 2, 0],
            [60, 1_000, 32, 0],
        ),
    ]
}

fn phone(number: usize) -> String {
    format!("+1313555{number:04}")
}

async fn seed(campaign: &Campaign, known: Known) {
    let profile = |number: usize| {
        let mut profile =
            json!({ "external_id": format!("u-{number}"), "email": format!("c{number}@example.com") });
        if known != Known::Profile {
            profile["phone"] = phone(number).into();
        }
        profile
    };
    if known != Known::No {
        let profiles: Vec<_> = (0..COUNT).map(profile).collect();
        campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    }
    if known == Known::Subscribed {
        let phones: Vec<_> = (0..COUNT).map(phone).collect();
        let entry =
            json!({ "subscription_group_id": "g-1", "subscription_state": "subscribed", "phones": phones });
        campaign
            .steer("POST", "/_sim/subscriptions", &json!({ "subscription_groups": [entry] }).to_string())
            .await;
    }
}

async fn counted(flow: &Flow) -> [u64; 4] {
    let braze = "limits = { export_ids_per_minute = 100000 }";
    let campaign = Campaign::with(Faults::none(), braze, &flow.activation);
    campaign.steer("PUT", "/_sim/limits", r#"{"export_ids_per_minute": 100000}"#).await;
    let opt_in = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &opt_in.to_string()).await;
    seed(&campaign, flow.known).await;
    let mut ids = Vec::new();
    for number in 0..COUNT {
        let email = format!("c{number}@example.com");
        ids.push(if flow.activation.contains("activation.sms") {
            campaign.accept_phone(&phone(number), Some(&email)).await
        } else {
            campaign.accept(&email).await
        });
    }
    campaign.run();
    if flow.activation.contains("double") {
        campaign.all_reach(&ids, "awaiting_opt_in", Duration::from_secs(600)).await;
        campaign.clock.sleep(Duration::from_secs(40)).await;
        for number in 0..COUNT {
            let reply = json!({ "phone": phone(number), "text": "Y" }).to_string();
            campaign.steer("POST", "/_sim/replies", &reply).await;
        }
    }
    campaign.all_reach(&ids, flow.ends, Duration::from_secs(1_200)).await;
    let mut counts = [0; 4];
    for (count, endpoint) in counts.iter_mut().zip(ENDPOINTS) {
        *count = campaign.requests(endpoint).await;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn a_thousand_participants_cost_no_more_requests_than_the_readme_says() {
    let mut table = String::from(
        "| flow | status reads | look-ups | track | status sets | in all | one request each |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for flow in flows() {
        let counts = counted(&flow).await;
        let [reads, look_ups, track, sets] = counts;
        let in_all: u64 = counts.iter().sum();
        let one_each: usize = flow.one_each.iter().sum::<usize>() * COUNT;
        writeln!(
            table,
            "| {} | {reads} | {look_ups} | {track} | {sets} | {in_all} | {one_each} |",
            flow.name
        )
        .unwrap();
        for ((count, most), endpoint) in counts.iter().zip(flow.most).zip(ENDPOINTS) {
            assert!(
                *count <= most,
                "{}: {count} requests to {endpoint}, {most} are allowed\n{table}",
                flow.name
            );
        }
    }
    println!("{table}");
}
