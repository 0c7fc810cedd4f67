//! Secrets that a test has stored.

use async_trait::async_trait;
use domain::brand::SecretRef;
use ports::{Error, Result, Secrets};
use secrecy::SecretString;

use crate::Memory;

impl Memory {
    /// Stores a secret.
    pub fn keep_secret(&self, reference: SecretRef, secret: &str) {
        self.lock().secrets.insert(reference, secret.to_owned());
    }
}

#[async_trait]
impl Secrets for Memory {
    async fn get(&self, reference: &SecretRef) -> Result<SecretString> {
        let secret = self.lock().secrets.get(reference).cloned();
        let missing = || Error::unavailable("reading a secret", format!("{reference} does not exist"));
        secret.map(SecretString::from).ok_or_else(missing)
    }
}
