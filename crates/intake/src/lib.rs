#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod accept;
mod activations;
mod announce;
mod answers;
mod asked;
mod body;
mod clients;
mod codes;
mod consent;
mod counts;
mod counts_cache;
#[cfg(test)]
mod described_body;
mod details;
mod document;
pub mod edge;
mod failing;
mod field_error;
mod figures;
mod form;
mod freshness;
mod gate;
mod head;
mod health;
mod held;
mod idempotency;
mod incentives;
mod limits;
mod loose;
#[cfg(test)]
mod openapi;
mod pace;
mod participations;
mod paused;
mod problem;
mod room;
pub mod rows;
pub mod signature;
mod spelling;
mod strict;
mod subscription_change;
mod unread;
mod ways;
mod webhook;
mod webhook_event;
mod withdrawal;
mod won;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::brand::{Activation, Brand, Brands, SecretRef};
use domain::id_key::IdKey;
use domain::ids::Scope;
use http::{HeaderName, HeaderValue, Method, header, request};
use ports::clock::SystemChance;
use ports::{BrandsInUse, Clock, Ledger, Pauses, Queues, Rollups, Secrets, Store, Troubles};
use supervision::Supervisor;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use clients::{Caller, Network, Rates, RequestLimits};
pub use counts_cache::COUNTS_FRESH_FOR;
pub use figures::IntakeFigures;
pub use held::HeldRequests;

use announce::Announcer;
use counts::Webhooks;
use counts_cache::CountsCache;
use edge::Edge;
use gate::{Callers, Gate, GateLayer};
use health::Health;
use pace::CounterPace;
use paused::KnownPauses;
use problem::Problem;
use room::Rooms;

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// How long a browser may cache the answer to a preflight.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// The most requests that wait for a change at the same time, in one process.
const MOST_HELD: usize = 500;

/// When participations are announced on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcing {
    /// A task announces those that come together in as few messages as possible.
    Together,
    /// Each is announced before it is answered. A function is frozen as soon as it has answered.
    BeforeTheAnswer,
}

