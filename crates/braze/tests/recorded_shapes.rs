//! Answers in the shapes that Braze documents or was seen to send, served over a real socket.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use braze::{
    AfterError, ApiKey, AttributesObject, Client, Event, ExportQuery, Fields, HttpTransport, Identifier,
    ObjectOutcome, Timeouts, TrackWrite, UserAlias,
};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use serde_json::Map;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KEY: &str = "9f1c2b7a-the-key";

/// A client of a server that gives this answer to every request.
async fn client(status: u16, headers: &[(&str, &str)], body: impl Into<String>) -> Client {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    let (status, body) = (StatusCode::from_u16(status).unwrap(), body.into());
    let routes = Router::new().fallback(move || async move { (status, map, body) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    client_of(&format!("http://{address}"), Timeouts::default())
}

fn client_of(url: &str, timeouts: Timeouts) -> Client {
    Client::new(url.parse().unwrap(), ApiKey::new(KEY), Arc::new(HttpTransport::new(timeouts).unwrap()))
}

fn write() -> TrackWrite {
    let identifier =
        Identifier::UserAlias(UserAlias { label: "email".into(), name: "pat@example.org".into() });
    let attributes = AttributesObject {
        identifier: identifier.clone(),
        update_existing_only: Some(false),
        email: Some("pat@example.org".into()),
        fields: Map::new(),
    };
    let event = Event {
        identifier,
        name: "quikly_participated".into(),
        time: Timestamp::UNIX_EPOCH,
        properties: Map::new(),
        update_existing_only: None,
    };
    TrackWrite { attributes: Some(attributes), events: vec![event] }
}

fn by_email() -> ExportQuery {
    ExportQuery::Email("pat@example.org".into())
}

#[tokio::test]
async fn a_recorded_success_is_done() {
    let client = client(201, &[], include_str!("fixtures/track_success.json")).await;
    let outcomes = client.track(&[write()]).await.result.unwrap();
    assert_eq!(outcomes[0].worst(), &ObjectOutcome::Done);
}

#[tokio::test]
async fn an_error_entry_is_mapped_to_its_object() {
    let client = client(201, &[], include_str!("fixtures/track_partial.json")).await;
    let outcomes = client.track(&[write(), write()]).await.result.unwrap();
    assert_eq!(outcomes[0].worst(), &ObjectOutcome::Done);
    assert!(matches!(outcomes[1].attributes, Some(ObjectOutcome::Refused(_))));
    assert_eq!(outcomes[1].events, [ObjectOutcome::Done]);
}

#[tokio::test]
async fn an_error_entry_that_is_a_text_leaves_everything_uncertain() {
    let client = client(201, &[], include_str!("fixtures/track_partial_as_text.json")).await;
    let outcomes = client.track(&[write(), write()]).await.result.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.worst() == &ObjectOutcome::Unknown));
}

#[tokio::test]
async fn a_400_refuses_the_objects_it_names() {
    let client = client(400, &[], include_str!("fixtures/track_nothing_valid.json")).await;
    let outcomes = client.track(&[write()]).await.result.unwrap();
    assert!(matches!(outcomes[0].worst(), ObjectOutcome::Refused(_)));
}

#[tokio::test]
async fn a_refused_key_is_a_configuration_error_and_is_not_shown() {
    let empty = [("x-ratelimit-limit", ""), ("x-ratelimit-remaining", ""), ("x-ratelimit-reset", "")];
    let client = client(401, &empty, include_str!("fixtures/unauthorized.json")).await;
    let answer = client.export_ids(&by_email(), Fields::Identity).await;
    let error = answer.result.unwrap_err();
    assert_eq!(error.next(), AfterError::Configuration);
    assert!(error.to_string().contains("Invalid API key"));
    for shown in [format!("{error} {error:?}"), format!("{client:?} {:?}", ApiKey::new(KEY))] {
        assert!(!shown.contains(KEY), "{shown}");
    }
    assert_eq!(answer.limits, braze::RateLimit::default());
}

