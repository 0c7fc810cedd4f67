//! Keeps the calls to Braze, so that people can read what was said.

use async_trait::async_trait;
use domain::Timestamp;
use domain::call::CallBatch;
use domain::ids::BrandId;

use crate::Result;
use crate::pages::PageCursor;

/// Some batches of calls.
#[derive(Debug, Default)]
pub struct CallPage {
    /// The batches in the order in which they were kept, each with the cursor behind it.
    pub batches: Vec<(PageCursor, CallBatch)>,
    /// How many batches cannot be read.
    pub unreadable: u64,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageCursor>,
}

/// Keeps calls. Nothing depends on them, and they may be lost.
///
/// # Errors
/// The method fails if they cannot be kept.
#[async_trait]
pub trait CallLog: Send + Sync {
    /// Keeps batches of calls, each for [`domain::call::CALLS_KEPT_FOR`].
    async fn keep_calls(&self, batches: &[CallBatch]) -> Result<()>;
}

/// Reads calls.
///
/// # Errors
/// Every method fails if they cannot be read.
#[async_trait]
pub trait CallReading: Send + Sync {
    /// The brands that have calls; `None` if the store cannot tell.
    async fn called_brands(&self) -> Result<Option<Vec<BrandId>>>;

    /// The first batches of a brand that were kept at a time or later, or those behind a cursor.
    async fn calls(&self, brand: &BrandId, since: Timestamp, after: Option<&PageCursor>) -> Result<CallPage>;
}
