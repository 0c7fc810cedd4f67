//! Until when look-ups wait for request slots, by brand, as far as this process knows. Questions that can be left out are not put
//! meanwhile.

use std::collections::HashMap;

use domain::Timestamp;
use domain::ids::BrandId;
use parking_lot::Mutex;

/// The end of the wait for slots, by brand.
#[derive(Default)]
pub(crate) struct ScarceSlots(Mutex<HashMap<BrandId, Timestamp>>);

impl ScarceSlots {
    /// Records that a request has to wait until this moment.
    pub(crate) fn wait_until(&self, brand: &BrandId, until: Timestamp) {
        let mut ends = self.0.lock();
        let end = ends.entry(brand.clone()).or_insert(until);
        *end = until.max(*end);
    }

    /// Whether requests of the brand wait at this moment.
    pub(crate) fn is_so_at(&self, brand: &BrandId, now: Timestamp) -> bool {
        self.0.lock().get(brand).is_some_and(|end| now < *end)
    }
}
