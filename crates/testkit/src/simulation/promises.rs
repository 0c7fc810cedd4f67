//! The promises that must hold after every run, and some of them at all times.

use std::collections::{BTreeMap, BTreeSet};

use domain::award::Award;
use domain::ids::ParticipationId;
use domain::participation::{Outcome, Participation, State};
use serde_json::Value;

use crate::campaign::Campaign;
use crate::simulation::people::{other_email, other_phone, owners};
use crate::simulation::placed::{self, Placed};
use crate::simulation::{
    AcceptedSoFar, Broken, By, CONSUMERS, EVENT, Happening, KEY, OPT_IN, Plan, PlannedOptIn, Run, broken,
    email, phone, prizes,
};

/// The numbers that are subscribed now.
pub(super) async fn subscribed(campaign: &Campaign) -> BTreeSet<String> {
    let shown = campaign.ask("GET", "/_sim/subscriptions", "").await;
    let states = shown["states"].as_array().cloned().unwrap_or_default();
    let subscribed = states.iter().filter(|state| state["subscribed"] == true);
    subscribed.filter_map(|state| state["phone"].as_str().map(str::to_owned)).collect()
}

/// Whether a text contains a contact of the run or the key.
pub(super) fn leaked_in(text: &str) -> bool {
    let contacts = (0..CONSUMERS).flat_map(|consumer| {
        [email(consumer), phone(consumer), other_email(consumer), other_phone(consumer)]
    });
    contacts.chain([KEY.to_owned()]).any(|secret| text.contains(secret.trim_start_matches('+')))
}

/// Checks that no contact and no secret was logged.
pub(super) fn nothing_leaked(log: &str) -> Result<(), Broken> {
    match log.lines().find(|line| leaked_in(&line.replace("%40", "@"))) {
        Some(line) => broken("no contact or secret is logged", line.to_owned()),
        None => Ok(()),
    }
}

impl Run {
    /// Checks the promises about the end of a run.
    pub(super) async fn promises_are_kept(&self, plan: &Plan) -> Result<(), Broken> {
        let (campaign, accepted) = (&*self.campaign, &self.accepted[..]);
        everyone_is_there(campaign, accepted)?;
        self.everyone_ends_well(plan).await?;
        self.numbers_keep_the_order(plan)?;
        let awards: Vec<Award> =
            accepted.iter().filter_map(|(id, _)| campaign.memory.stored_award(*id)).collect();
        prizes::are_given(plan, &awards)?;
        everything_is_told(campaign, &awards)?;
        let (profiles, touched) = (campaign.profiles().await, &self.touched);
        nobody_has_two_profiles(&profiles, touched)?;
        let seen = self.line.witness.seen();
        let placed =
            Placed { campaign, plan, accepted, awards: &awards, touched, profiles: &profiles, seen: &seen };
        placed.are_kept()?;
        let unchanged: Vec<_> =
            accepted.iter().filter(|(_, by)| !touched.contains(&by.consumer())).copied().collect();
        prizes::are_shown(campaign, plan, &unchanged, &awards, &profiles)?;
        events_are_logged_once(campaign, plan, &unchanged, &profiles, self.unknown()).await?;
        everything_is_counted(campaign, accepted, &awards)
    }
    /// Whether the consumer's profile had another number. It may, once it was changed.
    fn is_mismatch(&self, id: ParticipationId) -> bool {
        let stored = self.campaign.memory.stored(id);
        stored.is_some_and(|stored| matches!(stored.state(), State::Ended(Outcome::Mismatch(_))))
    }

    /// Every fault in a run ends after a while. So the only participations that end badly are those whose consumer never answers "Y", or
    /// cancels.
    async fn everyone_ends_well(&self, plan: &Plan) -> Result<(), Broken> {
        let (campaign, said_stop) = (&*self.campaign, &self.said_stop);
        let subscribed = subscribed(campaign).await;
        let double = matches!(plan.opt_in, PlannedOptIn::DoubleByEvent | PlannedOptIn::DoubleByBraze);
        for (id, by) in &self.accepted {
            let state = campaign.state(*id).await;
            let well = match by {
                By::Email(_) => state == "enrolled",
                By::Event(_) => state == "credited",
                By::Phone(consumer) if self.touched.contains(consumer) => {
                    matches!(state, "credited" | "unverified")
                        || (double && state == "expired")
                        || self.is_mismatch(*id)
                }
                By::Phone(consumer) if said_stop.contains(consumer) => {
                    state == "credited" || state == if double { "expired" } else { "unverified" }
                }
                By::Phone(consumer) => match state {
                    "credited" => subscribed.contains(&phone(*consumer)),
                    state => double && state == "expired",
                },
            };
            if !well {
                return broken(
                    "trouble that passes does no lasting harm",
                    format!("{id} by {by:?} is {state}"),
                );
            }
        }
        Ok(())
    }
}

fn everyone_is_there(campaign: &Campaign, accepted: &AcceptedSoFar) -> Result<(), Broken> {
    match accepted.iter().find(|(id, _)| campaign.memory.stored(*id).is_none()) {
        Some((id, _)) => broken("nothing accepted is lost", id.to_string()),
        None => Ok(()),
    }
}

