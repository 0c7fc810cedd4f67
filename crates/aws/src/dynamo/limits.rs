//! The counters of request slots, one item for each lane.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::Timestamp;
use domain::reservation::{Observed, Reservation, WantedSlots, Windows, WindowsRecord};
use ports::limits::{ContractLane, Lane, Limits};
use ports::{Error, Result};
use stored::limits;

use crate::dynamo::Dynamo;
use crate::dynamo::attempt::{ATTEMPT, Attempt, named};
use crate::dynamo::item::{Item, number, number_of, required, text};

/// After this many lost races in a row, a caller gives up for now. Its work is put off briefly and then retried.
const MOST_TRIES: u32 = 200;

/// How a lane's item was written when it was read. Many workers write it at once.
#[derive(Debug, Default)]
struct WrittenBefore {
    version: u64,
    /// The last writes.
    attempts: String,
}

#[async_trait]
impl Limits for Dynamo {
    async fn reserve(&self, lane: &ContractLane, wanted: WantedSlots, now: Timestamp) -> Result<Reservation> {
        let book = |windows: &mut Windows| (windows.book_with_spare(wanted, now), true);
        self.change("booking requests", lane, now, book).await
    }

    async fn observe(&self, lane: &ContractLane, observed: Observed, now: Timestamp) -> Result<()> {
        let correct = |windows: &mut Windows| ((), windows.correct(observed, now));
        self.change("correcting limits", lane, now, correct).await
    }
}

impl Dynamo {
    /// Lets a refused key be tried again at once. Returns whether the lane has counters.
    #[cfg(feature = "sqs")]
    pub(crate) async fn open_lane(&self, lane: &Lane, now: Timestamp) -> Result<bool> {
        const DOING: &str = "opening a lane";
        let name = format!("{} {}", lane.brand, lane.endpoint.name());
        for _ in 0..MOST_TRIES {
            let Some((windows, written)) = self.windows(DOING, &name).await? else { return Ok(false) };
            let kept = windows.keep();
            let opened = WindowsRecord { probe_at: kept.probe_at.map(|at| at.min(now)), ..kept };
            if self.keep(DOING, &name, &Windows::restore(opened), &written).await? {
                return Ok(true);
            }
        }
        Err(Error::unavailable(DOING, "too many other writes came first"))
    }

    /// Reads a lane's counters, changes them, and writes them back. It starts over when another write came first.
    async fn change<T>(
        &self,
        doing: &'static str,
        lane: &ContractLane,
        now: Timestamp,
        change: impl Fn(&mut Windows) -> (T, bool),
    ) -> Result<T> {
        let ContractLane { lane, contract } = lane;
        let name = format!("{} {}", lane.brand, lane.endpoint.name());
        for _ in 0..MOST_TRIES {
            let kept = self.windows(doing, &name).await?;
            let (mut windows, written) =
                kept.unwrap_or_else(|| (Windows::new(*contract, now), WrittenBefore::default()));
            windows.go_by(*contract, now);
            let (answer, changed) = change(&mut windows);
            if !changed || self.keep(doing, &name, &windows, &written).await? {
                return Ok(answer);
            }
        }
        Err(Error::unavailable(doing, "too many other writes came first"))
    }

    async fn windows(&self, doing: &'static str, lane: &str) -> Result<Option<(Windows, WrittenBefore)>> {
        let request = self.client.get_item().table_name(&self.tables.limits).consistent_read(true);
        let read = request.key("lane", text(lane)).send().await;
        let Some(item) = read.map_err(|error| Error::unavailable(doing, error))?.item else {
            return Ok(None);
        };
        let written =
            WrittenBefore { version: required(&item, "version")?, attempts: named(&item).to_owned() };
        Ok(Some((Self::windows_of(lane, &item)?, written)))
    }

    /// Decodes a lane's counters from its item.
    pub(crate) fn windows_of(lane: &str, item: &Item) -> Result<Windows> {
        let number = |name| number_of(item, name).map_err(Into::into);
        Ok(Windows::restore(limits::decode(lane, number)?))
    }

    /// Writes the attributes that this version knows and leaves those of a newer version alone. Returns whether it was written.
    async fn keep(
        &self,
        doing: &'static str,
        lane: &str,
        windows: &Windows,
        WrittenBefore { version, attempts }: &WrittenBefore,
    ) -> Result<bool> {
        let version = *version;
        let attempt = Attempt::new();
        let mut request = self
            .client
            .update_item()
            .table_name(&self.tables.limits)
            .key("lane", text(lane))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_values(":next", number(version + 1))
            .expression_attribute_values(":attempt", attempt.value_before(attempts));
        let mut set = vec!["version = :next".to_owned(), format!("{ATTEMPT} = :attempt")];
        let mut remove = Vec::new();
        for (name, kept) in limits::encode(lane, &windows.keep())? {
            request = request.expression_attribute_names(format!("#{name}"), name);
            match kept {
                Some(kept) => {
                    set.push(format!("#{name} = :{name}"));
                    request = request.expression_attribute_values(format!(":{name}"), number(kept));
                }
                None => remove.push(format!("#{name}")),
            }
        }
        request = match version {
            0 => request.condition_expression("attribute_not_exists(lane)"),
            _ => request
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        let mut change = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            change.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        let request = request.update_expression(change);
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(true),
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => Ok(attempt.is_behind(&refused)),
            Err(error) => Err(Error::unavailable(doing, error)),
        }
    }
}
