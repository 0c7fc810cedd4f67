//! The books of request slots, an item a lane.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::Timestamp;
use domain::reservation::{Allowance, Ledgered, Observed, Reservation, Windows};
use ports::limits::{Lane, Limits};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, required, text};

/// Whoever was second so often in a row gives up for now: its work is put off by a moment and comes again.
const MOST_TRIES: u32 = 200;

#[async_trait]
impl Limits for Dynamo {
    async fn reserve(
        &self,
        lane: &Lane,
        count: u32,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Reservation> {
        let book = |windows: &mut Windows| (windows.book(count, now), true);
        self.change("booking requests", lane, Windows::new(allowance, now), book).await
    }

    async fn observe(
        &self,
        lane: &Lane,
        observed: Observed,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<()> {
        let correct = |windows: &mut Windows| ((), windows.correct(observed, now));
        self.change("correcting limits", lane, Windows::new(allowance, now), correct).await
    }
}

impl Dynamo {
    /// Lets a refused key be tried again at once. Whether there are books of the lane.
    #[cfg(feature = "sqs")]
    pub(crate) async fn open_lane(&self, lane: &Lane, now: Timestamp) -> Result<bool> {
        const DOING: &str = "opening a lane";
        let name = format!("{} {}", lane.brand, lane.endpoint.name());
        for _ in 0..MOST_TRIES {
            let Some((windows, version)) = self.windows(DOING, &name).await? else { return Ok(false) };
            let kept = windows.keep();
            let opened = Ledgered { probe_at: kept.probe_at.map(|at| at.min(now)), ..kept };
            if self.keep(DOING, &name, &Windows::restore(opened), version).await? {
                return Ok(true);
            }
        }
        Err(Error::unavailable(DOING, "too many others were quicker"))
    }

    /// Reads a lane's books, changes them, and writes them back unless somebody else was quicker; then all over again.
    async fn change<T>(
        &self,
        doing: &'static str,
        lane: &Lane,
        fresh: Windows,
        change: impl Fn(&mut Windows) -> (T, bool),
    ) -> Result<T> {
        let name = format!("{} {}", lane.brand, lane.endpoint.name());
        for _ in 0..MOST_TRIES {
            let (mut windows, version) = self.windows(doing, &name).await?.unwrap_or((fresh.clone(), 0));
            let (answer, changed) = change(&mut windows);
            if !changed || self.keep(doing, &name, &windows, version).await? {
                return Ok(answer);
            }
        }
        Err(Error::unavailable(doing, "too many others were quicker"))
    }

    async fn windows(&self, doing: &'static str, lane: &str) -> Result<Option<(Windows, u64)>> {
        let request = self.client.get_item().table_name(&self.tables.limits).consistent_read(true);
        let read = request.key("lane", text(lane)).send().await;
        let Some(item) = read.map_err(|error| Error::unavailable(doing, error))?.item else {
            return Ok(None);
        };
        Ok(Some((Self::windows_of(&item)?, required(&item, "version")?)))
    }

    /// A lane's books as they stand in its item.
    pub(crate) fn windows_of(item: &Item) -> Result<Windows> {
        let moment = |milliseconds: i64| {
            Timestamp::from_millisecond(milliseconds).map_err(|error| Error::corrupt("limit", error))
        };
        Ok(Windows::restore(Ledgered {
            requests: required(item, "requests")?,
            period: Duration::from_millis(required(item, "period")?),
            start: moment(required(item, "start")?)?,
            booked: required(item, "booked")?,
            probe_at: number_of(item, "probe_at")?.map(moment).transpose()?,
            learning: number_of(item, "learning")?.map(moment).transpose()?,
            by_contract: number_of::<u8>(item, "by_contract")? == Some(1),
            touched: number_of(item, "touched")?.map(moment).transpose()?,
            resumed: number_of(item, "resumed")?.map(moment).transpose()?,
        }))
    }

    /// Whether it was written.
    async fn keep(&self, doing: &'static str, lane: &str, windows: &Windows, version: u64) -> Result<bool> {
        let kept = windows.keep();
        let mut item = Item::from([
            ("lane".to_owned(), text(lane)),
            ("version".to_owned(), number(version + 1)),
            ("requests".to_owned(), number(kept.requests)),
            ("period".to_owned(), number(kept.period.as_millis())),
            ("start".to_owned(), number(kept.start.as_millisecond())),
            ("booked".to_owned(), number(kept.booked)),
        ]);
        item.insert("by_contract".to_owned(), number(u8::from(kept.by_contract)));
        let moments = [
            ("learning", kept.learning),
            ("probe_at", kept.probe_at),
            ("touched", kept.touched),
            ("resumed", kept.resumed),
        ];
        for (name, at) in moments {
            item.extend(at.map(|at| (name.to_owned(), number(at.as_millisecond()))));
        }
        let request = self.client.put_item().table_name(&self.tables.limits).set_item(Some(item));
        let request = match version {
            0 => request.condition_expression("attribute_not_exists(lane)"),
            _ => request
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        match request.send().await.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(true),
            Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            Err(error) => Err(Error::unavailable(doing, error)),
        }
    }
}
