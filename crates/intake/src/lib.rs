#![doc = include_str!("../README.md")]

mod announce;
mod body;
mod health;
mod participations;
mod problem;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use domain::brand::Brands;
use domain::identity::IdKey;
use ports::{Clock, Queues, Store};

use announce::Announcer;
use problem::Problem;

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// What intake needs from outside.
#[derive(Clone)]
pub struct Outside {
    /// Where participations are kept.
    pub store: Arc<dyn Store>,
    /// Where they are announced.
    pub queues: Arc<dyn Queues>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Intake {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    brands: Arc<Brands>,
    id_key: IdKey,
    announcer: Announcer,
}

/// The routes. Call it inside a Tokio runtime: announcements are sent by a task of their own.
pub fn router(outside: Outside, brands: Arc<Brands>, id_key: IdKey) -> Router {
    let announcer = Announcer::start(outside.queues);
    let intake = Intake { store: outside.store, clock: outside.clock, brands, id_key, announcer };
    Router::new()
        .route("/participations", post(participations::accept))
        .route("/participations/{id}", get(participations::show))
        .route("/healthz", get(health::show))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::no_such_path() })
        .with_state(intake)
}
