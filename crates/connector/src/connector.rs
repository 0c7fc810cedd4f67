//! What all parts of the work share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use domain::brand::{Brand, Brands};
use domain::id_key::IdKey;
use domain::ids::LedgerKey;
use ports::BrandsInUse;
use ports::repeats::Repeated;
use tokio::sync::Notify;

use crate::clock_watch::ClockWatch;
use crate::in_hand::InHand;
use crate::kept_outages::Kept;
use crate::one_by_one::OneByOne;
use crate::outage::Seen;
use crate::outside::Outside;
use crate::pace::Pace;
use crate::recent::Recent;
use crate::suspects::Suspects;
use crate::tally::{Tallied, Tally};
use crate::workspace::Workspaces;

/// Steps participations.
pub struct Connector {
    pub(crate) outside: Outside,
    brands: BrandsInUse,
    pub(crate) id_key: IdKey,
    pub(crate) pace: Pace,
    pub(crate) workspaces: Workspaces,
    pub(crate) one_by_one: OneByOne,
    /// Told when there is something to tell Quikly.
    pub(crate) news: Notify,
    pub(crate) drawn: Mutex<HashSet<LedgerKey>>,
    /// Ledgers that are in the form of this version.
    pub(crate) upgraded: Mutex<HashSet<LedgerKey>>,
    pub(crate) tallied: Tallied,
    pub(crate) suspects: Suspects,
    pub(crate) seen: Arc<Seen>,
    pub(crate) kept_outages: tokio::sync::Mutex<Kept>,
    pub(crate) recent: Recent,
    pub(crate) clock_watch: ClockWatch,
    pub(crate) in_hand: InHand,
}

impl Connector {
    /// A connector over these ports and brands.
    #[must_use]
    pub fn new(outside: Outside, brands: impl Into<BrandsInUse>, id_key: IdKey) -> Self {
        Self {
            outside,
            brands: brands.into(),
            id_key,
            pace: Pace::default(),
            workspaces: Workspaces::default(),
            one_by_one: OneByOne::default(),
            news: Notify::new(),
            drawn: Mutex::default(),
            upgraded: Mutex::default(),
            tallied: Tallied::default(),
            suspects: Suspects::default(),
            seen: Arc::default(),
            kept_outages: tokio::sync::Mutex::default(),
            recent: Recent::default(),
            clock_watch: ClockWatch::default(),
            in_hand: InHand::default(),
        }
    }

    /// The brands it works for now.
    #[must_use]
    pub fn brands(&self) -> Arc<Brands> {
        self.brands.current()
    }

    /// What was done since this was last asked.
    pub fn take_tally(&self) -> Tally {
        self.tallied.take()
    }

    /// Has the brand's key read anew before it is used again: it may have been rotated.
    pub(crate) fn key_was_refused(&self, brand: &Brand) {
        self.workspaces.forget(&brand.id);
        self.outside.secrets.forget(&brand.braze.api_key);
        self.tallied.key_refused();
    }

    /// What a log line about this should say, which comes once a minute; `None` while the last one stands for it.
    pub(crate) fn line(&self, event: &'static str, subject: &str) -> Option<Repeated> {
        self.outside.troubles.repeats().line(event, subject, self.outside.clock.now())
    }
}
