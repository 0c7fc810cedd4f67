//! Secrets from the environment.

use async_trait::async_trait;
use domain::brand::SecretRef;
use ports::{Error, Result, Secrets};
use secrecy::SecretString;

/// Reads environment variables. Parameters of SSM are not available to a single process.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvSecrets;

#[async_trait]
impl Secrets for EnvSecrets {
    async fn get(&self, reference: &SecretRef) -> Result<SecretString> {
        let missing = |why: &str| Error::unavailable("reading a secret", format!("{reference} {why}"));
        match reference {
            SecretRef::Env(name) => {
                std::env::var(name).map(SecretString::from).map_err(|_| missing("is not set"))
            }
            SecretRef::Ssm(_) => Err(missing("can only be read on AWS")),
        }
    }
}
