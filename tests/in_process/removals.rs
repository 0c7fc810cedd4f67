//! What happens to participations when their brand's file no longer has their terms, or cannot be used.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::ids::{IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::ledger::Counts;
use memory::Faults;
use ports::{Clock, Ledger, Store};
use serde_json::json;

use testkit::campaign::Campaign;

const HOUR: Duration = Duration::from_secs(3_600);
const CALLBACK: &str = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";
const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
                   double_opt_in_event = \"opt_in\"\nwindow = \"96h\"\n";
const EVENT: &str = "[activation.events.signed_in]\nincentive = \"early\"\n";
const FIRST: &str =
    "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 1\nreward = \"SPRING20\"\n";

/// The contents of the file: scope, settings and activation.
type File = (&'static str, &'static str, String);

fn whole() -> File {
    ("spring", CALLBACK, format!("{SMS}incentive = \"early\"\n{EVENT}{FIRST}"))
}

/// The file after a removal, the reason with which participations by number then end, and whether Quikly can get a callback.
fn removals() -> Vec<(Option<File>, &'static str, bool)> {
    let (scope, braze, activation) = whole();
    vec![
        (None, "the brand was removed from the configuration", false),
        (Some(("winter", braze, activation)), "the activation was removed from the brand's file", true),
        (
            Some((scope, braze, format!("{EVENT}{FIRST}"))),
            "the activation no longer takes mobile numbers",
            true,
        ),
    ]
}

