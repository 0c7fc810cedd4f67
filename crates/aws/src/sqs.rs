//! Queues on SQS.

use std::collections::HashMap;
use std::env;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use domain::message::QueueName;
use ports::error::at_most;
use ports::queues::{Delivery, LONGEST_DELAY, MOST_MESSAGES, Outgoing, Queues, Receipt};
use ports::{Error, Result};
use serde_json::json;

use crate::message;

/// The variable in which Lambda's runtime puts the trace of the invocation (AWS X-Ray). A message carries it on, so that a trace goes from
/// the request to what its participation led to.
const TRACE: &str = "_X_AMZN_TRACE_ID";

/// The longest wait of one receive (SQS).
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The queues, by name. A message carries its brand as its group, so that SQS delivers fairly between brands.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    urls: HashMap<QueueName, String>,
}

impl Sqs {
    /// The queues at these URLs.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, urls: HashMap<QueueName, String>) -> Self {
        Self { client: Client::new(config), urls }
    }

    /// Creates queues with a prefix, for emulators. A message that is not acknowledged is delivered again after `invisible`, and becomes a
    /// dead letter after `deliveries` deliveries.
    ///
    /// # Errors
    /// When a queue cannot be created.
    pub async fn make(
        config: &aws_config::SdkConfig,
        prefix: &str,
        invisible: Duration,
        deliveries: u32,
    ) -> Result<Self> {
        use QueueAttributeName as Name;
        let mut made = Self { client: Client::new(config), urls: HashMap::new() };
        for queue in QueueName::ALL {
            let dead = made.make_one(&format!("{prefix}-{}-dead", queue.name()), &[]).await?;
            made.urls.insert(queue, dead);
            let dead = made.arn(queue).await?;
            let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": deliveries });
            let attributes = [
                (Name::VisibilityTimeout, invisible.as_secs().to_string()),
                (Name::RedrivePolicy, redrive.to_string()),
            ];
            let url = made.make_one(&format!("{prefix}-{}", queue.name()), &attributes).await?;
            made.urls.insert(queue, url);
        }
        made.make_one(&format!("{prefix}-schedules-dead"), &[]).await?;
        Ok(made)
    }

    async fn make_one(&self, name: &str, attributes: &[(QueueAttributeName, String)]) -> Result<String> {
        const DOING: &str = "creating a queue";
        let mut request = self.client.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            request = request.attributes(attribute.clone(), value);
        }
        let made = request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        made.queue_url.ok_or_else(|| Error::unavailable(DOING, "it has no URL"))
    }

    /// The ARN of a queue, which schedules send to.
    ///
    /// # Errors
    /// When the ARN cannot be read.
    pub async fn arn(&self, queue: QueueName) -> Result<String> {
        const DOING: &str = "finding a queue";
        let request = self.client.get_queue_attributes().queue_url(self.url(queue, DOING)?);
        let told = request.attribute_names(QueueAttributeName::QueueArn).send().await;
        let told = told.map_err(|error| Error::unavailable(DOING, error))?;
        let arn = told.attributes().and_then(|attributes| attributes.get(&QueueAttributeName::QueueArn));
        arn.cloned().ok_or_else(|| Error::unavailable(DOING, "it has no ARN"))
    }

    /// Opens a connection, so that the first message does not wait for it. It stays open whatever the answer is.
    pub async fn connect(&self) {
        // Every function's role allows this for this queue.
        let Some(url) = self.urls.get(&QueueName::EmailEnrollments) else { return };
        let asked = self.client.get_queue_attributes().queue_url(url);
        let _answer = asked.attribute_names(QueueAttributeName::QueueArn).send().await;
    }

    fn url(&self, queue: QueueName, doing: &'static str) -> Result<&str> {
        let url = self.urls.get(&queue).map(String::as_str);
        url.ok_or_else(|| Error::unavailable(doing, "there is no such queue"))
    }
}

