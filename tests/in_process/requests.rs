//! The number of requests for a thousand participants, flow by flow: the table in the documents.

use std::fmt::Write;
use std::time::Duration;

use domain::ids::ParticipationId;
use domain::profile::ProfileRef;
use memory::Faults;
use ports::Clock;
use serde_json::json;

use testkit::campaign::Campaign;

const COUNT: usize = 1_000;
/// How many of the thousand have a profile that is merged away.
const MERGED: usize = 50;
const EMAIL: &str = "[activation.email]\nattributes = { quikly_participant = true }\n";
const REWARDED: &str = "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 10000\nreward = \"SPRING20\"\n\
                        [activation.rewards_to_braze]\nreward = \"q_reward\"\n";
const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";
const BY_NUMBER: &str = "identity_by_phone = \"phone\"";
const ENDPOINTS: [&str; 4] =
    ["/subscription/status/get", "/users/export/ids", "/users/track", "/v2/subscription/status/set"];

/// What Braze knows about the participants.
#[derive(Clone, Copy, PartialEq)]
enum KnownTo {
    No,
    Profile,
    ProfileWithPhone,
    Subscribed,
}

/// How the participants take part.
#[derive(Clone, Copy, PartialEq)]
enum TakenBy {
    Email,
    Phone,
    /// Braze reports an event by webhook.
    Event,
    /// The webhook also names the profile.
    EventWithId,
    /// Braze reports an event of consumers who took part by e-mail first. Requests for the e-mails do not count here.
    EventAfterEmail,
    /// The same, an hour after the e-mails, when the remembered profiles must be confirmed.
    EventAnHourAfterEmail,
    /// The same, and the profiles of some were merged into others within that hour.
    EventAfterMerges,
}

struct RequestFlow {
    name: &'static str,
    activation: String,
    known: KnownTo,
    by: TakenBy,
    braze: &'static str,
    ends: &'static str,
    /// The cost of one request for each participant and step, by endpoint.
    one_each: [usize; 4],
    /// The highest cost that is allowed, by endpoint.
    most: [u64; 4],
}

impl RequestFlow {
    fn by(self, by: TakenBy) -> Self {
        Self { by, ..self }
    }

    fn at(self, braze: &'static str) -> Self {
        Self { braze, ..self }
    }
}

