//! The client against the simulated workspace, over a real socket.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use braze::{
    AfterError, ApiKey, AttributesObject, Client, Event, ExportQuery, Fields, GroupPhones, HttpTransport,
    Identifier, ObjectOutcome, Reset, SetEndpoint, Statuses, SubscriptionState, Timeouts, TrackWrite,
    UserAlias,
};
use braze_sim::{HeaderStyle, Settings, StatusKeys, Workspace};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

async fn workspace(settings: Settings) -> (Client, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let workspace = Workspace::new(Settings { settle: Duration::ZERO, ..settings });
    tokio::spawn(braze_sim::serve(workspace, listener, std::future::pending()));
    (client(&url, "sim-key"), url)
}

fn client(url: &str, key: &str) -> Client {
    let transport = Arc::new(HttpTransport::new(Timeouts::default()).unwrap());
    Client::new(url.parse().unwrap(), ApiKey::new(key), transport)
}

fn alias(name: &str) -> UserAlias {
    UserAlias { label: "email".into(), name: name.into() }
}

fn creation(email: &str) -> TrackWrite {
    let mut fields = Map::new();
    fields.insert("quikly_participant".into(), json!(true));
    let identifier = Identifier::UserAlias(alias(email));
    let attributes = AttributesObject {
        identifier: identifier.clone(),
        update_existing_only: Some(false),
        email: Some(email.into()),
        fields,
    };
    let event = Event {
        identifier,
        name: "quikly_participated".into(),
        time: Timestamp::from_second(1_767_608_100).unwrap(),
        properties: Map::new(),
        update_existing_only: None,
    };
    TrackWrite { attributes: Some(attributes), events: vec![event] }
}

