//! What must be true after every run, and some of it all the time.

use std::collections::{BTreeMap, BTreeSet};

use domain::award::Award;
use domain::identity::ParticipationId;
use ports::{Ledger, Store};
use serde_json::Value;

use crate::campaign::Campaign;
use crate::simulation::{Broken, By, CONSUMERS, EVENT, Happening, KEY, OptIn, Plan, email, phone};

type Accepted = [(ParticipationId, By)];

fn broken<T>(promise: &'static str, by: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, by: by.into() })
}

/// SMS is credited only once the workspace says that the number is subscribed.
pub(super) async fn nobody_is_credited_before_subscribing(
    campaign: &Campaign,
    accepted: &Accepted,
) -> Result<(), Broken> {
    let subscribed = subscribed(campaign).await;
    for (id, by) in accepted {
        if let By::Phone(consumer) = by
            && campaign.state(*id).await == "credited"
            && !subscribed.contains(&phone(*consumer))
        {
            return broken("SMS is credited only when subscribed", id.to_string());
        }
    }
    Ok(())
}

async fn subscribed(campaign: &Campaign) -> BTreeSet<String> {
    let shown = campaign.ask("GET", "/_sim/subscriptions", "").await;
    let states = shown["states"].as_array().cloned().unwrap_or_default();
    let subscribed = states.iter().filter(|state| state["subscribed"] == true);
    subscribed.filter_map(|state| state["phone"].as_str().map(str::to_owned)).collect()
}

/// No contact and no key is in what was logged.
pub(super) fn nothing_leaked(log: &str) -> Result<(), Broken> {
    let contacts = (0..CONSUMERS).flat_map(|consumer| [email(consumer), phone(consumer)]);
    for secret in contacts.chain([KEY.to_owned()]) {
        let bare = secret.trim_start_matches('+');
        if let Some(line) = log.lines().find(|line| line.contains(bare)) {
            return broken("no contact or secret is logged", line.to_owned());
        }
    }
    Ok(())
}

/// The promises about the end of a run.
pub(super) async fn are_kept(campaign: &Campaign, plan: &Plan, accepted: &Accepted) -> Result<(), Broken> {
    nobody_is_credited_before_subscribing(campaign, accepted).await?;
    everyone_is_there(campaign, accepted).await?;
    everyone_ends_well(campaign, plan, accepted).await?;
    nothing_is_oversold(campaign, plan, accepted).await?;
    everything_is_told_once(campaign)?;
    let profiles = campaign.profiles().await;
    nobody_has_two_profiles(&profiles)?;
    events_are_logged_once(campaign, plan, accepted, &profiles).await
}

async fn everyone_is_there(campaign: &Campaign, accepted: &Accepted) -> Result<(), Broken> {
    for (id, _) in accepted {
        if campaign.memory.get(&[*id]).await.is_ok_and(|found| found.is_empty()) {
            return broken("nothing accepted is lost", id.to_string());
        }
    }
    Ok(())
}

/// Everything that goes wrong in a run is over after a while, so nobody ends badly but who never says yes.
async fn everyone_ends_well(campaign: &Campaign, plan: &Plan, accepted: &Accepted) -> Result<(), Broken> {
    let double = matches!(plan.opt_in, OptIn::DoubleByEvent | OptIn::DoubleByBraze);
    for (id, by) in accepted {
        let state = campaign.state(*id).await;
        let well = match by {
            By::Email(_) => state == "enrolled",
            By::Event(_) => state == "credited",
            By::Phone(_) => state == "credited" || (double && state == "expired"),
        };
        if !well {
            return broken("trouble that passes does no lasting harm", format!("{id} by {by:?} is {state}"));
        }
    }
    Ok(())
}

/// Whoever is credited is rewarded, as far as there is enough, once each.
async fn nothing_is_oversold(campaign: &Campaign, plan: &Plan, accepted: &Accepted) -> Result<(), Broken> {
    const PROMISE: &str = "an incentive gives out its quantity, and each participant has one";
    let ids: Vec<ParticipationId> = accepted.iter().map(|(id, _)| *id).collect();
    let awards = campaign.memory.awards(&ids).await.unwrap_or_default();
    let mut rewarded: BTreeMap<_, usize> = BTreeMap::new();
    for award in awards.iter().filter(|award| award.reward().is_some()) {
        *rewarded.entry(award.participant).or_default() += 1;
    }
    let credited: BTreeSet<_> =
        awards.iter().filter(|award| award.credited_at.is_some()).map(|a| a.participant).collect();
    let expected = credited.len().min(plan.quantity as usize);
    if rewarded.len() != expected || rewarded.values().any(|count| *count > 1) {
        let standings: Vec<_> = awards.iter().map(|Award { standing, .. }| standing).collect();
        return broken(PROMISE, format!("{} were rewarded, not {expected}: {standings:?}", rewarded.len()));
    }
    Ok(())
}

/// A callback may come twice, and then says the same.
fn everything_is_told_once(campaign: &Campaign) -> Result<(), Broken> {
    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    for (id, body) in campaign.quikly.told() {
        if told.get(&id).is_some_and(|before| *before != body) {
            return broken("a callback that is repeated says the same", id);
        }
        told.insert(id, body);
    }
    Ok(())
}

fn nobody_has_two_profiles(profiles: &[Value]) -> Result<(), Broken> {
    for field in ["email", "phone"] {
        let mut seen = BTreeSet::new();
        for contact in profiles.iter().filter_map(|profile| profile[field].as_str()) {
            if !seen.insert(contact) {
                return broken("nobody has a second profile", format!("two have the same {field}"));
            }
        }
    }
    Ok(())
}

/// Once, where our clock goes as Braze's does: what Braze has settled is told by the time.
async fn events_are_logged_once(
    campaign: &Campaign,
    plan: &Plan,
    accepted: &Accepted,
    profiles: &[Value],
) -> Result<(), Broken> {
    let clock_set = plan.happens.iter().any(|happening| matches!(happening, Happening::ClockSet(_)));
    for (id, by) in accepted {
        let By::Email(consumer) = by else { continue };
        if campaign.state(*id).await != "enrolled" {
            continue;
        }
        let profile = profiles.iter().find(|profile| profile["email"] == email(*consumer));
        let count = profile.and_then(|profile| profile["custom_events"][EVENT]["count"].as_u64());
        if count != Some(1) && !(clock_set && count.is_some()) {
            return broken("an event is logged once", format!("{id}: {count:?} times"));
        }
    }
    Ok(())
}
