//! The demo's page: a shop with the element, a telephone that gets the texts of the simulated workspace, what the connector does, and what
//! can go wrong.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use braze_sim::Workspace;
use domain::brand::Brands;
use domain::participation::Participation;
use http::{StatusCode, Uri, header};
use reports::language::Language;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::connector_process::ConnectorProcess;
use super::newest::Newest;
use super::requests::{DemoAddresses, to_try};
use super::words::filled;

pub(super) const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// What the page's routes share.
#[derive(Clone)]
pub(super) struct DemoPage {
    workspace: Workspace,
    connector: Arc<ConnectorProcess>,
    newest: Arc<Newest>,
    addresses: DemoAddresses,
}

impl DemoPage {
    /// The page of a connector that has been started.
    pub(super) fn new(
        workspace: Workspace,
        connector: Arc<ConnectorProcess>,
        (data, brands): (&FilePath, Brands),
        addresses: DemoAddresses,
    ) -> anyhow::Result<Self> {
        let newest = Arc::new(Newest::open(data, brands)?);
        Ok(Self { workspace, connector, newest, addresses })
    }

    /// A request to the simulated workspace.
    async fn ask(&self, request: http::Result<Request<Body>>) -> Response {
        let Ok(request) = request else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let Ok(answer) = self.workspace.router().oneshot(request).await;
        answer
    }

    async fn tell(&self, path: &str, body: &Value) -> Response {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(body.to_string()))).await
    }
}

/// The routes of the page.
pub(super) fn routes(page: DemoPage) -> Router {
    let acts = Router::new()
        .route("/demo/replies", post(reply))
        .route("/demo/braze/{trouble}", post(make_trouble))
        .route("/demo/merges", post(merge))
        .route("/demo/connector/{act}", post(act))
        .layer(from_fn(of_this_page));
    Router::new()
        .route("/", get(show))
        .route("/requests", get(requests))
        .route("/demo/style.css", get(|| async { own("text/css; charset=utf-8", STYLE) }))
        .route("/demo/script.js", get(|| async { own("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/demo/live", get(live))
        .merge(acts)
        .with_state(page)
}

/// Refuses what a page of another origin sends: any page could post to this machine.
async fn of_this_page(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn own(kind: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, body).into_response()
}

/// The language that `?lang=` names, or else English.
fn language(uri: &Uri) -> Language {
    let named = uri.query().and_then(|query| query.split('&').find_map(|one| one.strip_prefix("lang=")));
    named.and_then(Language::named).unwrap_or(Language::English)
}

async fn show(State(page): State<DemoPage>, uri: Uri) -> Response {
    let base = format!("http://{}", page.addresses.connector);
    let text = filled(PAGE, language(&uri)).replace("{{base}}", &base);
    // Only what the demo itself serves is loaded, and only the connector and the demo are called.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {base}; img-src 'self' data:; form-action {base}; base-uri 'none'; frame-ancestors 'none'"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy)], own("text/html; charset=utf-8", text)).into_response()
}

async fn requests(State(page): State<DemoPage>) -> Response {
    own("text/plain; charset=utf-8", to_try(page.addresses))
}

/// What the page shows, once a second.
async fn live(State(page): State<DemoPage>, uri: Uri) -> Response {
    let language = language(&uri);
    let texts = page.ask(Request::get("/_sim/subscriptions").body(Body::empty())).await;
    let texts = axum::body::to_bytes(texts.into_body(), usize::MAX).await;
    let texts: Value = texts.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let (shown, failed) = match shown(&page.newest, language).await {
        Ok(shown) => (shown, None),
        Err(error) => (json!({}), Some(ports::error::in_full(&error))),
    };
    let answer = json!({
        "runs": page.connector.runs(),
        "participations": shown["participations"],
        "calls": shown["calls"],
        "unreadable": failed,
        "texts": texts["prompted"],
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// What the data file has: the newest participations, and the last calls to Braze.
async fn shown(newest: &Newest, language: Language) -> ports::Result<Value> {
    let calls = newest.calls().await?;
    let participations = newest.inspected().await?;
    let participations: Vec<Value> =
        participations.iter().map(|one| newest.shown(one, &calls, language)).collect();
    Ok(json!({ "participations": participations, "calls": calls.shown(language) }))
}

/// What a consumer answers on the telephone.
async fn reply(State(page): State<DemoPage>, body: String) -> Response {
    let request = Request::post("/_sim/replies").header(header::CONTENT_TYPE, "application/json");
    page.ask(request.body(Body::from(body))).await
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
    let cleared = page.ask(Request::delete("/_sim/faults").body(Body::empty())).await;
    let Some(fault) = fault else { return cleared };
    page.tell("/_sim/faults", &fault).await
}

/// Merges away the profile of the newest participation whose reward is on one: that consumer signs in to the app, which knows the consumer
/// by an id of its own. The custom attributes of the merged profile are lost.
async fn merge(State(page): State<DemoPage>) -> Response {
    let Ok(newest) = page.newest.inspected().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let shown = newest.iter().map(|one| &one.participation).find(|one| one.shown_at().is_some());
    let Some((from, name)) = shown.and_then(|one| Some((contact(one)?, one.id()))) else {
        return StatusCode::CONFLICT.into_response();
    };
    let external_id = format!("app-{name}");
    let known = page.tell("/_sim/profiles", &json!({ "profiles": [{ "external_id": external_id }] })).await;
    if !known.status().is_success() {
        return known;
    }
    page.tell("/_sim/sign_ins", &json!({ "external_id": external_id, "from": from })).await
}

fn contact(participation: &Participation) -> Option<Value> {
    let phone = participation.phone().map(|phone| json!({ "phone": phone.as_str() }));
    phone.or_else(|| participation.email().map(|email| json!({ "email": email.as_str() })))
}

/// Kills the connector, or starts it.
async fn act(State(page): State<DemoPage>, Path(act): Path<String>) -> Response {
    match act.as_str() {
        "kill" => page.connector.kill(),
        "start" => {
            if page.connector.start().await.is_err() {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}
