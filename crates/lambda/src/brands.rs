//! The brands and a value built from them. Both are read from the brand table at start-up, and again every minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws::dynamo::BrandTable;
use domain::Timestamp;
use domain::brand::Brands;
use domain::brand_file::{Given, Loaded, Strictness, read_each};
use domain::time::later;
use ports::brands::report;
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::{Clock, Troubles};
use tokio::sync::Mutex;

use crate::environment::Deployed;

/// How long the brands are used before they are read again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// A value that is built from the brands, and rebuilt when they have changed.
pub struct OfBrands<T> {
    table: BrandTable,
    troubles: Troubles,
    make: Box<dyn Fn(Arc<Brands>) -> T + Send + Sync>,
    kept: Mutex<Cached<T>>,
    refused: AtomicU64,
}

struct Cached<T> {
    files: Vec<Given>,
    loaded: Loaded,
    read_at: Timestamp,
    made: T,
}

/// Reads the brand files leniently: they were checked when they were pushed, and their codes and secrets are elsewhere. A brand whose new
/// file this version cannot read keeps its old settings as long as this process lives.
pub(crate) fn load(files: &[Given], former: Option<&Loaded>) -> Loaded {
    read_each(files, &Deployed, Strictness::Lenient, former)
}

impl<T: Clone> OfBrands<T> {
    /// Builds the first value, from files that were just read from the table and loaded. A fault in a file affects only its own brand and
    /// is reported.
    pub fn new(
        table: BrandTable,
        files: Vec<Given>,
        loaded: Loaded,
        troubles: Troubles,
        make: impl Fn(Arc<Brands>) -> T + Send + Sync + 'static,
    ) -> Self {
        let made = make(Arc::new(loaded.brands.clone()));
        let kept = Mutex::new(Cached { files, loaded, read_at: SystemClock.now(), made });
        Self { table, troubles, make: Box::new(make), kept, refused: AtomicU64::new(0) }
    }

    /// The value for the current brands. If they cannot be read, it stays as it was.
    pub async fn current(&self) -> T {
        let mut kept = self.kept.lock().await;
        let now = SystemClock.now();
        if now >= later(kept.read_at, FRESH_FOR) {
            kept.read_at = now;
            self.read_again(&mut kept).await;
        }
        self.refused.store(report(&kept.loaded, &self.troubles, now), Ordering::Relaxed);
        kept.made.clone()
    }

    /// How many files could not be used as they are, at the last call of `current`.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    async fn read_again(&self, kept: &mut Cached<T>) {
        match self.table.read().await {
            Ok(files) if files == kept.files => {}
            Ok(files) => {
                kept.loaded = load(&files, Some(&kept.loaded));
                kept.files = files;
                kept.made = (self.make)(Arc::new(kept.loaded.brands.clone()));
                tracing::info!(event = "lambda.brands_changed", "The brand files have changed.");
            }
            Err(error) => {
                tracing::error!(event = "lambda.brands_unread", error = %in_full(&error), "The brand files cannot be read; the previous ones stay in use.");
            }
        }
    }
}
