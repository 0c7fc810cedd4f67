//! The brands whose workspace does not answer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::BrandId;
use ports::Result;
use ports::outages::{Outage, Outages};

use crate::Memory;

#[async_trait]
impl Outages for Memory {
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()> {
        self.lock().outages.insert(brand.clone(), outage.clone());
        Ok(())
    }

    async fn end_outage(&self, brand: &BrandId) -> Result<()> {
        self.lock().outages.remove(brand);
        Ok(())
    }

    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>> {
        Ok(self.lock().outages.clone())
    }
}
