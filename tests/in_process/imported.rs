//! Participations from files stand behind consumers who are there now.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use braze_sim::Settings;
use domain::accept::{Acceptance, ImportTerms};
use domain::attributes::Attributes;
use domain::contact::{Contact, Email};
use domain::ids::ParticipationId;
use memory::Faults;
use ports::{Clock, Store};
use testkit::campaign::{Campaign, SETTLE};

/// How many participations come from a file. Braze allows a twelfth of them in a minute.
const IMPORTED: usize = 3_000;
const LIVE: usize = 40;
const APART: Duration = Duration::from_millis(4_700);

async fn campaign() -> Campaign {
    let settings = Settings { settle: SETTLE, ..Settings::default() };
    let campaign = Campaign::at(Faults::none(), "", "[activation.email]", settings);
    campaign.run();
    campaign
}

/// Stores participations from a file, all of them due now.
async fn import(campaign: &Campaign, count: usize) -> Vec<ParticipationId> {
    let (brand, activation) = campaign.terms();
    let now = campaign.clock.now();
    let import = ImportTerms { with_incentives: false, with_callbacks: false, due_at: now };
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        let email = Email::parse(&format!("i{number}@example.com")).unwrap();
        let id = campaign.id_key.participation(&activation.scope, &Contact::Email(email.clone()));
        let acceptance = Acceptance::new(id, (brand, activation), now).imported(import);
        let participation = acceptance.by_email(email, None, Attributes::default());
        campaign.memory.insert(&participation, None).await.unwrap();
        ids.push(id);
    }
    ids
}

/// How long each of some live consumers waits, one after another.
async fn waits(campaign: &Campaign) -> Vec<Duration> {
    let mut waits = Vec::with_capacity(LIVE);
    for number in 0..LIVE {
        let began = campaign.clock.now();
        let id = campaign.accept(&format!("c{number}@example.com")).await;
        while campaign.state(id).await != "enrolled" {
            campaign.clock.sleep(Duration::from_millis(50)).await;
        }
        waits.push(domain::time::between(began, campaign.clock.now()));
        campaign.clock.sleep(APART.saturating_sub(*waits.last().unwrap())).await;
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn live_consumers_beside_an_import_are_served_as_fast_as_without_it() {
    let without = waits(&campaign().await).await;
    let campaign = campaign().await;
    let imported = import(&campaign, IMPORTED).await;
    let beside = waits(&campaign).await;
    let longest = |waits: &[Duration]| waits.iter().max().copied().unwrap();
    println!("the longest wait without an import {:?}, beside it {:?}", longest(&without), longest(&beside));
    for (number, (without, beside)) in without.iter().zip(&beside).enumerate() {
        assert!(
            *beside <= *without + Duration::from_millis(100),
            "{number}: {beside:?}, {without:?} without"
        );
    }
    let mut enrolled = 0;
    for id in imported {
        enrolled += usize::from(campaign.state(id).await == "enrolled");
    }
    println!("{enrolled} imported participations were enrolled meanwhile");
    assert!(enrolled > 100, "the import goes on meanwhile: {enrolled}");
}

#[tokio::test(start_paused = true)]
async fn imported_participations_end_and_no_request_is_refused() {
    let campaign = campaign().await;
    let imported = import(&campaign, 600).await;
    campaign.all_end(&imported, Duration::from_secs(1_800)).await;
    let answered = campaign.ask("GET", "/_sim/requests", "").await;
    assert!(answered["answered"]["POST /users/export/ids"]["429"].is_null(), "{answered}");
}
