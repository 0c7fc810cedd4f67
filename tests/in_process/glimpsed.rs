//! A consumer is polled as the tick has found the participation, while others have changed it since.

use std::time::Duration;

use domain::ids::ParticipationId;
use memory::Faults;
use ports::{Clock, Store};
use serde_json::json;
use testkit::campaign::Campaign;

const PHONE: &str = "+13135550100";
const A_MINUTE: Duration = Duration::from_secs(60);
const DOUBLE: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
    double_opt_in_event = \"ask\"\npoll = [{ every = \"1m\" }]\nincentive = \"early\"\n\
    [[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 5\nreward = \"SPRING20\"\n\
    [activation.rewards_to_braze]\nreward = \"q_reward\"\n";

/// A consumer who was asked to confirm, and is polled every minute.
async fn polled() -> (Campaign, ParticipationId) {
    let campaign = Campaign::with(Faults::none(), "", DOUBLE);
    let settings = json!({ "event": "ask", "subscription_group_id": "g-1" });
    campaign.steer("PUT", "/_sim/double_opt_in", &settings.to_string()).await;
    campaign.run();
    let id = campaign.accept_phone(PHONE, None).await;
    campaign.all_reach(&[id], "awaiting_opt_in", 60 * A_MINUTE).await;
    campaign.clock.sleep(10 * A_MINUTE).await;
    (campaign, id)
}

#[tokio::test(start_paused = true)]
async fn whoever_confirms_is_credited_only_as_the_participation_is_now() {
    let (campaign, id) = polled().await;
    campaign.memory.find_as_it_is_now(id, 5 * A_MINUTE);
    let changed = campaign.memory.get(&[id]).await.unwrap().found;
    campaign.memory.save(&changed).await.unwrap();
    let writes = campaign.requests("/users/track").await;
    let reply = json!({ "phone": PHONE, "text": "Y" }).to_string();
    assert_eq!(campaign.ask("POST", "/_sim/replies", &reply).await["confirmed"], true);
    campaign.clock.sleep(4 * A_MINUTE).await;
    let line = campaign.memory.stored_award(id).unwrap();
    assert_eq!(line.credited_at, None, "the tick finds it as it was before it was changed");
    assert_eq!(campaign.requests("/users/track").await, writes);
    campaign.all_reach(&[id], "credited", 4 * A_MINUTE).await;
    assert!(campaign.memory.stored_award(id).unwrap().credited_at.is_some());
}
