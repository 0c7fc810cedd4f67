//! Participations that nobody has processed since they were accepted, found by an index on the time of their first look.
//!
//! An entry is written with the participation and never changes, which is why it costs one unit. It stays when the participation ends, and
//! DynamoDB removes it together with the item. So a tick reads on from where the last one stopped.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::Timestamp;
use domain::ids::{BrandId, IdentifierError, ParticipationId};
use domain::time::earlier;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::store::Due;
use ports::{Clock, Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, id_of, number, required, text, text_of};
use crate::dynamo::lists::{LISTS_BY_MINUTE, ToList};
use crate::dynamo::pages::pages;
use crate::dynamo::schema::{FIRST_LOOK, LOOK_SHARDS};

const DOING: &str = "reading what is due";

/// The line of how far the index was read. It is behind the lists, whose lines begin with a digit.
const READ_TO: &str = "first looks";

/// The most pages of a shard that are read for one tick. A page has some ten thousand entries.
const MOST_PAGES: usize = 4;

/// How far behind the tick reads again. A participation is stored after its time was taken, and its entry comes later still. An entry
/// that is later than this and [`domain::participation::FIRST_LOOK`] together is not found.
const OVERLAP: Duration = Duration::from_secs(60);

/// An entry of the index.
struct FirstLookEntry {
    id: ParticipationId,
    brand: BrandId,
    at: Timestamp,
}

impl FirstLookEntry {
    fn of(item: &Item) -> Result<Self> {
        let corrupt = |error: IdentifierError| Error::corrupt("participation", error);
        let at = Timestamp::from_millisecond(required(item, "look_at")?);
        Ok(Self {
            id: id_of(item)?,
            brand: BrandId::parse(text_of(item, "brand")?).map_err(corrupt)?,
            at: at.map_err(|error| Error::corrupt("participation", error))?,
        })
    }
}

/// What the index showed.
#[derive(Debug, Default)]
pub(crate) struct FirstLooks {
    /// The due participations that were never saved after their acceptance.
    pub(crate) due: Vec<Due>,
    /// Those of them to whom no later tick comes back.
    to_list: Vec<ToList>,
    /// From where the next tick reads on, if not from where this one did.
    read_to: Option<Timestamp>,
}

impl Dynamo {
    /// Looks at everybody whose time of a first look has come since the last tick.
    pub(crate) async fn first_looks(&self, now: Timestamp) -> Result<FirstLooks> {
        let item = self.line_of(LISTS_BY_MINUTE, READ_TO).await?;
        let from = item.map(|item| required::<i64>(&item, "read_to")).transpose()?.unwrap_or_default();
        let shards = try_join_all((0..LOOK_SHARDS).map(|shard| self.entries(shard, (from, now)))).await;
        let shards = match shards {
            Ok(shards) => shards,
            // The rest is due all the same. Once the index is there, a tick reads on from the beginning.
            Err(error) if is_not_there(&error) => {
                tracing::warn!(event = "aws.no_first_looks", error = %in_full(&error), "The index of first looks is not there yet. New participations are processed by their messages alone.");
                return Ok(FirstLooks::default());
            }
            Err(error) => return Err(error),
        };
        let ends = shards.iter().map(|(_, end)| *end).min().unwrap_or(now);
        let entries: Vec<FirstLookEntry> = shards.into_iter().flat_map(|(entries, _)| entries).collect();
        if entries.is_empty() {
            return Ok(FirstLooks::default());
        }
        let read_to = ends.min(earlier(now.min(SystemClock.now()), OVERLAP));
        let found = self.look_at(entries.iter().map(|entry| entry.id)).await?;
        // If no entry is passed, the next tick may as well begin here again.
        let read_to_now = entries.iter().any(|entry| entry.at <= read_to).then_some(read_to);
        let mut looks = FirstLooks { read_to: read_to_now, ..FirstLooks::default() };
        for FirstLookEntry { id, brand, at } in entries {
            let next_at = match found.get(&id) {
                // The read may be a moment older than the index.
                None => Some(at),
                // A wait that was saved is on a list, or in the index by due time.
                Some(found) => found.next_at.filter(|_| found.is_new && !found.is_indexed),
            };
            let Some(next_at) = next_at else { continue };
            if read_to_now.is_some_and(|read_to| at <= read_to) {
                looks.to_list.push((brand.clone(), next_at, id));
            }
            if next_at <= now {
                looks.due.push(Due { id, brand, due_at: next_at, glimpse: None });
            }
        }
        Ok(looks)
    }

    /// Puts those on lists to whom no later tick comes back, and then lets the next tick read on.
    pub(crate) async fn read_on(&self, looks: FirstLooks) -> Result<()> {
        let Some(read_to) = looks.read_to else { return Ok(()) };
        let _made = self.put_on_lists(looks.to_list).await?;
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.ledgers)
            .key("ledger", text(LISTS_BY_MINUTE))
            .key("line", text(READ_TO))
            .update_expression("SET read_to = :to")
            .condition_expression("attribute_not_exists(read_to) OR read_to < :to")
            .expression_attribute_values(":to", number(read_to.as_millisecond()));
        match request.send().await.map_err(SdkError::into_service_error) {
            // Another tick has read further.
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable(DOING, error)),
        }
    }

    /// The entries of a shard in this range, and up to when they are complete.
    async fn entries(
        &self,
        shard: u8,
        (from, now): (i64, Timestamp),
    ) -> Result<(Vec<FirstLookEntry>, Timestamp)> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.participations)
            .index_name(FIRST_LOOK)
            .key_condition_expression("look_shard = :shard AND look_at BETWEEN :from AND :now")
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":from", number(from))
            .expression_attribute_values(":now", number(now.as_millisecond()));
        let (mut entries, mut is_complete) = (Vec::new(), true);
        let mut pages = std::pin::pin!(pages(query, DOING).take(MOST_PAGES));
        while let Some(page) = pages.try_next().await? {
            is_complete = page.last_evaluated_key().is_none();
            for item in page.items() {
                match FirstLookEntry::of(item) {
                    Ok(entry) => entries.push(entry),
                    // The other entries are still read.
                    Err(error) => {
                        tracing::error!(event = "aws.due_unreadable", error = %in_full(&error), "An item of the index of first looks cannot be read.")
                    }
                }
            }
        }
        let last = entries.last().map_or(now, |entry: &FirstLookEntry| entry.at);
        Ok((entries, if is_complete { now } else { last }))
    }
}

/// Whether a query was refused because its index is not there yet, or not complete.
fn is_not_there(error: &Error) -> bool {
    let Error::Unavailable { source, .. } = error else { return false };
    let refused = source.downcast_ref::<SdkError<QueryError>>().and_then(SdkError::as_service_error);
    refused.is_some_and(|error| error.code() == Some("ValidationException"))
}
