//! What a request passes on its way to its handler. It is one service and not a chain of layers, because every layer is copied for each request,
//! together with all those inside it.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, header};
use ports::health::Subject;
use ports::{Clock, Troubles};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use crate::clients::{RequestLimits, within};
use crate::edge::Edge;
use crate::problem::Problem;
use crate::{form, unread};

/// How long the health report shows that a request panicked.
const PANIC_SHOWN_FOR: Duration = Duration::from_secs(300);

/// The request headers that decide whether an answer may be read by a page, so that a cache keeps answers to different pages apart.
const VARIES_BY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// The gate in front of all routes.
pub(crate) struct Gate {
    pub(crate) edge: Edge,
    pub(crate) limits: Arc<RequestLimits>,
    pub(crate) cors: CorsLayer,
    pub(crate) troubles: Troubles,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Whom routes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Pages in a browser, and anybody else. Each client is limited.
    Pages,
    /// Servers that are identified in another way, and monitoring.
    Servers,
}

/// Puts the gate in front of routes.
#[derive(Clone)]
pub(crate) struct GateLayer {
    pub(crate) gate: Arc<Gate>,
    pub(crate) callers: Callers,
}

impl Layer<Route> for GateLayer {
    type Service = Gated;

    fn layer(&self, route: Route) -> Gated {
        Gated { gate: self.gate.clone(), callers: self.callers, route: Arc::new(route) }
    }
}

/// A route behind the gate.
#[derive(Clone)]
pub(crate) struct Gated {
    gate: Arc<Gate>,
    callers: Callers,
    route: Arc<Route>,
}

impl Service<Request> for Gated {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A route is always ready (axum).
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let gated = self.clone();
        Box::pin(async move { Ok(gated.answer(request).await) })
    }
}

impl Gated {
    /// Passes on a request with the address of its viewer, and reads what its handler left of the body.
    async fn answer(&self, mut request: Request) -> Response {
        self.gate.edge.name_viewer(&mut request).await;
        let (request, lent) = unread::lend(request);
        let response = match self.callers {
            Callers::Pages => self.gate.guarded(self.to_page(request)).await,
            Callers::Servers => self.handled(request).await,
        };
        lent.discarded(response).await
    }

    /// Answers as the browser of a page expects it. Most servers send no `Origin`, and need nothing of that.
    async fn to_page(&self, request: Request) -> Response {
        if request.headers().contains_key(header::ORIGIN) || request.method() == Method::OPTIONS {
            // In a box, so that requests without an `Origin` need no room for it.
            return Box::pin(self.across_origins(request)).await;
        }
        let mut response = self.limited(request).await;
        response.headers_mut().append(header::VARY, VARIES_BY);
        response
    }

    /// Answers a page of another origin, if it may read the answer.
    async fn across_origins(&self, request: Request) -> Response {
        let limited = service_fn(async |request| Ok::<_, Infallible>(self.limited(request).await));
        self.gate.cors.layer(limited).oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// Passes on a request if its client is within the limits. A form gets a page as its answer, also to errors.
    async fn limited(&self, request: Request) -> Response {
        let form = form::language_of(&request);
        let response = match within(&self.gate.limits, &request) {
            Ok(()) => self.handled(request).await,
            Err(problem) => problem.into_response(),
        };
        match form {
            Some(language) => Box::pin(form::as_page(response, language)).await,
            None => response,
        }
    }

    fn handled(&self, request: Request) -> impl Future<Output = Response> {
        let answered = Route::clone(&self.route).call(request);
        self.gate.guarded(answered.map(|answered| answered.unwrap_or_else(|never| match never {})))
    }
}

impl Gate {
    /// The answer, or a problem if making it panics. An async function would hold the future that it is given twice.
    fn guarded(&self, answer: impl Future<Output = Response>) -> impl Future<Output = Response> {
        let guarded = AssertUnwindSafe(answer).catch_unwind();
        guarded.map(|answered| answered.unwrap_or_else(|panic| self.panicked(&*panic)))
    }

    /// Answers a request whose handling panicked, and reports the panic.
    fn panicked(&self, panic: &(dyn Any + Send)) -> Response {
        let (panicked, now) = (supervision::caught(panic), self.clock.now());
        let text = format!("a request failed: {panicked}; the log says where");
        self.troubles.report_for(PANIC_SHOWN_FOR, "panicked", Subject::Process, now, text);
        if let Some(line) = self.troubles.repeats().line("intake.panicked", "", now) {
            tracing::error!(event = "intake.panicked", times = line.times, %panicked, "The handling of a request panicked; it was answered with 500.");
        }
        Problem::internal().into_response()
    }
}
