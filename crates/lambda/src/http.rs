//! Intake behind API Gateway or a function URL, with the same routes as `serve`.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use axum::response::Response;
use domain::brand::{Brands, SecretRef};
use http::Method;
use intake::{
    Announcing, COUNTS_FRESH_FOR, Caller, HeldRequests, IntakeDeps, IntakeFigures, Rates, RequestLimits,
};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use metrics::{Counters, MetricsLine, SaidBy};
use ports::Troubles;
use tower::ServiceExt;

use crate::adapters::Adapters;
use crate::brands::{OfBrands, load};
use crate::ready::Ready;
use crate::{environment, logs, output};

/// Which of the brands' secrets a function's role may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The secrets that front ends sign requests with.
    SigningSecrets,
    /// None of them.
    NoSecrets,
}

impl Reads {
    /// The secrets that requests may need.
    fn expected(self, brands: &Brands) -> Vec<SecretRef> {
        match self {
            Self::SigningSecrets => {
                let signing = brands.iter().filter_map(|brand| brand.intake.signing_secret.clone());
                environment::edge_secret().into_iter().chain(signing).collect()
            }
            Self::NoSecrets => Vec::new(),
        }
    }
}

/// Intake's routes over the ports of `aws`, with everything they need.
async fn routes(reads: Reads) -> anyhow::Result<OfBrands<Router>> {
    let Adapters { table, clock, secrets, dynamo, queues } = Adapters::of_the_environment(&aws::function())?;
    let connected = queues.clone();
    let (files, ()) = tokio::join!(table.read(), connected.connect());
    let files = files?;
    let loaded = load(&files, None);
    // The call for the id key reads these too.
    secrets.expect(&reads.expected(&loaded.brands));
    let id_key = environment::id_key(&*secrets, &dynamo).await?;
    let parameters = secrets.clone();
    let troubles = Troubles::default();
    let deps = IntakeDeps {
        store: dynamo.clone(),
        ledger: dynamo.clone(),
        pauses: dynamo.clone(),
        queues,
        announcing: Announcing::BeforeTheAnswer,
        secrets,
        troubles: troubles.clone(),
        edge_secret: environment::edge_secret(),
        // Instances do not know of each other, so this only limits a single busy client. The service in front must hold off a flood.
        limits: Arc::new(RequestLimits::new(Rates::USUAL)),
        held: HeldRequests::none(),
        figures: IntakeFigures::new(dynamo, clock.clone()),
        counts_fresh_for: COUNTS_FRESH_FOR,
        clock,
    };
    let make = move |brands: Arc<Brands>| {
        parameters.expect(&reads.expected(&brands));
        intake::router(deps.clone(), brands, id_key.clone())
    };
    Ok(OfBrands::new(table, files, loaded, troubles, make))
}

/// Serves requests until Lambda ends the process.
///
/// # Errors
/// When a setting is missing or Lambda's runtime fails.
pub async fn serve(function: &'static str, reads: Reads) -> anyhow::Result<()> {
    logs::start();
    let metrics =
        Arc::new((Counters::default(), MetricsLine::of(environment::name()?, function, &[SaidBy::Intake])));
    let routes = Ready::begin(move || routes(reads));
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
