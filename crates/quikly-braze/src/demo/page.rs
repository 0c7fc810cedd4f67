//! The demo's page: a shop with the element, a telephone that gets the texts of the simulated workspace, and the calls to Braze.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use braze_sim::{ObservedRequest, Workspace};
use http::{Request, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// Only what the demo itself serves is loaded.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How many calls the page shows.
const MOST_CALLS: usize = 40;

/// The last calls to Braze, the newest first.
#[derive(Default)]
pub(super) struct LastCalls(Mutex<VecDeque<Value>>);

impl LastCalls {
    /// Remembers a call.
    pub(super) fn note(&self, call: &ObservedRequest) {
        let mut calls = self.0.lock();
        calls.truncate(MOST_CALLS - 1);
        calls.push_front(json!({
            "at": call.at.to_string(),
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "summary": call.summary,
        }));
    }

    fn shown(&self) -> Value {
        self.0.lock().iter().cloned().collect::<Vec<_>>().into()
    }
}

/// What the page's routes share.
#[derive(Clone)]
struct DemoPage {
    workspace: Workspace,
    calls: Arc<LastCalls>,
}

/// The routes of the page.
pub(super) fn routes(workspace: Workspace, calls: Arc<LastCalls>) -> Router {
    Router::new()
        .route("/", get(|| async { own("text/html; charset=utf-8", PAGE) }))
        .route("/demo/style.css", get(|| async { own("text/css; charset=utf-8", STYLE) }))
        .route("/demo/script.js", get(|| async { own("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/demo/calls", get(last_calls))
        .route("/demo/texts", get(texts))
        .route("/demo/replies", post(reply))
        .route("/demo/braze/{trouble}", post(make_trouble))
        .with_state(DemoPage { workspace, calls })
}

fn own(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}

async fn last_calls(State(page): State<DemoPage>) -> Json<Value> {
    Json(page.calls.shown())
}

/// The numbers whose consumers were asked to confirm and have not answered.
async fn texts(State(page): State<DemoPage>) -> Response {
    of_the_workspace(&page.workspace, Request::get("/_sim/subscriptions").body(Body::empty())).await
}

/// What a consumer answers on the telephone.
async fn reply(State(page): State<DemoPage>, body: String) -> Response {
    let request = Request::post("/_sim/replies").header(header::CONTENT_TYPE, "application/json");
    of_the_workspace(&page.workspace, request.body(Body::from(body))).await
}

/// What the page can have Braze do, as the fault of the simulated workspace.
fn fault(trouble: &str) -> Option<Value> {
    match trouble {
        "slow" => Some(json!({ "kind": "delay", "delay_ms": 2_000 })),
        "throttled" => Some(json!({ "kind": "status", "status": 429, "when": "before", "retry_after": 5 })),
        "down" => Some(json!({ "kind": "drop", "when": "before" })),
        "refused" => Some(json!({ "kind": "status", "status": 401, "when": "before" })),
        _ => None,
    }
}

/// Has Braze do something from now on; `works` ends it.
async fn make_trouble(State(page): State<DemoPage>, Path(trouble): Path<String>) -> Response {
    let fault = fault(&trouble);
    if fault.is_none() && trouble != "works" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let cleared = Request::delete("/_sim/faults").body(Body::empty());
    let cleared = of_the_workspace(&page.workspace, cleared).await;
    let Some(fault) = fault else { return cleared };
    let request = Request::post("/_sim/faults").header(header::CONTENT_TYPE, "application/json");
    of_the_workspace(&page.workspace, request.body(Body::from(fault.to_string()))).await
}

async fn of_the_workspace(workspace: &Workspace, request: http::Result<Request<Body>>) -> Response {
    let Ok(request) = request else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let Ok(answer) = workspace.router().oneshot(request).await;
    answer
}
