//! What happens to people and their profiles in a run, outside of what we write.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use domain::consent::Consent;
use domain::ids::ParticipationId;
use domain::profile::ProfileRef;
use serde_json::{Value, json};

use crate::campaign::Campaign;
use crate::simulation::change::{CONSUMERS, PersonChange};
use crate::simulation::{By, Happening, Plan, Run, email, phone};

/// The text that consumers of a run consent to.
pub(super) const TEXT: &str = "v1";

/// The state that a consent writes.
pub(super) const OPTED_IN: &str = "opted_in";

/// The address that a consumer changes to.
pub(crate) fn other_email(consumer: u8) -> String {
    format!("c{consumer}.new@example.com")
}

/// The number that a consumer changes to.
pub(crate) fn other_phone(consumer: u8) -> String {
    format!("+1313555020{consumer}")
}

/// The consumers to whom a profile belongs: by its address, its number, its external id or an alias. Two who swapped their
/// addresses share their profiles.
pub(super) fn owners(profile: &Value) -> BTreeSet<u8> {
    let aliases = profile["user_aliases"].as_array().into_iter().flatten();
    let names: Vec<&str> = aliases.filter_map(|alias| alias["alias_name"].as_str()).collect();
    let belongs = |consumer: &u8| {
        let is = |field: &str, wanted: [String; 2]| {
            profile[field].as_str().is_some_and(|text| wanted.iter().any(|wanted| wanted == text))
        };
        is("email", [email(*consumer), other_email(*consumer)])
            || is("phone", [phone(*consumer), other_phone(*consumer)])
            || profile["external_id"].as_str().is_some_and(|id| id.ends_with(&format!("-{consumer}")))
            || names.contains(&email(*consumer).as_str())
            || names.contains(&phone(*consumer).as_str())
    };
    (0..CONSUMERS).filter(belongs).collect()
}

/// How requests name a profile.
fn name_of(profile: &Value) -> Value {
    match (&profile["external_id"], &profile["user_aliases"][0]) {
        (Value::String(id), _) => json!({ "external_id": id }),
        (_, alias @ Value::Object(_)) => json!({ "user_alias": alias }),
        _ => json!({ "braze_id": profile["braze_id"] }),
    }
}

fn alias(consumer: u8) -> Value {
    json!({ "alias_label": "email", "alias_name": email(consumer) })
}

async fn profiles_now(campaign: &Campaign) -> Vec<Value> {
    campaign.ask("GET", "/_sim/profiles", "").await["profiles"].as_array().cloned().unwrap_or_default()
}

/// The profiles of a consumer; those with the address come first.
async fn profiles_of(campaign: &Campaign, consumer: u8) -> Vec<Value> {
    let mut theirs = profiles_now(campaign).await;
    theirs.retain(|profile| owners(profile).contains(&consumer));
    theirs.sort_by_key(|profile| profile["email"] != email(consumer));
    theirs
}

impl Plan {
    /// The run of a seed, with many changes of people.
    #[must_use]
    pub fn of_people(seed: u64) -> Self {
        let mut plan = Self::of(seed * 2);
        plan.add_people(4..12);
        plan
    }

    /// Adds changes of people, time for them to matter, and consent. They are drawn by dice of their own, too.
    pub(super) fn add_people(&mut self, changes: Range<usize>) {
        let mut dice = fastrand::Rng::with_seed(self.dice ^ 0x7065_6f70_6c65);
        self.asks_consent = dice.bool();
        let mut happenings = Vec::new();
        for _change in 0..dice.usize(changes) {
            let slowly = if dice.bool() { 0 } else { dice.u32(1..120) };
            let (consumer, how) = (dice.u8(..CONSUMERS), PersonChange::any(&mut dice));
            happenings.push(Happening::Changes { consumer, how, slowly });
            match dice.u8(..4) {
                0 => happenings.push(Happening::DoesSomethingInTheApp(consumer)),
                1 => happenings.push(Happening::DoesSomething(consumer)),
                2 => happenings.push(Happening::Pass(dice.u32(1..2_000))),
                _ => {}
            }
        }
        for happening in happenings {
            let place = dice.usize(..=self.happens.len());
            self.happens.insert(place, happening);
        }
    }

