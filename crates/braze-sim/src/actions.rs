//! The paths by which tests act for consumers, for the brand's app and for its staff.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Query, State as Shared};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::consumer::ConsumerAction;
use crate::contact::SimContact;
use crate::inspect::{Inspected, PostedJson, Wrong, read};
use crate::merging::Carried;
use crate::profiles::SimIdentifier;
use crate::seed::SeedFile;
use crate::subscription::opts_out;
use crate::track;
use crate::workspace::Workspace;

pub(crate) fn routes(workspace: Workspace) -> Router {
    Router::new()
        .route("/_sim/profiles", post(add_profiles))
        .route("/_sim/sign_ins", post(sign_in))
        .route("/_sim/contacts", post(change_contacts))
        .route("/_sim/swaps", post(swap))
        .route("/_sim/bulk_merges", post(bulk_merge))
        .route("/_sim/unsubscribes", post(unsubscribe))
        .route("/_sim/replies", post(reply))
        .route("/_sim/confirmations", post(confirm))
        .with_state(workspace)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowedLink {
    email: String,
}

/// When the result appears; with other changes when absent.
#[derive(Deserialize)]
struct After {
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    external_id: String,
    from: Option<Value>,
    #[serde(default)]
    carries_custom_data: bool,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeContacts {
    of: Value,
    set: BTreeMap<ContactField, Option<String>>,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    one: Value,
    other: Value,
    #[serde(default)]
    fields: Vec<ContactField>,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkMerge {
    by: ContactField,
    after_ms: Option<u64>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
enum ContactField {
    Email,
    Phone,
}

impl ContactField {
    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    email: String,
    subscription_group_id: Option<String>,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    phone: String,
    text: String,
    subscription_group_id: Option<String>,
    after_ms: Option<u64>,
}

/// Takes note of an action, and answers that it did.
fn act(workspace: &Workspace, action: ConsumerAction, after_ms: Option<u64>) -> Inspected {
    note(workspace, action, after_ms);
    Ok(Json(json!({})))
}

fn note(workspace: &Workspace, action: ConsumerAction, after_ms: Option<u64>) {
    let now = workspace.now();
    workspace.lock().act(action, after_ms.map(Duration::from_millis), now);
}

/// The identifier in an object of a request.
fn identifier(object: &Value) -> Result<SimIdentifier, Wrong> {
    track::identifier(object).map_err(|wrong| Wrong(wrong.to_owned()))
}

/// Adds profiles, as the app does when somebody uses it for the first time: at once, or after a while.
async fn add_profiles(
    Shared(workspace): Shared<Workspace>,
    Query(after): Query<After>,
    body: String,
) -> Inspected {
    let seed = SeedFile::read(&body).map_err(|error| Wrong(error.to_string()))?;
    let added = seed.count();
    note(&workspace, ConsumerAction::Appear(seed), Some(after.after_ms.unwrap_or(0)));
    Ok(Json(json!({ "added": added })))
}

async fn sign_in(Shared(workspace): Shared<Workspace>, body: PostedJson<SignIn>) -> Inspected {
    let SignIn { external_id, from, carries_custom_data, after_ms } = read(body)?;
    let from = from.as_ref().map(identifier).transpose()?;
    let carried = if carries_custom_data { Carried::Everything } else { Carried::FieldsAndAliases };
    act(&workspace, ConsumerAction::SignIn { external_id, from, carried }, after_ms)
}

/// Changes an address or a number; `null` removes it.
async fn change_contacts(
    Shared(workspace): Shared<Workspace>,
    body: PostedJson<ChangeContacts>,
) -> Inspected {
    let ChangeContacts { of, set, after_ms } = read(body)?;
    let fields = set.into_iter().map(|(field, text)| (field.name(), Value::from(text))).collect();
    act(&workspace, ConsumerAction::ChangeContacts { of: identifier(&of)?, fields }, after_ms)
}

async fn swap(Shared(workspace): Shared<Workspace>, body: PostedJson<Swap>) -> Inspected {
    let Swap { one, other, fields, after_ms } = read(body)?;
    let fields = match fields.as_slice() {
        [] => vec!["email"],
        fields => fields.iter().map(|field| field.name()).collect(),
    };
    let (one, other) = (identifier(&one)?, identifier(&other)?);
    act(&workspace, ConsumerAction::Swap { one, other, fields }, after_ms)
}

async fn bulk_merge(Shared(workspace): Shared<Workspace>, body: PostedJson<BulkMerge>) -> Inspected {
    let BulkMerge { by, after_ms } = read(body)?;
    act(&workspace, ConsumerAction::BulkMerge { field: by.name() }, after_ms)
}

async fn unsubscribe(Shared(workspace): Shared<Workspace>, body: PostedJson<Unsubscribe>) -> Inspected {
    let Unsubscribe { email, subscription_group_id: group, after_ms } = read(body)?;
    let email = SimContact::email(&email);
    act(&workspace, ConsumerAction::Unsubscribe { email, group }, after_ms)
}

/// Records a consumer's text. An answer to the prompt counts at once; STOP appears with other changes.
async fn reply(Shared(workspace): Shared<Workspace>, body: PostedJson<Reply>) -> Inspected {
    let Reply { phone, text, subscription_group_id: group, after_ms } = read(body)?;
    let phone = SimContact::phone(&phone);
    if opts_out(&text) {
        note(&workspace, ConsumerAction::OptOut { phone, group }, after_ms);
        return Ok(Json(json!({ "confirmed": false, "opted_out": true })));
    }
    let now = workspace.now();
    let confirmed = workspace.lock().subscriptions.reply(&phone, &text, now);
    Ok(Json(json!({ "confirmed": confirmed })))
}

/// Records that a consumer has followed the link of a mail that asks to confirm. This counts at once.
async fn confirm(Shared(workspace): Shared<Workspace>, body: PostedJson<FollowedLink>) -> Inspected {
    let FollowedLink { email } = read(body)?;
    let now = workspace.now();
    let confirmed = workspace.lock().confirm(&SimContact::email(&email), now);
    Ok(Json(json!({ "confirmed": confirmed })))
}
