//! Lists of participations by the minute in which they are processed next, some fifty in an item. Without them, each wait would move an
//! entry of an index, which costs two units, and a poll would be a write.
//!
//! A participation is on a list before the wait is saved, so it is found however its messages fare. It stays on the lists of earlier
//! waits. They are removed when their minute has come and everybody on them waits for a later one, or has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::ids::{BrandId, IdentifierError, ParticipationId};
use domain::participation::Participation;
use domain::time::later;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use ports::clock::SystemChance;
use ports::error::in_full;
use ports::store::Due;
use ports::{Chance, Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, bytes_of, text, text_of};
use crate::dynamo::kept_glimpses::{KeptGlimpses, PolledItem};
use crate::dynamo::looked_at::{AT_ONCE, Found, LookedAt, found_in};
use crate::dynamo::pages::pages;

const READING: &str = "reading what is due";
const WRITING: &str = "listing participations";

/// The key of the lists in the table of ledgers. It cannot be a ledger's name, since those contain a space.
pub(crate) const LISTS_BY_MINUTE: &str = "due-lists";

/// The most participations on one list, which keeps it below a kilobyte.
const MOST_LISTED: usize = 50;

/// The size of an id in bytes.
const ID: usize = 16;

/// The most pages of lists that are read for one tick. A page has some thousand lists.
const MOST_PAGES: usize = 20;

/// A participation that a read does not find is kept on its list for so many minutes: the read may be a moment old.
const MISSING_FOR: i64 = 60;

/// Somebody who was forgotten is on a list this much later. By then, every read shows it.
const SHOWN_EVERYWHERE: Duration = Duration::from_secs(120);

/// A participation that is to be processed at a time.
pub(crate) type ToList = (BrandId, Timestamp, ParticipationId);

/// The participations on each list, by its line.
pub(crate) type ListsMade = Vec<(String, BTreeSet<ParticipationId>)>;

/// What this process knows from its last look at lists.
#[derive(Debug, Default)]
pub(crate) struct LastLook {
    /// The lists whose time had come.
    lists: Mutex<Vec<DueList>>,
    glimpses: Mutex<KeptGlimpses>,
}

/// Participations of one brand that are processed in the same minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueList {
    line: String,
    minute: i64,
    brand: BrandId,
    ids: BTreeSet<ParticipationId>,
}

impl DueList {
    fn of(item: &Item) -> Result<Self> {
        let corrupt = |error: IdentifierError| Error::corrupt("list", error);
        let line = text_of(item, "line")?.to_owned();
        let mut parts = line.split(' ');
        let minute = parts.next().unwrap_or_default().parse();
        let minute: i64 = minute.map_err(|error| Error::corrupt("list", error))?;
        let brand = BrandId::parse(parts.next().unwrap_or_default()).map_err(corrupt)?;
        let bytes = bytes_of(item, "ids")?;
        let ids = bytes.as_chunks::<ID>().0.iter().map(|id| ParticipationId::from_bytes(*id)).collect();
        Ok(Self { line, minute, brand, ids })
    }

    /// The participations that are still on the list, and those of them that are due. Participations that were not found are left out.
    fn look(&self, found: &Found, now: Timestamp) -> (BTreeSet<ParticipationId>, Vec<Due>) {
        let mut due = Vec::new();
        let stays = |id: &&ParticipationId| match found.get(id) {
            None => minute_of(now) - self.minute < MISSING_FOR,
            Some(LookedAt { next_at: None, .. } | LookedAt { is_indexed: true, .. }) => false,
            Some(LookedAt { next_at: Some(at), .. }) if *at <= now => {
                let due_at = (*at).max(begin_of(self.minute));
                due.push(Due { id: **id, brand: self.brand.clone(), due_at, glimpse: None });
                true
            }
            // A later wait has a list of its own.
            Some(LookedAt { next_at: Some(at), .. }) => minute_of(*at) == self.minute,
        };
        let ids = self.ids.iter().filter(stays).copied().collect();
        (ids, due)
    }
}

/// Everybody on some lists, with the line of the list.
fn on(lists: &[DueList]) -> impl Iterator<Item = (ParticipationId, &str)> + Clone {
    lists.iter().flat_map(|list| list.ids.iter().map(|id| (*id, list.line.as_str())))
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn begin_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MIN)
}

/// The wait of a participation, if it has not ended.
pub(crate) fn wait_of(participation: &Participation) -> Option<ToList> {
    Some((participation.brand().clone(), participation.due_at()?, participation.id()))
}

