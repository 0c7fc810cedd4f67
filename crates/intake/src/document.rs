//! `GET /openapi.json`: the OpenAPI document of the public interface. A test makes it from the code, and it is committed.

use axum::response::{IntoResponse, Response};
use http::header;

use crate::freshness::A_MINUTE;

const DOCUMENT: &str = include_str!("../openapi.json");

/// Shows the document.
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], [(header::CACHE_CONTROL, A_MINUTE)], DOCUMENT)
        .into_response()
}
