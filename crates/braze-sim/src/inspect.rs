//! The workspace's own HTTP endpoints, which show its state and control it.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::HELP;
use crate::contact::SimContact;
use crate::faults::Fault;
use crate::subscription::{DoubleOptIn, StatusKeys};
use crate::subscription_requests;
use crate::unconfirmed::Unconfirmed;
use crate::windows::HeaderStyle;
use crate::workspace::{Settings, Workspace};

pub(crate) fn routes(workspace: Workspace) -> Router {
    Router::new()
        .route("/", get(|| async { HELP }))
        .route("/_sim", get(|| async { HELP }))
        .route("/_sim/profiles", get(profiles))
        .route("/_sim/requests", get(requests).delete(forget_requests))
        .route("/_sim/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sim/limits", put(set_limits))
        .route("/_sim/settle", put(set_settle))
        .route("/_sim/keys", put(set_keys))
        .route("/_sim/permissions", put(set_permissions))
        .route("/_sim/subscriptions", get(subscriptions).post(set_subscriptions))
        .route("/_sim/double_opt_in", put(set_double_opt_in))
        .route("/_sim/status_keys", put(set_status_keys))
        .route("/_sim/email_groups", put(set_email_groups))
        .route("/_sim/change_delay", put(set_change_delay))
        .route("/_sim/unconfirmed", put(set_unconfirmed))
        .route("/_sim/bad_phones", put(set_bad_phones))
        .route("/_sim/reset", post(reset))
        .with_state(workspace)
}

#[derive(Deserialize)]
struct WhichProfile {
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsBody {
    export_ids_per_minute: Option<u32>,
    export_ids_window_ms: Option<u64>,
    export_ids_by_others: Option<u32>,
    track_per_3s: Option<u32>,
    track_per_hour: Option<u32>,
    max_objects: Option<u32>,
    objects_per_array: Option<bool>,
    header_style: Option<HeaderStyle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    settle_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permissions {
    withheld: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyed {
    status_keys: StatusKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phones {
    phones: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailGroups {
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeDelay {
    delay_ms: Option<u64>,
}

/// The result of such an endpoint: a body, or what is wrong with the request.
pub(crate) type Inspected = Result<Json<Value>, Wrong>;

/// The posted body, or the reason why it cannot be read.
pub(crate) type PostedJson<T> = Result<Json<T>, JsonRejection>;

pub(crate) struct Wrong(pub(crate) String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

pub(crate) fn read<T>(body: PostedJson<T>) -> Result<T, Wrong> {
    body.map(|Json(body)| body).map_err(|rejection| Wrong(rejection.body_text()))
}

async fn profiles(Shared(workspace): Shared<Workspace>, Query(which): Query<WhichProfile>) -> Json<Value> {
    let state = workspace.lock();
    let shown: Vec<Value> = match &which.email {
        Some(email) => {
            state.profiles.with_contact(&SimContact::email(email)).into_iter().map(|p| json!(p)).collect()
        }
        None => state.profiles.iter().map(|profile| json!(profile)).collect(),
    };
    Json(json!({ "profiles": shown, "pending_objects": state.pending() }))
}

async fn requests(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    Json(json!(workspace.lock().requests))
}

async fn forget_requests(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    workspace.lock().requests = crate::workspace::Requests::default();
    Json(json!({}))
}

async fn faults(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    Json(json!({ "faults": workspace.lock().faults }))
}

async fn add_fault(Shared(workspace): Shared<Workspace>, body: PostedJson<Fault>) -> Inspected {
    workspace.lock().faults.add(read(body)?);
    Ok(Json(json!({})))
}

async fn clear_faults(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    workspace.lock().faults.clear();
    Json(json!({}))
}

async fn set_limits(Shared(workspace): Shared<Workspace>, body: PostedJson<LimitsBody>) -> Inspected {
    let limits = read(body)?;
    let mut state = workspace.lock();
    let old = state.settings.clone();
    state.settings = Settings {
        export_ids_per_minute: limits.export_ids_per_minute.unwrap_or(old.export_ids_per_minute),
        export_ids_window: limits.export_ids_window_ms.map_or(old.export_ids_window, Duration::from_millis),
        export_ids_by_others: limits.export_ids_by_others.unwrap_or(old.export_ids_by_others),
        track_per_3s: limits.track_per_3s.unwrap_or(old.track_per_3s),
        track_per_hour: limits.track_per_hour.or(old.track_per_hour),
        max_objects: limits.max_objects.unwrap_or(old.max_objects),
        objects_per_array: limits.objects_per_array.unwrap_or(old.objects_per_array),
        header_style: limits.header_style.unwrap_or(old.header_style),
        ..old
    };
    state.apply_limits();
    Ok(Json(json!({})))
}

async fn set_settle(Shared(workspace): Shared<Workspace>, body: PostedJson<Settle>) -> Inspected {
    workspace.lock().settings.settle = Duration::from_millis(read(body)?.settle_ms);
    Ok(Json(json!({})))
}

async fn set_keys(Shared(workspace): Shared<Workspace>, body: PostedJson<Keys>) -> Inspected {
    workspace.lock().keys = read(body)?.keys.into_iter().collect();
    Ok(Json(json!({})))
}

async fn set_permissions(Shared(workspace): Shared<Workspace>, body: PostedJson<Permissions>) -> Inspected {
    workspace.lock().withheld = read(body)?.withheld.into_iter().collect();
    Ok(Json(json!({})))
}

async fn subscriptions(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    Json(workspace.lock().subscriptions.show())
}

/// Sets states at once, without settling.
async fn set_subscriptions(Shared(workspace): Shared<Workspace>, body: PostedJson<Value>) -> Inspected {
    let changes = subscription_requests::changes_of_any_size(&read(body)?).map_err(Wrong)?;
    let now = workspace.now();
    let set = changes.len();
    workspace.lock().change(changes, now);
    Ok(Json(json!({ "set": set })))
}

async fn set_double_opt_in(Shared(workspace): Shared<Workspace>, body: PostedJson<DoubleOptIn>) -> Inspected {
    workspace.lock().settings.double_opt_in = Some(read(body)?);
    Ok(Json(json!({})))
}

async fn set_unconfirmed(Shared(workspace): Shared<Workspace>, body: PostedJson<Unconfirmed>) -> Inspected {
    workspace.lock().settings.unconfirmed = read(body)?;
    Ok(Json(json!({})))
}

async fn set_status_keys(Shared(workspace): Shared<Workspace>, body: PostedJson<Keyed>) -> Inspected {
    workspace.lock().settings.status_keys = read(body)?.status_keys;
    Ok(Json(json!({})))
}

async fn set_bad_phones(Shared(workspace): Shared<Workspace>, body: PostedJson<Phones>) -> Inspected {
    workspace.lock().bad_phones = read(body)?.phones.into_iter().collect();
    Ok(Json(json!({})))
}

async fn set_email_groups(Shared(workspace): Shared<Workspace>, body: PostedJson<EmailGroups>) -> Inspected {
    workspace.lock().settings.email_groups = read(body)?.groups;
    Ok(Json(json!({})))
}

async fn set_change_delay(Shared(workspace): Shared<Workspace>, body: PostedJson<ChangeDelay>) -> Inspected {
    workspace.lock().settings.change_delay = read(body)?.delay_ms.map(Duration::from_millis);
    Ok(Json(json!({})))
}

async fn reset(Shared(workspace): Shared<Workspace>) -> Json<Value> {
    workspace.lock().reset();
    Json(json!({}))
}
