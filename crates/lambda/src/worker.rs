//! The connector over the ports of `aws`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use aws::scheduler::Scheduler;
use braze::HttpTransport;
use connector::{Connector, Deps};
use domain::Timestamp;
use domain::brand::{Brands, SecretRef};
use domain::ids::{BrandId, ParticipationId};
use domain::time::later;
use futures::future::OptionFuture;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use metrics::{Metric, MetricsLine, SaidBy};
use ports::clock::{SystemChance, SystemClock};
use ports::error::in_full;
use ports::{Clock, Troubles};
use serde_json::Value;

use crate::adapters::Adapters;
use crate::batch::{Batch, BatchAnswer, each_brand};
use crate::brands::{OfBrands, load};
use crate::connections::{self, TIMEOUTS};
use crate::ready::Ready;
use crate::{environment, logs, output};

/// A tick with less time left than this leaves the rest to the next one.
const TIME_TO_END: Duration = Duration::from_secs(20);

/// The metrics that the functions with messages publish, and those of the function that runs every minute.
const MESSAGES: [SaidBy; 2] = [SaidBy::Workers, SaidBy::Senders];
const TICKS: [SaidBy; 3] = [SaidBy::Workers, SaidBy::Senders, SaidBy::Tick];

/// How many connections to DynamoDB are opened at start-up. It is the number of concurrent saves of a batch.
const CONNECTIONS: usize = 8;

/// Which services a function calls besides DynamoDB and SQS. Connections to them are opened during start-up, before the first message is
/// processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaches {
    /// Braze alone.
    Braze,
    /// Braze and schedules.
    BrazeAndSchedules,
    /// None of them.
    Neither,
}

impl Reaches {
    /// The secrets that a function with these calls needs: what callbacks are signed with, and the keys of Braze if it calls Braze.
    fn expected(self, brands: &Brands) -> Vec<SecretRef> {
        let calls_braze = self != Self::Neither;
        let keys = brands.iter().filter(|_| calls_braze).map(|brand| brand.braze.api_key.clone());
        let signs = brands.iter().filter_map(|brand| brand.callback.as_ref());
        keys.chain(signs.map(|callback| callback.secret.clone())).collect()
    }
}

/// Builds the environment's connector, and builds it again when a brand changes.
async fn connectors(reaches: Reaches) -> anyhow::Result<OfBrands<Arc<Connector>>> {
    let config = aws::function();
    let Adapters { table, clock, secrets, dynamo, queues } = Adapters::of_the_environment(&config)?;
    let dynamo = Arc::new(dynamo.as_ref().clone().taking_what_it_makes());
    let schedule = Arc::new(Scheduler::new(&config, environment::schedules()?));
    let braze = Arc::new(HttpTransport::new(TIMEOUTS)?);
    let (connected, scheduling) = (queues.clone(), schedule.clone());
    let (files, (), (), _) = tokio::join!(
        table.read(),
        dynamo.connect(CONNECTIONS),
        connected.connect(),
        OptionFuture::from((reaches == Reaches::BrazeAndSchedules).then(|| scheduling.connect())),
    );
    let files = files?;
    let loaded = load(&files, None);
    // The call for the id key reads these too.
    secrets.expect(&reaches.expected(&loaded.brands));
    let id_key = environment::kept_id_key(&*secrets, &dynamo).await?;
    let parameters = secrets.clone();
    let troubles = Troubles::default();
    let deps = Deps {
        store: dynamo.clone(),
        ledger: dynamo.clone(),
        callbacks: dynamo.clone(),
        queues,
        schedule,
        limits: dynamo.clone(),
        read_backs: dynamo.clone(),
        outages: dynamo.clone(),
        calls: dynamo,
        secrets,
        troubles: troubles.clone(),
        clock,
        chance: Arc::new(SystemChance),
        transport: braze.clone(),
        callback_transport: Arc::new(callback::HttpCallbacks::new()?),
    };
    let make = move |brands: Arc<Brands>| {
        parameters.expect(&reaches.expected(&brands));
        Arc::new(Connector::new(deps.clone(), brands, id_key.clone()))
    };
    let connectors = OfBrands::new(table, files, loaded, troubles, make);
    if reaches != Reaches::Neither {
        connections::open(&braze, &connectors.current().await.brands()).await;
    }
    Ok(connectors)
}