/// What was found on lists, and how the lists are to be left.
#[derive(Debug, Default)]
pub(crate) struct ListsLookedAt {
    pub(crate) due: Vec<Due>,
    /// Each list as it was read, with those who are still on it.
    lists: Vec<(DueList, BTreeSet<ParticipationId>)>,
}

impl Dynamo {
    /// Puts participations on lists, those of a brand and a minute together. Returns the lists that it has made, by their lines.
    pub(crate) async fn put_on_lists(&self, waits: impl IntoIterator<Item = ToList>) -> Result<ListsMade> {
        let mut together: BTreeMap<(i64, BrandId), BTreeSet<ParticipationId>> = BTreeMap::new();
        for (brand, at, id) in waits {
            together.entry((minute_of(at), brand)).or_default().insert(id);
        }
        let mut lists = ListsMade::new();
        for ((minute, brand), ids) in together {
            let ids: Vec<ParticipationId> = ids.into_iter().collect();
            for some in ids.chunks(MOST_LISTED) {
                let line = format!("{minute:011} {brand} {:016x}", SystemChance.bits());
                lists.push((line, some.iter().copied().collect()));
            }
        }
        let writes: Vec<_> = lists.iter().map(|(line, ids)| self.keep_list(line, ids)).collect();
        stream::iter(writes).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await?;
        Ok(lists)
    }

    /// Lets the tick read a participation that waited when it was forgotten, so that it is polled no more.
    pub(crate) async fn end_polls(&self, wait: Option<ToList>, now: Timestamp) -> Result<()> {
        let soon = wait.map(|(brand, _, id)| (brand, later(now, SHOWN_EVERYWHERE), id));
        self.put_on_lists(soon).await.map(|_made| ())
    }

    /// Puts participations on the lists of their next polls, of which nothing else changed, and takes them off those that led to these.
    pub(crate) async fn list_again(&self, participations: &[Participation]) -> Result<()> {
        let made = self.put_on_lists(participations.iter().filter_map(wait_of)).await?;
        self.last_look.glimpses.lock().keep(participations, &made);
        let moved: BTreeSet<ParticipationId> = participations.iter().map(Participation::id).collect();
        let read = self.last_look.lists.lock().clone();
        let mut shrunk = Vec::new();
        for list in read.into_iter().filter(|list| !list.ids.is_disjoint(&moved)) {
            let ids = list.ids.difference(&moved).copied().collect();
            self.leave_list(&list.line, &ids).await?;
            shrunk.push((list.line, ids));
        }
        for list in self.last_look.lists.lock().iter_mut() {
            if let Some((_, ids)) = shrunk.iter().find(|(line, _)| *line == list.line) {
                list.ids.clone_from(ids);
            }
        }
        Ok(())
    }

    /// Looks at the lists whose time has come. Of each brand, at most about `most` participations are looked at.
    pub(crate) async fn look_at_lists(&self, now: Timestamp, most: usize) -> Result<ListsLookedAt> {
        let mut of_brand: BTreeMap<BrandId, usize> = BTreeMap::new();
        let (lists, left): (Vec<DueList>, Vec<DueList>) =
            self.lists_until(now).await?.into_iter().partition(|list| {
                let before = of_brand.entry(list.brand.clone()).or_default();
                let looked_at = *before < most;
                *before += list.ids.len();
                looked_at
            });
        let mut glimpsed = self.last_look.glimpses.lock().take(on(&lists), on(&left), now);
        let unread = on(&lists).map(|(id, _)| id).filter(|id| !glimpsed.contains_key(id));
        // DynamoDB charges the same for whole items as for some attributes. Polled participations are processed without another read.
        let items = self.glimpse(unread, None).await?;
        let mut found = found_in(&items)?;
        found.extend(glimpsed.iter().map(|(id, one)| (*id, one.looked_at())));
        glimpsed.extend(items.iter().filter_map(|item| PolledItem::of(item, now)));
        let mut looked_at = ListsLookedAt::default();
        for list in lists {
            let (ids, due) = list.look(&found, now);
            looked_at.due.extend(due);
            looked_at.lists.push((list, ids));
        }
        for due in &mut looked_at.due {
            // An item that cannot be decoded here is read again by the step, which sets it aside.
            due.glimpse = glimpsed.get(&due.id).and_then(|one| one.glimpse(due.id).ok()).map(Box::new);
        }
        self.last_look.glimpses.lock().found(glimpsed);
        Ok(looked_at)
    }

