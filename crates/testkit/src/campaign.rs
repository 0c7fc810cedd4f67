//! A campaign: the connector, the ports that it works on, and the workspace that it talks to.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test ends where it fails")]

mod accepting;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::{Settings, Workspace};
use callback::{Addresses, CallbackError, CallbackTransport, Signed};
use connector::{Connector, Deps, LINGER, TICK, Worker};
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::brand::{Activation, Brand, Brands, SecretRef};
use domain::brand_file::{AssumePresent, BrandFile, Given, Strictness, read_all, read_each};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use domain::incentive::Pool;
use domain::participation::BrazeEvent;
use domain::profile::ProfileRef;
use http::{Request, StatusCode};
use memory::{Faults, Memory, SeededChance, TokioClock};
use parking_lot::Mutex;
use ports::{BrandsInUse, Clock, Ledger, Store};
use serde_json::Value;

use tokio::sync::watch;
use tower::ServiceExt;

use crate::answers::AnswerLog;
use crate::brand_text::BrandText;
use crate::simulated::InProcess;
use crate::start;

const KEY: &str = "sim-key";
const OTHER: &str = "[activation.email]\nattributes = { quikly_participant = true }";

/// How long a write takes to appear.
pub const SETTLE: Duration = Duration::from_secs(30);

/// Quikly's receiver of callbacks. It stores every callback, and fails as often as a test wants.
#[derive(Default)]
pub struct Quikly {
    told: Mutex<Vec<(String, Value)>>,
    /// How many of the next callbacks it answers with 502.
    pub fails: AtomicUsize,
    /// How many callbacks it has answered with 502.
    pub failed: AtomicUsize,
}

impl Quikly {
    /// Message ids and bodies, in the order in which they arrived.
    pub fn told(&self) -> Vec<(String, Value)> {
        self.told.lock().clone()
    }
}

#[async_trait]
impl CallbackTransport for Quikly {
    async fn send(&self, callback: &Signed, _to: Addresses) -> Result<StatusCode, CallbackError> {
        let (headers, body) = (callback.request().headers(), callback.request().body());
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        self.told.lock().push((id, serde_json::from_slice(body).unwrap()));
        let failing = self.fails.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        self.failed.fetch_add(usize::from(failing), SeqCst);
        Ok(if failing { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT })
    }
}

/// One brand with one activation (`spring`), its ports and its workspace; and another brand (activation `summer`) with a workspace of the
/// same kind.
pub struct Campaign {
    /// The ports that the connector works on.
    pub deps: Deps,
    /// The connector.
    pub connector: Arc<Connector>,
    /// The ports in memory.
    pub memory: Arc<Memory>,
    /// A clock that follows Tokio's time, from [`start`] on.
    pub clock: Arc<TokioClock>,
    brands: Arc<Brands>,
    /// The brands in use.
    pub in_use: BrandsInUse,
    /// The key that ids are made with.
    pub id_key: IdKey,
    /// The receiver of callbacks.
    pub quikly: Arc<Quikly>,
    /// The answers to those who took part.
    pub answers: AnswerLog,
    simulated: Router,
    stop: watch::Sender<bool>,
}

impl Campaign {
    /// An e-mail campaign whose queue loses, repeats and reorders messages according to `faults`.
    pub fn new(faults: Faults, email: &str) -> Self {
        Self::with(faults, "", &format!("[activation.email]\n{email}"))
    }

    /// A campaign of a brand with these `[braze]` settings and this activation.
    pub fn with(faults: Faults, braze: &str, activation: &str) -> Self {
        Self::at(faults, braze, activation, Settings { settle: SETTLE, ..Settings::default() })
    }

    /// Does the same, with a workspace that behaves according to `settings`.
    pub fn at(faults: Faults, braze: &str, activation: &str, settings: Settings) -> Self {
        Self::seeded(11, faults, braze, activation, settings)
    }

