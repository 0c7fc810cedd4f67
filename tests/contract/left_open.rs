//! This version finishes every participation that version e515f12 left open on DynamoDB, and can erase every person that it stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use braze::{Transport, TransportError};
use braze_sim::{Settings, Workspace};
use bytes::Bytes;
use callback::{Addresses, CallbackError, CallbackTransport, Signed};
use connector::Connector;
use domain::Timestamp;
use domain::award::Award;
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, Strictness, read_each};
use domain::contact::Email;
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId};
use domain::incentive::{Pool, Reward};
use domain::participation::Participation;
use domain::person::Person;
use http::{Request, Response, StatusCode};
use memory::{Faults, Memory, TestClock};
use serde_json::json;
use testkit::eventually;
use tower::ServiceExt;

use crate::fixtures::FixtureTables;

/// A moment after the last item was written.
fn soon_after() -> Timestamp {
    "2026-11-27T14:50:00Z".parse().unwrap()
}

/// The key that the ids were made with.
fn id_key() -> IdKey {
    IdKey::new([7; 32])
}

/// One workspace, at every address that a brand names.
pub(crate) struct Anywhere(pub(crate) Router);

#[async_trait]
impl Transport for Anywhere {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let Ok(response) = self.0.clone().oneshot(request.map(Body::from)).await;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await;
        body.map(|body| Response::from_parts(head, body))
            .map_err(|error| TransportError::Lost(error.to_string()))
    }
}

/// Accepts every callback.
pub(crate) struct Listens;

#[async_trait]
impl CallbackTransport for Listens {
    async fn send(&self, _callback: &Signed, _to: Addresses) -> Result<StatusCode, CallbackError> {
        Ok(StatusCode::NO_CONTENT)
    }
}

/// A workspace that settles at once and has no limits that matter.
pub(crate) fn without_limits() -> Settings {
    Settings {
        api_keys: vec!["key".into()],
        settle: Duration::ZERO,
        export_ids_per_minute: 1_000_000,
        track_per_3s: 1_000_000,
        ..Settings::default()
    }
}

/// A workspace with everything that matters of what the earlier version had read and written there.
async fn workspace() -> Router {
    let workspace = Workspace::starting_at(without_limits(), soon_after());
    let profiles = json!({ "profiles": [
        { "email": "slow@example.com", "phone": "+13135550140" },
        { "external_id": "s-2", "email": "awaits@example.com", "phone": "+13135550142" },
        { "external_id": "k-1", "email": "single@example.com", "phone": "+13135550160" },
        { "external_id": "k-2", "email": "double@example.com", "phone": "+13135550161" },
        { "external_id": "k-3", "email": "reward@example.com" },
        { "external_id": "k-4", "email": "told@example.com" },
    ] });
    workspace.seed(&profiles.to_string()).unwrap();
    let routes = workspace.router();
    let subscribed = json!({ "subscription_groups": [{
        "subscription_group_id": "8f1c6f0e-0000-4000-8000-000000000001",
        "subscription_state": "subscribed",
        "phones": ["+13135550142"],
    }] });
    let request = Request::post("/_sim/subscriptions").header("content-type", "application/json");
    let request = request.body(Body::from(subscribed.to_string())).unwrap();
    let Ok(set) = routes.clone().oneshot(request).await;
    assert!(set.status().is_success());
    routes
}

