//! What the template tells a function.

use std::collections::HashMap;
use std::env;

use anyhow::Context;
use domain::brand::SecretRef;
use domain::identity::IdKey;
use domain::message::QueueName;
use ports::Secrets;
use secrecy::ExposeSecret;

/// The environment's name, which all its tables begin with.
const NAME: &str = "QUIKLY_ENVIRONMENT";

/// The parameter that holds the id key: 64 hexadecimal digits.
const ID_KEY: &str = "QUIKLY_ID_KEY_PARAMETER";

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}

/// `QUIKLY_QUEUE_EMAIL_ENROLLMENTS_URL` and the like.
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

/// The addresses of all queues.
///
/// # Errors
/// When one is not set.
pub fn queue_urls() -> anyhow::Result<HashMap<QueueName, String>> {
    QueueName::ALL.into_iter().map(|queue| Ok((queue, of_queue(queue, "URL")?))).collect()
}

/// What schedules need to send.
///
/// # Errors
/// When something is not set.
#[cfg(feature = "worker")]
pub fn schedules() -> anyhow::Result<aws::scheduler::Settings> {
    let scheduled = [QueueName::EmailEnrollments, QueueName::SmsSubscriptions];
    let arns: anyhow::Result<HashMap<_, _>> =
        scheduled.into_iter().map(|queue| Ok((queue, of_queue(queue, "ARN")?))).collect();
    Ok(aws::scheduler::Settings {
        group: variable("QUIKLY_SCHEDULE_GROUP")?,
        role_arn: variable("QUIKLY_SCHEDULE_ROLE_ARN")?,
        queue_arns: arns?,
        dead_letters_arn: env::var("QUIKLY_SCHEDULE_DEAD_LETTERS_ARN").ok(),
    })
}

/// The key that participation ids are made with.
///
/// # Errors
/// When it cannot be read, or is no key.
pub async fn id_key(secrets: &dyn Secrets) -> anyhow::Result<IdKey> {
    let parameter = variable(ID_KEY)?;
    let text = secrets.get(&SecretRef::Ssm(parameter)).await.context("the id key cannot be read")?;
    Ok(IdKey::parse(text.expose_secret())?)
}
