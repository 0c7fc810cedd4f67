//! What intake counts for reports: refusals by reason, and how long a participation took to become durable.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use domain::Timestamp;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::{Channel, Scope};
use domain::rollup::{NO_ACTIVATION, minute};
use domain::token::TokenHash;
use http::{Request, StatusCode};
use intake::{Announcing, IntakeDeps, IntakeFigures, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Rollups, Troubles};
use tower::ServiceExt;

fn start() -> Timestamp {
    "2026-11-02T00:00:00Z".parse().unwrap()
}

fn brand(name: &str, scope: &str) -> BrandFile {
    let hash = TokenHash::of(&format!("qb_{name}"));
    let text = format!(
        "id = \"{name}\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
         [[activation]]\nscope = \"{scope}\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n[activation.email]\n\
         [activation.events.signed_in]\n"
    );
    BrandFile { name: name.into(), text }
}

struct CountingIntake {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
    figures: IntakeFigures,
}

impl CountingIntake {
    fn new(announcing: Announcing) -> Self {
        let clock = Arc::new(TestClock::at(start()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let deps = IntakeDeps { announcing, ..IntakeDeps::over(&memory, memory.clone(), clock.clone()) };
        let figures = deps.figures.clone();
        let brands = read_all(&[brand("acme", "spring"), brand("zest", "other")], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory, clock, figures }
    }

    async fn post(&self, path: &str, body: &str) -> StatusCode {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", "Bearer qb_acme")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.routes.clone().oneshot(request).await.unwrap().status()
    }

    /// The stored figures of refused requests in an activation, by channel, minute and reason.
    async fn refused(&self, scope: &str) -> BTreeMap<(Channel, Option<i64>, String), u64> {
        let rollup = self.memory.rollup(&Scope::parse(scope).unwrap()).await.unwrap();
        let refused = rollup.iter().filter_map(|(key, count)| {
            let code = key.name.strip_prefix("refused ")?;
            Some(((key.channel, key.minute, code.to_owned()), count))
        });
        refused.collect()
    }
}

#[tokio::test]
async fn refusals_are_counted_by_activation_way_reason_and_minute() {
    let counted = CountingIntake::new(Announcing::Together);
    for _ in 0..2 {
        counted.post("/participations", r#"{"scope":"spring","email":"nobody"}"#).await;
    }
    counted.post("/participations", r#"{"scope":"spring","phone":"+13135550100","consent":true}"#).await;
    counted.post("/webhook/braze", r#"{"q_scope":"spring","event":"signed_in","email":""}"#).await;
    counted.post("/participations", r#"{"scope":"spring","email":"nobody","dry_run":true}"#).await;
    assert_eq!(
        counted.post("/participations", r#"{"scope":"spring","email":"ada@example.com"}"#).await,
        StatusCode::ACCEPTED
    );
    counted.figures.store_all(&Troubles::default()).await;
    let both = |channel, code: &str, count| {
        [None, Some(minute(start()))].map(|minute| ((channel, minute, code.to_owned()), count))
    };
    let expected = [
        both(Channel::Email, "email-invalid", 2),
        both(Channel::Sms, "phone-not-offered", 1),
        both(Channel::Event, "empty-email", 1),
    ];
    assert_eq!(counted.refused("spring").await, expected.into_iter().flatten().collect());
}

#[tokio::test]
async fn a_request_that_names_no_activation_of_its_brand_is_counted_for_none() {
    let counted = CountingIntake::new(Announcing::Together);
    for number in 0..50 {
        counted
            .post("/participations", &format!(r#"{{"scope":"made-up-{number}","email":"ada@example.com"}}"#))
            .await;
    }
    counted
        .post("/webhook/braze", r#"{"q_scope":"other","event":"signed_in","email":"ada@example.com"}"#)
        .await;
    counted.figures.store_all(&Troubles::default()).await;
    assert_eq!(counted.refused("other").await, BTreeMap::new());
    let nowhere = counted.refused(NO_ACTIVATION).await;
    assert_eq!(nowhere[&(Channel::Email, None, "unknown-scope".to_owned())], 50);
    assert_eq!(nowhere[&(Channel::Event, None, "foreign-scope".to_owned())], 1);
    assert_eq!(nowhere.len(), 4, "each has a total and a minute: {nowhere:?}");
}

#[tokio::test]
async fn a_function_stores_its_figures_along_with_the_first_request_after_a_minute() {
    let counted = CountingIntake::new(Announcing::BeforeTheAnswer);
    let refuse = async || counted.post("/participations", r#"{"scope":"spring","email":"nobody"}"#).await;
    refuse().await;
    refuse().await;
    assert_eq!(counted.refused("spring").await, BTreeMap::new());
    counted.clock.advance(Duration::from_secs(60));
    refuse().await;
    let total = (Channel::Email, None, "email-invalid".to_owned());
    assert!(counted.refused("spring").await[&total] >= 2);
}

#[tokio::test]
async fn how_long_a_participation_took_to_become_durable_is_counted_once() {
    let counted = CountingIntake::new(Announcing::Together);
    for _ in 0..2 {
        counted.post("/participations", r#"{"scope":"spring","email":"ada@example.com"}"#).await;
    }
    counted.figures.store_all(&Troubles::default()).await;
    let rollup = counted.memory.rollup(&Scope::parse("spring").unwrap()).await.unwrap();
    let durable: Vec<u64> = rollup
        .iter()
        .filter(|(key, _)| key.name.starts_with("durable in "))
        .map(|(_, count)| count)
        .collect();
    assert_eq!(durable, [1]);
    assert_eq!(counted.clock.now(), start());
}
