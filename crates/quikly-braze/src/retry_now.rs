//! `retry-now`: ends the waits of a brand's participations after failures.

use anyhow::Context;
use domain::ids::BrandId;
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::json;

use crate::arguments::RetryNow;
use crate::console;
use crate::storage::Opened;

pub(crate) async fn run(arguments: RetryNow) -> anyhow::Result<()> {
    let brand = BrandId::parse(&arguments.brand).with_context(|| format!("--brand {}", arguments.brand))?;
    let storage = Opened::open(arguments.storage).await?;
    let retried = storage.operations().retry_now(&brand, SystemClock.now()).await?;
    let retried = retried.with_context(|| format!("nothing of a brand `{brand}` is stored here"))?;
    if arguments.json {
        console::say(&json!({ "brand": brand.as_str(), "participations": retried }).to_string());
    } else {
        console::say(&format!("{brand}: {retried} participation(s) are tried again now"));
    }
    Ok(())
}
