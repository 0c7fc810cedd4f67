//! Secrets, by reference.

use async_trait::async_trait;
use domain::brand::SecretRef;
use secrecy::SecretString;

use crate::Result;

/// Looks up secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret behind a reference.
    ///
    /// # Errors
    /// If the secret does not exist or cannot be read. The error names the reference, never the secret.
    async fn get(&self, reference: &SecretRef) -> Result<SecretString>;

    /// Forgets a cached secret, because its receiver refused it, so that the next `get` reads it anew. An
    /// implementation without a cache has nothing to forget.
    fn forget(&self, _reference: &SecretRef) {}
}