fn flows() -> Vec<RequestFlow> {
    let flow = |name, activation: &str, known, ends, one_each, most| RequestFlow {
        name,
        activation: activation.to_owned(),
        known,
        by: if activation.contains("activation.sms") { TakenBy::Phone } else { TakenBy::Email },
        braze: "",
        ends,
        one_each,
        most,
    };
    let sms = |opt_in: &str| format!("{SMS}{opt_in}");
    let (single, double) =
        (sms("opt_in = \"single\""), sms("opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\""));
    let with_profile = sms("opt_in = \"single\"\nsubscribe = \"with_profile\"");
    let number = KnownTo::ProfileWithPhone;
    let event = format!("[activation.events.signed_in]\nincentive = \"early\"\n{REWARDED}");
    let rewarded = format!("{EMAIL}incentive = \"early\"\n{REWARDED}");
    let again = format!("{EMAIL}{event}");
    let enrolled = |name, activation: &str, one_each, most| {
        flow(name, activation, KnownTo::Profile, "enrolled", one_each, most)
    };
    let event_of = |name, activation: &str, by, most| {
        flow(name, activation, KnownTo::Profile, "credited", [0, 1, 1, 0], most).by(by)
    };
    let by_sms = |name, activation: &str, known, one_each, most| {
        flow(name, activation, known, "credited", one_each, most)
    };
    let by_number = |name, activation: &str, one_each, most| {
        by_sms(name, activation, KnownTo::No, one_each, most).at(BY_NUMBER)
    };
    let confirmed =
        format!("{EMAIL}event = \"opt_in\"\nopt_in = \"double\"\nsubscription_group_id = \"news\"\n");
    vec![
        enrolled("e-mail, new or known", EMAIL, [0, 1, 1, 0], [0, 1_000, 15, 0]),
        enrolled("e-mail, with a reward", &rewarded, [0, 1, 1, 0], [0, 1_020, 15, 0]),
        enrolled("e-mail, `identity = \"email\"`", EMAIL, [0, 1, 1, 0], [0, 0, 14, 0])
            .at("identity = \"email\""),
        enrolled("e-mail double, confirmed at once", &confirmed, [2, 1, 1, 0], [50, 1_025, 34, 0]),
        event_of("webhook", &event, TakenBy::Event, [0, 1_020, 15, 0]),
        event_of("webhook with `external_id`", &event, TakenBy::EventWithId, [0, 20, 14, 0]),
        event_of("webhook, took part by e-mail before", &again, TakenBy::EventAfterEmail, [0, 20, 14, 0]),
        event_of(
            "webhook, took part by e-mail an hour before",
            &again,
            TakenBy::EventAnHourAfterEmail,
            [0, 40, 14, 0],
        ),
        // Those whose profile is gone are looked up by address, one by one, and come in a batch of their own.
        event_of(
            "the same, and 50 of the 1,000 profiles were merged away",
            &again,
            TakenBy::EventAfterMerges,
            [0, 41 + MERGED as u64, 15, 0],
        ),
        by_sms("SMS, subscribed already", &single, KnownTo::Subscribed, [1, 0, 0, 0], [20, 0, 0, 0]),
        by_sms("SMS single, profile with the number", &single, number, [3, 1, 0, 1], [86, 1_000, 0, 21]),
        by_sms("SMS single, new", &single, KnownTo::No, [3, 1, 1, 1], [83, 1_120, 15, 20]),
        by_sms("SMS single, with the profile", &with_profile, KnownTo::No, [3, 1, 1, 0], [86, 1_000, 15, 0]),
        by_sms("SMS double, confirmed at once", &double, KnownTo::No, [2, 1, 2, 0], [66, 1_025, 34, 0]),
        by_number("SMS single, new, by number", &single, [3, 0, 1, 1], [85, 0, 15, 20]),
        by_number("SMS single, with the profile, by number", &with_profile, [3, 0, 1, 0], [85, 0, 15, 0]),
        by_number("SMS double, confirmed at once, by number", &double, [2, 0, 2, 0], [66, 0, 34, 0]),
    ]
}

fn phone(number: usize) -> String {
    format!("+1313555{number:04}")
}

async fn seed(campaign: &Campaign, known: KnownTo) {
    let profile = |number: usize| {
        let mut profile =
            json!({ "external_id": format!("u-{number}"), "email": format!("c{number}@example.com") });
        if known != KnownTo::Profile {
            profile["phone"] = phone(number).into();
        }
        profile
    };
    if known != KnownTo::No {
        let profiles: Vec<_> = (0..COUNT).map(profile).collect();
        campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    }
    if known == KnownTo::Subscribed {
        let phones: Vec<_> = (0..COUNT).map(phone).collect();
        let entry =
            json!({ "subscription_group_id": "g-1", "subscription_state": "subscribed", "phones": phones });
        campaign
            .steer("POST", "/_sim/subscriptions", &json!({ "subscription_groups": [entry] }).to_string())
            .await;
    }
}

async fn accept(campaign: &Campaign, by: TakenBy) -> Vec<ParticipationId> {
    let mut ids = Vec::new();
    for number in 0..COUNT {
        let email = format!("c{number}@example.com");
        let named = ProfileRef::ExternalId(format!("u-{number}"));
        ids.push(match by {
            TakenBy::Email => campaign.accept(&email).await,
            TakenBy::Phone => campaign.accept_phone(&phone(number), Some(&email)).await,
            TakenBy::Event
            | TakenBy::EventAfterEmail
            | TakenBy::EventAnHourAfterEmail
            | TakenBy::EventAfterMerges => campaign.accept_event("signed_in", &email).await,
            TakenBy::EventWithId => campaign.accept_event_of("signed_in", &email, Some(named)).await,
        });
    }
    ids
}

