//! `status`: how each brand stands, and the state of the system.

mod as_json;
mod as_text;
mod of_scope;

use anyhow::{Context, ensure};
use domain::Timestamp;
use domain::ids::BrandId;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::Overview;
use reports::now;

use crate::arguments::Status;
use crate::console;
use crate::disk::Space;
use crate::storage::Opened;

pub(crate) async fn run(arguments: Status) -> anyhow::Result<()> {
    let Status { storage, brand, scope, language, json } = arguments;
    let language = language.chosen;
    if let Some(scope) = scope {
        return of_scope::run(storage, &scope, language, json).await;
    }
    let brand = brand.as_deref().map(BrandId::parse).transpose().context("--brand is a brand's id")?;
    let now = SystemClock.now();
    let space = storage.data.as_deref().map(Space::at);
    let mut overview = Opened::open(storage).await?.operations().overview(now).await?;
    let mut brands = now::brands(&overview, now);
    if let Some(brand) = &brand {
        brands.retain(|one| one.brand == *brand);
        ensure!(!brands.is_empty(), "nothing of a brand `{brand}` is stored here, or nothing of it is open");
        keep_only(&mut overview, brand);
    }
    if json {
        console::say(&as_json::status(&overview, &brands, space.as_ref(), now).to_string());
    } else if brand.is_some() {
        console::say(as_text::of_brands(&brands, language).trim_end());
    } else {
        console::say(as_text::status(&overview, (&brands, language), space.as_ref(), now).trim());
    }
    Ok(())
}

/// Leaves out the limits and outages of other brands.
fn keep_only(overview: &mut Overview, brand: &BrandId) {
    overview.outages.retain(|other, _| other == brand);
    overview.limits.retain(|lane, _| lane.split(' ').next() == Some(brand.as_str()));
}

/// How far processing is behind: for how many seconds the oldest due item has been due.
fn lag(overview: &Overview, now: Timestamp) -> u64 {
    let behind = overview.due_since.map_or(0, |since| now.duration_since(since).as_secs());
    u64::try_from(behind).unwrap_or_default()
}
