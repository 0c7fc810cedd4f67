//! `calls`: what was said to Braze.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use domain::Timestamp;
use domain::call::BrazeCall;
use domain::ids::BrandId;
use domain::time::earlier;
use ports::clock::SystemClock;
use ports::pages::PageCursor;
use ports::{CallReading, Clock};
use reports::calls::{CallStream, line};
use serde_json::{Value, json};

use crate::arguments::Calls;
use crate::storage::Opened;
use crate::{brand_terms, console};

/// How often `--follow` reads.
const EVERY: Duration = Duration::from_secs(1);

/// Several processes keep calls, and their clocks differ a little. `--follow` reads this last time again, and shows no batch twice.
const LATE: Duration = Duration::from_secs(30);

/// The batches that were shown, with the time at which each was kept.
type ShownBatches = HashMap<(BrandId, PageCursor), Timestamp>;

pub(crate) async fn run(arguments: Calls) -> anyhow::Result<()> {
    let brand =
        arguments.brand.as_deref().map(BrandId::parse).transpose().context("--brand is a brand's id")?;
    let environment = arguments.storage.environment.clone();
    let storage = Opened::open(arguments.storage).await?;
    let wanted = WantedCalls {
        since: earlier(SystemClock.now(), arguments.since),
        failed: arguments.failed,
        follow: arguments.follow,
        show: &|brand, call| {
            if arguments.json {
                as_json(brand, call).to_string()
            } else {
                line(brand, call, arguments.language.chosen)
            }
        },
    };
    let mut shown = ShownBatches::new();
    let mut from = wanted.since;
    loop {
        let brands = brands(storage.calls(), brand.as_ref(), environment.as_deref()).await?;
        let newest = wanted.print(storage.calls(), &brands, from, &mut shown).await?;
        if !arguments.follow || console::is_broken() {
            return Ok(());
        }
        from = newest.map_or(from, |newest| earlier(newest, LATE).max(wanted.since));
        shown.retain(|_, kept_at| *kept_at >= from);
        SystemClock.sleep(EVERY).await;
    }
}

/// The brands whose calls are shown.
async fn brands(
    reading: &dyn CallReading,
    only: Option<&BrandId>,
    environment: Option<&str>,
) -> anyhow::Result<Vec<BrandId>> {
    if let Some(only) = only {
        return Ok(vec![only.clone()]);
    }
    match reading.called_brands().await? {
        Some(brands) => Ok(brands),
        None => {
            let brands = brand_terms::brands(None, environment).await?;
            Ok(brands.iter().map(|brand| brand.id.clone()).collect())
        }
    }
}

/// Which calls are shown, and how.
struct WantedCalls<'a> {
    since: Timestamp,
    failed: bool,
    follow: bool,
    show: &'a (dyn Fn(&BrandId, &BrazeCall) -> String + Sync),
}

impl WantedCalls<'_> {
    /// Prints the calls that were kept since `from` and were not shown before. Returns when the newest of them was kept.
    async fn print(
        &self,
        reading: &dyn CallReading,
        brands: &[BrandId],
        from: Timestamp,
        shown: &mut ShownBatches,
    ) -> anyhow::Result<Option<Timestamp>> {
        let mut newest = None;
        let mut calls = CallStream::new(reading, brands, from);
        while let Some((cursor, batch)) = calls.next().await? {
            newest = newest.max(Some(batch.kept_at));
            // Without `--follow` nothing is read twice, and memory must not grow with the number of calls.
            if self.follow && shown.insert((batch.brand.clone(), cursor), batch.kept_at).is_some() {
                continue;
            }
            let wanted = batch.calls.iter().filter(|call| self.wants(call));
            wanted.for_each(|call| console::say(&(self.show)(&batch.brand, call)));
        }
        if calls.unreadable() > 0 {
            console::warn(&format!(
                "{} batches of calls cannot be read and are left out",
                calls.unreadable()
            ));
        }
        Ok(newest)
    }

    fn wants(&self, call: &BrazeCall) -> bool {
        call.at >= self.since && (!self.failed || call.has_failed())
    }
}

/// A call as JSON.
pub(crate) fn as_json(brand: &BrandId, call: &BrazeCall) -> Value {
    let ids: Vec<String> = call.participations.iter().map(ToString::to_string).collect();
    json!({
        "at": call.at.to_string(),
        "brand": brand.as_str(),
        "endpoint": call.endpoint.path(),
        "objects": call.objects,
        "refused": call.refused,
        "status": call.status,
        "failure": call.cause.map(|cause| cause.name()),
        "ms": u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
        "requests_left": call.left,
        "message": call.message,
        "participations": ids,
    })
}