    /// Does the same, with faults drawn from `seed`.
    pub fn seeded(seed: u64, faults: Faults, braze: &str, activation: &str, settings: Settings) -> Self {
        let clock = Arc::new(TokioClock::at(start()));
        let memory = Arc::new(Memory::new(seed, faults, clock.clone()));
        memory.keep_secret(SecretRef::Env("KEY".into()), KEY);
        let mut settings = Settings { api_keys: vec![KEY.into()], ..settings };
        if settings.subscription_groups.is_empty() {
            settings.subscription_groups.push("g-1".into());
        }
        let of_the_other = Workspace::starting_at(
            Settings { api_keys: settings.api_keys.clone(), settle: SETTLE, ..Settings::default() },
            start(),
        );
        let simulated = Workspace::starting_at(settings, start()).router();
        let file = brand(("acme", 1), "spring", braze, activation);
        let other = brand(("other", 2), "summer", "", OTHER);
        let brands = Arc::new(read_all(&[file, other], &AssumePresent).unwrap());
        let id_key = IdKey::new([3; 32]);
        let quikly = Arc::new(Quikly::default());
        let to_braze = Arc::new(InProcess::to(simulated.clone()).and(2, of_the_other.router()));
        let chance = Arc::new(SeededChance::new(5));
        let deps = Deps::over(&memory, memory.clone(), (clock.clone(), chance), to_braze, quikly.clone());
        let in_use = BrandsInUse::from(brands.clone());
        let connector = Arc::new(Connector::new(deps.clone(), in_use.clone(), id_key.clone()));
        Self {
            deps,
            connector,
            memory,
            clock,
            brands,
            in_use,
            id_key,
            quikly,
            answers: AnswerLog::default(),
            simulated,
            stop: watch::Sender::new(false),
        }
    }

    /// Replaces the brand's file from now on: a scope, `[braze]` settings and an activation; `None` removes the file. Participations are
    /// still accepted under the first file.
    pub fn reconfigure(&self, file: Option<(&str, &str, &str)>) {
        let file = file.map(|(scope, braze, activation)| brand(("acme", 1), scope, braze, activation));
        self.use_files(file);
    }

    /// Removes the brand's file.
    pub fn remove_file(&self) {
        self.use_files(None);
    }

    /// Restores the brand's first file.
    pub fn restore_file(&self) {
        self.in_use.replace(self.brands.clone());
    }

    /// Replaces the brand's file with one that cannot be used.
    pub fn break_file(&self) {
        let text = "id = \"acme\"\ncolour = 1\n".to_owned();
        self.use_files(Some(BrandFile { name: "acme".to_owned(), text }));
    }

    fn use_files(&self, file: Option<BrandFile>) {
        let other = brand(("other", 2), "summer", "", OTHER);
        let files: Vec<Given> = file.into_iter().chain([other]).map(Ok).collect();
        let loaded = read_each(&files, &AssumePresent, Strictness::Lenient, None);
        self.in_use.replace(Arc::new(loaded.brands));
    }

    /// Another process's connector, over these ports.
    pub fn connector_over(&self, deps: Deps) -> Arc<Connector> {
        Arc::new(Connector::new(deps, self.in_use.clone(), self.id_key.clone()))
    }

    /// Starts a worker and the tick, as a process would.
    pub fn run(&self) {
        self.run_beside(self.connector.clone());
    }

    /// Starts a worker and the tick of a process with this connector.
    pub fn run_beside(&self, connector: Arc<Connector>) {
        let (worker, stop) = (Worker::new(connector.clone(), LINGER), self.stop.subscribe());
        tokio::spawn(async move { worker.run(stop).await });
        let clock = self.clock.clone();
        tokio::spawn(async move {
            loop {
                let _tried_again = connector.tick().await;
                clock.sleep(TICK).await;
            }
        });
    }

    /// Accepts a participation by e-mail as intake does, and sends a message for it.
    pub async fn accept(&self, email: &str) -> ParticipationId {
        let email = Email::parse(email).unwrap();
        let (brand, activation) = self.terms();
        let id = self.id_key.participation(&activation.scope, &Contact::Email(email.clone()));
        let (terms, now) = ((brand, activation), self.clock.now());
        self.keep(Acceptance::new(id, terms, now).by_email(email, None, Attributes::default())).await
    }

    /// Accepts a participation by e-mail in the other brand's activation.
    pub async fn accept_at_other(&self, email: &str) -> ParticipationId {
        let email = Email::parse(email).unwrap();
        let terms = self.brands.activation(&Scope::parse("summer").unwrap()).unwrap();
        let id = self.id_key.participation(&terms.1.scope, &Contact::Email(email.clone()));
        self.keep(Acceptance::new(id, terms, self.clock.now()).by_email(email, None, Attributes::default()))
            .await
    }

    /// Accepts an event that Braze reports.
    pub async fn accept_event(&self, event: &str, email: &str) -> ParticipationId {
        self.accept_event_of(event, email, None).await
    }