/// A message of a batch.
fn entry(
    number: usize,
    outgoing: &Outgoing,
    trace: Option<&str>,
) -> std::result::Result<SendMessageBatchRequestEntry, BuildError> {
    let body = message::encode(&outgoing.look);
    let seconds = outgoing.delay.min(LONGEST_DELAY).as_millis().div_ceil(1_000);
    let entry = SendMessageBatchRequestEntry::builder()
        .id(number.to_string())
        .message_group_id(outgoing.look.brand.as_str())
        .delay_seconds(i32::try_from(seconds).unwrap_or(i32::MAX));
    let entry = match trace {
        Some(trace) => {
            let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace);
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            entry.message_system_attributes(name, value.build()?)
        }
        None => entry,
    };
    entry.message_body(body).build()
}

/// Fails if SQS did not do all that a batch asked for.
fn none_failed(doing: &'static str, failed: &[BatchResultErrorEntry]) -> Result<()> {
    match failed.first() {
        None => Ok(()),
        Some(failed) => Err(Error::unavailable(doing, format!("SQS says {}", failed.code()))),
    }
}

#[async_trait]
impl Queues for Sqs {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()> {
        const DOING: &str = "sending messages";
        at_most(messages.len(), MOST_MESSAGES, DOING)?;
        if messages.is_empty() {
            return Ok(());
        }
        let mut request = self.client.send_message_batch().queue_url(self.url(queue, DOING)?);
        let trace = env::var(TRACE).ok();
        for (number, outgoing) in messages.iter().enumerate() {
            let entry = entry(number, outgoing, trace.as_deref());
            request = request.entries(entry.map_err(|error| Error::unavailable(DOING, error))?);
        }
        let sent = request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        none_failed(DOING, sent.failed())
    }

    /// Leaves a body alone that is not ours. After a few deliveries it becomes a dead letter.
    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>> {
        const DOING: &str = "receiving messages";
        let seconds = i32::try_from(wait.min(LONGEST_WAIT).as_secs()).unwrap_or(0);
        let request = self
            .client
            .receive_message()
            .queue_url(self.url(queue, DOING)?)
            .max_number_of_messages(i32::try_from(MOST_MESSAGES).unwrap_or(10))
            .wait_time_seconds(seconds);
        let received = request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        let delivery = |message: &aws_sdk_sqs::types::Message| {
            let look = message::decode(message.body()?);
            if look.is_none() {
                tracing::error!(
                    event = "aws.unreadable_message",
                    queue = queue.name(),
                    "A message cannot be read; the tick finds its participations."
                );
            }
            Some(Delivery { look: look?, receipt: Receipt(message.receipt_handle()?.to_owned()) })
        };
        Ok(received.messages().iter().filter_map(delivery).collect())
    }

    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()> {
        const DOING: &str = "acknowledging messages";
        at_most(receipts.len(), MOST_MESSAGES, DOING)?;
        if receipts.is_empty() {
            return Ok(());
        }
        let mut request = self.client.delete_message_batch().queue_url(self.url(queue, DOING)?);
        for (number, receipt) in receipts.iter().enumerate() {
            let entry =
                DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(&receipt.0);
            request = request.entries(entry.build().map_err(|error| Error::unavailable(DOING, error))?);
        }
        let deleted = request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        none_failed(DOING, deleted.failed())
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::BrandId;
    use domain::message::WorkMessage;

    use super::*;

    #[test]
    fn a_message_carries_the_trace_of_the_invocation_that_sends_it() {
        let look = WorkMessage { brand: BrandId::parse("acme").unwrap(), ids: Vec::new() };
        let outgoing = Outgoing { look, delay: Duration::ZERO };
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let traced = entry(0, &outgoing, Some(trace)).unwrap();
        let attributes = traced.message_system_attributes().unwrap();
        let header = attributes.get(&MessageSystemAttributeNameForSends::AwsTraceHeader).unwrap();
        assert_eq!(header.string_value(), Some(trace));
        let untraced = entry(0, &outgoing, None).unwrap();
        assert_eq!(untraced.message_system_attributes(), None);
    }
}
