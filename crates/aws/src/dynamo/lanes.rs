//! The items that numbers are drawn from: a ledger's counter, and an item for each lane. [`ports::numbering`] calls them.
//!
//! DynamoDB lets an item be written a thousand times a second.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::ids::LedgerKey;
use domain::ledger::Counts;
use domain::ledger::draw_lane::{DrawLane, DrawnBatch, REMEMBERED};
use ports::numbering::{Closed, LaneKey, NumberItems, UnpublishedBatch};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, required, text};
use crate::dynamo::numbers::{DOING, tried_once};
use crate::dynamo::read::name;

/// The line of a lane's item.
const LANE: &str = "lane";

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

fn key_of(lane: &LaneKey) -> String {
    format!("{} lane {}", name(&lane.ledger), lane.lane)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(DOING, error)
}

impl Dynamo {
    fn update_of_lane(&self, lane: &LaneKey) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        update.key("ledger", text(key_of(lane))).key("line", text(LANE))
    }
}

#[async_trait]
impl NumberItems for Dynamo {
    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        Ok(self.read_counts(&name(ledger)).await?.counts)
    }

    async fn draw_unless_throttled(
        &self,
        ledger: &LedgerKey,
        count: u32,
    ) -> Result<Option<RangeInclusive<u64>>> {
        self.draw_numbers_unless_throttled(&name(ledger), count).await
    }

    async fn join(&self, lane: &LaneKey) -> Result<DrawLane> {
        let join = self
            .update_of_lane(lane)
            .update_expression("ADD joined :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        let joined = join.customize().config_override(tried_once()).send().await.map_err(failed)?;
        lane_of(&joined.attributes.unwrap_or_default())
    }

    async fn read_lane(&self, lane: &LaneKey) -> Result<DrawLane> {
        let request = self.client.get_item().table_name(&self.tables.ledgers).consistent_read(true);
        let read = request.key("ledger", text(key_of(lane))).key("line", text(LANE)).send().await;
        let read = read.map_err(failed)?;
        lane_of(read.item.as_ref().ok_or_else(|| failed("the lane is gone"))?)
    }

    async fn close(&self, lane: &LaneKey, seen: &DrawLane) -> Result<Closed> {
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
                let closes: u64 = required(&item, "closes")?;
                Ok(Closed::ByThis { rank: closes.saturating_sub(1), to: required(&item, "closed")? })
            }
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                let item = refused.item.ok_or_else(|| failed("the lane is gone"))?;
                Ok(Closed::ByAnother(lane_of(&item)?))
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn publish(&self, batch: &UnpublishedBatch) -> Result<()> {
        let request = self
            .update_of_lane(&batch.lane)
            .update_expression("SET #batch = :batch")
            .expression_attribute_names("#batch", batch_name(batch.rank))
            .expression_attribute_values(":batch", list_of(batch.batch));
        let once = request.customize().config_override(tried_once()).send().await;
        once.map(|_| ()).map_err(failed)
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
