//! The lanes of a ledger, an item each. [`domain::ledger::draw_lane`] says what a member does next.
//!
//! DynamoDB lets an item be written a thousand times a second. So while the counter takes no more, it is asked once for a whole batch.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::ledger::draw_lane::{DrawLane, DrawnBatch, LaneTurn, REMEMBERED};
use ports::clock::{SystemChance, SystemClock};
use ports::{Chance, Clock, Error, Result};
use tokio::time::timeout;

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, required, text};
use crate::dynamo::numbers::{DOING, tried_once};

/// The shortest wait before a throttled call is repeated. The longest is twice that.
const SHORTEST_WAIT: Duration = Duration::from_millis(3);

/// In how many lanes a member tries to join, one after another.
const MOST_JOINS: u32 = 40;

/// The line of a lane's item.
const LANE: &str = "lane";

/// A batch whose numbers are drawn, for those members of its lane who have not read it yet.
#[derive(Debug)]
pub(crate) struct UnpublishedBatch {
    /// The key of the lane.
    lane: String,
    /// How many batches were closed before it.
    rank: u64,
    batch: DrawnBatch,
}

/// The attribute with a batch of a lane. It replaces the one that was published long before.
fn batch_name(rank: u64) -> String {
    format!("batch_{}", rank % REMEMBERED)
}

fn lane_of(item: &Item) -> Result<DrawLane> {
    let published = (0..REMEMBERED).filter_map(|rank| item.get(&batch_name(rank)));
    let batches: Option<Vec<DrawnBatch>> = published.map(batch_of).collect();
    Ok(DrawLane {
        joined: required(item, "joined")?,
        closed: number_of(item, "closed")?.unwrap_or_default(),
        batches: batches.ok_or_else(|| Error::corrupt("item", "its batches cannot be read"))?,
    })
}

fn batch_of(list: &AttributeValue) -> Option<DrawnBatch> {
    let number = |value: &AttributeValue| value.as_n().ok()?.parse().ok();
    let numbers: Option<Vec<u64>> = list.as_l().ok()?.iter().map(number).collect();
    let [after, to, first] = numbers?.try_into().ok()?;
    Some(DrawnBatch { after, to, first })
}

fn list_of(batch: DrawnBatch) -> AttributeValue {
    AttributeValue::L([batch.after, batch.to, batch.first].map(number).into())
}

/// A batch that is closed, and whose numbers are to be drawn.
#[derive(Debug)]
struct ClosedBatch {
    lane: String,
    rank: u64,
    after: u64,
    to: u64,
}

/// Who has closed a batch.
#[derive(Debug)]
enum Closed {
    ByThis(ClosedBatch),
    /// The lane as it is then, if that is known.
    ByAnother(Option<DrawLane>),
}

/// Waits for a moment, not as long as others who were throttled together with this one.
async fn moment() {
    SystemClock.sleep(SystemChance.jitter(SHORTEST_WAIT)).await;
}

impl Dynamo {
    /// Draws a number in one of so many lanes. If it draws the numbers of others, too, those are to be published.
    pub(crate) async fn draw_in_a_lane(
        &self,
        ledger: &str,
        lanes: u64,
    ) -> Result<(u64, Option<UnpublishedBatch>)> {
        let (lane, mut seen) = self.join_a_lane(ledger, lanes).await?;
        let (member, most_reads) = (seen.joined, self.numbering.most_reads());
        let mut reads = 0_usize;
        loop {
            match seen.turn(member, (reads, most_reads)) {
                LaneTurn::Numbered(number) => return Ok((number, None)),
                LaneTurn::DrawsAlone => return self.draw_alone(ledger).await,
                LaneTurn::ReadsAfter(wait) => {
                    SystemClock.sleep(wait).await;
                    seen = self.read_lane(&lane).await?.unwrap_or(seen);
                }
                LaneTurn::ClosesAfter(wait) => {
                    SystemClock.sleep(wait).await;
                    match self.close(&lane, &seen).await? {
                        Closed::ByThis(closed) => return self.draw_for_batch(ledger, member, closed).await,
                        Closed::ByAnother(read) => seen = read.unwrap_or(seen),
                    }
                }
            }
            reads = reads.saturating_add(1);
        }
    }

    /// Draws a number for a member whose batch takes too long. The counter is asked once: it has to have room for batches.
    async fn draw_alone(&self, ledger: &str) -> Result<(u64, Option<UnpublishedBatch>)> {
        let drawn = self.draw_unless_throttled(ledger, 1).await?;
        let number = drawn.map(|drawn| (*drawn.start(), None));
        number.ok_or_else(|| Error::unavailable(DOING, "the counter is throttled"))
    }

    /// Draws the numbers of a batch that is closed. A number that was drawn before could be lower than that of somebody who was answered
    /// before a member of the batch asked.
    async fn draw_for_batch(
        &self,
        ledger: &str,
        member: u64,
        closed: ClosedBatch,
    ) -> Result<(u64, Option<UnpublishedBatch>)> {
        let ClosedBatch { lane, rank, after, to } = closed;
        let count = u32::try_from(to.saturating_sub(after)).unwrap_or(u32::MAX);
        let batch = DrawnBatch { after, to, first: self.draw_soon(ledger, count).await? };
        let number =
            batch.number_of(member).ok_or_else(|| Error::corrupt("lane", "its batch is too short"))?;
        Ok((number, Some(UnpublishedBatch { lane, rank, batch })))
    }

