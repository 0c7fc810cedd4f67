//! What was written to profiles in the last minutes, as hashes. Braze counts a data point for each attribute
//! written, changed or not, so values that have not changed are not sent again. Each process remembers only
//! its own writes; a value that it has forgotten is sent once more.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use domain::Timestamp;
use domain::attributes::AttributeValue;
use domain::contact::{Email, Phone};
use domain::decide::ProfileWrite;
use domain::ids::BrandId;
use domain::participation::Way;
use domain::time::between;
use parking_lot::{Mutex, MutexGuard};

/// How long a written value is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);

/// After this many attributes the older half is forgotten. They take about ten megabytes at most.
const MOST: usize = 100_000;

/// Stands for the profile's own creation among its attributes; no attribute has this name.
const CREATION: &str = "";

/// What profiles show because we wrote it.
#[derive(Default)]
pub(crate) struct Recent {
    hashes: RandomState,
    state: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<u64, RecentAttribute>,
    old: HashMap<u64, RecentAttribute>,
}

/// One attribute of one profile.
#[derive(Debug, Clone, Copy)]
enum RecentAttribute {
    /// A write is in flight. `overtaken` if more than one is: it is not known which of them Braze applies
    /// last.
    UnderWay { writes: u32, overtaken: bool },
    /// Braze accepted this value at that moment.
    Shows { value: u64, since: Timestamp },
}

/// The brand and the consumer that a write is for. Values are remembered by profile and by consumer, so a
/// write that addresses the same profile in another way is noticed.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) brand: &'a BrandId,
    pub(crate) way: &'a Way,
}

impl Recent {
    /// Leaves out of a write what Braze accepted from us a moment ago, and returns how many attributes that
    /// is. Rewards, numbers, subscriptions and consents are always sent.
    pub(crate) fn leave_out(&self, whose: Whose<'_>, write: &mut ProfileWrite, now: Timestamp) -> usize {
        let is_needed = write.phone.is_some() || write.subscribe.is_some() || write.consent.is_some();
        if write.shows_reward || is_needed {
            return 0;
        }
        let state = self.lock();
        let known = |name: &str, value: u64| {
            let shows = |key: u64| state.get(key).is_some_and(|entry| entry.shows(value, now));
            self.keys(whose, write, name).into_iter().all(shows)
        };
        let shown: BTreeMap<String, AttributeValue> = write
            .attributes
            .iter()
            .filter(|(name, value)| known(name, self.value(value)))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        let created = write.create && write.event.is_none() && known(CREATION, 0);
        let before = write.attributes.len();
        let left = write.attributes.not_among(&shown);
        drop(state);
        if created && left.is_empty() {
            (write.create, write.email) = (false, None);
        }
        write.attributes = left;
        before.saturating_sub(write.attributes.len())
    }

    /// Records that a write is about to be sent: until Braze accepts it, nothing is known of its attributes.
    pub(crate) fn begins(&self, whose: Whose<'_>, write: &ProfileWrite) {
        let mut state = self.lock();
        for (key, _) in self.entries(whose, write) {
            let entry = match state.take(key) {
                Some(RecentAttribute::UnderWay { writes, .. }) => {
                    RecentAttribute::UnderWay { writes: writes.saturating_add(1), overtaken: true }
                }
                Some(RecentAttribute::Shows { .. }) | None => {
                    RecentAttribute::UnderWay { writes: 1, overtaken: false }
                }
            };
            state.put(key, entry);
        }
    }

    /// Records that a write has ended. Values that were refused, or may not have been accepted, are not
    /// remembered.
    pub(crate) fn ends(&self, whose: Whose<'_>, write: &ProfileWrite, taken: bool, now: Timestamp) {
        let mut state = self.lock();
        for (key, value) in self.entries(whose, write) {
            match state.take(key) {
                Some(RecentAttribute::UnderWay { writes: 1, overtaken: false }) if taken => {
                    state.put(key, RecentAttribute::Shows { value, since: now });
                }
                Some(RecentAttribute::UnderWay { writes, .. }) if writes > 1 => {
                    state.put(
                        key,
                        RecentAttribute::UnderWay { writes: writes.saturating_sub(1), overtaken: true },
                    );
                }
                Some(RecentAttribute::UnderWay { .. } | RecentAttribute::Shows { .. }) | None => {}
            }
        }
    }

    /// Every attribute of a write under both of its keys, with its value.
    fn entries(&self, whose: Whose<'_>, write: &ProfileWrite) -> Vec<(u64, u64)> {
        let attributes = write.attributes.iter().map(|(name, value)| (name, self.value(value)));
        let creation = write.create.then_some((CREATION, 0));
        let both = |(name, value)| self.keys(whose, write, name).map(|key| (key, value));
        attributes.chain(creation).flat_map(both).collect()
    }

    fn keys(&self, whose: Whose<'_>, write: &ProfileWrite, name: &str) -> [u64; 2] {
        let phone = || whose.way.phone().map(Phone::as_str);
        let contact = whose.way.email().map(Email::as_str).or_else(phone);
        let brand = whose.brand.as_str();
        let by_profile = self.hashes.hash_one((brand, 0_u8, &write.profile, name));
        [by_profile, self.hashes.hash_one((brand, 1_u8, contact, name))]
    }

