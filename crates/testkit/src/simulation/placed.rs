//! The promises about writes to people whose profiles change: what was won, logged and consented to reached a profile of
//! the consumer, or it was reported that it did not.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::award::Award;
use domain::consent::{Consent, ConsentProgress};
use domain::ids::ParticipationId;
use domain::participation::Unplaced;
use serde_json::{Value, json};

use crate::campaign::{Campaign, SETTLE};
use crate::simulation::people::owners;
use crate::simulation::witness::{PlacedReward, Witnessed, WrittenConsent, reward_on};
use crate::simulation::{AcceptedSoFar, Broken, By, EVENT, Happening, Plan, broken, prizes};

/// How long a remembered profile is trusted (10 minutes), and as long again as a write may be under way.
const TRUSTED_FOR: Duration = Duration::from_secs(20 * 60);

/// What is checked.
pub(super) struct Placed<'a> {
    pub(super) campaign: &'a Campaign,
    pub(super) plan: &'a Plan,
    pub(super) accepted: &'a AcceptedSoFar,
    pub(super) awards: &'a [Award],
    /// The consumers whose profiles were changed.
    pub(super) touched: &'a BTreeSet<u8>,
    pub(super) profiles: &'a [Value],
    pub(super) seen: &'a Witnessed,
}

impl Placed<'_> {
    /// Checks all of them.
    pub(super) fn are_kept(&self) -> Result<(), Broken> {
        self.writes_go_to_living_profiles()?;
        for (id, by) in self.accepted {
            if self.touched.contains(&by.consumer()) {
                self.reward_is_placed(*id, *by)?;
                self.event_is_placed(*id, *by)?;
            }
            self.consent_is_placed(*id, *by)?;
        }
        self.nobody_is_subscribed_twice()
    }

    /// Clocks that were set make a remembered profile look younger.
    fn patience(&self) -> Duration {
        let set = self.plan.happens.iter().map(|happening| match happening {
            Happening::ClockSet(seconds) => u64::from(seconds.unsigned_abs()),
            _ => 0,
        });
        TRUSTED_FOR + Duration::from_secs(set.sum())
    }

    fn writes_go_to_living_profiles(&self) -> Result<(), Broken> {
        let Witnessed { gone_for, rival_for, .. } = *self.seen;
        if gone_for > self.patience() {
            return broken("no write goes to a profile that is long gone", format!("gone for {gone_for:?}"));
        }
        if rival_for > self.patience() {
            return broken("nobody has a second profile because of us", format!("after {rival_for:?}"));
        }
        let long_known = if self.is_calm() { 2 * SETTLE } else { self.patience() };
        if self.seen.replaced_after > long_known {
            let by = format!("known for {:?}", self.seen.replaced_after);
            return broken("an address that Braze showed us is not replaced", by);
        }
        Ok(())
    }

    /// Whether nothing holds up a write once it was decided.
    fn is_calm(&self) -> bool {
        let calm = |happening: &Happening| {
            matches!(
                happening,
                Happening::TakesPartByEmail(_)
                    | Happening::TakesPartByPhone(_)
                    | Happening::DoesSomething(_)
                    | Happening::DoesSomethingInTheApp(_)
                    | Happening::Crowd(_)
                    | Happening::SaysYes(_)
                    | Happening::SaysStop(_)
                    | Happening::Pass(_)
                    | Happening::Changes { .. }
                    | Happening::Tick
            )
        };
        self.plan.storm == 0 && self.plan.happens.iter().all(calm)
    }

    /// What was given up, and with that reported.
    fn unplaced(&self, id: ParticipationId) -> Unplaced {
        self.campaign.memory.stored(id).map(|stored| stored.unplaced()).unwrap_or_default()
    }

    fn shows(&self, consumer: u8, shows: impl Fn(&Value) -> bool) -> bool {
        let mut theirs = self.profiles.iter().filter(|profile| owners(profile).contains(&consumer));
        theirs.any(shows)
    }

    /// The consumers whose profiles count as this consumer's. Those who swapped their addresses share their profiles.
    fn owners(&self, consumer: u8) -> BTreeSet<u8> {
        if self.is_shared(consumer) { self.touched.clone() } else { BTreeSet::from([consumer]) }
    }

    fn reward_is_placed(&self, id: ParticipationId, by: By) -> Result<(), Broken> {
        let award = self.awards.iter().find(|award| award.id == id);
        let Some((reward, place)) = award.and_then(Award::reward) else { return Ok(()) };
        let won = format!("{} {}", prizes::shown(reward), json!(place));
        let consumer = by.consumer();
        let owners = self.owners(consumer);
        let heard = owners.iter().any(|owner| self.seen.heard_rewards.contains(&(*owner, won.clone())));
        let is_shown = owners.iter().any(|owner| self.shows(*owner, |profile| reward_on(profile) == won));
        let placed = self.seen.rewards.iter().enumerate();
        let theirs = |placed: &PlacedReward| !placed.owners.is_disjoint(&owners);
        let replaced = placed.filter(|(_, placed)| theirs(placed) && placed.reward == won);
        let replaced = replaced.into_iter().any(|(at, placed)| {
            let later = self.seen.rewards.iter().skip(at + 1);
            later.into_iter().any(|later| later.braze_id == placed.braze_id && later.reward != won)
        });
        // Two rewards for a profile that two consumers share may also meet in one write, of which the later one counts.
        let others = || self.seen.rewards.iter().filter(|placed| theirs(placed) && placed.reward != won);
        let replaced = replaced || (self.plan.swaps() && others().next().is_some());
        if heard || is_shown || replaced || self.unplaced(id).reward.is_some() {
            return Ok(());
        }
        broken("what was won is on a profile of the consumer, or reported", format!("{id} by {by:?}: {won}"))
    }

    fn event_is_placed(&self, id: ParticipationId, by: By) -> Result<(), Broken> {
        let By::Email(consumer) = by else { return Ok(()) };
        let key = |owner: u8| (owner, EVENT.to_owned());
        let owners = self.owners(consumer);
        let is_shown = |owner| self.shows(owner, |profile| profile["custom_events"][EVENT].is_object());
        let heard = |owner| self.seen.heard_events.contains(&key(owner));
        let is_reported = self.unplaced(id).flow_event.is_some();
        if owners.iter().any(|owner| is_shown(*owner) || heard(*owner)) || is_reported {
            return Ok(());
        }
        let logged = self.seen.events.get(&key(consumer)).copied().unwrap_or_default();
        broken(
            "what was logged is on a profile of the consumer, or reported",
            format!("{id} by {by:?}: logged {logged} times"),
        )
    }

    fn consent_is_placed(&self, id: ParticipationId, by: By) -> Result<(), Broken> {
        const PROMISE: &str = "a consent is on a profile of the consumer, or reported";
        let stored = self.campaign.memory.stored(id);
        let consent = stored.as_ref().and_then(|stored| stored.consent()).and_then(|consent| consent.email);
        let Some(consent) = consent.filter(|consent| consent.given) else { return Ok(()) };
        let owners = self.owners(by.consumer());
        let written = owners.iter().any(|owner| self.seen.consents.contains_key(owner));
        match consent.progress {
            ConsentProgress::Written { .. } if !written => {
                broken(PROMISE, format!("{id}: written to nobody"))
            }
            ConsentProgress::Pending | ConsentProgress::Attempted { .. } => {
                broken(PROMISE, format!("{id}: {:?}", consent.progress))
            }
            _ => Ok(()),
        }
    }

    /// A consent is given once, so it is written once.
    fn nobody_is_subscribed_twice(&self) -> Result<(), Broken> {
        for (consumer, written) in &self.seen.consents {
            let mut more = written.iter().zip(written.iter().skip(1));
            let again = more.any(|(first, second)| first.at != second.at && !self.may_follow(first));
            if again && !self.is_shared(*consumer) {
                return broken(
                    "a consent is never written again",
                    format!("consumer {consumer}: {written:?}"),
                );
            }
        }
        Ok(())
    }

    /// Whether a consent may be written again after this write. If we did not learn what came of a write, and Braze does not
    /// show it, it counts as not done. That is an error only if the profile is gone, or if our clock was set forward so that
    /// Braze is asked before it has applied the write.
    fn may_follow(&self, written: &WrittenConsent) -> bool {
        let set_forward = |happening: &Happening| matches!(happening, Happening::ClockSet(by) if *by > 0);
        let is_gone = self.profiles.iter().all(|profile| profile["braze_id"] != written.braze_id);
        !self.is_calm() && (is_gone || self.plan.happens.iter().any(set_forward))
    }

    fn is_shared(&self, consumer: u8) -> bool {
        self.plan.swaps() && self.touched.contains(&consumer)
    }
}

/// Whether Quikly must be told that a consent was not written.
pub(super) fn is_not_written(campaign: &Campaign, award: &Award) -> bool {
    let stored = campaign.memory.stored(award.id);
    stored.is_some_and(|stored| stored.consent().is_some_and(Consent::is_not_written))
}

/// Whether Quikly must be told that no profile has the event of the flow.
pub(super) fn is_event_unplaced(campaign: &Campaign, award: &Award) -> bool {
    campaign.memory.stored(award.id).is_some_and(|stored| stored.unplaced().flow_event.is_some())
}
