//! A stored participation that cannot be read holds up nobody, and releases its place.

use std::time::Duration;

use memory::Faults;
use ports::{Clock, Ledger, Store};

use testkit::campaign::Campaign;

const HOUR: Duration = Duration::from_secs(3_600);
const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
                   double_opt_in_event = \"opt_in\"\nwindow = \"48h\"\nincentive = \"early\"\n";
const EVENT: &str = "[activation.events.signed_in]\nincentive = \"early\"\n";
const FIRST: &str =
    "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 1\nreward = \"SPRING20\"\n";

fn kinds(campaign: &Campaign) -> Vec<&'static str> {
    campaign.deps.troubles.all(campaign.clock.now()).into_iter().map(|entry| entry.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn others_continue_and_the_health_shows_it_as_long_as_it_lasts() {
    let campaign = Campaign::new(Faults::none(), "");
    let ids = campaign.accept_many(20).await;
    campaign.memory.damage(ids[7], true);
    campaign.run();
    let readable: Vec<_> = ids.iter().copied().filter(|id| *id != ids[7]).collect();
    campaign.all_end(&readable, HOUR).await;
    campaign.clock.sleep(2 * HOUR).await;
    assert_eq!(kinds(&campaign), ["unreadable_records"]);
    campaign.memory.damage(ids[7], false);
    campaign.all_end(&ids, HOUR).await;
    campaign.clock.sleep(HOUR).await;
    assert!(kinds(&campaign).is_empty());
}

#[tokio::test(start_paused = true)]
async fn its_place_goes_to_the_next_one() {
    let campaign = Campaign::with(Faults::none(), "", &format!("{SMS}{EVENT}{FIRST}"));
    let first = campaign.accept_phone("+13135550100", None).await;
    let next = campaign.accept_event("signed_in", "ada@example.com").await;
    campaign.memory.damage(first, true);
    campaign.run();
    campaign.all_reach(&[next], "credited", HOUR).await;
    campaign.clock.sleep(HOUR).await;
    let awards = campaign.memory.awards(&[first, next]).await.unwrap().found;
    let won = |id| awards.iter().find(|award| award.id == id).unwrap().reward().is_some();
    assert_eq!((won(first), won(next)), (false, true));
    // It can be read again, and continues without a place.
    campaign.memory.damage(first, false);
    campaign.all_reach(&[first], "expired", 72 * HOUR).await;
    assert!(campaign.memory.get(&[first]).await.unwrap().unreadable.is_empty());
}
