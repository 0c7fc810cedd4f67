//! Participations that are polled, as the tick has read them, kept in memory for their next polls.
//!
//! A poll without news changes nothing but the list that a participation is on, so for the next poll the process need not read the participation
//! again. It reads it if the participation is on another list, since somebody has saved a wait then, and else after [`OLDEST_GLIMPSE`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::time::between;
use ports::Result;
use ports::store::{Glimpse, OLDEST_GLIMPSE};

use crate::dynamo::item::{Item, id_of, text_of};
use crate::dynamo::looked_at::LookedAt;
use crate::dynamo::participation_item::{self, decoded};

/// The most bytes that are kept. They are enough for some 80,000 participations, and a quarter of a function's memory.
const MOST_BYTES: usize = 64 << 20;

/// What each participation that is kept takes besides its stored form.
const OVERHEAD: usize = 200;

/// What the tick needs of the item of a participation that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolledItem {
    version: u64,
    next_at: Timestamp,
    record: String,
    award: Option<String>,
    read_at: Timestamp,
}

impl PolledItem {
    /// The item of a participation that was read just now. `None` if it does not wait, or cannot be read.
    pub(crate) fn of(item: &Item, now: Timestamp) -> Option<(ParticipationId, Self)> {
        let found = LookedAt::read(item).ok().filter(|found| !found.is_indexed)?;
        let award = match item.contains_key("award") {
            true => Some(text_of(item, "award").ok()?.to_owned()),
            false => None,
        };
        let polled = Self {
            version: participation_item::version(item).ok()?,
            next_at: found.next_at?,
            record: text_of(item, "record").ok()?.to_owned(),
            award,
            read_at: now,
        };
        Some((id_of(item).ok()?, polled))
    }

    pub(crate) fn looked_at(&self) -> LookedAt {
        LookedAt { next_at: Some(self.next_at), is_indexed: false, is_new: self.version == 0 }
    }

    pub(crate) fn glimpse(&self, id: ParticipationId) -> Result<Glimpse> {
        let (participation, award) = decoded(id, self.version, (&self.record, self.award.as_deref()))?;
        Ok(Glimpse { participation, award })
    }

    fn is_young(&self, now: Timestamp) -> bool {
        // A clock may have been set back.
        self.read_at <= now && between(self.read_at, now) <= OLDEST_GLIMPSE
    }

    fn bytes(&self) -> usize {
        self.record.len() + self.award.as_ref().map_or(0, String::len) + OVERHEAD
    }
}

/// A participation whose poll brought no news, and the line of the list that it is on since.
#[derive(Debug)]
struct KeptGlimpse {
    item: PolledItem,
    line: Arc<str>,
}

/// What a process has read of participations that are polled.
#[derive(Debug)]
pub(crate) struct KeptGlimpses {
    most_bytes: usize,
    kept: HashMap<ParticipationId, KeptGlimpse>,
    bytes: usize,
    /// Those that were on lists at the last look.
    looked_at: HashMap<ParticipationId, PolledItem>,
}

impl Default for KeptGlimpses {
    fn default() -> Self {
        Self::of_at_most(MOST_BYTES)
    }
}

impl KeptGlimpses {
    fn of_at_most(most_bytes: usize) -> Self {
        Self { most_bytes, kept: HashMap::new(), bytes: 0, looked_at: HashMap::new() }
    }

