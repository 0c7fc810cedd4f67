//! What became of the writes of a run: on which profile each had its effect, and what Braze showed us afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use braze_sim::AppliedObject;
use domain::Timestamp;
use memory::TokioClock;
use parking_lot::Mutex;
use ports::Clock;
use serde_json::Value;

use crate::simulation::people::{OPTED_IN, owners};
use crate::simulation::{EVENT, REWARDED};

/// The attributes that show a reward.
const REWARD: [&str; 2] = ["q_reward", "q_position"];

/// The custom events that are logged for what a consumer earned.
const EVENTS: [&str; 2] = [EVENT, REWARDED];

/// What was seen so far.
pub(crate) struct Witness {
    seen: Mutex<Witnessed>,
    /// The time in the workspace, whose clock is never set.
    clock: TokioClock,
}

impl Default for Witness {
    fn default() -> Self {
        Self { seen: Mutex::default(), clock: TokioClock::at(crate::start()) }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witnessed {
    /// Rewards as profiles showed them after a write: the profile, its owners, and the reward with its place.
    pub(crate) rewards: Vec<PlacedReward>,
    /// How often an event was logged on a profile of a consumer.
    pub(crate) events: BTreeMap<(u8, String), u64>,
    /// The consents that were written to profiles of a consumer.
    pub(crate) consents: BTreeMap<u8, Vec<WrittenConsent>>,
    /// Rewards that Braze showed us on a profile of a consumer.
    pub(crate) heard_rewards: BTreeSet<(u8, String)>,
    /// Events that Braze showed us on a profile of a consumer.
    pub(crate) heard_events: BTreeSet<(u8, String)>,
    /// Writes of a reward, an event or a consent that had no effect.
    pub(crate) without_effect: u64,
    /// The longest time for which a profile had been gone that was written to.
    pub(crate) gone_for: Duration,
    /// The longest time for which somebody had a profile when we created another one.
    pub(crate) rival_for: Duration,
    /// When Braze first showed us an address, by Braze's id of the profile.
    heard_addresses: BTreeMap<(String, String), Timestamp>,
    /// The longest time for which we had known an address that a write replaced.
    pub(crate) replaced_after: Duration,
    /// How many requests confirmed profiles.
    pub(crate) confirming: u64,
    /// How many requests read back.
    pub(crate) reading_back: u64,
}

/// A consent on a profile.
#[derive(Debug, Clone)]
pub(crate) struct WrittenConsent {
    /// Braze's id of the profile.
    pub(crate) braze_id: String,
    /// When it was written.
    pub(crate) at: Timestamp,
}

/// A reward on a profile.
#[derive(Debug, Clone)]
pub(crate) struct PlacedReward {
    /// Braze's id of the profile.
    pub(crate) braze_id: String,
    /// The consumers to whom the profile belonged.
    pub(crate) owners: BTreeSet<u8>,
    /// The reward and its place.
    pub(crate) reward: String,
}

/// The reward that a profile shows.
pub(super) fn reward_on(profile: &Value) -> String {
    let custom = &profile["custom_attributes"];
    format!("{} {}", custom[REWARD[0]], custom[REWARD[1]])
}

fn since(earlier: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(earlier)).unwrap_or_default()
}

impl Witness {
    /// What was seen so far.
    pub(crate) fn seen(&self) -> Witnessed {
        self.seen.lock().clone()
    }

    /// Sees an object of a write when it is applied.
    pub(crate) fn applied(&self, object: &AppliedObject) {
        let mut seen = self.seen.lock();
        let rewards = object.attributes.keys().any(|name| REWARD.contains(&name.as_str()));
        let consents = object.attributes.get("email_subscribe").is_some_and(|state| state == OPTED_IN);
        let logs = object.event.as_deref().filter(|event| EVENTS.contains(event));
        let Some(profile) = &object.profile else {
            seen.without_effect += u64::from(rewards || consents || logs.is_some());
            if let Some(gone) = object.gone_since {
                seen.gone_for = seen.gone_for.max(since(gone, object.at));
            }
            return;
        };
        for rival in &object.rivals {
            seen.rival_for = seen.rival_for.max(since(*rival, object.at));
        }
        if let (Some(address), Some(braze_id)) = (&object.replaced_address, profile["braze_id"].as_str()) {
            let key = (braze_id.to_owned(), address.clone());
            if let Some(heard) = seen.heard_addresses.get(&key).copied() {
                seen.replaced_after = seen.replaced_after.max(since(heard, object.at));
            }
        }
        let owners = owners(profile);
        if let Some(event) = logs {
            for owner in &owners {
                *seen.events.entry((*owner, event.to_owned())).or_default() += 1;
            }
        }
        let braze_id = profile["braze_id"].as_str().unwrap_or_default().to_owned();
        if consents {
            for owner in &owners {
                let written = WrittenConsent { braze_id: braze_id.clone(), at: object.at };
                seen.consents.entry(*owner).or_default().push(written);
            }
        }
        if rewards {
            seen.rewards.push(PlacedReward { braze_id, owners, reward: reward_on(profile) });
        }
    }

    /// Hears a question to `/users/export/ids` and its answer.
    pub(crate) fn hears(&self, question: &[u8], answer: &[u8]) {
        let (Ok(question), Ok(answer)) =
            (serde_json::from_slice::<Value>(question), serde_json::from_slice::<Value>(answer))
        else {
            return;
        };
        let (mut seen, now) = (self.seen.lock(), self.clock.now());
        let fields = question["fields_to_export"].as_array().cloned().unwrap_or_default();
        let asks = |name: &str| fields.iter().any(|field| field == name);
        match (asks("custom_events"), asks("custom_attributes")) {
            (true, true) => seen.reading_back += 1,
            (false, _) if question["email_address"].is_null() && question["phone"].is_null() => {
                seen.confirming += 1;
            }
            _ => {}
        }
        for profile in answer["users"].as_array().into_iter().flatten() {
            if let (Some(id), Some(address)) = (profile["braze_id"].as_str(), profile["email"].as_str()) {
                seen.heard_addresses.entry((id.to_owned(), address.to_owned())).or_insert(now);
            }
            for owner in owners(profile) {
                seen.heard_rewards.insert((owner, reward_on(profile)));
                let events = profile["custom_events"].as_array().into_iter().flatten();
                let names = events.filter_map(|event| event["name"].as_str());
                for name in names.filter(|name| EVENTS.contains(name)) {
                    seen.heard_events.insert((owner, name.to_owned()));
                }
            }
        }
    }
}
