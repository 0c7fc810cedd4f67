//! `retry-now`: ends the waits of a brand's participations after failures.

use anyhow::Context;
use domain::audit::AuditEntry;
use domain::ids::BrandId;
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::json;

use crate::arguments::RetryNow;
use crate::console;
use crate::operator;
use crate::storage::Opened;

pub(crate) async fn run(arguments: RetryNow) -> anyhow::Result<()> {
    let brand = BrandId::parse(&arguments.brand).with_context(|| format!("--brand {}", arguments.brand))?;
    let storage = Opened::open(arguments.storage).await?;
    let now = SystemClock.now();
    let retried = storage.operations().retry_now(&brand, now).await?;
    let retried = retried.with_context(|| format!("nothing of a brand `{brand}` is stored here"))?;
    let entry =
        AuditEntry::new(now, operator::name(&arguments.operator), "retry-now").about([brand.to_string()]);
    storage.operations().note(&entry.with(format!("{retried} participations are tried again"))).await?;
    if arguments.json {
        console::say(&json!({ "brand": brand.as_str(), "participations": retried }).to_string());
    } else {
        console::say(&format!("{brand}: {retried} participation(s) are tried again now"));
    }
    Ok(())
}
