//! The calls to Braze.

use async_trait::async_trait;
use domain::Timestamp;
use domain::call::CallBatch;
use domain::ids::BrandId;
use ports::calls::CallPage;
use ports::pages::PageCursor;
use ports::{CallLog, CallReading, Error, Result};

use crate::Memory;

#[async_trait]
impl CallLog for Memory {
    async fn keep_calls(&self, batches: &[CallBatch]) -> Result<()> {
        self.lock().calls.extend_from_slice(batches);
        Ok(())
    }
}

#[async_trait]
impl CallReading for Memory {
    async fn called_brands(&self) -> Result<Option<Vec<BrandId>>> {
        let mut brands: Vec<BrandId> = self.lock().calls.iter().map(|batch| batch.brand.clone()).collect();
        brands.sort();
        brands.dedup();
        Ok(Some(brands))
    }

    async fn calls(&self, brand: &BrandId, since: Timestamp, after: Option<&PageCursor>) -> Result<CallPage> {
        let after: Option<usize> = after
            .map(|cursor| cursor.0.parse())
            .transpose()
            .map_err(|error| Error::corrupt("cursor", error))?;
        let state = self.lock();
        let numbered = state.calls.iter().enumerate();
        let wanted = numbered.filter(|(number, batch)| {
            batch.brand == *brand && batch.kept_at >= since && after.is_none_or(|after| *number > after)
        });
        let batches = wanted.map(|(number, batch)| (PageCursor(number.to_string()), batch.clone())).collect();
        Ok(CallPage { batches, ..CallPage::default() })
    }
}
