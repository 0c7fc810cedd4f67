//! The prizes of a run, and the check that every winner got the right one.

use std::collections::{BTreeMap, BTreeSet};

use domain::award::{Award, AwardStatus};
use domain::incentive::{Offer, Reward};
use serde_json::{Value, json};

use crate::campaign::Campaign;
use crate::simulation::plan::CODES;
use crate::simulation::{AcceptedSoFar, Broken, By, Plan, Prizes, broken, email};

/// Fills the pool of codes.
pub(super) async fn stock(campaign: &Campaign, plan: &Plan) {
    let codes: Vec<String> = (1..=plan.places()).map(|number| format!("CODE-{number}")).collect();
    campaign.has_codes(CODES, &codes).await;
}

/// Checks that every credited participation is rewarded once, as far as there is enough, with the reward that the rule gives.
pub(super) fn are_given(plan: &Plan, awards: &[Award]) -> Result<(), Broken> {
    const PROMISE: &str = "an incentive gives out its quantity, and each participant has one";
    let statuses = || format!("{:?}", awards.iter().map(|award| &award.status).collect::<Vec<_>>());
    let (mut rewarded, mut places, mut codes) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (award, (reward, place)) in awards.iter().filter_map(|award| Some((award, award.reward()?))) {
        *rewarded.entry(award.participant).or_insert(0_usize) += 1;
        let place = place.unwrap_or_default();
        let code_is_new = match reward {
            Reward::Code(code) => plan.prizes != Prizes::Codes || codes.insert(code.clone()),
            Reward::Value(_) => true,
        };
        let fits = (1..=plan.places()).contains(&place) && is_due(plan, award, reward, place);
        if !places.insert(place) || !code_is_new || !fits {
            return broken("everybody gets what their place gives, and nobody the same", statuses());
        }
    }
    let in_it = |award: &&Award| award.credited_at.is_some() && is_in_it(award);
    let in_it: BTreeSet<_> = awards.iter().filter(in_it).map(|award| award.participant).collect();
    let expected = in_it.len().min(plan.places() as usize);
    // Two who swapped their addresses may be found to be one participant.
    let least = if plan.swaps() { 0 } else { expected };
    if !(least..=expected).contains(&rewarded.len()) || rewarded.values().any(|count| *count > 1) {
        return broken(PROMISE, format!("{} were rewarded, not {expected}: {}", rewarded.len(), statuses()));
    }
    Ok(())
}

/// Whether a participation could win. In a raffle, only until it was drawn.
fn is_in_it(award: &Award) -> bool {
    match award.offer {
        Offer::Nothing(_) => false,
        Offer::Lot => award.status == AwardStatus::InRaffle || award.has_place(),
        Offer::ByPlace | Offer::Prize(_) => true,
    }
}

fn is_due(plan: &Plan, award: &Award, reward: &Reward, place: u32) -> bool {
    let is = |text: &str| matches!(reward, Reward::Code(code) if code == text);
    match plan.prizes {
        Prizes::First | Prizes::Draw | Prizes::Raffle => is("SPRING20"),
        Prizes::Codes => (1..=plan.places()).any(|number| is(&format!("CODE-{number}"))),
        Prizes::Tiers => is(if place <= plan.quantity { "GOLD" } else { "TIN" }),
        // The value was fixed at acceptance.
        Prizes::Speed | Prizes::Decay => match &award.offer {
            Offer::Prize(domain::incentive::Prize::Fixed(promised)) => promised == reward,
            Offer::Prize(_) | Offer::ByPlace | Offer::Lot | Offer::Nothing(_) => false,
        },
    }
}

/// Whether a reward was given up because no profile showed it.
pub(super) fn is_unplaced(campaign: &Campaign, award: &Award) -> bool {
    let stored = campaign.memory.stored(award.id);
    award.reward().is_some() && stored.is_some_and(|stored| stored.unplaced().reward.is_some())
}

/// Checks that profiles show what the ledger says, and nothing else. What they do not show is reported, and only for
/// somebody whom Braze does not know.
pub(super) fn are_shown(
    campaign: &Campaign,
    plan: &Plan,
    accepted: &AcceptedSoFar,
    awards: &[Award],
    profiles: &[Value],
) -> Result<(), Broken> {
    let theirs: BTreeSet<u8> = accepted.iter().map(|(_, by)| by.consumer()).collect();
    for consumer in theirs {
        let Some(profile) = profiles.iter().find(|profile| profile["email"] == email(consumer)) else {
            continue;
        };
        let theirs =
            |by: &By| matches!(by, By::Email(one) | By::Phone(one) | By::Event(one) if *one == consumer);
        let mut won = awards.iter().filter_map(|award| {
            let (_, by) = accepted.iter().find(|(id, by)| *id == award.id && theirs(by))?;
            Some((by, award, award.reward()?))
        });
        let (of, won) =
            won.next().map_or((None, (Value::Null, Value::Null)), |(by, award, (reward, place))| {
                (Some((by, award)), (shown(reward), json!(place)))
            });
        let custom = &profile["custom_attributes"];
        let shows = (custom["q_reward"].clone(), custom["q_position"].clone());
        // For an event from a consumer unknown to Braze, there was no profile to show the reward. One that is created much later does
        // not show it.
        let unknown = !plan.known.iter().any(|known| known.consumer == consumer);
        let is_unplaced = of
            .is_some_and(|(by, award)| matches!(by, By::Event(_)) && unknown && is_unplaced(campaign, award));
        if shows != won && !(is_unplaced && shows == (Value::Null, Value::Null)) {
            return broken(
                "profiles show what was won",
                format!("consumer {consumer}: {shows:?}, not {won:?}"),
            );
        }
    }
    Ok(())
}

/// A reward as JSON.
pub(super) fn shown(reward: &Reward) -> Value {
    match reward {
        Reward::Code(code) => json!(code),
        Reward::Value(amount) => serde_json::from_str(&amount.to_string()).unwrap_or_default(),
    }
}