/// A connector of this version, over the tables and the brand files in them.
async fn connector(tables: &FixtureTables) -> Arc<Connector> {
    let files = tables.brands.read().await.unwrap();
    let brands = Arc::new(read_each(&files, &AssumePresent, Strictness::Lenient, None).brands);
    let ports = &tables.ports;
    let secrets = Arc::new(Memory::new(1, Faults::none(), ports.clock.clone()));
    for brand in brands.iter() {
        secrets.keep_secret(SecretRef::Ssm(format!("/quikly-braze/local/braze/{}", brand.id)), "key");
    }
    let signing = SecretRef::Ssm("/quikly-braze/local/callback/acme".to_owned());
    secrets.keep_secret(signing, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=");
    let transport = Arc::new(Anywhere(workspace().await));
    let deps = ports.under_a_connector(secrets, transport, Arc::new(Listens));
    Arc::new(Connector::new(deps, brands, id_key()))
}

impl FixtureTables {
    async fn read(&self) -> (Vec<Participation>, BTreeMap<ParticipationId, Award>) {
        let (store, ledger) = (&self.ports.store, &self.ports.ledger);
        let (read, awards) =
            (store.get(&self.ids()).await.unwrap(), ledger.awards(&self.ids()).await.unwrap());
        assert!(read.unreadable.is_empty() && awards.unreadable.is_empty());
        (read.found, awards.found.into_iter().map(|award| (award.id, award)).collect())
    }
}

/// Runs a tick while the clock moves on, because the tick may wait for a slot.
pub(crate) async fn tick(clock: &TestClock, connector: &Arc<Connector>) {
    let working = connector.clone();
    let tick = tokio::spawn(async move {
        working.refill().await.unwrap();
        working.tick().await.unwrap();
        while working.dispatch().await.unwrap().tried > 0 {}
    });
    eventually("the tick ends", Duration::from_secs(60), || {
        clock.advance(Duration::from_millis(10));
        tick.is_finished().then_some(())
    })
    .await;
    tick.await.unwrap();
}

pub(crate) fn has_ended(one: &Participation) -> bool {
    one.state().is_end() && one.due_at().is_none()
}

/// The rewards by participation.
fn rewards(awards: &BTreeMap<ParticipationId, Award>) -> BTreeMap<ParticipationId, (&Reward, Option<u32>)> {
    awards.iter().filter_map(|(id, award)| Some((*id, award.reward()?))).collect()
}

#[tokio::test]
async fn participations_that_an_earlier_version_left_open_end_and_its_rewards_stay() {
    let tables = FixtureTables::at(soon_after()).await;
    let connector = connector(&tables).await;
    let operations = tables.ports.operations.clone().unwrap();
    let parked = operations.dead().await.unwrap();
    let (opened, before) = tables.read().await;
    assert_eq!(opened.iter().filter(|one| !has_ended(one)).count(), 20);
    let mut left = opened;
    for _ten_minutes in 0..30 {
        tick(&tables.ports.clock, &connector).await;
        left = tables.read().await.0.into_iter().filter(|one| !has_ended(one)).collect();
        if left.is_empty() {
            break;
        }
        tables.ports.clock.advance(Duration::from_secs(600));
    }
    assert!(left.is_empty(), "they do not end: {left:?}");
    let (ended, after) = tables.read().await;
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &ended {
        *states.entry(one.state().name()).or_default() += 1;
    }
    let expected = [
        ("credited", 21),
        ("enrolled", 28),
        ("expired", 5),
        ("failed", 1),
        // Braze does not accept the numbers of two of them.
        ("rejected", 5),
        ("unverified", 1),
    ];
    assert_eq!(states, BTreeMap::from(expected));
    let (given, given_now) = (rewards(&before), rewards(&after));
    assert!(given.iter().all(|(id, reward)| given_now.get(id) == Some(reward)));
    assert!(after.values().all(|award| award.is_resolved() && award.due_at.is_none()));

    // A participation that is owed a code from the earlier version's pool gets one as soon as there is one.
    let (acme, pool) = (BrandId::parse("acme").unwrap(), Pool::of_file("spring.txt").unwrap());
    tables.ports.ledger.import_codes(&acme, &pool, &["SPRING-3".to_owned()]).await.unwrap();
    tick(&tables.ports.clock, &connector).await;
    let now = tables.read().await.1;
    let new: Vec<(&Reward, Option<u32>)> =
        rewards(&now).into_iter().filter(|(id, _)| !given_now.contains_key(id)).map(|(_, won)| won).collect();
    assert_eq!(new, [(&Reward::Code("SPRING-3".into()), Some(2))]);

    let overview = operations.overview(tables.ports.now()).await.unwrap();
    assert_eq!((overview.due, overview.callbacks), (0, 0), "everything is processed and delivered");
    assert_eq!(operations.dead().await.unwrap(), parked, "parked work waits for the operator");
}

#[tokio::test]
async fn every_person_that_an_earlier_version_stored_can_be_erased() {
    let tables = FixtureTables::at(soon_after()).await;
    let operations = tables.ports.operations.clone().unwrap();
    let pair = Person::Email(Email::parse("pair@example.com").unwrap());
    let forgotten = operations.forget(&pair, &id_key(), soon_after()).await.unwrap();
    assert_eq!((forgotten.participations, forgotten.profiles, forgotten.unreadable), (2, 1, 0));
    for id in tables.ids() {
        let forgotten = operations.forget_participation(id, &id_key(), soon_after()).await.unwrap();
        assert_eq!(forgotten.participations, 1);
    }
    let (read, _) = tables.read().await;
    assert!(read.iter().all(|one| one.contact().is_none() && one.state().is_end()));
}