    /// Removes lists on which nobody is left, and writes those anew that have become short.
    pub(crate) async fn tidy_lists(&self, lists: ListsLookedAt) -> Result<()> {
        let mut left = Vec::new();
        for (list, ids) in lists.lists {
            if ids.len() * 2 <= list.ids.len() {
                self.leave_list(&list.line, &ids).await?;
            }
            left.push(DueList { ids, ..list });
        }
        *self.last_look.lists.lock() = left;
        Ok(())
    }

    async fn lists_until(&self, now: Timestamp) -> Result<Vec<DueList>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .key_condition_expression("ledger = :lists AND line < :end")
            .expression_attribute_values(":lists", text(LISTS_BY_MINUTE))
            .expression_attribute_values(":end", text(format!("{:011}", minute_of(now).saturating_add(1))));
        let mut lists = Vec::new();
        let mut pages = std::pin::pin!(pages(query, READING).take(MOST_PAGES));
        while let Some(page) = pages.try_next().await? {
            for item in page.items() {
                match DueList::of(item) {
                    Ok(list) => lists.push(list),
                    // The other lists are still read.
                    Err(error) => {
                        tracing::error!(event = "aws.due_unreadable", error = %in_full(&error), "A list of due participations cannot be read.")
                    }
                }
            }
        }
        Ok(lists)
    }

    /// Leaves these on a list. A list on which nobody is left is removed.
    async fn leave_list(&self, line: &str, ids: &BTreeSet<ParticipationId>) -> Result<()> {
        if !ids.is_empty() {
            return self.keep_list(line, ids).await;
        }
        let delete = self.client.delete_item().table_name(&self.tables.ledgers);
        let deleted = delete.key("ledger", text(LISTS_BY_MINUTE)).key("line", text(line)).send().await;
        deleted.map(|_| ()).map_err(|error| Error::unavailable(WRITING, error))
    }

    async fn keep_list(&self, line: &str, ids: &BTreeSet<ParticipationId>) -> Result<()> {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_bytes()).collect();
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        let update = update.key("ledger", text(LISTS_BY_MINUTE)).key("line", text(line));
        let update = update
            .update_expression("SET ids = :ids")
            .expression_attribute_values(":ids", AttributeValue::B(Blob::new(bytes)));
        update.send().await.map(|_| ()).map_err(|error| Error::unavailable(WRITING, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 30_000_000;

    fn id(number: u8) -> ParticipationId {
        ParticipationId::from_bytes([number; ID])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(MINUTE * 60 + second).unwrap()
    }

    /// Whether a participation stays on its list, and since when it is due.
    fn looked_at(found: Option<LookedAt>, now: i64) -> (bool, Option<Timestamp>) {
        let brand = BrandId::parse("acme").unwrap();
        let list = DueList { line: String::new(), minute: MINUTE, brand, ids: [id(1)].into() };
        let found: Found = found.map(|found| (id(1), found)).into_iter().collect();
        let (stays, due) = list.look(&found, at(now));
        (stays == list.ids, due.first().map(|due| due.due_at))
    }

    fn waits_until(second: i64) -> LookedAt {
        LookedAt { next_at: Some(at(second)), is_indexed: false, is_new: false }
    }

    #[test]
    fn whoever_is_due_stays_on_the_list_until_a_later_wait_is_on_another() {
        assert_eq!(looked_at(Some(waits_until(10)), 10), (true, Some(at(10))));
        assert_eq!(
            looked_at(Some(waits_until(10)), 9),
            (true, None),
            "the minute has come, and not the moment"
        );
        assert_eq!(looked_at(Some(waits_until(60)), 10), (false, None));
    }

    #[test]
    fn whoever_was_put_off_is_due_since_the_minute_of_the_list() {
        assert_eq!(looked_at(Some(waits_until(-7_200)), 10), (true, Some(at(0))));
    }

    #[test]
    fn whoever_has_ended_or_is_in_the_index_leaves_the_list() {
        let ended = LookedAt { next_at: None, ..waits_until(0) };
        let indexed = LookedAt { is_indexed: true, ..waits_until(0) };
        assert_eq!([ended, indexed].map(|one| looked_at(Some(one), 10)), [(false, None); 2]);
    }

    #[test]
    fn whoever_a_read_does_not_find_stays_on_the_list_for_an_hour() {
        assert_eq!([3_599, 3_600].map(|now| looked_at(None, now).0), [true, false]);
    }
}
