#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod accept;
mod announce;
mod body;
mod clients;
mod counts;
pub mod edge;
mod failing;
mod head;
mod health;
mod idempotency;
mod incentives;
mod loose;
mod participations;
mod problem;
mod room;
pub mod signature;
mod spelling;
mod strict;
mod unread;
mod webhook;
mod webhook_event;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::brand::{Activation, Brand, Brands, SecretRef};
use domain::id_key::IdKey;
use domain::ids::Scope;
use http::{HeaderName, HeaderValue, Method, header, request};
use ports::clock::SystemChance;
use ports::health::Subject;
use ports::{BrandsInUse, Clock, Ledger, Queues, Secrets, Store, Troubles};
use supervision::Supervisor;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use clients::{Caller, Network, Rates, RequestLimits};

use announce::Announcer;
use counts::Webhooks;
use health::Health;
use problem::Problem;
use room::Rooms;

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// How long a browser may rely on what a preflight answered.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_secs(600);

/// Who enters participations in their ledgers, which is what their order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entering {
    /// The store does, as it stores them.
    AtOnce,
    /// A rewarder does, in the order of the queue `awards`. So a 202 waits until that has the message, too.
    InOrder,
}

/// What intake needs from outside.
#[derive(Clone)]
pub struct IntakeDeps {
    /// Where participations are kept.
    pub store: Arc<dyn Store>,
    /// Where awards are kept.
    pub ledger: Arc<dyn Ledger>,
    /// Where participations are announced.
    pub queues: Arc<dyn Queues>,
    /// Who enters them in their ledgers.
    pub entering: Entering,
    /// Signing secrets and the edge's, and no others.
    pub secrets: Arc<dyn Secrets>,
    /// What is wrong in this process, which the health shows.
    pub troubles: Troubles,
    /// What proves that a request came through our content delivery network; `None` where there is none ([`edge`]).
    pub edge_secret: Option<SecretRef>,
    /// What each client and brand may ask for. Braze's webhooks are known by their tokens, and not limited.
    pub limits: Arc<RequestLimits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl IntakeDeps {
    /// Over one adapter that keeps everything, such as a data file, and enters participations as it stores them. Nobody is limited and
    /// no edge is asked for, unless that is set.
    pub fn over<A>(adapter: &Arc<A>, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self
    where
        A: Store + Ledger + Queues + 'static,
    {
        Self {
            store: adapter.clone(),
            ledger: adapter.clone(),
            queues: adapter.clone(),
            entering: Entering::AtOnce,
            secrets,
            troubles: Troubles::default(),
            edge_secret: None,
            limits: Arc::new(RequestLimits::new(Rates::NONE)),
            clock,
        }
    }
}

/// What a request is answered with: the brands are those that are in use when it comes.
#[derive(Clone)]
struct Intake {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    secrets: Arc<dyn Secrets>,
    edge_secret: Option<SecretRef>,
    clock: Arc<dyn Clock>,
    brands: Arc<Brands>,
    id_key: IdKey,
    announcer: Announcer,
    entering: Entering,
    limits: Arc<RequestLimits>,
    webhooks: Arc<Webhooks>,
    rooms: Arc<Rooms>,
    troubles: Troubles,
    health: Arc<Health>,
}

impl Intake {
    /// The activation of a scope, and its brand. `field` is where the scope was given.
    fn terms(&self, scope: &Scope, field: &str) -> Result<(&Brand, &Activation), Problem> {
        self.known(scope)?.ok_or_else(|| Problem::unknown_scope(field))
    }

    /// The same, where there may be none. Whoever asks for a brand whose file cannot be used is to come again.
    fn known(&self, scope: &Scope) -> Result<Option<(&Brand, &Activation)>, Problem> {
        if self.brands.may_be_broken_scope(scope) {
            return Err(Problem::brand_unavailable());
        }
        Ok(self.brands.activation(scope))
    }
}

/// All that lasts longer than a request.
#[derive(Clone)]
struct Lasting {
    intake: Intake,
    brands: BrandsInUse,
}

impl FromRef<Lasting> for Intake {
    fn from_ref(lasting: &Lasting) -> Self {
        Self { brands: lasting.brands.current(), ..lasting.intake.clone() }
    }
}

/// The routes. Call it inside a Tokio runtime: announcements are sent by a task of their own.
pub fn router(outside: IntakeDeps, brands: impl Into<BrandsInUse>, id_key: IdKey) -> Router {
    let supervisor = Supervisor::new(outside.clock.clone(), Arc::new(SystemChance), outside.troubles.clone());
    router_under(&supervisor, outside, brands, id_key)
}

/// The same, whose task is restarted by `supervisor` together with those of others.
pub fn router_under(
    supervisor: &Supervisor,
    outside: IntakeDeps,
    brands: impl Into<BrandsInUse>,
    id_key: IdKey,
) -> Router {
    let brands = brands.into();
    let cors = cors(brands.clone());
    let (troubles, clock) = (outside.troubles.clone(), outside.clock.clone());
    let guard = CatchPanicLayer::custom(move |panic| panicked(panic, &troubles, &*clock));
    let intake = Intake {
        announcer: Announcer::start(outside.queues, outside.entering, supervisor, &outside.troubles),
        entering: outside.entering,
        store: outside.store,
        ledger: outside.ledger,
        secrets: outside.secrets,
        edge_secret: outside.edge_secret,
        clock: outside.clock,
        brands: brands.current(),
        id_key,
        limits: outside.limits.clone(),
        webhooks: Arc::default(),
        rooms: Arc::default(),
        troubles: outside.troubles,
        health: Arc::default(),
    };
    // One slash at the end is forgiven everywhere: it is easily typed, and Braze drops what is answered with 404.
    let for_browsers = Router::new()
        .route("/participations", post(participations::accept))
        .route("/participations/", post(participations::accept))
        .route("/participations/{id}", get(participations::show))
        .route("/participations/{id}/", get(participations::show))
        .route("/incentives/{scope}/{id}", get(incentives::show))
        .route("/incentives/{scope}/{id}/", get(incentives::show))
        .route("/incentives/{scope}/{id}/tickets", get(incentives::tickets))
        .route("/incentives/{scope}/{id}/tickets/", get(incentives::tickets))
        .route("/incentives/{scope}/{id}/winners", get(incentives::winners))
        .route("/incentives/{scope}/{id}/winners/", get(incentives::winners))
        .method_not_allowed_fallback(webhook::method_not_allowed)
        .layer(guard.clone())
        .layer(from_fn_with_state(outside.limits, clients::within))
        .layer(cors);
    for_browsers
        .route("/webhook/braze", post(webhook::receive))
        .route("/webhook/braze/", post(webhook::receive))
        .route("/healthz", get(health::show))
        .route("/healthz/", get(health::show))
        .method_not_allowed_fallback(webhook::method_not_allowed)
        .fallback(webhook::no_such_path)
        .layer(guard)
        .layer(from_fn_with_state(intake.clone(), edge::viewer))
        .with_state(Lasting { intake, brands })
        .layer(from_fn(unread::discarded))
}

pub use head::refused as refused_head;

/// What is answered to those who come while only the reserve of connections is left: 503, and when to try again.
#[must_use]
pub fn busy() -> Response {
    Problem::busy().into_response()
}

/// What is answered when participations cannot be stored right now: 503, and when to try again.
#[must_use]
pub fn unavailable() -> Response {
    Problem::unavailable().into_response()
}

/// How long the health shows that a request panicked.
const PANIC_SHOWN_FOR: std::time::Duration = std::time::Duration::from_secs(300);

/// A request whose handling panicked is answered all the same, and somebody is told.
fn panicked(panic: Box<dyn std::any::Any + Send>, troubles: &Troubles, clock: &dyn Clock) -> Response {
    let (panicked, now) = (supervision::caught(&*panic), clock.now());
    let text = format!("a request failed: {panicked}; the log says where");
    troubles.report_for(PANIC_SHOWN_FOR, "panicked", Subject::Process, now, text);
    if let Some(line) = troubles.repeats().line("intake.panicked", "", now) {
        tracing::error!(event = "intake.panicked", times = line.times, %panicked, "The handling of a request panicked; it was answered with 500.");
    }
    Problem::internal().into_response()
}

/// Pages of the brands' origins may call; a page's brand is not known before its body is, so it is the origins of all.
fn cors(brands: BrandsInUse) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &request::Parts| {
        origin.to_str().is_ok_and(|origin| has_origin(&brands.current(), origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            HeaderName::from_static(signature::SIGNATURE_HEADER),
            HeaderName::from_static(idempotency::IDEMPOTENCY_KEY_HEADER),
        ])
        .expose_headers([header::LINK])
        .max_age(PREFLIGHT_AGE)
}

fn has_origin(brands: &Brands, origin: &str) -> bool {
    let in_use = brands.iter().flat_map(|brand| &brand.intake.origins);
    // A page must be able to read that it is to come again.
    let broken = brands.broken().iter().flat_map(|broken| &broken.origins);
    in_use.chain(broken).any(|known| known == origin)
}
