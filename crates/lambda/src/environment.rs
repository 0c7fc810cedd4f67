//! The settings that the template gives a function.

use std::collections::HashMap;
use std::env;

use anyhow::Context;
use aws::dynamo::{AnotherKey, Dynamo};
use domain::brand::SecretRef;
use domain::brand_file::{Doubt, PoolFile, Resolver, SecretPurpose, Severity};
use domain::id_key::IdKey;
use domain::incentive::Pool;
use domain::message::QueueName;
use ports::Secrets;
use secrecy::ExposeSecret;

/// The variable with the environment's name, which is the prefix of all its tables.
const NAME: &str = "QUIKLY_ENVIRONMENT";

/// The variable that names the parameter with the id key: 64 hexadecimal digits.
const ID_KEY: &str = "QUIKLY_ID_KEY_PARAMETER";

/// The variable that names the parameter with the secret that the content delivery network in front sends. It may be absent.
#[cfg(feature = "http")]
const EDGE_SECRET: &str = "QUIKLY_EDGE_SECRET_PARAMETER";

/// The variable that allows brand files to name loopback or private addresses: `true`.
const ALLOW_PRIVATE: &str = "QUIKLY_ALLOW_PRIVATE";

/// How a function reads brand files: they were checked when they were pushed, and their codes and secrets are elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Deployed;

impl Resolver for Deployed {
    fn secret(&self, _secret: &SecretRef, _purpose: SecretPurpose) -> Result<(), Doubt> {
        Ok(())
    }

    fn codes(&self, _pool: &Pool) -> Result<PoolFile, Doubt> {
        Ok(PoolFile::ample())
    }

    fn private_addresses(&self) -> Option<Severity> {
        (env::var(ALLOW_PRIVATE).as_deref() != Ok("true")).then_some(Severity::Rule)
    }
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}

/// A variable of one queue, such as `QUIKLY_QUEUE_EMAIL_ENROLLMENTS_URL`.
fn of_queue(queue: QueueName, ending: &str) -> anyhow::Result<String> {
    variable(&format!("QUIKLY_QUEUE_{}_{ending}", queue.name().to_uppercase().replace('-', "_")))
}

/// The environment's name.
///
/// # Errors
/// When it is not set.
pub fn name() -> anyhow::Result<String> {
    variable(NAME)
}

/// The URLs of all queues.
///
/// # Errors
/// When one is not set.
pub fn queue_urls() -> anyhow::Result<HashMap<QueueName, String>> {
    QueueName::ALL.into_iter().map(|queue| Ok((queue, of_queue(queue, "URL")?))).collect()
}

/// The secret that the content delivery network in front sends, if there is one.
#[cfg(feature = "http")]
#[must_use]
pub fn edge_secret() -> Option<SecretRef> {
    env::var(EDGE_SECRET).ok().filter(|name| !name.is_empty()).map(SecretRef::Ssm)
}

/// The settings for schedules.
///
/// # Errors
/// When a variable is not set.
#[cfg(feature = "worker")]
pub fn schedules() -> anyhow::Result<aws::scheduler::SchedulerSettings> {
    let scheduled = [QueueName::EmailEnrollments, QueueName::SmsSubscriptions];
    let arns: anyhow::Result<HashMap<_, _>> =
        scheduled.into_iter().map(|queue| Ok((queue, of_queue(queue, "ARN")?))).collect();
    Ok(aws::scheduler::SchedulerSettings {
        group: variable("QUIKLY_SCHEDULE_GROUP")?,
        role_arn: variable("QUIKLY_SCHEDULE_ROLE_ARN")?,
        queue_arns: arns?,
        dead_letters_arn: env::var("QUIKLY_SCHEDULE_DEAD_LETTERS_ARN").ok(),
    })
}

/// The key that participation ids are made with, if it is the same key as before.
///
/// # Errors
/// When it cannot be read, is not a key, or differs from the one used before.
pub async fn id_key(secrets: &dyn Secrets, dynamo: &Dynamo) -> anyhow::Result<IdKey> {
    let (key, marks) = tokio::join!(parameter(secrets), dynamo.marks());
    same(key?, marks?.fingerprint.as_deref())
}

/// Does the same as [`id_key`], and also records the first key that is ever used.
///
/// # Errors
/// When it cannot be read, is not a key, or differs from the one used before.
#[cfg(feature = "worker")]
pub async fn kept_id_key(secrets: &dyn Secrets, dynamo: &Dynamo) -> anyhow::Result<IdKey> {
    let (key, marks) = tokio::join!(parameter(secrets), dynamo.marks());
    let key = key?;
    let marks = dynamo.mark(marks?, &key).await?;
    same(key, marks.fingerprint.as_deref())
}

async fn parameter(secrets: &dyn Secrets) -> anyhow::Result<IdKey> {
    let parameter = variable(ID_KEY)?;
    let text = secrets.get(&SecretRef::Ssm(parameter)).await.context("the id key cannot be read")?;
    Ok(IdKey::parse(text.expose_secret())?)
}

fn same(key: IdKey, kept: Option<&str>) -> anyhow::Result<IdKey> {
    let fits = kept.is_none_or(|kept| kept == key.fingerprint().to_string());
    if fits { Ok(key) } else { Err(AnotherKey.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_another_fingerprint_is_refused() {
        let [one, other] = [1, 2].map(|byte| IdKey::new([byte; 32]));
        let kept = one.fingerprint().to_string();
        assert!(same(one.clone(), None).is_ok() && same(one, Some(&kept)).is_ok());
        assert!(same(other, Some(&kept)).unwrap_err().is::<AnotherKey>());
    }
}