/// The app creates a second profile of some participants, and the brand merges the first into it.
async fn merge_some(campaign: &Campaign) {
    let second =
        |number| json!({ "external_id": format!("app-{number}"), "email": format!("c{number}@example.com") });
    let profiles: Vec<_> = (0..MERGED).map(second).collect();
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    let merge = |number| {
        let id = |prefix: &str| json!({ "external_id": format!("{prefix}-{number}") });
        json!({ "identifier_to_merge": id("u"), "identifier_to_keep": id("app") })
    };
    let merges: Vec<_> = (0..MERGED).map(merge).collect();
    campaign.ask("POST", "/users/merge", &json!({ "merge_updates": merges }).to_string()).await;
    campaign.clock.sleep(Duration::from_secs(20)).await;
}

async fn so_far(campaign: &Campaign) -> [u64; 4] {
    let mut counts = [0; 4];
    for (count, endpoint) in counts.iter_mut().zip(ENDPOINTS) {
        *count = campaign.requests(endpoint).await;
    }
    counts
}

async fn counted(flow: &RequestFlow) -> [u64; 4] {
    let braze = format!("limits = {{ export_ids_per_minute = 100000 }}\n{}", flow.braze);
    let campaign = Campaign::with(Faults::none(), &braze, &flow.activation);
    campaign.steer("PUT", "/_sim/limits", r#"{"export_ids_per_minute": 100000}"#).await;
    let by_mail = flow.activation.contains("\"news\"");
    let group = if by_mail { "news" } else { "g-1" };
    campaign.steer("PUT", "/_sim/email_groups", r#"{"groups": ["news"]}"#).await;
    let opt_in = json!({ "event": "opt_in", "subscription_group_id": group });
    campaign.steer("PUT", "/_sim/double_opt_in", &opt_in.to_string()).await;
    seed(&campaign, flow.known).await;
    let before = match flow.by {
        TakenBy::EventAfterEmail | TakenBy::EventAnHourAfterEmail | TakenBy::EventAfterMerges => {
            accept(&campaign, TakenBy::Email).await
        }
        TakenBy::Email | TakenBy::Phone | TakenBy::Event | TakenBy::EventWithId => Vec::new(),
    };
    if !before.is_empty() {
        campaign.run();
        campaign.all_end(&before, Duration::from_secs(600)).await;
        if flow.by != TakenBy::EventAfterEmail {
            campaign.clock.sleep(Duration::from_secs(3_600)).await;
        }
        if flow.by == TakenBy::EventAfterMerges {
            merge_some(&campaign).await;
        }
    }
    let earlier = so_far(&campaign).await;
    let ids = accept(&campaign, flow.by).await;
    if before.is_empty() {
        campaign.run();
    }
    if flow.activation.contains("double") {
        campaign.all_reach(&ids, "awaiting_opt_in", Duration::from_secs(600)).await;
        campaign.clock.sleep(Duration::from_secs(40)).await;
        for number in 0..COUNT {
            let reply = json!({ "phone": phone(number), "text": "Y" }).to_string();
            let link = json!({ "email": format!("c{number}@example.com") }).to_string();
            match by_mail {
                true => campaign.steer("POST", "/_sim/confirmations", &link).await,
                false => campaign.steer("POST", "/_sim/replies", &reply).await,
            }
        }
    }
    campaign.all_reach(&ids, flow.ends, Duration::from_secs(1_200)).await;
    // A reward is written after its credit.
    campaign.clock.sleep(Duration::from_secs(300)).await;
    let mut counts = so_far(&campaign).await;
    for (count, earlier) in counts.iter_mut().zip(earlier) {
        *count -= earlier;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn a_thousand_participants_cost_no_more_requests_than_the_readme_says() {
    let mut table = String::from(
        "| flow | status reads | look-ups | track | status sets | in all | one request each |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut dearer: Vec<String> = Vec::new();
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
        dearer.extend(
            counts.iter().zip(flow.most).zip(ENDPOINTS).filter(|((count, most), _)| *count > most).map(
                |((count, most), endpoint)| {
                    format!("{}: {count} requests to {endpoint}, {most} are allowed", flow.name)
                },
            ),
        );
    }
    println!("{table}");
    assert!(dearer.is_empty(), "{}", dearer.join("\n"));
}