/// Processes batches of messages until Lambda ends the process, and sends the callbacks that result.
///
/// # Errors
/// When a setting is missing or Lambda's runtime fails.
pub async fn on_messages(
    function: &'static str,
    reaches: Reaches,
    work: impl AsyncFn(&Connector, &BrandId, &[ParticipationId]) -> ports::Result<()>,
) -> anyhow::Result<()> {
    logs::start();
    let line = MetricsLine::of(environment::name()?, function, &MESSAGES);
    let connectors = Ready::begin(move || connectors(reaches));
    let (line, connectors, work) = (&line, &connectors, &work);
    let handle = service_fn(move |event: LambdaEvent<Batch>| async move {
        let connector = connectors.get().await?.current().await;
        let answer: BatchAnswer =
            each_brand(event.payload, async |brand, ids| work(&connector, brand, ids).await).await;
        // The batch is done. Its messages must not be delivered again because a callback could not be sent.
        if let Err(error) = connector.deliver_callbacks().await {
            tracing::error!(event = "lambda.tell_failed", error = %in_full(&error), "Callbacks could not be sent; the next tick tries again.");
        }
        watch_braze(&connector, reaches).await;
        connector.keep_calls_now_and_then().await;
        output::say(line, &connector.metrics().take());
        Ok::<_, lambda_runtime::Error>(answer)
    });
    lambda_runtime::run(handle).await.map_err(|error| anyhow!(error))
}

/// Processes everything that is due whenever it is invoked, as long as more is due and time is left.
///
/// # Errors
/// When a setting is missing or Lambda's runtime fails.
pub async fn on_ticks(function: &'static str, reaches: Reaches) -> anyhow::Result<()> {
    logs::start();
    let line = MetricsLine::of(environment::name()?, function, &TICKS);
    let connectors = Ready::begin(move || connectors(reaches));
    let (line, connectors) = (&line, &connectors);
    let handle = service_fn(move |event: LambdaEvent<Value>| async move {
        let connectors = connectors.get().await?;
        let connector = connectors.current().await;
        let ticked = tick(&connector, &event.context).await;
        watch_braze(&connector, reaches).await;
        connector.keep_calls_of_ticks().await;
        connector.metrics().set(Metric::BrandsRefused, None, connectors.refused());
        output::say(line, &connector.metrics().take());
        ticked?;
        Ok::<_, lambda_runtime::Error>(Value::Null)
    });
    lambda_runtime::run(handle).await.map_err(|error| anyhow!(error))
}

/// Logs when Braze stops or starts to answer. A function that does not call Braze cannot know it.
async fn watch_braze(connector: &Connector, reaches: Reaches) {
    if reaches != Reaches::Neither {
        connector.watch_braze(true).await;
    }
}

async fn tick(connector: &Connector, context: &Context) -> ports::Result<()> {
    let first = connector.tick().await?;
    if let Err(error) = connector.refill().await {
        tracing::error!(event = "lambda.refill_failed", error = %in_full(&error), "Free places and codes could not be given out; the next tick tries again.");
    }
    let mut more = first.more;
    while more && has_time(context) {
        more = connector.tick().await?.more;
    }
    while has_time(context) && connector.dispatch().await?.tried > 0 {}
    Ok(())
}

fn has_time(context: &Context) -> bool {
    let deadline = i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    deadline.is_none_or(|deadline| later(SystemClock.now(), TIME_TO_END) < deadline)
}
