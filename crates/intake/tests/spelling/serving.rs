//! An intake over a store in memory, and the requests to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::accept::Acceptance;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use domain::participation::Participation;
use domain::profile::ProfileRef;
use http::{Request, StatusCode};
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TokioClock};
use ports::{Clock, Store};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const SMS: &str =
    "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n";

pub(crate) struct ServingIntake {
    pub(crate) routes: Router,
    pub(crate) memory: Arc<Memory>,
    pub(crate) brands: Arc<Brands>,
    pub(crate) id_key: IdKey,
    pub(crate) clock: Arc<TokioClock>,
    /// How many events were sent. Each is from another consumer.
    pub(crate) events: AtomicUsize,
}

impl ServingIntake {
    pub(crate) fn serving(sms: &str) -> Self {
        let hash = domain::token::TokenHash::of("qb_1");
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"ACME_K\" }}\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\nincentive = \"first\"\n{sms}\
             [activation.events.signed_in]\nincentive = \"first\"\n\
             extras = [\"store\", {{ name = \"visits\", type = \"integer\" }}, {{ name = \"vip\", type = \"boolean\" }}]\n\
             [activation.events.fast]\nincentive = \"speed\"\n\
             [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 9\nreward = \"A\"\n\
             [[activation.incentive]]\nid = \"speed\"\nkind = \"speed\"\nquantity = 9\nsince = \"sent_at\"\nsteps = [{{ within = \"1h\", reward = \"A\" }}]\n"
        );
        let clock = Arc::new(TokioClock::start());
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let files = [BrandFile { name: "acme".into(), text }];
        let brands = Arc::new(read_all(&files, &AssumePresent).unwrap_or_else(|found| panic!("{found:?}")));
        let id_key = IdKey::new([1; 32]);
        Self {
            routes: router(deps, brands.clone(), id_key.clone()),
            memory,
            brands,
            id_key,
            clock,
            events: AtomicUsize::new(0),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn webhook_as(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header("content-type", content_type)
            .header("authorization", "Bearer qb_1")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn webhook(&self, body: impl Into<Body>) -> (StatusCode, Value) {
        self.webhook_as("/webhook/braze", "application/json", body).await
    }

    /// The participation of an event whose body has these members besides the required ones.
    pub(crate) async fn event(&self, members: &str) -> Participation {
        let email = format!("c{}@example.com", self.events.fetch_add(1, Ordering::Relaxed));
        let body =
            format!("{{\"q_scope\":\"spring\",\"event\":\"signed_in\",\"email\":\"{email}\"{members}}}");
        let (status, answer) = self.webhook(body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{members}: {answer}");
        let id = ParticipationId::parse(answer["id"].as_str().unwrap()).unwrap();
        self.memory.get(&[id]).await.unwrap().found.remove(0)
    }

    pub(crate) async fn post(&self, body: &Value) -> (StatusCode, Value) {
        let request = Request::post("/participations").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn health(&self) -> Value {
        self.send(Request::get("/healthz").body(Body::empty()).unwrap()).await.1
    }

    /// Stores a participation by e-mail as an earlier version did: under the id of that version's form of the
    /// address.
    pub(crate) async fn stored_before(&self, address: &str) -> ParticipationId {
        let scope = Scope::parse("spring").unwrap();
        let terms = self.brands.activation(&scope).unwrap();
        let email = Email::from_stored(address).unwrap();
        let id = self.id_key.participation(&scope, &Contact::Email(email.clone()));
        let now = self.clock.now();
        let participation =
            Acceptance::new(id, terms, now).by_email(email, None, domain::attributes::Attributes::default());
        let entry = domain::accept::entry(&participation, terms, &self.id_key);
        self.memory.insert(&participation, entry.as_ref()).await.unwrap();
        id
    }
}

pub(crate) fn text_of(profile: Option<&ProfileRef>) -> Option<String> {
    match profile? {
        ProfileRef::ExternalId(id) => Some(format!("external {id}")),
        ProfileRef::BrazeId(id) => Some(format!("braze {id}")),
        ProfileRef::Alias(_) | ProfileRef::Email(_) | ProfileRef::Phone(_) => None,
    }
}
