//! What all parts of the work share.

use std::collections::HashSet;
use std::sync::Arc;

use domain::brand::Brands;
use domain::id_key::IdKey;
use domain::ids::LedgerKey;
use metrics::Counters;
use parking_lot::Mutex;
use ports::BrandsInUse;
use ports::repeats::Repeated;
use tokio::sync::Notify;

use crate::braze_access::BrazeAccess;
use crate::clock_watch::ClockWatch;
use crate::deps::Deps;
use crate::in_hand::InHand;
use crate::kept_outages::KeptOutages;
use crate::made_callbacks::MadeCallbacks;
use crate::suspects::Suspects;

/// Processes participations: asks for the next step of each, and performs it.
pub struct Connector {
    pub(crate) deps: Deps,
    brands: BrandsInUse,
    pub(crate) id_key: IdKey,
    pub(crate) braze: BrazeAccess,
    /// Notified when there are callbacks to send.
    pub(crate) callbacks_due: Notify,
    pub(crate) made_callbacks: MadeCallbacks,
    pub(crate) drawn: Mutex<HashSet<LedgerKey>>,
    /// Ledgers that are already in the form of this version.
    pub(crate) upgraded: Mutex<HashSet<LedgerKey>>,
    pub(crate) suspects: Suspects,
    pub(crate) kept_outages: tokio::sync::Mutex<KeptOutages>,
    pub(crate) clock_watch: ClockWatch,
    pub(crate) in_hand: InHand,
}

impl Connector {
    /// Makes a connector over these ports and brands.
    #[must_use]
    pub fn new(deps: Deps, brands: impl Into<BrandsInUse>, id_key: IdKey) -> Self {
        Self {
            braze: BrazeAccess::new(deps.clone()),
            deps,
            brands: brands.into(),
            id_key,
            callbacks_due: Notify::new(),
            made_callbacks: MadeCallbacks::default(),
            drawn: Mutex::default(),
            upgraded: Mutex::default(),
            suspects: Suspects::default(),
            kept_outages: tokio::sync::Mutex::default(),
            clock_watch: ClockWatch::default(),
            in_hand: InHand::default(),
        }
    }

    /// The brands that it works for now.
    #[must_use]
    pub fn brands(&self) -> Arc<Brands> {
        self.brands.current()
    }

    /// Its counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Counters> {
        &self.braze.counters
    }

    /// What a log line about this event and subject should say. A line comes once a minute; until then this
    /// is `None`.
    pub(crate) fn line(&self, event: &'static str, subject: &str) -> Option<Repeated> {
        self.deps.line(event, subject)
    }
}
