//! Intake behind API Gateway or a function URL, with the same routes as `serve`.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use axum::response::Response;
use http::Method;
use intake::{Caller, Entering, IntakeDeps, Rates, RequestLimits};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use metrics::{Counters, MetricsLine, SaidBy};
use ports::Troubles;
use tower::ServiceExt;

use crate::adapters::Adapters;
use crate::brands::OfBrands;
use crate::ready::Ready;
use crate::{environment, logs, output};

/// Intake's routes over the ports of `aws`, with everything they need.
async fn routes() -> anyhow::Result<OfBrands<Router>> {
    let Adapters { table, clock, secrets, dynamo, queues } = Adapters::of_the_environment(&aws::function())?;
    let connected = queues.clone();
    let (id_key, files, ()) =
        tokio::join!(environment::id_key(&*secrets, &dynamo), table.read(), connected.connect());
    let id_key = id_key?;
    let troubles = Troubles::default();
    let deps = IntakeDeps {
        store: dynamo.clone(),
        ledger: dynamo,
        queues,
        entering: Entering::InOrder,
        secrets,
        troubles: troubles.clone(),
        edge_secret: environment::edge_secret(),
        // Instances do not know of each other, so this only limits a single busy client. The service in front must hold off a flood.
        limits: Arc::new(RequestLimits::new(Rates::USUAL)),
        clock,
    };
    let make = move |brands| intake::router(deps.clone(), brands, id_key.clone());
    Ok(OfBrands::new(table, files?, troubles, make))
}

/// Serves requests until Lambda ends the process.
///
/// # Errors
/// When a setting is missing or Lambda's runtime fails.
pub async fn serve(function: &'static str) -> anyhow::Result<()> {
    logs::start();
    let metrics =
        Arc::new((Counters::default(), MetricsLine::of(environment::name()?, function, &[SaidBy::Intake])));
    let routes = Ready::begin(routes);
    let answer = lambda_http::service_fn(move |request: lambda_http::Request| {
        let (routes, metrics) = (routes.clone(), metrics.clone());
        async move {
            let (counters, line) = &*metrics;
            let posted = *request.method() == Method::POST;
            let answer = answer(&routes, request).await;
            counters.answered(posted, answer.status().as_u16());
            output::say(line, &counters.take());
            Ok::<Response, Infallible>(answer)
        }
    });
    lambda_http::run(answer).await.map_err(|error| anyhow!(error))
}

async fn answer(routes: &Ready<OfBrands<Router>>, mut request: lambda_http::Request) -> Response {
    if let Some(caller) = caller(&request) {
        request.extensions_mut().insert(caller);
    }
    match routes.get().await {
        Ok(routes) => match routes.current().await.oneshot(request).await {
            Ok(answer) => answer,
        },
        Err(_logged) => intake::unavailable(),
    }
}

/// The caller's address as API Gateway or the function URL has seen it.
fn caller(request: &lambda_http::Request) -> Option<Caller> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    context.http.source_ip.as_deref()?.parse().ok().map(Caller)
}
