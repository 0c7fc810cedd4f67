//! Secrets in SecureString parameters of Systems Manager.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::get_parameters::GetParametersError;
use domain::Timestamp;
use domain::brand::SecretRef;
use domain::time::later;
use parking_lot::Mutex;
use ports::clock::SystemChance;
use ports::error::in_full;
use ports::{Chance, Clock, Error, Result, Secrets};
use secrecy::SecretString;

const DOING: &str = "reading a secret";

/// How long a secret is cached before it is read again, at least. It is at most twice as long, so that instances that started together do
/// not all read it again at the same time.
const FRESH_FOR: Duration = Duration::from_secs(150);

/// How long after its last reading a secret stays in use if it cannot be read again.
const USED_FOR: Duration = Duration::from_secs(3_600);

/// When a secret that could not be read again is tried next.
const AGAIN_AFTER: Duration = Duration::from_secs(15);

/// The most parameters that one call reads (SSM, GetParameters).
const MOST_AT_ONCE: usize = 10;

/// A thousand instances may start together, but an account has 40 calls a second (SSM, Parameter Store throughput). The SDK waits a random
/// part of a time that doubles: these attempts take up to some ten seconds.
const ATTEMPTS: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// The parameters of an environment, with a cache.
pub struct Parameters {
    client: Client,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<String, Kept>>,
    expected: Mutex<BTreeSet<String>>,
    /// One task reads at a time. The others find in the cache what it has read.
    reading: futures::lock::Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    secret: SecretString,
    fresh_until: Timestamp,
    used_until: Timestamp,
}

impl Parameters {
    /// The parameters of an environment.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, clock: Arc<dyn Clock>) -> Self {
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_WAIT)
            .with_max_backoff(LONGEST_WAIT);
        let settings = aws_sdk_ssm::config::Builder::from(config).retry_config(retries);
        Self {
            client: Client::from_conf(settings.build()),
            clock,
            kept: Mutex::default(),
            expected: Mutex::default(),
            reading: futures::lock::Mutex::default(),
        }
    }

    /// Says which secrets are going to be needed. The next call reads as many of them as fit beside the one that it is for.
    pub fn expect<'a>(&self, references: impl IntoIterator<Item = &'a SecretRef>) {
        let named = |reference: &SecretRef| match reference {
            SecretRef::Ssm(name) => Some(name.clone()),
            SecretRef::Env(_) => None,
        };
        let mut expected = self.expected.lock();
        *expected = references.into_iter().filter_map(named).collect();
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

    fn fresh(&self, name: &str) -> Option<SecretString> {
        let kept = self.kept.lock();
        let found = kept.get(name)?;
        (self.clock.now() < found.fresh_until).then(|| found.secret.clone())
    }

    /// The parameter itself, and expected ones that are not in the cache or not fresh any more, as many as one call reads.
    fn together_with(&self, name: &str) -> Vec<String> {
        let (now, kept, expected) = (self.clock.now(), self.kept.lock(), self.expected.lock());
        let wanted =
            |other: &&String| *other != name && kept.get(*other).is_none_or(|found| found.fresh_until <= now);
        let others = expected.iter().filter(wanted).take(MOST_AT_ONCE - 1).cloned();
        std::iter::once(name.to_owned()).chain(others).collect()
    }

    /// Reads the parameter, and others with it. A role that may not read one of the others gets none of them (IAM), so the parameter is
    /// then read alone.
    async fn read_with_others(&self, name: &str) -> Result<()> {
        let names = self.together_with(name);
        match self.read(&names).await {
            Err(error) if names.len() > 1 && is_denied(&error) => {
                self.read(&names[..1]).await.map_err(|error| Error::unavailable(DOING, error))
            }
            read => read.map_err(|error| Error::unavailable(DOING, error)),
        }
    }

    async fn read(&self, names: &[String]) -> std::result::Result<(), SdkError<GetParametersError>> {
        let request = self.client.get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
        let read = request.send().await?;
        let now = self.clock.now();
        let mut kept = self.kept.lock();
        for parameter in read.parameters.unwrap_or_default() {
            let (Some(name), Some(value)) = (parameter.name, parameter.value) else { continue };
            let fresh_until = later(now, SystemChance.jitter(FRESH_FOR));
            let secret = SecretString::from(value);
            kept.insert(name, Kept { secret, fresh_until, used_until: later(now, USED_FOR) });
        }
        for name in read.invalid_parameters.unwrap_or_default() {
            kept.remove(&name);
        }
        Ok(())
    }

    /// The secret as it was last read, if that was not long ago. It is tried again a little later.
    fn still_used(&self, name: &str, error: &Error) -> Option<SecretString> {
        let (now, mut kept) = (self.clock.now(), self.kept.lock());
        let found = kept.get_mut(name).filter(|found| now < found.used_until)?;
        found.fresh_until = later(now, SystemChance.jitter(AGAIN_AFTER));
        tracing::warn!(event = "aws.secret_not_read_again", parameter = name, error = %in_full(error), "A secret cannot be read again; the value that was read before stays in use.");
        Some(found.secret.clone())
    }
}

fn is_denied(error: &SdkError<GetParametersError>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("AccessDeniedException")
}

#[async_trait]
impl Secrets for Parameters {
    async fn get(&self, reference: &SecretRef) -> Result<SecretString> {
        let SecretRef::Ssm(name) = reference else {
            return Err(Error::unavailable(DOING, format!("{reference} is not a parameter")));
        };
        if let Some(secret) = self.fresh(name) {
            return Ok(secret);
        }
        let _turn = self.reading.lock().await;
        if let Some(secret) = self.fresh(name) {
            return Ok(secret);
        }
        match self.read_with_others(name).await {
            Ok(()) => {
                let missing =
                    || Error::unavailable(DOING, format!("{reference} does not exist, or is empty"));
                self.fresh(name).ok_or_else(missing)
            }
            Err(error) => self.still_used(name, &error).ok_or(error),
        }
    }

    fn forget(&self, reference: &SecretRef) {
        if let SecretRef::Ssm(name) = reference {
            self.kept.lock().remove(name);
        }
    }
}