async fn steer(url: &str, path: &str, body: &str) {
    let request = reqwest::Client::new().post(format!("{url}{path}"));
    let answer =
        request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_profile_created_under_an_alias_is_found_by_address_and_by_alias_with_its_event() {
    let (client, _) = workspace(Settings::default()).await;
    let outcomes = client.track(&[creation("a@example.com")]).await.result.unwrap();
    assert_eq!(outcomes[0].worst(), &ObjectOutcome::Done);

    let by_email = client.export_ids(&ExportQuery::Email("A@example.com".into()), Fields::Identity).await;
    let found = by_email.result.unwrap().users;
    assert_eq!((found.len(), &found[0].aliases), (1, &vec![alias("a@example.com")]));
    assert_eq!(found[0].external_id, None);

    let query = ExportQuery::Identifiers {
        external_ids: Vec::new(),
        aliases: vec![alias("a@example.com"), alias("b")],
    };
    let export = client.export_ids(&query, Fields::IdentityAndEvents).await.result.unwrap();
    assert_eq!(export.invalid_user_ids, ["b"]);
    let event = &export.users[0].custom_events[0];
    assert_eq!((event.name.as_str(), event.count), ("quikly_participated", 1));
    assert_eq!(event.last, Timestamp::from_second(1_767_608_100).ok());
}

#[tokio::test]
async fn a_bad_object_is_refused_alone() {
    let (client, _) = workspace(Settings::default()).await;
    let mut bad = creation("b@example.com");
    bad.attributes.as_mut().unwrap().email = Some("nonsense".into());
    let outcomes =
        client.track(&[creation("a@example.com"), bad, creation("c@example.com")]).await.result.unwrap();
    let refused: Vec<bool> =
        outcomes.iter().map(|outcome| matches!(outcome.worst(), ObjectOutcome::Refused(_))).collect();
    assert_eq!(refused, [false, true, false]);
}

#[tokio::test]
async fn limits_are_read_from_every_answer_in_both_forms() {
    for style in [HeaderStyle::Epoch, HeaderStyle::SecondsLeft] {
        let settings = Settings { export_ids_per_minute: 2, header_style: style, ..Settings::default() };
        let (client, _) = workspace(settings).await;
        let query = ExportQuery::Email("a@example.com".into());
        let mut throttled = None;
        // The minute may end between two requests.
        for _ in 0..6 {
            let answer = client.export_ids(&query, Fields::Identity).await;
            match answer.result {
                Ok(_) => {
                    assert_eq!(answer.limits.limit, Some(2));
                    let in_form = match style {
                        HeaderStyle::Epoch => matches!(answer.limits.reset, Some(Reset::At(_))),
                        HeaderStyle::SecondsLeft | HeaderStyle::None => {
                            matches!(answer.limits.reset, Some(Reset::In(_)))
                        }
                    };
                    assert!(in_form, "{:?}", answer.limits);
                }
                Err(error) => throttled = Some((error, answer.limits)),
            }
        }
        let (error, limits) = throttled.unwrap();
        assert!(matches!(error, braze::Error::Throttled { .. }));
        let now = limits.reset.map_or(Timestamp::UNIX_EPOCH, |reset| match reset {
            Reset::At(moment) => moment - Duration::from_secs(5),
            Reset::In(_) => Timestamp::UNIX_EPOCH,
        });
        assert!(limits.wait(now).unwrap() <= Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_wrong_key_is_a_configuration_error() {
    let (_, url) = workspace(Settings::default()).await;
    let answer = client(&url, "wrong").track(&[creation("a@example.com")]).await;
    assert_eq!(answer.result.unwrap_err().next(), AfterError::Configuration);
}

#[tokio::test]
async fn a_dropped_answer_is_unknown_whether_or_not_the_work_was_done() {
    let (client, url) = workspace(Settings::default()).await;
    for when in ["before", "after"] {
        steer(&url, "/_sim/faults", &format!(r#"{{"kind": "drop", "when": "{when}", "count": 1}}"#)).await;
        let answer = client.track(&[creation("a@example.com")]).await;
        assert_eq!(answer.result.unwrap_err().next(), AfterError::Unknown, "{when}");
    }
    steer(&url, "/_sim/faults", r#"{"kind": "garbage", "when": "after", "count": 1}"#).await;
    assert_eq!(
        client.track(&[creation("a@example.com")]).await.result.unwrap_err().next(),
        AfterError::Unknown
    );
}

#[tokio::test]
async fn too_many_objects_are_reported_as_too_large() {
    let (client, _) = workspace(Settings { max_objects: 3, ..Settings::default() }).await;
    let answer = client.track(&[creation("a@example.com"), creation("b@example.com")]).await;
    assert!(matches!(answer.result, Err(braze::Error::TooLarge { .. })));
}

fn to(group: &str, phones: &[String]) -> [GroupPhones; 1] {
    [GroupPhones { group: group.to_owned(), phones: phones.to_vec() }]
}

#[tokio::test]
async fn fifty_numbers_are_subscribed_and_read_back_in_one_request_each() {
    let (client, url) = workspace(Settings::default()).await;
    let phones: Vec<String> = (0..50).map(|number| format!("+131355501{number:02}")).collect();
    let profiles: Vec<_> = phones.iter().map(|phone| json!({ "phone": phone })).collect();
    steer(&url, "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    for (endpoint, some) in [(SetEndpoint::V1, &phones[..20]), (SetEndpoint::V2, &phones[20..40])] {
        client.subscribe(endpoint, &to("g", some), false).await.result.unwrap();
    }
    let Statuses::InOrder(states) = client.subscription_statuses("g", &phones).await.result.unwrap() else {
        panic!("not keyed by number");
    };
    let subscribed = states.iter().filter(|state| **state == SubscriptionState::Subscribed).count();
    assert_eq!((subscribed, states[45]), (40, SubscriptionState::Unknown));
}

#[tokio::test]
async fn an_unknown_group_is_a_configuration_error() {
    let (client, _) =
        workspace(Settings { subscription_groups: vec!["g".into()], ..Settings::default() }).await;
    let phones = ["+13135550100".to_owned()];
    let read = client.subscription_statuses("other", &phones).await.result.unwrap_err();
    let written = client.subscribe(SetEndpoint::V2, &to("other", &phones), false).await.result.unwrap_err();
    for error in [read, written] {
        assert!(matches!(error, braze::Error::UnknownGroup) && error.next() == AfterError::Configuration);
    }
}

#[tokio::test]
async fn answers_keyed_by_profile_are_readable_one_number_at_a_time() {
    let settings = Settings { status_keys: StatusKeys::Profile, ..Settings::default() };
    let (client, url) = workspace(settings).await;
    let phones = ["+13135550100".to_owned(), "+13135550101".to_owned()];
    let profiles =
        json!([{ "external_id": "u-1", "phone": phones[0] }, { "external_id": "u-2", "phone": phones[1] }]);
    steer(&url, "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    client.subscribe(SetEndpoint::V2, &to("g", &phones[..1]), false).await.result.unwrap();
    assert_eq!(client.subscription_statuses("g", &phones).await.result.unwrap(), Statuses::Unkeyed);
    for (phone, state) in phones.iter().zip([SubscriptionState::Subscribed, SubscriptionState::Unknown]) {
        let answer = client.subscription_statuses("g", std::slice::from_ref(phone)).await.result.unwrap();
        assert_eq!(answer, Statuses::InOrder(vec![state]));
    }
}

#[tokio::test]
async fn fields_about_the_person_are_read_only_if_they_are_asked_for() {
    let (client, _) = workspace(Settings::default()).await;
    let mut created = creation("a@example.com");
    let fields = &mut created.attributes.as_mut().unwrap().fields;
    fields.insert("first_name".into(), json!("Ada"));
    fields.insert("dob".into(), json!("1990-11-23"));
    fields.insert("likes".into(), json!(["running", "hiking"]));
    client.track(&[created]).await.result.unwrap();
    let query = ExportQuery::Email("a@example.com".into());
    let mut read = Vec::new();
    for fields in [Fields::IdentityAndAttributes, Fields::IdentityAttributesAndPerson] {
        read.push(client.export_ids(&query, fields).await.result.unwrap().users.remove(0));
    }
    assert!(read[0].person.is_empty());
    assert_eq!(Value::Object(read[1].person.clone()), json!({ "first_name": "Ada", "dob": "1990-11-23" }));
    for profile in read {
        assert_eq!(profile.custom_attributes["likes"], json!(["running", "hiking"]));
    }
}
