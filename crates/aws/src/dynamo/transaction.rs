//! Transactions that are repeated where DynamoDB refuses them for the moment. The SDK repeats none that was cancelled.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use ports::clock::{SystemChance, SystemClock};
use ports::{Chance, Clock, Error, Result};

/// How often a transaction is tried that meets others, or of which a part is throttled.
const MOST_TRIES: u32 = 6;

/// How often a write of one item is tried that conflicts with transactions.
const MOST_TRIES_ALONE: u32 = 10;

/// The shortest wait before the second try. The longest is twice that, and both double with each further try.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// Why a transaction was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    /// A condition does not hold.
    Outdated,
    /// Another transaction, or another write, holds an item.
    Met,
    /// An item's throughput is used up.
    Throttled,
    /// Any other reason. A repetition does not help.
    Otherwise,
}

impl Cancelled {
    fn of(reasons: &[CancellationReason]) -> Self {
        let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
        if has("ConditionalCheckFailed") {
            Self::Outdated
        } else if has("TransactionConflict") {
            Self::Met
        } else if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
            Self::Throttled
        } else {
            Self::Otherwise
        }
    }
}

/// Writes items together. Returns `false` when a condition no longer holds, or when other writes came first again and again.
pub(crate) async fn transact(
    client: &Client,
    doing: &'static str,
    items: Vec<TransactWriteItem>,
) -> Result<bool> {
    // All tries have one token. If an earlier one was done and its answer was lost, a later one does nothing, and succeeds.
    let token = format!("{:016x}", SystemChance.bits());
    let request = client.transact_write_items().set_transact_items(Some(items)).client_request_token(token);
    let mut tries = 0;
    loop {
        tries += 1;
        let reasons = match request.clone().send().await.map_err(SdkError::into_service_error) {
            Ok(_) => return Ok(true),
            Err(TransactWriteItemsError::TransactionInProgressException(_)) if tries < MOST_TRIES => {
                wait(tries).await;
                continue;
            }
            Err(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                cancelled.cancellation_reasons.unwrap_or_default()
            }
            Err(error) => return Err(Error::unavailable(doing, error)),
        };
        match Cancelled::of(&reasons) {
            Cancelled::Outdated => return Ok(false),
            Cancelled::Met | Cancelled::Throttled if tries < MOST_TRIES => wait(tries).await,
            Cancelled::Met => return Ok(false),
            Cancelled::Throttled | Cancelled::Otherwise => {
                let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).collect();
                return Err(Error::unavailable(doing, codes.join(", ")));
            }
        }
    }
}

async fn wait(tries: u32) {
    let least = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries - 1));
    SystemClock.sleep(SystemChance.jitter(least)).await;
}

/// Retries a write while transactions hold its item. DynamoDB refuses such a write, and the SDK does not repeat it. A transaction lasts
/// as long as a few writes.
pub(crate) async fn after_transactions<T, E, F>(
    write: impl Fn() -> F,
    meets_one: impl Fn(&E) -> bool,
) -> std::result::Result<T, E>
where
    F: Future<Output = std::result::Result<T, E>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match write().await {
            Err(error) if meets_one(&error) && tries < MOST_TRIES_ALONE => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(codes: &[&str]) -> Cancelled {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        Cancelled::of(&codes.iter().map(reason).collect::<Vec<_>>())
    }

    #[test]
    fn a_condition_that_does_not_hold_outweighs_every_reason_to_repeat() {
        assert_eq!(
            cancelled(&["None", "TransactionConflict", "ConditionalCheckFailed"]),
            Cancelled::Outdated
        );
        assert_eq!(cancelled(&["None", "TransactionConflict", "ThrottlingError"]), Cancelled::Met);
        assert_eq!(cancelled(&["ProvisionedThroughputExceeded"]), Cancelled::Throttled);
        assert_eq!(cancelled(&["None", "ItemCollectionSizeLimitExceeded"]), Cancelled::Otherwise);
    }
}
