//! Secrets in SecureString parameters of Systems Manager.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use domain::Timestamp;
use domain::brand::SecretRef;
use parking_lot::Mutex;
use ports::{Clock, Error, Result, Secrets};
use secrecy::SecretString;

/// How long a secret is cached before it is read again.
pub const KEPT_FOR: Duration = Duration::from_secs(300);

/// The parameters of an environment, with a cache.
pub struct Parameters {
    client: Client,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<String, (SecretString, Timestamp)>>,
}

impl Parameters {
    /// The parameters of an environment.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(config), clock, kept: Mutex::default() }
    }

    /// Writes a parameter, for emulators.
    ///
    /// # Errors
    /// When the parameter cannot be written.
    pub async fn put(&self, name: &str, value: &str) -> Result<()> {
        let secure = aws_sdk_ssm::types::ParameterType::SecureString;
        let request = self.client.put_parameter().name(name).value(value).r#type(secure).overwrite(true);
        request.send().await.map(|_| ()).map_err(|error| Error::unavailable("writing a secret", error))
    }

    fn kept(&self, name: &str) -> Option<SecretString> {
        let kept = self.kept.lock();
        let (secret, until) = kept.get(name)?;
        (self.clock.now() < *until).then(|| secret.clone())
    }
}

#[async_trait]
impl Secrets for Parameters {
    async fn get(&self, reference: &SecretRef) -> Result<SecretString> {
        const DOING: &str = "reading a secret";
        let SecretRef::Ssm(name) = reference else {
            return Err(Error::unavailable(DOING, format!("{reference} is not a parameter")));
        };
        if let Some(kept) = self.kept(name) {
            return Ok(kept);
        }
        let read = self.client.get_parameter().name(name).with_decryption(true).send().await;
        let read = read.map_err(|error| Error::unavailable(DOING, error))?;
        let value = read.parameter.and_then(|parameter| parameter.value);
        let secret = SecretString::from(
            value.ok_or_else(|| Error::unavailable(DOING, format!("{reference} is empty")))?,
        );
        let until = self.clock.now() + KEPT_FOR;
        self.kept.lock().insert(name.clone(), (secret.clone(), until));
        Ok(secret)
    }

    fn forget(&self, reference: &SecretRef) {
        if let SecretRef::Ssm(name) = reference {
            self.kept.lock().remove(name);
        }
    }
}
