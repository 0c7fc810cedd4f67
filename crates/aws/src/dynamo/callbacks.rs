//! Callbacks, found by a sparse index on their due time.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::Timestamp;
use domain::callback::{Callback, CallbackId};
use domain::time::later;
use futures::TryFutureExt;
use futures::future::try_join_all;
use ports::inspection::TOLD_KEPT_FOR;
use ports::ledger::{CALLBACK_LEASE, CallbackDelivery, Callbacks, DeliveryOutcome, TakenCallbacks};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::attempt::Attempt;
use crate::dynamo::item::{Item, number, required, text, text_of};
use crate::dynamo::schema::DUE;
use crate::dynamo::schema::SHARDS;
use crate::dynamo::schema::shard;
use crate::dynamo::transaction::after_transactions;

const KEEPING: &str = "keeping callbacks";

/// The condition under which a callback is still to be delivered. Earlier versions delete a delivered callback.
const IS_UNDELIVERED: &str = "attribute_exists(id) AND attribute_not_exists(told_at)";

#[async_trait]
impl Callbacks for Dynamo {
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks> {
        const DOING: &str = "taking callbacks";
        let shards = try_join_all((0..SHARDS).map(|shard| self.callbacks_in(shard, now, most))).await?;
        let mut due: Vec<Item> = shards.into_iter().flatten().collect();
        // Every item has `due_at`, since the index that led to it is keyed by it.
        due.sort_by_key(|item| required::<i64>(item, "due_at").ok());
        due.truncate(most);
        let mut taken = TakenCallbacks::default();
        for item in &due {
            // If two processes take the same callback, the condition lets only one succeed.
            let attempt = Attempt::new();
            let request = self
                .client
                .update_item()
                .table_name(&self.tables.callbacks)
                .key("id", text(text_of(item, "id")?))
                .condition_expression("due_at = :due")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .update_expression("SET due_at = :until, attempt = :attempt")
                .expression_attribute_values(":attempt", attempt.value())
                .expression_attribute_values(":due", number(required::<i64>(item, "due_at")?))
                .expression_attribute_values(":until", number(later(now, CALLBACK_LEASE).as_millisecond()));
            match after_transactions(
                || request.clone().send().map_err(SdkError::into_service_error),
                meets_one,
            )
            .await
            {
                Ok(_) => {}
                Err(UpdateItemError::ConditionalCheckFailedException(refused))
                    if attempt.is_behind(&refused) => {}
                Err(UpdateItemError::ConditionalCheckFailedException(_)) => continue,
                Err(error) => return Err(Error::unavailable(DOING, error)),
            }
            match outbound(item) {
                Ok(outbound) => taken.callbacks.push(outbound),
                Err(why) => {
                    // A callback that cannot be read cannot be delivered. It is parked, where an operator can see it.
                    let id = text_of(item, "id")?;
                    let park = self.client.update_item().key("id", text(id));
                    self.update_callback(park.update_expression("REMOVE due_shard, due_at")).await?;
                    taken.unreadable.push(why.of(id));
                }
            }
        }
        Ok(taken)
    }

    fn makers_lease(&self) -> Option<Duration> {
        self.makers_lease
    }

    async fn call_back(&self, callback: &Callback) -> Result<()> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.callbacks)
            .item("id", text(callback.id.to_string()))
            .item("record", text(stored::callback::encode(callback)?))
            .item("attempts", number(0))
            .item("due_shard", number(shard(callback.id.participation)))
            .item("due_at", number(callback.at.as_millisecond()))
            .condition_expression("attribute_not_exists(id)");
        let meets_one = |error: &PutItemError| matches!(error, PutItemError::TransactionConflictException(_));
        match after_transactions(|| put.clone().send().map_err(SdkError::into_service_error), meets_one).await
        {
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable(KEEPING, error)),
        }
    }

    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()> {
        try_join_all(outcomes.iter().map(|(id, told)| self.record_delivery(*id, *told))).await.map(|_| ())
    }
}

pub(super) fn outbound(item: &Item) -> Result<CallbackDelivery> {
    Ok(CallbackDelivery {
        callback: stored::callback::decode(text_of(item, "id")?, text_of(item, "record")?)?,
        attempts: required(item, "attempts")?,
        revived_at: revived_at(item),
    })
}

