//! Brands whose workspace does not answer. The table of ledgers holds one item for each, under a key that no ledger has.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::BrandId;
use ports::outages::{Outage, Outages};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{text, text_of};
use crate::dynamo::pages::all_items;

/// The key of the outages. It cannot be a ledger's name, since those contain a space.
const OUTAGES: &str = "braze-unanswered";

#[async_trait]
impl Outages for Dynamo {
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()> {
        let put = self.client.put_item().table_name(&self.tables.ledgers);
        let put = put.item("ledger", text(OUTAGES)).item("line", text(brand.as_str()));
        let put = put.item("record", text(stored::outage::encode(brand, outage)?)).send().await;
        put.map(|_| ()).map_err(|error| Error::unavailable("keeping an outage", error))
    }

    async fn end_outage(&self, brand: &BrandId) -> Result<()> {
        let delete = self.client.delete_item().table_name(&self.tables.ledgers);
        let delete = delete.key("ledger", text(OUTAGES)).key("line", text(brand.as_str())).send().await;
        delete.map(|_| ()).map_err(|error| Error::unavailable("ending an outage", error))
    }

    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .key_condition_expression("ledger = :outages")
            .expression_attribute_values(":outages", text(OUTAGES));
        let mut outages = BTreeMap::new();
        for item in all_items(query, "reading outages").await? {
            let brand = BrandId::parse(text_of(&item, "line")?);
            let brand = brand.map_err(|error| Error::corrupt("brand", error))?;
            let outage = stored::outage::decode(&brand, text_of(&item, "record")?)?;
            outages.insert(brand, outage);
        }
        Ok(outages)
    }
}