    /// Closes the batch of all who have joined, unless another member has done so.
    async fn close(&self, lane: &str, seen: &DrawLane) -> Result<Closed> {
        let request = self
            .update_of_lane(lane)
            .update_expression("SET closed = joined ADD closes :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match seen.closed {
            0 => request.condition_expression("attribute_not_exists(closed)"),
            after => request
                .condition_expression("closed = :after")
                .expression_attribute_values(":after", number(after)),
        };
        let once = request.customize().config_override(tried_once()).send().await;
        match once.map_err(SdkError::into_service_error) {
            Ok(closed) => {
                let item = closed.attributes.unwrap_or_default();
                let (to, closes): (u64, u64) = (required(&item, "closed")?, required(&item, "closes")?);
                let (lane, rank) = (lane.to_owned(), closes.saturating_sub(1));
                Ok(Closed::ByThis(ClosedBatch { lane, rank, after: seen.closed, to }))
            }
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Closed::ByAnother(refused.item.as_ref().map(lane_of).transpose()?))
            }
            // If it is not closed, this member or another one tries again.
            Err(_) => Ok(Closed::ByAnother(None)),
        }
    }

    /// Publishes the numbers of a batch. If this takes too long, the other members draw others, and the tick reclaims these.
    pub(crate) async fn publish(&self, drawn: Option<UnpublishedBatch>) {
        let Some(UnpublishedBatch { lane, rank, batch }) = drawn else { return };
        let request = self
            .update_of_lane(&lane)
            .update_expression("SET #batch = :batch")
            .expression_attribute_names("#batch", batch_name(rank))
            .expression_attribute_values(":batch", list_of(batch));
        let until_done = async {
            loop {
                let once = request.clone().customize().config_override(tried_once());
                if once.send().await.is_ok() {
                    return;
                }
                moment().await;
            }
        };
        let _unpublished = timeout(self.numbering.patience(), until_done).await;
    }

    /// Joins a lane. If that fails, it joins the next one.
    async fn join_a_lane(&self, ledger: &str, lanes: u64) -> Result<(String, DrawLane)> {
        let mut tries = 0_u32;
        loop {
            let lane = format!("{ledger} lane {}", self.numbering.next_lane(lanes));
            let join = self
                .update_of_lane(&lane)
                .update_expression("ADD joined :one")
                .expression_attribute_values(":one", number(1))
                .return_values(ReturnValue::AllNew);
            tries = tries.saturating_add(1);
            match join.customize().config_override(tried_once()).send().await {
                Ok(joined) => return Ok((lane, lane_of(&joined.attributes.unwrap_or_default())?)),
                Err(_) if tries < MOST_JOINS => moment().await,
                Err(error) => return Err(Error::unavailable(DOING, error)),
            }
        }
    }

    /// Draws numbers as soon as the counter is not throttled. Returns the first one.
    async fn draw_soon(&self, ledger: &str, count: u32) -> Result<u64> {
        loop {
            if let Some(drawn) = self.draw_unless_throttled(ledger, count).await? {
                return Ok(*drawn.start());
            }
            moment().await;
        }
    }

    async fn read_lane(&self, lane: &str) -> Result<Option<DrawLane>> {
        let request = self.client.get_item().table_name(&self.tables.ledgers).consistent_read(true);
        let read = request.key("ledger", text(lane)).key("line", text(LANE)).send().await;
        let read = read.map_err(|error| Error::unavailable(DOING, error))?;
        read.item.as_ref().map(lane_of).transpose()
    }

    fn update_of_lane(&self, lane: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        update.key("ledger", text(lane)).key("line", text(LANE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_reads_back_as_it_was_published() {
        let batches =
            vec![DrawnBatch { after: 6, to: 9, first: 50 }, DrawnBatch { after: 2, to: 5, first: 40 }];
        let published = (16..).zip(&batches).map(|(rank, batch)| (batch_name(rank), list_of(*batch)));
        let members = [("joined".to_owned(), number(9)), ("closed".to_owned(), number(9))];
        let item: Item = published.chain(members).collect();
        assert_eq!(lane_of(&item).unwrap(), DrawLane { joined: 9, closed: 9, batches });
    }

    #[test]
    fn a_lane_that_nobody_has_drawn_for_has_no_batches() {
        let item = Item::from([("joined".to_owned(), number(1))]);
        assert_eq!(lane_of(&item).unwrap(), DrawLane { joined: 1, ..DrawLane::default() });
    }

    #[test]
    fn a_batch_that_is_cut_off_is_an_error() {
        let cut_off = AttributeValue::L(vec![number(1), number(2)]);
        let item = Item::from([("joined".to_owned(), number(9)), (batch_name(0), cut_off)]);
        assert!(lane_of(&item).is_err());
    }
}