/// A resolution that is repeated writes its callback again.
fn meets_one(error: &UpdateItemError) -> bool {
    matches!(error, UpdateItemError::TransactionConflictException(_))
}

/// When a callback was first delivered, if it was. Its item says nothing else.
pub(super) fn told_at(item: &Item) -> Option<Timestamp> {
    required(item, "told_at").ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
}

fn revived_at(item: &Item) -> Option<Timestamp> {
    required(item, "revived_at").ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
}

impl Dynamo {
    async fn callbacks_in(&self, shard: u8, now: Timestamp, most: usize) -> Result<Vec<Item>> {
        let request = self
            .client
            .query()
            .table_name(&self.tables.callbacks)
            .index_name(DUE)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .limit(i32::try_from(most).unwrap_or(i32::MAX));
        let page = request.send().await.map_err(|error| Error::unavailable("taking callbacks", error))?;
        Ok(page.items.unwrap_or_default())
    }

    async fn record_delivery(&self, id: CallbackId, told: DeliveryOutcome) -> Result<()> {
        let (at, answer) = match told {
            DeliveryOutcome::Delivered(at) if id.kind.tells_the_result() => {
                return self.keep_told(id, at).await;
            }
            DeliveryOutcome::Delivered(_) => return self.delete_callback(id).await,
            DeliveryOutcome::RetryAt(at, answer) => (Some(at), answer),
            DeliveryOutcome::Parked(answer) => (None, answer),
        };
        let update = self.client.update_item().key("id", text(id.to_string()));
        let attempt = match at {
            Some(at) => update
                .update_expression(
                    "SET due_at = :at, attempt = :attempt, last_answer = :answer ADD attempts :one",
                )
                .expression_attribute_values(":at", number(at.as_millisecond())),
            None => update.update_expression(
                "SET attempt = :attempt, last_answer = :answer ADD attempts :one REMOVE due_shard, due_at",
            ),
        };
        // A repetition after a lost answer does not count the attempt again. What another process has delivered stays delivered.
        let attempt = attempt
            .condition_expression(format!(
                "{IS_UNDELIVERED} AND (attribute_not_exists(attempt) OR attempt <> :attempt)"
            ))
            .expression_attribute_values(":attempt", Attempt::new().value())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":answer", text(stored::callback::encode_answer(answer)));
        self.update_under_condition(attempt).await
    }

    /// Keeps of a callback only when it was first delivered. That costs as much as deleting it, since both take it out of the index, and
    /// it costs no write to the participation. It keeps its due time, since earlier versions take a callback without one for parked.
    async fn keep_told(&self, id: CallbackId, at: Timestamp) -> Result<()> {
        let told = self
            .client
            .update_item()
            .key("id", text(id.to_string()))
            .update_expression(
                "SET told_at = if_not_exists(told_at, :at), expires_at = if_not_exists(expires_at, :expires)
                 REMOVE #record, due_shard, attempts, attempt, last_answer, revived_at",
            )
            .expression_attribute_names("#record", "record")
            .expression_attribute_values(":at", number(at.as_millisecond()))
            .expression_attribute_values(":expires", number(later(at, TOLD_KEPT_FOR).as_second()));
        self.update_callback(told).await
    }

    async fn delete_callback(&self, id: CallbackId) -> Result<()> {
        let delete =
            self.client.delete_item().table_name(&self.tables.callbacks).key("id", text(id.to_string()));
        let meets_one =
            |error: &DeleteItemError| matches!(error, DeleteItemError::TransactionConflictException(_));
        let deleted =
            after_transactions(|| delete.clone().send().map_err(SdkError::into_service_error), meets_one);
        deleted.await.map(|_| ()).map_err(|error| Error::unavailable(KEEPING, error))
    }

    /// Updates a callback that is not delivered. A slow process thus cannot make one due that another process has delivered.
    pub(crate) async fn update_callback(&self, update: UpdateItemFluentBuilder) -> Result<()> {
        self.update_under_condition(update.condition_expression(IS_UNDELIVERED)).await
    }

    async fn update_under_condition(&self, update: UpdateItemFluentBuilder) -> Result<()> {
        let update = update.table_name(&self.tables.callbacks);
        match after_transactions(|| update.clone().send().map_err(SdkError::into_service_error), meets_one)
            .await
        {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable(KEEPING, error)),
        }
    }
}
