//! What requests pass on their way to a handler. For each request, every layer copies those inside it, so steps that can share a layer do.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::clients::{RequestLimits, within};
use crate::edge::Edge;
use crate::{form, unread};

/// Passes on every request, with the address of its viewer, and reads what its handler left of the body.
pub(crate) async fn every_request(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    edge.name_viewer(&mut request).await;
    unread::discarded(request, next).await
}

/// Passes on a request of a page if its client is within the limits. A form gets a page as its answer, also to errors.
pub(crate) async fn of_pages(
    State(limits): State<Arc<RequestLimits>>,
    request: Request,
    next: Next,
) -> Response {
    let form = form::language_of(&request);
    let response = match within(&limits, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    match form {
        Some(language) => form::as_page(response, language).await,
        None => response,
    }
}
