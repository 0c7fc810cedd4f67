//! Processes that accept participations, over a slow store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use domain::Timestamp;
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::{ContactKey, ParticipationId, Scope};
use domain::ledger::Entry;
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::rollup::Rollup;
use domain::token::TokenHash;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, StatusCode};
use intake::{Announcing, IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::store::{Due, Inserted, ProfileHints, Read, Saved};
use ports::{Clock, Result, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Requests are signed, so that any attribute may be sent.
const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";

/// A store that is slow, so that requests overlap in it. It counts at each insert, or knows only what is
/// reported to it.
pub(crate) struct Busy {
    pub(crate) memory: Arc<Memory>,
    pub(crate) told: Option<AtomicU64>,
    pub(crate) asked: AtomicU64,
}

impl Busy {
    async fn takes(turns: usize) {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for Busy {
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted> {
        Self::takes(10).await;
        let inserted = self.memory.insert(participation, entry).await;
        Self::takes(40).await;
        inserted
    }

    async fn accepted(&self, scope: &Scope, more: u64) -> Result<u64> {
        self.asked.fetch_add(1, SeqCst);
        Self::takes(5).await;
        let counted = self.memory.accepted(scope, more).await?;
        Ok(self.told.as_ref().map_or(counted, |told| told.fetch_add(more, SeqCst) + more))
    }

    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>> {
        self.memory.get(ids).await
    }

    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()> {
        self.memory.set_aside(ids, until, expires).await
    }

    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>> {
        self.memory.save_counted(participations, rollups).await
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        self.memory.due(now, most).await
    }

    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints> {
        self.memory.profile_hints(contacts).await
    }

    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()> {
        self.memory.remember_profiles(profiles).await
    }

    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint> {
        self.memory.claim_profile(contact, profile).await
    }
}

/// One process, or several processes over one store.
pub(crate) struct RoomFront {
    pub(crate) routes: Router,
    pub(crate) brand: String,
    pub(crate) announcing: Announcing,
    pub(crate) store: Arc<Busy>,
    pub(crate) clock: Arc<TestClock>,
}

impl RoomFront {
    pub(crate) fn open(activation: &str, announcing: Announcing, tells: bool) -> Self {
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let told = tells.then(AtomicU64::default);
        let store = Arc::new(Busy { memory, told, asked: AtomicU64::default() });
        let hash = TokenHash::of("qb_1");
        let brand = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n\
             [intake]\nsigning_secret = {{ env = \"S\" }}\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n{activation}\n\
             [activation.email]\n\
             [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
             [activation.events.{EVENT}]\nextras = [{}]\n",
            (0..40).map(|number| format!("\"{}\"", extra(number))).collect::<Vec<_>>().join(", ")
        );
        let routes = routes(&brand, announcing, &store, &clock);
        Self { routes, brand, announcing, store, clock }
    }

    /// One process over a store that counts at each insert.
    pub(crate) fn with_room_for(most: u32) -> Self {
        Self::open(&format!("most_participations = {most}"), Announcing::Together, false)
    }

    /// Another process over the same store.
    pub(crate) fn another(&self) -> Self {
        let routes = routes(&self.brand, self.announcing, &self.store, &self.clock);
        let (brand, store, clock) = (self.brand.clone(), self.store.clone(), self.clock.clone());
        Self { routes, brand, announcing: self.announcing, store, clock }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn post(&self, body: &Value) -> (StatusCode, Value) {
        let request = Request::post("/participations").header("content-type", "application/json");
        let request = request.header("idempotency-key", "0123456789abcdef0123456789abcdef");
        let body = body.to_string();
        let seconds = self.clock.now().as_second();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{body}").as_bytes());
        let signature = format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()));
        self.send(request.header("x-quikly-signature", signature).body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn webhook(&self, body: &Value) -> (StatusCode, Value) {
        let request = Request::post("/webhook/braze").header("authorization", "Bearer qb_1");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn health(&self) -> Value {
        self.send(Request::get("/healthz").body(Body::empty()).unwrap()).await.1
    }

    /// The status when a consumer takes part by e-mail.
    pub(crate) async fn takes_part(&self, number: u32) -> StatusCode {
        self.post(&by_email(number)).await.0
    }

    pub(crate) async fn stored(&self, answer: &Value) -> Participation {
        let id = ParticipationId::parse(answer["id"].as_str().unwrap()).unwrap();
        self.store.memory.get(&[id]).await.unwrap().found.remove(0)
    }
}

pub(crate) fn routes(
    brand: &str,
    announcing: Announcing,
    store: &Arc<Busy>,
    clock: &Arc<TestClock>,
) -> Router {
    let memory = &store.memory;
    memory.keep_secret(SecretRef::Env("S".into()), SECRET);
    let deps = IntakeDeps {
        store: store.clone(),
        announcing,
        ..IntakeDeps::over(memory, memory.clone(), clock.clone())
    };
    let file = BrandFile { name: "acme".into(), text: brand.to_owned() };
    router(deps, Arc::new(read_all(&[file], &AssumePresent).unwrap()), IdKey::new([1; 32]))
}

/// The longest name that an event can have.
pub(crate) const EVENT: &str = "signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_\
                     signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_signed_in_\
                     signed_in_signed_in_signed_in_signed_in_signed_in_12345";

pub(crate) fn extra(number: usize) -> String {
    format!("extra-{number:02}")
}

pub(crate) fn by_email(number: u32) -> Value {
    json!({ "scope": "spring", "email": format!("c{number}@example.com") })
}

pub(crate) fn by_phone(number: u32) -> Value {
    json!({ "scope": "spring", "phone": format!("+1313555{number:04}"), "consent": true })
}

pub(crate) fn by_event(number: u32) -> Value {
    json!({ "q_scope": "spring", "event": EVENT, "email": format!("e{number}@example.com") })
}
