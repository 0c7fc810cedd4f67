//! The Braze clients of the brands, made when first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::brand::Brand;
use domain::identity::BrandId;
use ports::error::in_full;
use secrecy::ExposeSecret;

use crate::outage::Seen;
use crate::outside::Outside;

/// Clients by brand. A client goes when its key is refused, so that a rotated key is read anew.
#[derive(Default)]
pub(crate) struct Workspaces {
    clients: Mutex<HashMap<BrandId, Arc<braze::Client>>>,
}

impl Workspaces {
    /// The brand's client; `None`, and a line in the log, when its key cannot be had.
    pub(crate) async fn client(
        &self,
        outside: &Outside,
        seen: &Arc<Seen>,
        brand: &Brand,
    ) -> Option<Arc<braze::Client>> {
        let kept = self.lock().get(&brand.id).cloned();
        if kept.is_some() {
            return kept;
        }
        let key = match outside.secrets.get(&brand.braze.api_key).await {
            Ok(key) => braze::ApiKey::new(key.expose_secret()),
            Err(error) => {
                let now = outside.clock.now();
                if let Some(line) =
                    outside.troubles.repeats().line("connector.no_key", brand.id.as_str(), now)
                {
                    tracing::error!(brand = %brand.id, times = line.times, error = %in_full(&error), "connector.no_key: the brand's API key cannot be read");
                }
                return None;
            }
        };
        let url = brand.braze.endpoint.url().clone();
        let way = seen.watching(&brand.id, outside.transport.clone(), outside.clock.clone());
        let client = Arc::new(braze::Client::new(url, key, way));
        self.lock().insert(brand.id.clone(), client.clone());
        Some(client)
    }

    /// Forgets a client whose key was refused.
    pub(crate) fn forget(&self, brand: &BrandId) {
        self.lock().remove(brand);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BrandId, Arc<braze::Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
