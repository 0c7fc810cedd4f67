//! The page that `serve` shows at `--metrics`, in Prometheus's text format.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connector::Connector;
use http::Method;
use http::header::CONTENT_TYPE;
use metrics::{Counters, prometheus};
use ports::Clock;
use ports::clock::SystemClock;

/// The path of the page.
pub(crate) const PATH: &str = "/metrics";

/// The route of the page with a connector's metrics.
pub(crate) fn routes(connector: Arc<Connector>) -> Router {
    Router::new().route(PATH, get(page)).with_state(connector)
}

async fn page(State(connector): State<Arc<Connector>>) -> impl IntoResponse {
    let brands = connector.brands();
    let figures = connector.metrics().all(SystemClock.now());
    let page = prometheus::page(&figures, brands.iter().map(|brand| &brand.id));
    ([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], page)
}

/// Counts the answers of these routes.
pub(crate) fn counted(routes: Router, counters: Arc<Counters>) -> Router {
    routes.layer(axum::middleware::from_fn_with_state(counters, count))
}

async fn count(State(counters): State<Arc<Counters>>, request: Request, next: Next) -> Response {
    let posted = *request.method() == Method::POST;
    let answer = next.run(request).await;
    counters.answered(posted, answer.status().as_u16());
    answer
}