    fn value(&self, value: &AttributeValue) -> u64 {
        match value {
            AttributeValue::Text(text) => self.hashes.hash_one((0_u8, text)),
            AttributeValue::Integer(number) => self.hashes.hash_one((1_u8, number)),
            AttributeValue::Float(number) => self.hashes.hash_one((2_u8, number.to_bits())),
            AttributeValue::Boolean(value) => self.hashes.hash_one((3_u8, value)),
            AttributeValue::List(items) => self.hashes.hash_one((4_u8, items)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.state.lock()
    }
}

impl RecentAttribute {
    fn shows(&self, asked: u64, now: Timestamp) -> bool {
        let Self::Shows { value, since } = self else { return false };
        // If the clock was set back, the age of the value is not known.
        *value == asked && *since <= now && between(*since, now) < REMEMBERED
    }
}

impl Generations {
    fn get(&self, key: u64) -> Option<&RecentAttribute> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    fn take(&mut self, key: u64) -> Option<RecentAttribute> {
        let old = self.old.remove(&key);
        self.young.remove(&key).or(old)
    }

    fn put(&mut self, key: u64, entry: RecentAttribute) {
        if self.young.len() >= MOST / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use domain::attributes::Attributes;
    use domain::contact::Email;
    use domain::profile::ProfileRef;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn write(profile: &str, tier: &str) -> ProfileWrite {
        let mut attributes = Attributes::default();
        attributes.set("tier", AttributeValue::Text(tier.to_owned())).unwrap();
        ProfileWrite::of(ProfileRef::ExternalId(profile.to_owned()), attributes)
    }

    struct RecentWorld {
        recent: Recent,
        brand: BrandId,
        ada: Way,
    }

    impl RecentWorld {
        fn new() -> Self {
            let ada = Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None };
            Self { recent: Recent::default(), brand: BrandId::parse("acme").unwrap(), ada }
        }

        fn whose(&self) -> Whose<'_> {
            Whose { brand: &self.brand, way: &self.ada }
        }

        fn wrote(&self, write: &ProfileWrite, taken: bool, second: i64) {
            self.recent.begins(self.whose(), write);
            self.recent.ends(self.whose(), write, taken, at(second));
        }

        fn left_out(&self, mut write: ProfileWrite, second: i64) -> usize {
            self.recent.leave_out(self.whose(), &mut write, at(second))
        }
    }

    #[test]
    fn an_accepted_value_is_not_sent_again_for_ten_minutes() {
        let world = RecentWorld::new();
        assert_eq!(world.left_out(write("u", "gold"), 0), 0);
        world.wrote(&write("u", "gold"), true, 0);
        assert_eq!([1, 599, 600, -1].map(|second| world.left_out(write("u", "gold"), second)), [1, 1, 0, 0]);
        assert_eq!(world.left_out(write("u", "silver"), 1), 0, "it has changed");
        assert_eq!(world.left_out(write("v", "gold"), 1), 0, "another profile");
        assert_eq!(world.left_out(ProfileWrite { shows_reward: true, ..write("u", "gold") }, 1), 0);
    }

    #[test]
    fn a_value_that_may_not_have_been_accepted_is_sent_again() {
        let world = RecentWorld::new();
        world.wrote(&write("u", "gold"), true, 0);
        world.wrote(&write("u", "silver"), false, 1);
        for tier in ["gold", "silver"] {
            assert_eq!(world.left_out(write("u", tier), 2), 0, "{tier}");
        }
    }

    #[test]
    fn two_writes_at_once_are_not_remembered() {
        let world = RecentWorld::new();
        let (gold, silver) = (write("u", "gold"), write("u", "silver"));
        world.recent.begins(world.whose(), &gold);
        world.recent.begins(world.whose(), &silver);
        for write in [&silver, &gold] {
            world.recent.ends(world.whose(), write, true, at(1));
        }
        assert_eq!(world.left_out(gold, 2) + world.left_out(silver, 2), 0);
    }

    #[test]
    fn a_write_by_another_identifier_of_the_same_consumer_counts() {
        let world = RecentWorld::new();
        world.wrote(&write("u", "gold"), true, 0);
        world.wrote(&write("other", "silver"), true, 1);
        assert_eq!(world.left_out(write("u", "gold"), 2), 0);
    }

    #[test]
    fn a_profile_that_was_created_a_moment_ago_is_not_created_again_without_a_reason() {
        let world = RecentWorld::new();
        let creation = ProfileWrite { create: true, ..write("u", "gold") };
        world.wrote(&creation, true, 0);
        let mut again = creation;
        assert_eq!(world.recent.leave_out(world.whose(), &mut again, at(1)), 1);
        assert!(again.is_empty());
        let mut changed = ProfileWrite { create: true, ..write("u", "silver") };
        world.recent.leave_out(world.whose(), &mut changed, at(1));
        assert!(changed.create && !changed.is_empty(), "Braze may still be building it");
    }

    #[test]
    fn the_memory_of_writes_is_bounded() {
        let world = RecentWorld::new();
        for number in 0..MOST {
            world.wrote(&write(&number.to_string(), "gold"), true, 0);
        }
        let state = world.recent.lock();
        assert!(state.young.len() + state.old.len() <= MOST + 2);
    }
}