/// Checks that Quikly got a callback for every credit, every end without one, and every later reward. A repeated callback must be the same.
fn everything_is_told(campaign: &Campaign, awards: &[Award]) -> Result<(), Broken> {
    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    for (id, body) in campaign.quikly.told() {
        if told.get(&id).is_some_and(|before| *before != body) {
            return broken("a callback that is repeated says the same", id);
        }
        told.insert(id, body);
    }
    for award in awards {
        let mut tells = |kind: &str| told.remove(&format!("{}-{kind}", award.id));
        let mut last = tells(if award.credited_at.is_some() { "credited" } else { "ended" });
        let had_reward = last.as_ref().is_some_and(|body| !body["data"]["reward"].is_null());
        if award.reward().is_some() && !had_reward {
            last = last.and_then(|_| tells("rewarded"));
        }
        let reward = award.reward().map_or(Value::Null, |(reward, _)| prizes::shown(reward));
        let as_it_is = |body: &Value| body["data"]["reward"] == reward;
        if !last.as_ref().is_some_and(as_it_is) {
            return broken("Quikly is told what became of everyone", format!("{}: {last:?}", award.id));
        }
        if tells("reward_unplaced").is_some() != prizes::is_unplaced(campaign, award) {
            return broken("Quikly is told of a reward that no profile shows", award.id.to_string());
        }
        if tells("event_unplaced").is_some() != placed::is_event_unplaced(campaign, award) {
            return broken("Quikly is told of an event that no profile has", award.id.to_string());
        }
        if tells("consent_not_written").is_some() != placed::is_not_written(campaign, award) {
            return broken("Quikly is told of a consent that was not written", award.id.to_string());
        }
    }
    match told.pop_first() {
        Some((id, _)) => broken("Quikly is told nothing else", id),
        None => Ok(()),
    }
}

/// The roll-ups of the activation say what the participations say.
fn everything_is_counted(
    campaign: &Campaign,
    accepted: &AcceptedSoFar,
    awards: &[Award],
) -> Result<(), Broken> {
    let stored: Vec<Participation> =
        accepted.iter().filter_map(|(id, _)| campaign.memory.stored(*id)).collect();
    let credited = stored.iter().filter(|one| match awards.iter().find(|award| award.id == one.id()) {
        Some(award) => award.credited_at.is_some(),
        None => one.earned_at().is_some(),
    });
    let ended = stored.iter().filter(|one| one.state().is_end()).count();
    let expected = [stored.len(), credited.count(), ended].map(|count| count as u64);
    let mut counted = [0; 3];
    let scopes: BTreeSet<_> = stored.iter().map(Participation::scope).collect();
    for scope in scopes {
        for (key, count) in
            campaign.memory.stored_rollup(scope).iter().filter(|(key, _)| key.minute.is_none())
        {
            match key.name.as_str() {
                "accepted" => counted[0] += count,
                "credited" => counted[1] += count,
                name if name.starts_with("ended ") || name.starts_with("uncredited ") => counted[2] += count,
                _ => {}
            }
        }
    }
    if counted == expected {
        return Ok(());
    }
    broken("every participation is in the roll-ups once", format!("{counted:?} instead of {expected:?}"))
}

fn nobody_has_two_profiles(profiles: &[Value], touched: &BTreeSet<u8>) -> Result<(), Broken> {
    let unchanged = profiles.iter().filter(|profile| owners(profile).is_disjoint(touched));
    let profiles: Vec<&Value> = unchanged.collect();
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

/// Checks that every event is logged once. A lost event is recognised by its time, which Braze cuts at its own clock. If our clock was
/// ahead of Braze's, each attempt with an unknown outcome may add one.
async fn events_are_logged_once(
    campaign: &Campaign,
    plan: &Plan,
    accepted: &AcceptedSoFar,
    profiles: &[Value],
    unknown: u64,
) -> Result<(), Broken> {
    let set_forward = |happening: &&Happening| matches!(happening, Happening::ClockSet(by) if *by > 0);
    let again = if plan.happens.iter().any(|happening| set_forward(&happening)) { unknown } else { 0 };
    for (id, by) in accepted {
        let state = campaign.state(*id).await;
        let (consumer, event, least) = match by {
            By::Email(consumer) => (*consumer, EVENT, 1),
            By::Phone(consumer) => (*consumer, OPT_IN, least_asked(plan, *consumer, state)),
            By::Event(_) => continue,
        };
        let profile = profiles.iter().find(|profile| profile["email"] == email(consumer));
        let count =
            profile.map_or(0, |profile| profile["custom_events"][event]["count"].as_u64().unwrap_or(0));
        let most = if plan.opt_in == PlannedOptIn::DoubleByEvent || event == EVENT { 1 + again } else { 0 };
        if count < least || count > most {
            return broken("an event is logged once", format!("{id}: {event} {count} times"));
        }
    }
    Ok(())
}

/// How often a consumer must have been asked by an event: once, unless the number was subscribed before.
fn least_asked(plan: &Plan, consumer: u8, state: &str) -> u64 {
    let before = plan.known.iter().any(|known| known.consumer == consumer && known.subscribed);
    u64::from(plan.opt_in == PlannedOptIn::DoubleByEvent && (state == "expired" || !before))
}
