//! The element `<quikly-activation>` for pages: a script, and what a page needs to check it. Both are built in `web/` and committed.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

const SCRIPT: &str = include_str!("../../../web/element/dist/v1.js");

/// The French texts, which the script loads from beside it and checks by their hash.
const FRENCH: &str = include_str!("../../../web/element/dist/v1.fr.json");

/// The tag that a page contains, with the script's hash.
const TAG: &str = include_str!("../../../web/element/dist/v1.html");

/// Adds the element's routes. Pages of any origin may load them: the script is public, and it is checked by its hash only if its answer is
/// readable.
pub(crate) fn with_widget(routes: Router) -> Router {
    let script = || async { public("text/javascript; charset=utf-8", SCRIPT) };
    let french = || async { public("application/json", FRENCH) };
    let tag = || async { public("text/plain; charset=utf-8", TAG) };
    routes
        .route("/widget/v1.js", get(script))
        .route("/widget/v1.fr.json", get(french))
        .route("/widget/v1.html", get(tag))
}

/// A new release may replace the script, so it is not kept for long.
fn public(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}
