//! Intake behind API Gateway or a function URL: the same routes that `serve` has.

use std::sync::Arc;

use anyhow::anyhow;
use aws::dynamo::{BrandTable, Dynamo, KEPT_FOR, Tables};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use axum::Router;
use intake::{Entering, Outside};
use ports::clock::SystemClock;
use tower::ServiceExt;

use crate::brands::OfBrands;
use crate::{environment, logs};

/// Serves until Lambda ends it.
///
/// # Errors
/// When something that it needs is not there.
pub async fn serve() -> anyhow::Result<()> {
    logs::start();
    let name = environment::name()?;
    let config = aws::environment().await;
    let clock = Arc::new(SystemClock);
    let secrets = Arc::new(Parameters::new(&config, clock.clone()));
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(&name), KEPT_FOR));
    let id_key = environment::id_key(&*secrets).await?;
    let outside = Outside {
        store: dynamo.clone(),
        ledger: dynamo,
        queues: Arc::new(Sqs::new(&config, environment::queue_urls()?)),
        entering: Entering::InOrder,
        secrets,
        clock,
    };
    let table = BrandTable::new(&config, &name);
    let make = move |brands| intake::router(outside.clone(), brands, id_key.clone());
    let routes: Arc<OfBrands<Router>> = Arc::new(OfBrands::new(table, make).await?);
    let answer = lambda_http::service_fn(move |request: lambda_http::Request| {
        let routes = routes.clone();
        async move { routes.current().await.oneshot(request).await }
    });
    lambda_http::run(answer).await.map_err(|error| anyhow!(error))
}
