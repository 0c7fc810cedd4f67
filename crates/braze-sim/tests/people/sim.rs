//! A workspace as the tests of this set use it: over its HTTP paths, under a paused clock.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::{Settings, Workspace};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The group of numbers, and the group of addresses.
pub(crate) const SMS: &str = "8f1c6f0e-0000-4000-8000-000000000001";
pub(crate) const NEWS: &str = "8f1c6f0e-0000-4000-8000-000000000002";

pub(crate) const PHONE: &str = "+13135550100";
pub(crate) const OTHER_PHONE: &str = "+13135550101";

const FIELDS: [&str; 10] = [
    "external_id",
    "braze_id",
    "user_aliases",
    "email",
    "phone",
    "first_name",
    "last_name",
    "email_subscribe",
    "custom_attributes",
    "custom_events",
];

pub(crate) struct Simulated(Router);

impl Simulated {
    /// A workspace in which everything appears at once.
    pub(crate) fn at_once() -> Self {
        Self::with(Settings::default())
    }

    /// A workspace in which writes appear at once, and every other change after `delay`.
    pub(crate) fn slow(delay: Duration) -> Self {
        Self::with(Settings { change_delay: Some(delay), ..Settings::default() })
    }

    fn with(settings: Settings) -> Self {
        let settings = Settings {
            settle: Duration::ZERO,
            subscription_groups: vec![SMS.into()],
            email_groups: vec![NEWS.into()],
            ..settings
        };
        Self(Workspace::new(settings).router())
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer sim-key");
        let request =
            request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, &body).await
    }

    /// Posts what is known to be accepted.
    pub(crate) async fn accepted(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!((200..300).contains(&status), "{path} answered {status}: {answer}");
        answer
    }

    pub(crate) async fn has(&self, profiles: Value) {
        self.accepted("/_sim/profiles", json!({ "profiles": profiles })).await;
    }

    pub(crate) async fn write(&self, attributes: Value) {
        self.accepted("/users/track", json!({ "attributes": [attributes] })).await;
    }

    pub(crate) async fn log(&self, event: Value) {
        self.accepted("/users/track", json!({ "events": [event] })).await;
    }

    /// The profiles that an export finds.
    pub(crate) async fn export(&self, mut by: Value) -> Vec<Value> {
        by["fields_to_export"] = json!(FIELDS);
        self.accepted("/users/export/ids", by).await["users"].as_array().unwrap().clone()
    }

    /// The profile that an alias of the label `email` names, or `null`.
    pub(crate) async fn by_alias(&self, name: &str) -> Value {
        first(self.export(json!({ "user_aliases": [alias("email", name)] })).await)
    }

    /// The profile that an external id names, or `null`.
    pub(crate) async fn by_id(&self, id: &str) -> Value {
        first(self.export(json!({ "external_ids": [id] })).await)
    }

    pub(crate) async fn by_email(&self, email: &str) -> Vec<Value> {
        self.export(json!({ "email_address": email })).await
    }

    /// How many profiles there are.
    pub(crate) async fn count(&self) -> usize {
        let shown = self.call("GET", "/_sim/profiles", &Value::Null).await.1;
        shown["profiles"].as_array().unwrap().len()
    }

    /// The state of a contact in a group, as Braze says it.
    pub(crate) async fn state(&self, group: &str, contact: &str) -> String {
        let name = if contact.contains('@') { "email" } else { "phone" };
        let contact = contact.replace('+', "%2B");
        let path = format!("/subscription/status/get?subscription_group_id={group}&{name}={contact}");
        let status = self.call("GET", &path, &Value::Null).await.1["status"].clone();
        status.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) async fn subscribe(&self, group: &str, contact: &str) {
        let name = if contact.contains('@') { "emails" } else { "phones" };
        let entry =
            json!({ "subscription_group_id": group, "subscription_state": "subscribed", name: [contact] });
        self.accepted("/_sim/subscriptions", json!({ "subscription_groups": [entry] })).await;
    }
}

fn first(users: Vec<Value>) -> Value {
    users.into_iter().next().unwrap_or(Value::Null)
}

pub(crate) fn alias(label: &str, name: &str) -> Value {
    json!({ "alias_label": label, "alias_name": name })
}

/// A profile that only has an alias: the address, under the label `email`.
pub(crate) fn alias_only(email: &str) -> Value {
    json!({ "user_aliases": [alias("email", email)], "email": email })
}

pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}
