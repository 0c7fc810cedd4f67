//! What whoever is on call asks and does, over an environment's tables and queues.

use std::collections::BTreeMap;
use std::collections::HashSet;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use domain::Timestamp;
use domain::identity::IdKey;
use domain::message::QueueName;
use domain::person::Person;
use ports::operations::{Dead, Forgotten, Operations, Overview, Which};
use ports::{Error, Result};

use crate::dynamo::{Dynamo, Tables};
use crate::message;

/// What is looked at is nobody else's for so many seconds, and then given back.
const LOOKED_AT: i32 = 60;

/// Looks in a row that find nothing new before a queue counts as read: SQS asks only some of its servers a time.
const EMPTY_LOOKS: usize = 3;

/// Receives of one queue at most.
const MOST_LOOKS: usize = 1_000;

/// An environment, as a person's credentials reach it.
#[derive(Debug)]
pub struct Environment {
    name: String,
    dynamo: Dynamo,
    queues: Client,
}

/// A dead letter that is held for the moment.
struct Letter {
    dead: Dead,
    message: Message,
}

impl Environment {
    /// The environment with this name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: &str) -> Self {
        let dynamo = Dynamo::new(config, Tables::of(name));
        Self { name: name.to_owned(), dynamo, queues: Client::new(config) }
    }

    async fn url(&self, name: String) -> Result<String> {
        const DOING: &str = "asking for a queue";
        let asked = self.queues.get_queue_url().queue_name(name).send().await;
        let url = asked.map_err(|error| Error::unavailable(DOING, error))?.queue_url;
        url.ok_or_else(|| Error::unavailable(DOING, "it has no URL"))
    }

    /// How many messages a queue has, those that are out included; as far as SQS says.
    async fn messages(&self, url: &str) -> Result<u64> {
        use QueueAttributeName as Name;
        let counts = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let mut request = self.queues.get_queue_attributes().queue_url(url);
        for count in &counts {
            request = request.attribute_names(count.clone());
        }
        let told = request.send().await.map_err(|error| Error::unavailable("counting messages", error))?;
        let attributes = told.attributes.unwrap_or_default();
        let count = |name: &Name| attributes.get(name).and_then(|text| text.parse::<u64>().ok());
        Ok(counts.iter().filter_map(count).sum())
    }

    /// A queue's dead letters, held until they are given back or deleted. Of a FIFO queue SQS shows ten a brand at once.
    async fn letters(&self, queue: QueueName, url: &str) -> Result<Vec<Letter>> {
        let (mut letters, mut seen, mut empty) = (Vec::new(), HashSet::new(), 0);
        for _ in 0..MOST_LOOKS {
            let request = self
                .queues
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10)
                .visibility_timeout(LOOKED_AT)
                .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
            let received =
                request.send().await.map_err(|error| Error::unavailable("reading dead letters", error))?;
            let new: Vec<Letter> = received
                .messages
                .unwrap_or_default()
                .into_iter()
                .map(|message| letter(queue, message))
                .filter(|letter| seen.insert(letter.dead.id.clone()))
                .collect();
            empty = if new.is_empty() { empty + 1 } else { 0 };
            letters.extend(new);
            if empty == EMPTY_LOOKS {
                break;
            }
        }
        Ok(letters)
    }

    /// Lets others have it at once.
    async fn give_back(&self, url: &str, letter: &Letter) -> Result<()> {
        let Some(receipt) = letter.message.receipt_handle() else { return Ok(()) };
        let request = self.queues.change_message_visibility().queue_url(url).receipt_handle(receipt);
        let given = request.visibility_timeout(0).send().await;
        given.map(|_| ()).map_err(|error| Error::unavailable("giving back a dead letter", error))
    }

    /// Sent first, then deleted: in between it is there twice, which does no harm.
    async fn revive(&self, queue: QueueName, dead_url: &str, letter: &Letter) -> Result<()> {
        const DOING: &str = "reviving a dead letter";
        let (url, _) = self.urls(queue).await?;
        let body = letter.message.body().unwrap_or_default();
        let group =
            letter.message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
        let mut request = self.queues.send_message().queue_url(url).message_body(body);
        request = request.set_message_group_id(group.cloned());
        if queue == QueueName::Awards {
            // Apart from the first time: SQS drops what it has seen within five minutes.
            request = request.message_deduplication_id(format!("again-{}", letter.dead.id));
        }
        request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        let Some(receipt) = letter.message.receipt_handle() else { return Ok(()) };
        let deleted = self.queues.delete_message().queue_url(dead_url).receipt_handle(receipt).send().await;
        deleted.map(|_| ()).map_err(|error| Error::unavailable(DOING, error))
    }

    /// Revives those that SQS shows now.
    async fn retry_shown(&self, queue: QueueName, which: &Which) -> Result<Vec<Dead>> {
        let (_, dead_url) = self.urls(queue).await?;
        let mut revived = Vec::new();
        for letter in self.letters(queue, &dead_url).await? {
            if which.means(&letter.dead) {
                self.revive(queue, &dead_url, &letter).await?;
                revived.push(letter.dead);
            } else {
                self.give_back(&dead_url, &letter).await?;
            }
        }
        Ok(revived)
    }

    /// A queue's URL, and the one of its dead letters.
    async fn urls(&self, queue: QueueName) -> Result<(String, String)> {
        let ending = if queue == QueueName::Awards { ".fifo" } else { "" };
        let name = format!("{}-{}", self.name, queue.name());
        Ok((self.url(format!("{name}{ending}")).await?, self.url(format!("{name}-dead{ending}")).await?))
    }
}

fn letter(queue: QueueName, message: Message) -> Letter {
    let look = message.body().and_then(message::decode);
    let dead = Dead {
        id: message.message_id().unwrap_or_default().to_owned(),
        kind: queue.name().to_owned(),
        brand: look.as_ref().map(|look| look.brand.clone()),
        participations: look.map(|look| look.ids).unwrap_or_default(),
    };
    Letter { dead, message }
}

#[async_trait]
impl Operations for Environment {
    async fn overview(&self, now: Timestamp) -> Result<Overview> {
        let mut overview = self.dynamo.overview(now).await?;
        let mut messages = BTreeMap::new();
        for queue in QueueName::ALL {
            let (url, dead_url) = self.urls(queue).await?;
            messages.insert(queue.name().to_owned(), self.messages(&url).await?);
            overview.dead.insert(queue.name().to_owned(), self.messages(&dead_url).await?);
        }
        Ok(Overview { messages, ..overview })
    }

    async fn dead(&self) -> Result<Vec<Dead>> {
        let mut all = self.dynamo.parked().await?;
        for queue in QueueName::ALL {
            let (_, dead_url) = self.urls(queue).await?;
            for letter in self.letters(queue, &dead_url).await? {
                self.give_back(&dead_url, &letter).await?;
                all.push(letter.dead);
            }
        }
        Ok(all)
    }

    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>> {
        let mut chosen = Vec::new();
        for dead in self.dynamo.parked().await?.into_iter().filter(|dead| which.means(dead)) {
            self.dynamo.unpark(&dead, now).await?;
            chosen.push(dead);
        }
        for queue in QueueName::ALL {
            // What is behind ten others of its brand is shown once those are gone.
            loop {
                let revived = self.retry_shown(queue, which).await?;
                if revived.is_empty() {
                    break;
                }
                chosen.extend(revived);
            }
        }
        Ok(chosen)
    }

    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<Forgotten> {
        self.dynamo.forget(person, id_key, now).await
    }
}
