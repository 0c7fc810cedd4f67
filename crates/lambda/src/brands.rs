//! The brands, and what is made of them: read from their table at the start, and again every minute.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use aws::dynamo::BrandTable;
use domain::Timestamp;
use domain::brand::Brands;
use domain::brand_file::{BrandFile, read_all};
use domain::time::later;
use ports::Clock;
use ports::clock::SystemClock;
use ports::error::in_full;
use tokio::sync::Mutex;

use crate::environment::Deployed;

/// How long brands are taken for granted.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// Something that is made of the brands, and made anew when they have changed.
pub struct OfBrands<T> {
    table: BrandTable,
    make: Box<dyn Fn(Arc<Brands>) -> T + Send + Sync>,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    files: Vec<BrandFile>,
    read_at: Timestamp,
    made: T,
}

fn same(one: &[BrandFile], other: &[BrandFile]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one.name == other.name && one.text == other.text)
}

fn brands(files: &[BrandFile]) -> anyhow::Result<Arc<Brands>> {
    // They were checked when they were pushed; codes and secrets are where they are needed.
    let brands = read_all(files, &Deployed).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!("the brand table holds files with faults: {}", faults.join("; "))
    })?;
    Ok(Arc::new(brands))
}

impl<T: Clone> OfBrands<T> {
    /// Makes the first one, of what was just read of the table.
    ///
    /// # Errors
    /// When that is not right.
    pub fn new(
        table: BrandTable,
        files: Vec<BrandFile>,
        make: impl Fn(Arc<Brands>) -> T + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let made = make(brands(&files)?);
        let kept = Mutex::new(Kept { files, read_at: SystemClock.now(), made });
        Ok(Self { table, make: Box::new(make), kept })
    }

    /// The one of the brands as they are; as they were, when they cannot be read or are not right.
    pub async fn current(&self) -> T {
        let mut kept = self.kept.lock().await;
        let now = SystemClock.now();
        if now < later(kept.read_at, FRESH_FOR) {
            return kept.made.clone();
        }
        kept.read_at = now;
        match self.table.read().await {
            Ok(files) if same(&files, &kept.files) => {}
            Ok(files) => match brands(&files) {
                Ok(brands) => {
                    kept.made = (self.make)(brands);
                    kept.files = files;
                    tracing::info!("lambda.brands_changed");
                }
                Err(error) => tracing::error!(%error, "lambda.brands_refused: the ones before stay"),
            },
            Err(error) => {
                tracing::error!(error = %in_full(&error), "lambda.brands_unread: the ones before stay")
            }
        }
        kept.made.clone()
    }
}
