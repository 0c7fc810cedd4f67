//! Braze's REST API, as far as it is simulated: authorisation, limits, faults, then the endpoint.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use crate::clock::SimClock;
use crate::endpoints::SimEndpoint;
use crate::faults::{Fault, FaultKind, When};
use crate::workspace::{ObservedRequest, Workspace, WorkspaceState};
use crate::{export, identity_requests, subscription_requests, track};

/// The size limit of a request body in bytes. Most of Braze's endpoints accept up to 4 MB.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Marks an answer that must not be sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropConnection;

/// An answer, with a summary of what the request was about.
struct SimAnswer {
    status: StatusCode,
    body: Value,
    summary: String,
}

impl SimAnswer {
    fn new(status: StatusCode, body: Value, summary: impl Into<String>) -> Self {
        Self { status, body, summary: summary.into() }
    }

    fn message(status: StatusCode, message: &str) -> Self {
        Self::new(status, json!({ "message": message }), message)
    }
}

pub(crate) fn routes(workspace: Workspace) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(workspace)
}

async fn answer(
    Shared(workspace): Shared<Workspace>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let path = uri.path().to_owned();
    let at = workspace.now();
    let fault = workspace.lock().faults.meet(&path);
    let before = fault.as_ref().filter(|fault| fault.when == When::Before && fault.kind != FaultKind::Delay);
    let (said, extra) = match before {
        Some(_) => (SimAnswer::new(StatusCode::OK, Value::Null, "a fault, nothing done"), HeaderMap::new()),
        None => work(&workspace, &method, &uri, &headers, body),
    };
    let (response, observed) = play(fault, said, extra, (at, &method, &path)).await;
    let on_request = {
        let mut state = workspace.lock();
        let answered = state.requests.answered.entry(format!("{method} {path}")).or_default();
        *answered.entry(observed.status).or_default() += 1;
        state.settings.on_request.clone()
    };
    if let Some(on_request) = on_request {
        on_request(&observed);
    }
    response
}

/// Turns the result into an answer, or into the fault that replaces it.
async fn play(
    fault: Option<Fault>,
    said: SimAnswer,
    extra: HeaderMap,
    (at, method, path): (jiff::Timestamp, &Method, &str),
) -> (Response, ObservedRequest) {
    let mut response = (said.status, axum::Json(said.body)).into_response();
    response.headers_mut().extend(extra);
    let mut summary = said.summary;
    let mut status = said.status.as_u16();
    match fault {
        Some(Fault { kind: FaultKind::Delay, delay_ms, .. }) => {
            SimClock::sleep(std::time::Duration::from_millis(delay_ms)).await;
        }
        Some(Fault { kind: FaultKind::Drop, .. }) => {
            response.extensions_mut().insert(DropConnection);
            (status, summary) = (0, format!("{summary}; the connection is dropped"));
        }
        Some(Fault { kind: FaultKind::Garbage, .. }) => {
            response = (StatusCode::OK, "<html>not what you asked for</html>").into_response();
            (status, summary) = (200, format!("{summary}; the answer is garbage"));
        }
        Some(Fault { kind: FaultKind::Answer, status: code, headers, body, .. }) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::OK);
            let body = match body {
                Some(Value::String(text)) => text,
                Some(json) => json.to_string(),
                None => String::new(),
            };
            response = (code, body).into_response();
            response.headers_mut().extend(named(&headers));
            (status, summary) = (code.as_u16(), format!("{summary}; a fault answers"));
        }
        Some(Fault { kind: FaultKind::Status, status: code, retry_after, headers, .. }) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            response = (code, axum::Json(json!({ "message": "a fault was asked for" }))).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response.headers_mut().extend(named(&headers));
            (status, summary) = (code.as_u16(), format!("{summary}; a fault answers"));
        }
        None => {}
    }
    (response, ObservedRequest { at, method: method.to_string(), path: path.to_owned(), status, summary })
}

/// The headers of a fault, without those that are not valid.
fn named(headers: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    headers.iter().filter_map(header).collect()
}