    /// Takes what can be used again of the participations on the first lists. The others are lists whose time has come, too.
    pub(crate) fn take<'a>(
        &mut self,
        lists: impl Iterator<Item = (ParticipationId, &'a str)> + Clone,
        others: impl Iterator<Item = (ParticipationId, &'a str)>,
        now: Timestamp,
    ) -> HashMap<ParticipationId, PolledItem> {
        self.kept.retain(|_, one| one.item.is_young(now));
        for (id, line) in lists.clone().chain(others) {
            if self.kept.get(&id).is_some_and(|one| &*one.line != line) {
                self.kept.remove(&id);
            }
        }
        let taken = lists.filter_map(|(id, _)| Some((id, self.kept.remove(&id)?.item))).collect();
        self.bytes = self.kept.values().map(|one| one.item.bytes()).sum();
        taken
    }

    /// Remembers what the look has found, until the next one.
    pub(crate) fn found(&mut self, items: HashMap<ParticipationId, PolledItem>) {
        self.looked_at = items;
    }

    /// Keeps those of them that are put off, if there is room. Lists were made for them, which have these lines.
    pub(crate) fn keep(&mut self, put_off: &[Participation], made: &[(String, BTreeSet<ParticipationId>)]) {
        let lines = made.iter().flat_map(|(line, ids)| {
            let line: Arc<str> = line.as_str().into();
            ids.iter().map(move |id| (*id, line.clone()))
        });
        let lines: HashMap<ParticipationId, Arc<str>> = lines.collect();
        for participation in put_off {
            let id = participation.id();
            let Some(item) =
                self.looked_at.remove(&id).filter(|item| item.version == participation.version())
            else {
                continue;
            };
            let Some(line) = lines.get(&id).cloned() else { continue };
            if self.bytes + item.bytes() <= self.most_bytes {
                self.bytes += item.bytes();
                self.kept.insert(id, KeptGlimpse { item, line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::contact::{Contact, Email};
    use domain::id_key::IdKey;
    use domain::ids::{BrandId, Scope};
    use domain::participation::{Snapshot, Way};

    use super::*;
    use crate::dynamo::item::{number, text};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn polled(name: &str) -> Participation {
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let scope = Scope::parse("spring").unwrap();
        let id = IdKey::new([1; 32]).participation(&scope, &Contact::Email(email.clone()));
        let owner = (BrandId::parse("acme").unwrap(), scope);
        let way = Way::Email { email, consent: None };
        let accepted = Snapshot::accepted(id, owner, way, (at(0), at(1)), false);
        Participation::restore(Snapshot { version: 3, ..accepted }).unwrap()
    }

    fn item(participation: &Participation) -> Item {
        Item::from([
            ("id".to_owned(), text(participation.id().to_string())),
            ("version".to_owned(), number(participation.version())),
            ("next_at".to_owned(), number(at(1).as_millisecond())),
            ("record".to_owned(), text(stored::participation::encode(participation).unwrap())),
        ])
    }

    /// Participations of this version are read at minute 1 and put off, on the list `b`.
    fn put_off(kept: &mut KeptGlimpses, those: &[Participation]) {
        kept.found(those.iter().filter_map(|one| PolledItem::of(&item(one), at(1))).collect());
        let ids: BTreeSet<ParticipationId> = those.iter().map(Participation::id).collect();
        kept.keep(those, &[("b".to_owned(), ids)]);
    }

    /// How many are taken at this minute, while they are on these lists.
    fn taken(kept: &mut KeptGlimpses, those: &[Participation], lines: &[&str], minute: i64) -> usize {
        let on = |line: &'static str| those.iter().map(move |one| (one.id(), line));
        let lists: Vec<(ParticipationId, &str)> =
            lines.iter().flat_map(|line| on(if *line == "b" { "b" } else { "c" })).collect();
        kept.take(lists.iter().copied(), std::iter::empty(), at(minute)).len()
    }

    #[test]
    fn what_was_kept_is_a_glimpse_of_the_participation_as_it_was_read() {
        let (mut kept, ada) = (KeptGlimpses::default(), polled("ada"));
        put_off(&mut kept, std::slice::from_ref(&ada));
        let taken = kept.take([(ada.id(), "b")].into_iter(), std::iter::empty(), at(2));
        let glimpse = taken[&ada.id()].glimpse(ada.id()).unwrap();
        assert_eq!((glimpse.participation, glimpse.award), (ada, None));
    }

    #[test]
    fn it_is_taken_once_unless_the_participation_is_put_off_again() {
        let (mut kept, ada) = (KeptGlimpses::default(), [polled("ada")]);
        put_off(&mut kept, &ada);
        assert_eq!([2, 3].map(|minute| taken(&mut kept, &ada, &["b"], minute)), [1, 0]);
    }

    #[test]
    fn it_is_not_taken_once_somebody_else_has_put_the_participation_on_a_list() {
        for lines in [&["c"][..], &["b", "c"], &["c", "b"]] {
            let (mut kept, ada) = (KeptGlimpses::default(), [polled("ada")]);
            put_off(&mut kept, &ada);
            assert_eq!(taken(&mut kept, &ada, lines, 2), 0, "{lines:?}");
            assert_eq!(taken(&mut kept, &ada, &["b"], 3), 0, "it is not there any more");
        }
    }

    #[test]
    fn it_is_not_taken_after_two_hours_or_before_it_was_read() {
        let ages = [(121, 1), (122, 0), (0, 0)];
        for (minute, expected) in ages {
            let (mut kept, ada) = (KeptGlimpses::default(), [polled("ada")]);
            put_off(&mut kept, &ada);
            assert_eq!(taken(&mut kept, &ada, &["b"], minute), expected, "minute {minute}");
        }
    }

    #[test]
    fn what_another_version_was_put_off_is_not_kept() {
        let (mut kept, ada) = (KeptGlimpses::default(), polled("ada"));
        kept.found(PolledItem::of(&item(&ada), at(1)).into_iter().collect());
        let changed = Participation::restore(Snapshot { version: 4, ..ada.snapshot().clone() }).unwrap();
        kept.keep(std::slice::from_ref(&changed), &[("b".to_owned(), [ada.id()].into())]);
        assert_eq!(taken(&mut kept, &[ada], &["b"], 2), 0);
    }

    #[test]
    fn no_more_is_kept_than_fits_and_room_is_made_by_taking() {
        let both = [polled("ada"), polled("bob")];
        let (_, one) = PolledItem::of(&item(&both[0]), at(1)).unwrap();
        let mut kept = KeptGlimpses::of_at_most(one.bytes());
        for _ in 0..2 {
            put_off(&mut kept, &both);
            assert_eq!(taken(&mut kept, &both, &["b"], 2), 1);
        }
    }
}
