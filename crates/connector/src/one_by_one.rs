//! Brands whose subscriptions are read with one number a request.

use std::collections::HashSet;

use braze::MOST_PHONES;
use domain::ids::BrandId;
use parking_lot::Mutex;

/// Brands whose answers are not keyed by the numbers that were asked for. Their subscriptions are read with
/// one number a request.
#[derive(Default)]
pub(crate) struct OneByOne(Mutex<HashSet<BrandId>>);

impl OneByOne {
    pub(crate) fn at_once(&self, brand: &BrandId) -> usize {
        let brands = self.0.lock();
        if brands.contains(brand) { 1 } else { MOST_PHONES }
    }

    pub(crate) fn remember(&self, brand: &BrandId) {
        let mut brands = self.0.lock();
        if brands.insert(brand.clone()) {
            tracing::warn!(event = "connector.statuses_unkeyed", %brand, "Braze's answer does not name the numbers; subscriptions are read one number a request from now on.");
        }
    }
}