    /// Whether two consumers swap their addresses.
    pub(super) fn swaps(&self) -> bool {
        let swaps = |happening: &Happening| {
            matches!(happening, Happening::Changes { how: PersonChange::Swaps(_), .. })
        };
        self.happens.iter().any(swaps)
    }
}

impl Run {
    /// Changes a consumer's profiles. The change appears after this many seconds.
    pub(super) async fn changes(&mut self, consumer: u8, how: PersonChange, slowly: u32) {
        let campaign = self.campaign.clone();
        let theirs = profiles_of(&campaign, consumer).await;
        let after_ms = u64::from(slowly) * 1_000;
        let changing = ChangingPerson { campaign: &campaign, consumer, theirs, after_ms };
        self.touched.insert(consumer);
        match how {
            PersonChange::BulkMerged => self.touched.extend(0..CONSUMERS),
            PersonChange::Swaps(with) => self.touched.extend([with]),
            _ => {}
        }
        changing.appears_after(after_ms).await;
        if let Some((path, body)) = changing.request(how).await {
            *self.changed.entry(how.name()).or_default() += 1;
            campaign.steer("POST", &path, &body.to_string()).await;
        }
    }

    /// What happened to people, and the requests that this cost.
    pub(super) async fn counted(&self) -> BTreeMap<&'static str, u64> {
        let (seen, profiles) = (self.line.witness.seen(), self.campaign.profiles().await);
        let has_profile = |by: By| profiles.iter().any(|profile| owners(profile).contains(&by.consumer()));
        let unplaced = |id: &ParticipationId| {
            self.campaign.memory.stored(*id).is_some_and(|stored| !stored.unplaced().is_empty())
        };
        let lost = |id: &ParticipationId| {
            let stored = self.campaign.memory.stored(*id);
            stored.is_some_and(|stored| stored.consent().is_some_and(Consent::is_not_written))
        };
        let count = |is: &dyn Fn(&ParticipationId, By) -> bool| {
            u64::try_from(self.accepted.iter().filter(|(id, by)| is(id, *by)).count()).unwrap_or(u64::MAX)
        };
        let unplaced_of = |by_event: bool, with_profile: bool| {
            count(&|id, by| {
                unplaced(id) && matches!(by, By::Event(_)) == by_event && has_profile(by) == with_profile
            })
        };
        let mut counted = self.changed.clone();
        counted.extend([
            ("participations", count(&|_, _| true)),
            ("unplaced, by event, of consumers without a profile", unplaced_of(true, false)),
            ("unplaced, by event, of consumers with a profile", unplaced_of(true, true)),
            ("unplaced, by e-mail or number, of consumers without a profile", unplaced_of(false, false)),
            ("unplaced, by e-mail or number, of consumers with a profile", unplaced_of(false, true)),
            ("consents reported as not written", count(&|id, _| lost(id))),
            ("requests about remembered profiles", seen.confirming),
            ("requests to read back", seen.reading_back),
            ("writes without effect", seen.without_effect),
        ]);
        counted
    }

    /// Accepts an event that names the profile which the consumer has in the app.
    pub(super) async fn does_something_in_the_app(&mut self, consumer: u8) {
        let campaign = self.campaign.clone();
        let theirs = profiles_of(&campaign, consumer).await;
        let Some(id) = theirs.iter().find_map(|profile| profile["external_id"].as_str()) else { return };
        let profile = Some(ProfileRef::ExternalId(id.to_owned()));
        let id = campaign.accept_event_of("signed_in", &email(consumer), profile).await;
        self.accept(id, By::Event(consumer));
    }
}

/// A consumer whose profiles change.
struct ChangingPerson<'a> {
    campaign: &'a Campaign,
    consumer: u8,
    /// The consumer's profiles; those with the address come first.
    theirs: Vec<Value>,
    after_ms: u64,
}

/// A request to the workspace: its path and body.
type Requested = Option<(String, Value)>;

fn to(path: &str, body: Value) -> Requested {
    Some((path.to_owned(), body))
}