/// The ports that intake needs.
#[derive(Clone)]
pub struct IntakeDeps {
    /// Stores participations.
    pub store: Arc<dyn Store>,
    /// Stores awards.
    pub ledger: Arc<dyn Ledger>,
    /// Which activations are paused.
    pub pauses: Arc<dyn Pauses>,
    /// Queues on which participations are announced.
    pub queues: Arc<dyn Queues>,
    /// When participations are announced.
    pub announcing: Announcing,
    /// Reads signing secrets and the edge's secret, and no others.
    pub secrets: Arc<dyn Secrets>,
    /// What is wrong in this process, for the health report.
    pub troubles: Troubles,
    /// The secret that proves that a request came through our content delivery network; `None` if there is no
    /// such network ([`edge`]).
    pub edge_secret: Option<SecretRef>,
    /// The rate limits of clients and brands. Braze's webhooks are identified by their tokens and not
    /// limited.
    pub limits: Arc<RequestLimits>,
    /// The requests that wait for a change of their participation.
    pub held: HeldRequests,
    /// What reports count of requests.
    pub figures: IntakeFigures,
    /// How long requests for the counters of an activation share what was read: [`COUNTS_FRESH_FOR`], or zero if each reads the store.
    pub counts_fresh_for: Duration,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl IntakeDeps {
    /// Over one adapter that keeps everything, such as a data file, and enters participations as it stores them. Unless that is set,
    /// nobody is limited, no edge is asked for, and each request reads the counters anew.
    pub fn over<A>(adapter: &Arc<A>, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self
    where
        A: Store + Ledger + Pauses + Queues + Rollups + 'static,
    {
        Self {
            store: adapter.clone(),
            ledger: adapter.clone(),
            pauses: adapter.clone(),
            queues: adapter.clone(),
            announcing: Announcing::Together,
            secrets,
            troubles: Troubles::default(),
            edge_secret: None,
            limits: Arc::new(RequestLimits::new(Rates::NONE)),
            held: HeldRequests::at_most(MOST_HELD),
            figures: IntakeFigures::new(adapter.clone(), clock.clone()),
            counts_fresh_for: Duration::ZERO,
            clock,
        }
    }
}

/// What a request is answered from.
struct Intake {
    /// The brands in use when the request arrived.
    brands: Arc<Brands>,
    parts: Arc<IntakeParts>,
}

impl Deref for Intake {
    type Target = IntakeParts;

    fn deref(&self) -> &IntakeParts {
        &self.parts
    }
}

/// What requests have in common. It is shared as a whole, because it is copied for each request.
struct IntakeParts {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    pauses: Arc<dyn Pauses>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    id_key: IdKey,
    announcer: Announcer,
    limits: Arc<RequestLimits>,
    held: HeldRequests,
    figures: IntakeFigures,
    pace: Arc<CounterPace>,
    counts_cache: Arc<CountsCache>,
    webhooks: Arc<Webhooks>,
    rooms: Arc<Rooms>,
    known_pauses: Arc<KnownPauses>,
    troubles: Troubles,
    health: Arc<Health>,
}

impl Intake {
    /// The activation of a scope, and its brand. `field` is the field that named the scope.
    fn terms(&self, scope: &Scope, field: &str) -> Result<(&Brand, &Activation), Problem> {
        self.known(scope)?.ok_or_else(|| Problem::unknown_scope(field))
    }

    /// The scope with this name, if an activation has it.
    fn scope_of(&self, named: &str) -> Option<Scope> {
        let scope = Scope::parse(named).ok()?;
        self.brands.activation(&scope).map(|_| scope)
    }

    /// Does the same for a scope that may be unknown. A request for a brand whose file cannot be used must be
    /// sent again later.
    fn known(&self, scope: &Scope) -> Result<Option<(&Brand, &Activation)>, Problem> {
        if self.brands.may_be_broken_scope(scope) {
            return Err(Problem::brand_unavailable());
        }
        Ok(self.brands.activation(scope))
    }
}

/// Everything that outlives a single request.
#[derive(Clone)]
struct Lasting {
    parts: Arc<IntakeParts>,
    brands: BrandsInUse,
}

impl FromRef<Lasting> for Intake {
    fn from_ref(lasting: &Lasting) -> Self {
        Self { brands: lasting.brands.current(), parts: lasting.parts.clone() }
    }
}

/// Makes the routes. Call it inside a Tokio runtime, since a task sends the announcements.
pub fn router(deps: IntakeDeps, brands: impl Into<BrandsInUse>, id_key: IdKey) -> Router {
    let supervisor = Supervisor::new(deps.clock.clone(), Arc::new(SystemChance), deps.troubles.clone());
    router_under(&supervisor, deps, brands, id_key)
}

/// Does the same, with a task that `supervisor` restarts together with those of others.
pub fn router_under(
    supervisor: &Supervisor,
    deps: IntakeDeps,
    brands: impl Into<BrandsInUse>,
    id_key: IdKey,
) -> Router {
    let brands = brands.into();
    let parts = IntakeParts {
        announcer: Announcer::start(deps.queues, deps.announcing, supervisor, &deps.troubles),
        store: deps.store,
        ledger: deps.ledger,
        pauses: deps.pauses,
        secrets: deps.secrets,
        clock: deps.clock,
        id_key,
        limits: deps.limits.clone(),
        held: deps.held,
        figures: deps.figures.clone(),
        pace: Arc::default(),
        counts_cache: Arc::new(CountsCache::new(deps.counts_fresh_for)),
        webhooks: Arc::default(),
        rooms: Arc::default(),
        known_pauses: Arc::default(),
        troubles: deps.troubles,
        health: Arc::default(),
    };
    let along = (deps.figures, parts.troubles.clone());
    let gate = Arc::new(Gate {
        edge: Edge { secret: deps.edge_secret, secrets: parts.secrets.clone() },
        limits: deps.limits,
        cors: cors(brands.clone()),
        troubles: parts.troubles.clone(),
        clock: parts.clock.clone(),
    });
    let gate = |callers| GateLayer { gate: gate.clone(), callers };
    // One slash at the end is accepted everywhere: it is easily typed, and Braze drops a webhook that is
    // answered with 404.
    let for_pages = Router::new()
        .route("/participations", post(participations::accept))
        .route("/participations/", post(participations::accept))
        .route("/participations/{id}", get(participations::shown::show))
        .route("/participations/{id}/", get(participations::shown::show))
        .route("/openapi.json", get(document::show))
        .route("/activations/{scope}", get(activations::show))
        .route("/activations/{scope}/", get(activations::show))
        .route("/incentives/{scope}/{id}", get(incentives::show))
        .route("/incentives/{scope}/{id}/", get(incentives::show))
        .route("/incentives/{scope}/{id}/tickets", get(incentives::tickets))
        .route("/incentives/{scope}/{id}/tickets/", get(incentives::tickets))
        .route("/incentives/{scope}/{id}/winners", get(incentives::winners))
        .route("/incentives/{scope}/{id}/winners/", get(incentives::winners))
        .method_not_allowed_fallback(webhook::method_not_allowed)
        .layer(gate(Callers::Pages));
    let for_servers = Router::new()
        .route("/webhook/braze", post(webhook::receive))
        .route("/webhook/braze/", post(webhook::receive))
        .route("/healthz", get(health::show))
        .route("/healthz/", get(health::show))
        .method_not_allowed_fallback(webhook::method_not_allowed)
        .fallback(webhook::no_such_path)
        .layer(gate(Callers::Servers));
    let routes = for_pages.merge(for_servers).with_state(Lasting { parts: Arc::new(parts), brands });
    match deps.announcing {
        Announcing::Together => routes,
        Announcing::BeforeTheAnswer => routes.layer(from_fn_with_state(along, figures::stored_along)),
    }
}

pub use head::refused as refused_head;

/// The answer while only the reserve of connections is left: 503, and when to try again.
#[must_use]
pub fn busy() -> Response {
    Problem::busy().into_response()
}

/// The answer while participations cannot be stored: 503, and when to try again.
#[must_use]
pub fn unavailable() -> Response {
    Problem::unavailable().into_response()
}

/// Allows pages of all brands' origins to call, because the brand is not known before the body is read.
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
            header::IF_NONE_MATCH,
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers([header::DATE, header::ETAG, header::LINK, header::LOCATION, header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE)
}

fn has_origin(brands: &Brands, origin: &str) -> bool {
    let in_use = brands.iter().flat_map(|brand| &brand.intake.origins);
    // A page must be able to read that it has to try again.
    let broken = brands.broken().iter().flat_map(|broken| &broken.origins);
    in_use.chain(broken).any(|known| known == origin)
}
