//! Answers of Braze's.

use std::sync::Arc;

use async_trait::async_trait;
use braze::{
    ApiKey, AttributesObject, Client, Event, ExportQuery, Fields, GroupPhones, Identifier, Permission,
    SetEndpoint, TrackWrite, Transport, TransportError, UserAlias,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Map, json};

use crate::{now, split_line};

const KEY: &str = "key-0123456789";

/// Answers everything alike.
struct Always(StatusCode, Vec<(HeaderName, HeaderValue)>, Bytes);

#[async_trait]
impl Transport for Always {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let mut response = Response::new(self.2.clone());
        *response.status_mut() = self.0;
        response.headers_mut().extend(self.1.iter().cloned());
        Ok(response)
    }
}

/// `CALL STATUS`, header lines, an empty line, a body: whatever it is, the client has an answer for every object, and never tells the
/// key.
pub fn braze_answer(bytes: &[u8]) {
    let (first, mut rest) = split_line(bytes);
    let first = String::from_utf8_lossy(first).into_owned();
    let (call, status) = first.split_once(' ').unwrap_or((&first, "201"));
    let status = status.trim().parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut headers = Vec::new();
    loop {
        let (line, after) = split_line(rest);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        headers.extend(name.ok().zip(value.ok()));
    }
    let answer = Always(status.unwrap_or(StatusCode::CREATED), headers, Bytes::copy_from_slice(rest));
    let said = futures::executor::block_on(ask(call, answer));
    assert!(!said.contains(KEY), "the key is told: {said}");
}

/// Asks, and gives back all that the client says of the answer.
#[expect(clippy::expect_used, reason = "a constant URL")]
async fn ask(call: &str, answer: Always) -> String {
    let endpoint = "https://rest.example".parse().expect("a URL");
    let client = Client::new(endpoint, ApiKey::new(KEY), Arc::new(answer));
    let phones = ["+13135550100".to_owned(), "+13135550101".to_owned()];
    match call {
        "export" => {
            let ids = ExportQuery::Email("ada@example.com".into());
            let answer = client.export_ids(&ids, Fields::Identity).await;
            answer.result.map_or_else(|error| told(&error), |export| format!("{:?}", export.users.len()))
        }
        "status" => {
            let answer = client.subscription_statuses("group", &phones).await;
            answer.result.map_or_else(|error| told(&error), |statuses| format!("{statuses:?}"))
        }
        "set" => {
            let wanted = GroupPhones { group: "group".to_owned(), phones: phones.to_vec() };
            let answer = client.subscribe(SetEndpoint::V2, &[wanted], false).await;
            answer.result.map_or_else(|error| told(&error), |()| String::new())
        }
        "ask" => format!("{:?}", client.ask_for(Permission::ALL[0]).await),
        _ => {
            let writes = [write("ada"), write("bob"), write("cid")];
            let answer = client.track(&writes).await;
            let _next = answer.limits;
            answer.result.map_or_else(
                |error| told(&error),
                |outcomes| {
                    assert_eq!(outcomes.len(), writes.len(), "an outcome for each");
                    format!("{outcomes:?}")
                },
            )
        }
    }
}

fn told(error: &braze::Error) -> String {
    format!("{error} {error:?} {:?}", error.next())
}

fn write(name: &str) -> TrackWrite {
    let identifier =
        Identifier::UserAlias(UserAlias { label: "email".into(), name: format!("{name}@example.com") });
    let mut fields = Map::new();
    fields.insert("quikly_participant".into(), json!(true));
    let attributes = AttributesObject {
        identifier: identifier.clone(),
        update_existing_only: Some(false),
        email: None,
        fields,
    };
    let event = Event {
        identifier,
        name: "quikly_participated".into(),
        time: now(),
        properties: Map::new(),
        update_existing_only: None,
    };
    TrackWrite { attributes: Some(attributes), events: vec![event] }
}