impl ChangingPerson<'_> {
    async fn appears_after(&self, ms: u64) {
        let delay = json!({ "delay_ms": ms });
        self.campaign.steer("PUT", "/_sim/change_delay", &delay.to_string()).await;
    }

    /// The external ids that the app may give.
    fn ids(&self) -> [String; 3] {
        ["u", "v", "w"].map(|letter| format!("{letter}-{}", self.consumer))
    }

    /// A new profile with the address, under an external id that no profile has.
    fn new_profile(&self) -> Option<Value> {
        let is_free = |id: &&String| !self.theirs.iter().any(|profile| profile["external_id"] == **id);
        let ids = self.ids();
        let id = ids.iter().find(is_free)?;
        Some(json!({ "external_id": id, "email": email(self.consumer) }))
    }

    /// The request that makes the change; none if there is no profile to change.
    async fn request(&self, how: PersonChange) -> Requested {
        let first = self.theirs.first();
        match how {
            PersonChange::AppCreates => {
                let path = format!("/_sim/profiles?after_ms={}", self.after_ms);
                to(&path, json!({ "profiles": [self.new_profile()?] }))
            }
            PersonChange::SignsIn => self.signs_in(false),
            PersonChange::SignsInWithEverything => self.signs_in(true),
            PersonChange::Identified => {
                let who = json!({ "external_id": self.ids()[0], "user_alias": alias(self.consumer) });
                to("/users/identify", json!({ "aliases_to_identify": [who] }))
            }
            PersonChange::Merged => self.is_merged(first?).await,
            PersonChange::BulkMerged => to("/_sim/bulk_merges", json!({ "by": "email" })),
            PersonChange::Deleted => to("/users/delete", deletion(first?)),
            PersonChange::Renamed => self.is_renamed(first?["external_id"].as_str()?).await,
            PersonChange::ChangesAddress => {
                toggled(first?, "email", [email(self.consumer), other_email(self.consumer)])
            }
            PersonChange::ChangesPhone => {
                toggled(first?, "phone", [phone(self.consumer), other_phone(self.consumer)])
            }
            PersonChange::Swaps(with) => self.swaps(first?, with).await,
            PersonChange::Unsubscribes => to("/_sim/unsubscribes", json!({ "email": email(self.consumer) })),
        }
    }

    fn signs_in(&self, carries: bool) -> Requested {
        let from = json!({ "user_alias": alias(self.consumer) });
        let body = json!({ "external_id": self.ids()[0], "from": from, "carries_custom_data": carries });
        to("/_sim/sign_ins", body)
    }

    /// Merges a profile into another one of the consumer, which the app creates if there is none.
    async fn is_merged(&self, from: &Value) -> Requested {
        let into = match self.theirs.get(1) {
            Some(other) => name_of(other),
            None => {
                let profile = self.new_profile()?;
                let appears = json!({ "profiles": [profile] });
                self.campaign.steer("POST", "/_sim/profiles", &appears.to_string()).await;
                name_of(&profile)
            }
        };
        let merge = json!({ "identifier_to_merge": name_of(from), "identifier_to_keep": into });
        to("/users/merge", json!({ "merge_updates": [merge] }))
    }

    /// Renames an external id at once. The old one is removed later.
    async fn is_renamed(&self, old: &str) -> Requested {
        let rename = json!({ "current_external_id": old, "new_external_id": format!("r{old}") });
        let renames = json!({ "external_id_renames": [rename] });
        self.appears_after(0).await;
        self.campaign.steer("POST", "/users/external_ids/rename", &renames.to_string()).await;
        self.appears_after(self.after_ms).await;
        to("/users/external_ids/remove", json!({ "external_ids": [old] }))
    }

    async fn swaps(&self, one: &Value, with: u8) -> Requested {
        let other = profiles_of(self.campaign, with).await.into_iter().next()?;
        let swap = json!({ "one": name_of(one), "other": name_of(&other), "fields": ["email"] });
        if with == self.consumer { None } else { to("/_sim/swaps", swap) }
    }
}

fn deletion(profile: &Value) -> Value {
    match name_of(profile) {
        who if who["external_id"].is_string() => json!({ "external_ids": [who["external_id"]] }),
        who if who["user_alias"].is_object() => json!({ "user_aliases": [who["user_alias"]] }),
        who => json!({ "braze_ids": [who["braze_id"]] }),
    }
}

/// Changes a contact of a profile to the other one, or back.
fn toggled(profile: &Value, field: &str, [own, other]: [String; 2]) -> Requested {
    let is_own = if field == "email" { profile[field] == own } else { profile[field] != other };
    let new = if is_own { other } else { own };
    to("/_sim/contacts", json!({ "of": name_of(profile), "set": { field: new } }))
}
