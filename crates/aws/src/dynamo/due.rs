//! The due participations: those that were just accepted, those on lists of this minute, and those in two indexes by due time, one of
//! participations, one of their ledger lines.

use std::collections::BTreeSet;
use std::pin::pin;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, try_join};
use ports::error::in_full;
use ports::store::{Due, in_turns};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::first_look::FirstLooks;
use crate::dynamo::item::{Item, number, required, text, text_of};
use crate::dynamo::lists::ListsLookedAt;
use crate::dynamo::pages::pages;
use crate::dynamo::schema::{AWARD_DUE, DUE, SHARDS};

/// An index by due time.
struct DueBy {
    index: &'static str,
    condition: &'static str,
    time: &'static str,
}

const BY_THEMSELVES: DueBy =
    DueBy { index: DUE, condition: "due_shard = :shard AND due_at <= :now", time: "due_at" };

const BY_THEIR_AWARD: DueBy = DueBy {
    index: AWARD_DUE,
    condition: "award_due_shard = :shard AND award_due_at <= :now",
    time: "award_due_at",
};

/// The most brands that a query can leave out. DynamoDB limits the operands of `IN`.
const MOST_LEFT_OUT: usize = 100;

/// The most pages of a shard that are read for one tick. A page has a thousand entries, or a megabyte when brands are left out.
const MOST_PAGES: usize = 20;

/// The due participations, and how far the lists and the index of first looks were read.
pub(super) struct DueRead {
    pub(super) due: Vec<Due>,
    pub(super) first_looks: FirstLooks,
    pub(super) lists: ListsLookedAt,
}

impl Dynamo {
    /// Reads what is due, and writes nothing.
    pub(super) async fn read_due(&self, now: Timestamp, most: usize) -> Result<DueRead> {
        let (mut due, mut first_looks, mut lists) =
            try_join!(self.indexed(now, most), self.first_looks(now), self.look_at_lists(now, most))?;
        due.append(&mut first_looks.due);
        due.append(&mut lists.due);
        Ok(DueRead { due: in_turns(each_once(due), most), first_looks, lists })
    }

    /// The due participations of both indexes by due time.
    async fn indexed(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        let mut due = self.due_everywhere(now, most, &BTreeSet::new()).await?;
        let brands: BTreeSet<BrandId> = due.iter().map(|due| due.brand.clone()).collect();
        // When more is due than was read, other brands' participations may be behind the ones read.
        if due.len() >= most && brands.len() < most.min(MOST_LEFT_OUT) {
            due.extend(self.due_everywhere(now, most, &brands).await?);
        }
        Ok(due)
    }

    /// What is due in all shards of both indexes, except for the brands in `without`; at most `most` of each shard.
    async fn due_everywhere(
        &self,
        now: Timestamp,
        most: usize,
        without: &BTreeSet<BrandId>,
    ) -> Result<Vec<Due>> {
        let both = [&BY_THEMSELVES, &BY_THEIR_AWARD].into_iter();
        let shards =
            both.flat_map(|by| (0..SHARDS).map(move |shard| self.due_in(by, shard, now, most, without)));
        Ok(try_join_all(shards).await?.into_iter().flatten().collect())
    }

    async fn due_in(
        &self,
        by: &DueBy,
        shard: u8,
        now: Timestamp,
        most: usize,
        without: &BTreeSet<BrandId>,
    ) -> Result<Vec<Due>> {
        const DOING: &str = "reading what is due";
        let mut query = self
            .client
            .query()
            .table_name(&self.tables.participations)
            .index_name(by.index)
            .key_condition_expression(by.condition)
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":now", number(now.as_millisecond()));
        if without.is_empty() {
            query = query.limit(i32::try_from(most.min(1_000)).unwrap_or(1_000));
        } else {
            // A limit would also count the items that the filter removes.
            query =
                query.filter_expression(not_of(without.len())).expression_attribute_names("#brand", "brand");
            for (index, brand) in without.iter().enumerate() {
                query = query.expression_attribute_values(format!(":brand{index}"), text(brand.to_string()));
            }
        }
        let mut due = Vec::new();
        let mut pages = pin!(pages(query, DOING).take(MOST_PAGES));
        while due.len() < most
            && let Some(page) = pages.try_next().await?
        {
            for item in page.items() {
                match due_of(item, by.time) {
                    Ok(one) => due.push(one),
                    // The other items are still due.
                    Err(error) => {
                        tracing::error!(event = "aws.due_unreadable", error = %in_full(&error), "An item of the index of due participations cannot be read.")
                    }
                }
            }
        }
        if without.is_empty() {
            due.truncate(most);
        }
        Ok(due)
    }
}

/// Each participation once, with its earliest time. One that is due in two ways is read, because a glimpse may be too old to show why.
fn each_once(mut due: Vec<Due>) -> Vec<Due> {
    due.sort_by_key(|due| (due.id, due.due_at));
    due.dedup_by(|again, first| {
        let is_same = again.id == first.id;
        if is_same {
            first.glimpse = None;
        }
        is_same
    });
    due
}

/// The filter expression that leaves out this many brands.
fn not_of(brands: usize) -> String {
    let names: Vec<String> = (0..brands).map(|index| format!(":brand{index}")).collect();
    format!("NOT #brand IN ({})", names.join(", "))
}

fn due_of(item: &Item, time: &'static str) -> Result<Due> {
    let corrupt = |error: domain::ids::IdentifierError| Error::corrupt("participation", error);
    Ok(Due {
        id: ParticipationId::parse(text_of(item, "id")?).map_err(corrupt)?,
        brand: BrandId::parse(text_of(item, "brand")?).map_err(corrupt)?,
        due_at: Timestamp::from_millisecond(required(item, time)?)
            .map_err(|error| Error::corrupt("participation", error))?,
        glimpse: None,
    })
}

#[cfg(test)]
mod tests {
    use domain::contact::{Contact, Email};
    use domain::id_key::IdKey;
    use domain::ids::Scope;
    use domain::participation::{Participation, Snapshot, Way};
    use ports::store::Glimpse;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A participation that is due at this second, with a glimpse.
    fn due(name: &str, second: i64) -> Due {
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let scope = Scope::parse("spring").unwrap();
        let (brand, way) =
            (BrandId::parse("acme").unwrap(), Way::Email { email: email.clone(), consent: None });
        let id = IdKey::new([1; 32]).participation(&scope, &Contact::Email(email));
        let accepted = Snapshot::accepted(id, (brand.clone(), scope), way, (at(0), at(9)), false);
        let participation = Participation::restore(accepted).unwrap();
        Due { id, brand, due_at: at(second), glimpse: Some(Box::new(Glimpse { participation, award: None })) }
    }

    #[test]
    fn a_participation_whose_line_is_due_too_is_read_again() {
        let (ada, bob) = (due("ada", 3), due("bob", 5));
        let by_award = |due: &Due, second| Due { due_at: at(second), glimpse: None, ..due.clone() };
        for (second, earliest) in [(1, 1), (4, 3)] {
            let once = each_once(vec![ada.clone(), by_award(&ada, second), bob.clone()]);
            let found = once.iter().find(|one| one.id == ada.id).unwrap();
            assert_eq!((once.len(), found), (2, &by_award(&ada, earliest)));
            assert!(once.contains(&bob), "a participation that is due in one way keeps its glimpse");
        }
    }
}
