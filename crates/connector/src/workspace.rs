//! The Braze clients of the brands, made on first use.

use std::collections::HashMap;
use std::sync::Arc;

use braze::Transport;
use domain::brand::{Brand, BrazeUrl, SecretRef};
use domain::ids::BrandId;
use parking_lot::Mutex;
use ports::error::in_full;
use secrecy::ExposeSecret;

use crate::deps::Deps;

/// Clients by brand. A client is dropped when its key is refused, so that a rotated key is read anew, and
/// when the brand's endpoint or key reference changes.
#[derive(Default)]
pub(crate) struct Workspaces {
    clients: Mutex<HashMap<BrandId, CachedClient>>,
}

/// A client, and the brand's settings that it was made from.
struct CachedClient {
    endpoint: BrazeUrl,
    api_key: SecretRef,
    client: Arc<braze::Client>,
}

impl CachedClient {
    fn is_of(&self, brand: &Brand) -> bool {
        self.endpoint == brand.braze.endpoint && self.api_key == brand.braze.api_key
    }
}

impl Workspaces {
    /// The brand's client with this transport; `None`, with a line in the log, if its key cannot be read.
    pub(crate) async fn client(
        &self,
        deps: &Deps,
        way: impl FnOnce() -> Arc<dyn Transport>,
        brand: &Brand,
    ) -> Option<Arc<braze::Client>> {
        let kept =
            self.lock().get(&brand.id).filter(|kept| kept.is_of(brand)).map(|kept| kept.client.clone());
        if kept.is_some() {
            return kept;
        }
        let key = match deps.secrets.get(&brand.braze.api_key).await {
            Ok(key) => braze::ApiKey::new(key.expose_secret()),
            Err(error) => {
                let now = deps.clock.now();
                if let Some(line) = deps.troubles.repeats().line("connector.no_key", brand.id.as_str(), now) {
                    tracing::error!(event = "connector.no_key", brand = %brand.id, times = line.times, error = %in_full(&error), "The brand's API key cannot be read.");
                }
                return None;
            }
        };
        let url = brand.braze.endpoint.url().clone();
        let client = Arc::new(braze::Client::new(url, key, way()));
        let (endpoint, api_key) = (brand.braze.endpoint.clone(), brand.braze.api_key.clone());
        self.lock().insert(brand.id.clone(), CachedClient { endpoint, api_key, client: client.clone() });
        Some(client)
    }

    /// Drops a client whose key was refused.
    pub(crate) fn forget(&self, brand: &BrandId) {
        self.lock().remove(brand);
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, HashMap<BrandId, CachedClient>> {
        self.clients.lock()
    }
}
