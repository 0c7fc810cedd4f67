//! Secrets, by reference.

use async_trait::async_trait;
use domain::brand::SecretRef;
use secrecy::SecretString;

use crate::Result;

/// Looks secrets up.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret behind a reference.
    ///
    /// # Errors
    /// When it is not there or cannot be read. The error names the reference, never the secret.
    async fn get(&self, reference: &SecretRef) -> Result<SecretString>;

    /// Has the secret read anew when it is asked for again: whoever it was meant for refused it. Where nothing is kept, there is
    /// nothing to forget.
    fn forget(&self, _reference: &SecretRef) {}
}
