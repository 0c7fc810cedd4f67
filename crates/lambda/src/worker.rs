//! The connector over AWS's ports.

use std::sync::Arc;

use anyhow::anyhow;
use aws::dynamo::{BrandTable, Dynamo, KEPT_FOR, Tables};
use aws::scheduler::Scheduler;
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use connector::{Connector, Outside};
use domain::identity::{BrandId, ParticipationId};
use lambda_runtime::{LambdaEvent, service_fn};
use ports::clock::{SystemChance, SystemClock};
use serde_json::Value;

use crate::batch::{Batch, each_brand};
use crate::brands::OfBrands;
use crate::{environment, logs};

type Connectors = OfBrands<Arc<Connector>>;

/// The connector of the environment, made anew when a brand changes.
async fn connectors() -> anyhow::Result<Connectors> {
    logs::start();
    let name = environment::name()?;
    let config = aws::environment().await;
    let clock = Arc::new(SystemClock);
    let secrets = Arc::new(Parameters::new(&config, clock.clone()));
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(&name), KEPT_FOR));
    let id_key = environment::id_key(&*secrets).await?;
    let outside = Outside {
        store: dynamo.clone(),
        ledger: dynamo.clone(),
        notices: dynamo.clone(),
        queues: Arc::new(Sqs::new(&config, environment::queue_urls()?)),
        schedule: Arc::new(Scheduler::new(&config, environment::schedules()?)),
        limits: dynamo,
        secrets,
        clock,
        chance: Arc::new(SystemChance),
        transport: Arc::new(braze::HttpTransport::new(braze::Timeouts::default())?),
        callbacks: Arc::new(callback::HttpTransport::new()?),
    };
    let table = BrandTable::new(&config, &name);
    let make = move |brands| Arc::new(Connector::new(outside.clone(), brands, id_key.clone()));
    OfBrands::new(table, make).await
}

/// Works on batches of messages until Lambda ends it, and tells what came of them.
///
/// # Errors
/// When something that it needs is not there.
pub async fn on_messages(
    work: impl AsyncFn(&Connector, &BrandId, &[ParticipationId]) -> ports::Result<()>,
) -> anyhow::Result<()> {
    let connectors = connectors().await?;
    let (connectors, work) = (&connectors, &work);
    let handle = service_fn(move |event: LambdaEvent<Batch>| async move {
        let connector = connectors.current().await;
        let answer = each_brand(event.payload, async |brand, ids| work(&connector, brand, ids).await).await;
        connector.tell().await?;
        Ok::<_, lambda_runtime::Error>(answer)
    });
    lambda_runtime::run(handle).await.map_err(|error| anyhow!(error))
}

/// Looks at everything that is due whenever it is called, as long as there is more.
///
/// # Errors
/// When something that it needs is not there.
pub async fn on_ticks() -> anyhow::Result<()> {
    let connectors = connectors().await?;
    let connectors = &connectors;
    let handle = service_fn(move |_event: LambdaEvent<Value>| async move {
        let connector = connectors.current().await;
        while connector.tick().await?.more {}
        while connector.tell().await?.tried > 0 {}
        Ok::<_, lambda_runtime::Error>(Value::Null)
    });
    lambda_runtime::run(handle).await.map_err(|error| anyhow!(error))
}