/// Performs the request as Braze would. Returns the answer and its rate-limit headers.
fn work(
    workspace: &Workspace,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> (SimAnswer, HeaderMap) {
    let mut state = workspace.lock();
    let mut extra = HeaderMap::new();
    let key = bearer(headers);
    if !key.is_some_and(|key| state.keys.contains(key)) {
        // Braze sends the three headers with empty values, and its message repeats the key.
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            extra.insert(HeaderName::from_static(name), HeaderValue::from_static(""));
        }
        let message = json!({ "message": format!("Invalid API key: {}", key.unwrap_or_default()) });
        return (SimAnswer::new(StatusCode::UNAUTHORIZED, message, "the API key is refused"), extra);
    }
    let Some(endpoint) = SimEndpoint::of(method, uri.path()) else {
        let slash = uri.path().ends_with('/');
        let said = if slash {
            SimAnswer::message(StatusCode::FORBIDDEN, "Access Denied")
        } else {
            SimAnswer::message(StatusCode::NOT_FOUND, "Not Found")
        };
        return (said, extra);
    };
    if state.withheld.contains(endpoint.permission()) {
        return (SimAnswer::message(StatusCode::FORBIDDEN, "Access Denied"), extra);
    }
    let now = workspace.now();
    let style = state.settings.header_style;
    if let Some(counted) = state.count(endpoint.limit(), now) {
        counted.write(style, &mut extra);
        if !counted.within {
            return (SimAnswer::message(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded"), extra);
        }
    }
    let said = match endpoint {
        SimEndpoint::StatusGet => status_get(&state, uri),
        _ => serve(&mut state, endpoint, headers, body, now),
    };
    (said, extra)
}

fn serve(
    state: &mut WorkspaceState,
    endpoint: SimEndpoint,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    now: jiff::Timestamp,
) -> SimAnswer {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !declared.starts_with("application/json") {
        return SimAnswer::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type");
    }
    let Ok(body) = body else {
        return SimAnswer::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        let error = "Error while parsing request body. Please check your syntax.";
        return SimAnswer::new(StatusCode::BAD_REQUEST, json!({ "error": error }), error);
    };
    match endpoint {
        SimEndpoint::Track => track(state, &body, now),
        SimEndpoint::StatusSet | SimEndpoint::StatusGet => status_set(state, &body, now),
        SimEndpoint::ExportIds => match export::answer(&body, &state.profiles) {
            Ok(answer) => {
                let found = answer["users"].as_array().map_or(0, Vec::len);
                let summary = format!("look-up by {}: {found} profile(s)", asked_by(&body));
                SimAnswer::new(StatusCode::CREATED, answer, summary)
            }
            Err(message) => SimAnswer::message(StatusCode::BAD_REQUEST, &message),
        },
        _ => match identity_requests::read(endpoint, &body, &state.profiles) {
            Ok(accepted) => {
                let summary = format!("{} change(s) of identity", accepted.changes.len());
                state.accept_identity(accepted.changes, now);
                SimAnswer::new(accepted.status, accepted.body, summary)
            }
            Err(message) => SimAnswer::message(StatusCode::BAD_REQUEST, &message),
        },
    }
}

fn track(state: &mut WorkspaceState, body: &Value, now: jiff::Timestamp) -> SimAnswer {
    let Some(sizes) = track::sizes(body) else {
        return SimAnswer::message(
            StatusCode::BAD_REQUEST,
            "'attributes', 'events' and 'purchases' are arrays",
        );
    };
    let objects: usize = sizes.iter().sum();
    let counted =
        if state.settings.objects_per_array { sizes.into_iter().max().unwrap_or(0) } else { objects };
    if counted > usize::try_from(state.settings.max_objects).unwrap_or(usize::MAX) {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "Max Input Length Exceeded");
    }
    let size = u64::try_from(objects).unwrap_or(u64::MAX);
    state.requests.track_objects += size;
    state.requests.most_objects = state.requests.most_objects.max(size);
    let checked = track::check(body, now);
    if checked.attributes + checked.events + checked.purchases == 0 {
        let message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.";
        let answer = json!({ "message": message, "errors": checked.errors });
        return SimAnswer::new(StatusCode::BAD_REQUEST, answer, "nothing valid");
    }
    let refused = checked.errors.len();
    let mut answer = json!({ "message": "success" });
    for (name, count) in [
        ("attributes_processed", checked.attributes),
        ("events_processed", checked.events),
        ("purchases_processed", checked.purchases),
    ] {
        if count > 0 {
            answer[name] = count.into();
        }
    }
    if refused > 0 {
        answer["errors"] = Value::Array(checked.errors);
    }
    let summary =
        format!("{} attribute object(s), {} event(s), {refused} refused", checked.attributes, checked.events);
    state.accept(checked.accepted, now);
    SimAnswer::new(StatusCode::CREATED, answer, summary)
}

fn status_get(state: &WorkspaceState, uri: &Uri) -> SimAnswer {
    let Ok(Query(query)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "the query cannot be read");
    };
    let group = query.iter().find(|(name, _)| name == "subscription_group_id");
    if !group.is_some_and(|(_, group)| state.has_group(group)) {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "Invalid subscription group ID");
    }
    if query.iter().any(|(_, value)| state.bad_phones.contains(value)) {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "a phone is not valid");
    }
    let contact = |name: &str| name.starts_with("phone") || name.starts_with("email");
    let contacts = query.iter().filter(|(name, _)| contact(name)).count();
    let keys = state.settings.status_keys;
    match subscription_requests::status(&query, &state.subscriptions, &state.profiles, keys) {
        Ok(answer) => SimAnswer::new(StatusCode::OK, answer, format!("status of {contacts} number(s)")),
        Err(message) => SimAnswer::message(StatusCode::BAD_REQUEST, &message),
    }
}

fn status_set(state: &mut WorkspaceState, body: &Value, now: jiff::Timestamp) -> SimAnswer {
    let changes = match subscription_requests::changes(body) {
        Ok(changes) => changes,
        Err(message) => return SimAnswer::message(StatusCode::BAD_REQUEST, &message),
    };
    if !changes.iter().all(|change| state.has_group(&change.group)) {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "Invalid subscription group ID");
    }
    if changes.iter().any(|change| state.bad_phones.contains(change.contact.text())) {
        return SimAnswer::message(StatusCode::BAD_REQUEST, "a phone is not valid");
    }
    let summary = format!("{} number(s)", changes.len());
    state.accept_changes(changes, now);
    SimAnswer::new(StatusCode::CREATED, json!({ "message": "success" }), summary)
}

/// The key after `Bearer`. The scheme is not case-sensitive.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

/// The identifiers that an export asks by. Of an address, only the first letters are shown.
fn asked_by(body: &Value) -> String {
    let count = |name: &str| body.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("email_address"), text("phone")) {
        (Some(email), _) => {
            let (local, host) = email.split_once('@').unwrap_or((email, ""));
            format!("e-mail {}***@{host}", local.chars().take(2).collect::<String>())
        }
        (None, Some(phone)) => format!("phone {}***", phone.chars().take(5).collect::<String>()),
        (None, None) => format!("{} id(s) and {} alias(es)", count("external_ids"), count("user_aliases")),
    }
}