#[tokio::test]
async fn every_status_says_what_may_follow() {
    let retry_7 = AfterError::Retry { after: Some(Duration::from_secs(7)) };
    for (status, next) in [
        (400, AfterError::Refused),
        (401, AfterError::Configuration),
        (403, AfterError::Configuration),
        (404, AfterError::Refused),
        (408, AfterError::Unknown),
        (413, AfterError::Refused),
        (415, AfterError::Refused),
        (429, retry_7),
        (500, AfterError::Unknown),
        (502, AfterError::Unknown),
        (503, retry_7),
        (504, AfterError::Unknown),
        (405, AfterError::Refused),
        (422, AfterError::Refused),
        (302, retry_7),
        (402, retry_7),
        (407, retry_7),
        (421, retry_7),
        (423, retry_7),
        (425, retry_7),
        (409, AfterError::Unknown),
        (520, AfterError::Unknown),
        (530, AfterError::Unknown),
        (799, AfterError::Unknown),
    ] {
        let headers = [("retry-after", "7"), ("location", "http://127.0.0.1:1/elsewhere")];
        let client = client(status, &headers, r#"{"message":"x"}"#).await;
        assert_eq!(client.track(&[write()]).await.result.unwrap_err().next(), next, "{status} on track");
        let export = client.export_ids(&by_email(), Fields::Identity).await;
        assert_eq!(export.result.unwrap_err().next(), next, "{status} on export");
    }
}

#[tokio::test]
async fn too_many_objects_can_be_told_from_other_refusals() {
    let too_many = client(400, &[], include_str!("fixtures/too_many_objects.json")).await;
    assert!(matches!(too_many.track(&[write()]).await.result, Err(braze::Error::TooLarge { .. })));
    let syntax = client(400, &[], include_str!("fixtures/bad_syntax.json")).await;
    let error = syntax.track(&[write()]).await.result.unwrap_err();
    assert!(error.to_string().contains("Error while parsing request body"), "{error}");
}

#[tokio::test]
async fn a_recorded_profile_is_read_whole() {
    let client = client(201, &[], include_str!("fixtures/export_by_ids.json")).await;
    let query =
        ExportQuery::Identifiers { external_ids: vec!["u-77".into(), "u-78".into()], aliases: Vec::new() };
    let export = client.export_ids(&query, Fields::IdentityAndEvents).await.result.unwrap();
    assert_eq!(export.invalid_user_ids, ["u-78"]);
    let user = &export.users[0];
    assert_eq!(user.external_id.as_deref(), Some("u-77"));
    assert_eq!(user.aliases[0].name, "pat@example.org");
    assert_eq!(user.created_at, Some("2020-07-12T13:22:55.963Z".parse().unwrap()));
    assert_eq!(
        (user.custom_events[0].name.as_str(), user.custom_events[0].count),
        ("quikly_participated", 2)
    );
    assert!(!format!("{export:?} {query:?}").contains("pat@"), "contacts do not print themselves");
}

#[tokio::test]
async fn all_profiles_that_share_an_address_are_returned_and_odd_fields_are_ignored() {
    let client = client(200, &[], include_str!("fixtures/export_shared_email.json")).await;
    let export = client.export_ids(&by_email(), Fields::Identity).await.result.unwrap();
    assert_eq!(export.users.len(), 3);
    assert_eq!(export.users[1].created_at, None);
    assert!(export.users[1].aliases.is_empty());
    assert_eq!(export.users[2].braze_id.as_deref(), Some("a3"), "the old name of braze_id");
}

#[tokio::test]
async fn an_export_without_profiles_is_a_valid_answer() {
    let client = client(201, &[], include_str!("fixtures/export_nobody.json")).await;
    assert!(client.export_ids(&by_email(), Fields::Identity).await.result.unwrap().users.is_empty());
}

#[tokio::test]
async fn a_success_that_is_not_json_is_uncertain() {
    let client = client(201, &[], "<html>").await;
    assert_eq!(client.track(&[write()]).await.result.unwrap_err().next(), AfterError::Unknown);
    let export = client.export_ids(&by_email(), Fields::Identity).await;
    assert_eq!(export.result.unwrap_err().next(), AfterError::Unknown);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let client = client(201, &[], "x".repeat(9 * 1024 * 1024)).await;
    let export = client.export_ids(&by_email(), Fields::Identity).await;
    assert_eq!(export.result.unwrap_err().next(), AfterError::Unknown);
}

#[tokio::test]
async fn more_identifiers_than_braze_takes_are_not_sent() {
    let client = client_of("http://127.0.0.1:1", Timeouts::default());
    let query = ExportQuery::Identifiers { external_ids: vec!["u".into(); 51], aliases: Vec::new() };
    let answer = client.export_ids(&query, Fields::Identity).await;
    assert!(matches!(answer.result, Err(braze::Error::Unsendable(_))));
}

#[tokio::test]
async fn a_refused_connection_was_surely_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client_of(&format!("http://{address}"), Timeouts::default());
    assert_eq!(client.track(&[write()]).await.result.unwrap_err().next(), AfterError::Retry { after: None });
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_leaves_the_outcome_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4_096];
            let _read = stream.read(&mut buffer).await;
        }
    });
    let client = client_of(&format!("http://{address}"), Timeouts::default());
    assert_eq!(client.track(&[write()]).await.result.unwrap_err().next(), AfterError::Unknown);
}

#[tokio::test]
async fn a_silent_server_is_abandoned_after_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _written = stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\n").await;
            kept.push(stream);
        }
    });
    let timeouts = Timeouts { connect: Duration::from_secs(1), total: Duration::from_millis(100) };
    let client = client_of(&format!("http://{address}"), timeouts);
    assert_eq!(client.track(&[write()]).await.result.unwrap_err().next(), AfterError::Unknown);
}