    /// Accepts an event that Braze reports, with the profile if it names one.
    pub async fn accept_event_of(
        &self,
        event: &str,
        email: &str,
        profile: Option<ProfileRef>,
    ) -> ParticipationId {
        let email = Email::parse(email).unwrap();
        let (brand, activation) = self.terms();
        let contact = Contact::Email(email.clone());
        let id = self.id_key.event(&activation.scope, event, &contact, None);
        let event = BrazeEvent { name: event.to_owned(), profile, sent_at: None };
        let (terms, now) = ((brand, activation), self.clock.now());
        self.keep(Acceptance::new(id, terms, now).by_event(event, email, Attributes::default())).await
    }

    /// Accepts a participation by mobile number.
    pub async fn accept_phone(&self, phone: &str, email: Option<&str>) -> ParticipationId {
        self.accept_phone_in("spring", phone, email).await
    }

    /// Does the same in another activation of the brand.
    pub async fn accept_phone_in(&self, scope: &str, phone: &str, email: Option<&str>) -> ParticipationId {
        let contact = (Phone::from_e164(phone).unwrap(), email.map(|email| Email::parse(email).unwrap()));
        let (brand, activation) = self.brands.activation(&Scope::parse(scope).unwrap()).unwrap();
        let identity = Contact::Phone { phone: contact.0.clone(), email: contact.1.clone() };
        let id = self.id_key.participation(&activation.scope, &identity);
        let (terms, now) = ((brand, activation), self.clock.now());
        self.keep(Acceptance::new(id, terms, now).by_phone(contact, None, Attributes::default())).await
    }

    /// The brand and its activation.
    #[must_use]
    pub fn terms(&self) -> (&Brand, &Activation) {
        self.brands.activation(&Scope::parse("spring").unwrap()).unwrap()
    }

    /// Imports codes from a file for the brand.
    pub async fn has_codes(&self, file: &str, codes: &[String]) {
        let (brand, pool) = (&self.terms().0.id, Pool::of_file(file).unwrap());
        while self.memory.import_codes(brand, &pool, codes).await.is_err() {}
    }

    /// A participation's state.
    pub async fn state(&self, id: ParticipationId) -> &'static str {
        loop {
            if let Ok(found) = self.memory.get(&[id]).await {
                return found.found[0].state().name();
            }
        }
    }

    /// Lets time pass until every participation is enrolled.
    pub async fn all_end(&self, ids: &[ParticipationId], within: Duration) {
        self.all_reach(ids, "enrolled", within).await;
    }

    /// Lets time pass until every participation is in `state`.
    pub async fn all_reach(&self, ids: &[ParticipationId], state: &str, within: Duration) {
        let deadline = self.clock.now() + within;
        for id in ids {
            while self.state(*id).await != state {
                assert!(self.clock.now() < deadline, "{id} is {}", self.state(*id).await);
                self.clock.sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Sends a request to the simulated workspace: to control it, or to Braze's own paths, as the brand does. An answer that is not JSON is
    /// `null`.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {KEY}"));
        let response =
            self.simulated.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap_or_default()
    }

    /// Controls the simulated workspace.
    pub async fn steer(&self, method: &str, path: &str, body: &str) {
        self.ask(method, path, body).await;
    }

    /// Every profile, once everything has settled.
    pub async fn profiles(&self) -> Vec<Value> {
        self.clock.sleep(Duration::from_secs(60)).await;
        self.ask("GET", "/_sim/profiles", "").await["profiles"].as_array().unwrap().clone()
    }

    /// Accepts a number of consumers by e-mail: `c0@example.com`, `c1@example.com` and so on.
    pub async fn accept_many(&self, count: usize) -> Vec<ParticipationId> {
        let mut ids = Vec::with_capacity(count);
        for number in 0..count {
            ids.push(self.accept(&format!("c{number}@example.com")).await);
        }
        ids
    }

    /// How many requests an endpoint has answered.
    pub async fn requests(&self, endpoint: &str) -> u64 {
        let requests = self.ask("GET", "/_sim/requests", "").await;
        let method = if endpoint.ends_with("/get") { "GET" } else { "POST" };
        let by_status =
            requests["answered"][format!("{method} {endpoint}")].as_object().cloned().unwrap_or_default();
        by_status.values().filter_map(Value::as_u64).sum()
    }
}

fn brand((id, port): (&str, u16), scope: &str, braze: &str, activation: &str) -> BrandFile {
    let settle = if braze.starts_with("settle") { "" } else { "settle = \"30s\"" };
    let endpoint = format!("http://127.0.0.1:{port}");
    let brand = BrandText::of(id, &endpoint, "{ env = \"KEY\" }").with(settle).with(braze);
    BrandFile { name: id.to_owned(), ..brand.activation(scope).with(activation).file() }
}