/// A campaign in which one participation has the place, and another waits.
async fn two() -> (Campaign, Vec<ParticipationId>) {
    let (_, braze, activation) = whole();
    let campaign = Campaign::with(Faults::none(), braze, &activation);
    let opt_in = json!({ "event": "opt_in", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &opt_in.to_string()).await;
    campaign.run();
    let mut ids = Vec::new();
    for phone in ["+13135550100", "+13135550101"] {
        ids.push(campaign.accept_phone(phone, None).await);
    }
    campaign.all_reach(&ids, "awaiting_opt_in", HOUR).await;
    // The opt-in event takes a moment to appear.
    campaign.clock.sleep(Duration::from_secs(60)).await;
    (campaign, ids)
}

fn use_file(campaign: &Campaign, file: Option<&File>) {
    campaign.reconfigure(file.map(|(scope, braze, activation)| (*scope, *braze, activation.as_str())));
}

async fn confirm(campaign: &Campaign, phone: &str) {
    let reply = json!({ "phone": phone, "text": "Y" });
    assert_eq!(campaign.ask("POST", "/_sim/replies", &reply.to_string()).await["confirmed"], true);
}

async fn counts(campaign: &Campaign) -> Counts {
    let ledger = LedgerKey {
        scope: Scope::parse("spring").unwrap(),
        incentive: Some(IncentiveId::parse("early").unwrap()),
    };
    campaign.memory.counts(&ledger).await.unwrap()
}

/// How many are rewarded, reserved, and waiting.
async fn places(campaign: &Campaign) -> (u32, u32, u32) {
    let counts = counts(campaign).await;
    (counts.given, counts.held, counts.waiting)
}

async fn reasons(campaign: &Campaign, ids: &[ParticipationId]) -> Vec<String> {
    let found = campaign.memory.get(ids).await.unwrap();
    found.found.iter().map(|one| one.state().reason().unwrap_or_default().to_owned()).collect()
}

fn told(campaign: &Campaign, what: &str) -> usize {
    campaign.quikly.told().iter().filter(|(_, body)| body["type"] == what).count()
}

#[tokio::test(start_paused = true)]
async fn terms_that_return_within_a_day_find_every_participation_as_it_was() {
    for (file, reason, _) in removals() {
        let (campaign, ids) = two().await;
        use_file(&campaign, file.as_ref());
        campaign.clock.sleep(HOUR).await;
        campaign.all_reach(&ids, "awaiting_opt_in", Duration::ZERO).await;
        assert_eq!(places(&campaign).await, (0, 1, 1), "{reason}");
        use_file(&campaign, Some(&whole()));
        confirm(&campaign, "+13135550100").await;
        campaign.all_reach(&ids[..1], "credited", 2 * HOUR).await;
        assert_eq!(places(&campaign).await, (1, 0, 1), "{reason}");
        // The day starts again with the next removal.
        use_file(&campaign, file.as_ref());
        campaign.clock.sleep(23 * HOUR).await;
        campaign.all_reach(&ids[1..], "awaiting_opt_in", Duration::ZERO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn terms_that_are_gone_for_a_day_end_participations_release_places_and_send_callbacks() {
    for (file, reason, is_told) in removals() {
        let (campaign, ids) = two().await;
        use_file(&campaign, file.as_ref());
        campaign.all_reach(&ids, "failed", 26 * HOUR).await;
        assert_eq!(reasons(&campaign, &ids).await, [reason, reason]);
        assert_eq!(places(&campaign).await, (0, 0, 0), "{reason}");
        campaign.clock.sleep(HOUR).await;
        assert_eq!(told(&campaign, "participation.ended"), if is_told { 2 } else { 0 }, "{reason}");
        // An ended participation stays ended, and its place goes to the next one.
        use_file(&campaign, Some(&whole()));
        campaign.clock.sleep(2 * HOUR).await;
        campaign.all_reach(&ids, "failed", Duration::ZERO).await;
        let next = campaign.accept_event("signed_in", "ada@example.com").await;
        campaign.all_reach(&[next], "credited", HOUR).await;
        assert_eq!(places(&campaign).await, (1, 0, 0), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_any_more_keeps_its_credit() {
    let (_, braze, activation) = whole();
    let campaign = Campaign::with(Faults::none(), braze, &activation);
    let id = campaign.accept_event("signed_in", "ada@example.com").await;
    campaign.reconfigure(Some(("spring", braze, &format!("{SMS}{FIRST}"))));
    campaign.run();
    campaign.all_reach(&[id], "failed", 26 * HOUR).await;
    assert_eq!(reasons(&campaign, &[id]).await, ["the activation no longer takes this event"]);
    assert_eq!(places(&campaign).await, (1, 0, 0), "it was earned before");
    assert_eq!((told(&campaign, "participation.credited"), told(&campaign, "participation.ended")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_incentive_that_returns_gives_the_rewards_earned_meanwhile() {
    let (campaign, ids) = two().await;
    campaign.reconfigure(Some(("spring", CALLBACK, SMS)));
    confirm(&campaign, "+13135550100").await;
    campaign.all_reach(&ids[..1], "credited", 2 * HOUR).await;
    assert_eq!(places(&campaign).await, (0, 1, 1), "the place is kept");
    // The waiting one gives up its wait in the ledger.
    campaign.all_reach(&ids[1..], "expired", 120 * HOUR).await;
    assert_eq!(places(&campaign).await, (0, 1, 0));
    use_file(&campaign, Some(&whole()));
    campaign.connector.refill().await.unwrap();
    assert_eq!(places(&campaign).await, (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unusable_file_ends_no_participation_however_long_that_lasts() {
    let (campaign, ids) = two().await;
    let new = campaign.accept_event("signed_in", "ada@example.com").await;
    campaign.break_file();
    campaign.clock.sleep(90 * HOUR).await;
    campaign.all_reach(&ids, "awaiting_opt_in", Duration::ZERO).await;
    use_file(&campaign, Some(&whole()));
    confirm(&campaign, "+13135550100").await;
    campaign.all_reach(&ids[..1], "credited", HOUR).await;
    campaign.all_reach(&[new], "credited", HOUR).await;
    assert_eq!(places(&campaign).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_callback_of_a_broken_file_waits_until_it_is_repaired() {
    let (campaign, ids) = two().await;
    campaign.reconfigure(Some(("spring", CALLBACK, SMS)));
    campaign.quikly.fails.store(3, std::sync::atomic::Ordering::SeqCst);
    confirm(&campaign, "+13135550100").await;
    campaign.all_reach(&ids[..1], "credited", 2 * HOUR).await;
    campaign.break_file();
    campaign.clock.sleep(72 * HOUR).await;
    campaign.quikly.fails.store(0, std::sync::atomic::Ordering::SeqCst);
    use_file(&campaign, Some(&whole()));
    let before = told(&campaign, "participation.credited");
    campaign.clock.sleep(HOUR).await;
    assert!(told(&campaign, "participation.credited") > before, "it was not parked after a day");
}
