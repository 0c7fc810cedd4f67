//! The operator's commands on an environment's tables and queues.

mod tables;

use std::collections::BTreeMap;
use std::collections::HashSet;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::change_message_visibility::ChangeMessageVisibilityError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use domain::Timestamp;
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use domain::person::Person;
use ports::operations::{Dead, ErasureReport, Operations, Overview, SCHEDULES, Which};
use ports::{Error, Result, Store};

use crate::dynamo::{Dynamo, Tables};
use crate::message;

/// For how many seconds a dead letter that is read stays hidden from others. It is given back after the read, which takes far less time.
const LOOKED_AT: i32 = 60;

/// A queue counts as read after this many receives in a row without a new message: SQS asks only some of its servers at a time.
const EMPTY_LOOKS: usize = 3;

/// The most receives from one queue.
const MOST_LOOKS: usize = 1_000;

/// An environment, reached with an operator's credentials.
#[derive(Debug)]
pub struct Environment {
    name: String,
    dynamo: Dynamo,
    queues: Client,
}

/// A source of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// Messages that were received from this queue and failed again and again.
    Of(QueueName),
    /// Messages that the Scheduler could not send.
    OfSchedules,
}

impl Letters {
    const ALL: [Self; 3] =
        [Self::Of(QueueName::EmailEnrollments), Self::Of(QueueName::SmsSubscriptions), Self::OfSchedules];

    /// The kind under which the commands show these dead letters.
    fn kind(self) -> &'static str {
        match self {
            Self::Of(queue) => queue.name(),
            Self::OfSchedules => SCHEDULES,
        }
    }
}

/// A dead letter that is hidden from others for now.
struct Letter {
    dead: Dead,
    message: Message,
}

/// How far a queue was read.
#[derive(Default)]
struct Progress {
    seen: HashSet<String>,
    looks: usize,
    empty: usize,
}

impl Environment {
    /// The environment's tables.
    #[must_use]
    pub fn dynamo(&self) -> &Dynamo {
        &self.dynamo
    }

    /// The environment with this name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: &str) -> Self {
        let dynamo = Dynamo::new(config, Tables::of(name));
        Self { name: name.to_owned(), dynamo, queues: Client::new(config) }
    }

    /// The URL of one of the environment's queues.
    ///
    /// # Errors
    /// When the queue does not exist, or its URL cannot be read.
    pub async fn queue_url(&self, name: &str) -> Result<String> {
        self.url(format!("{}-{name}", self.name)).await
    }

    async fn url(&self, name: String) -> Result<String> {
        const DOING: &str = "finding a queue";
        let asked = self.queues.get_queue_url().queue_name(name).send().await;
        let url = asked.map_err(|error| Error::unavailable(DOING, error))?.queue_url;
        url.ok_or_else(|| Error::unavailable(DOING, "it has no URL"))
    }

    /// How many messages a queue has, including those that were received and not acknowledged, according to SQS.
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

    /// Receives the next of a queue's dead letters, at most ten, and hides them until they are given back or deleted. Returns `None` when
    /// there are no more. Of a FIFO queue, SQS shows ten of a brand at a time.
    async fn next(&self, letters: Letters, url: &str, so_far: &mut Progress) -> Result<Option<Vec<Letter>>> {
        if so_far.empty == EMPTY_LOOKS || so_far.looks == MOST_LOOKS {
            return Ok(None);
        }
        let request = self
            .queues
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .visibility_timeout(LOOKED_AT)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let received =
            request.send().await.map_err(|error| Error::unavailable("reading dead letters", error))?;
        let received = received.messages.unwrap_or_default().into_iter();
        let new: Vec<Letter> = received
            .map(|message| letter(letters, message))
            .filter(|letter| so_far.seen.insert(letter.dead.id.clone()))
            .collect();
        so_far.looks += 1;
        so_far.empty = if new.is_empty() { so_far.empty + 1 } else { 0 };
        Ok(Some(new))
    }

    /// Makes dead letters visible to others at once. A letter that was hidden for too long is already visible.
    async fn give_back(&self, url: &str, letters: &[Letter]) -> Result<()> {
        for letter in letters {
            let Some(receipt) = letter.message.receipt_handle() else { continue };
            let request = self.queues.change_message_visibility().queue_url(url).receipt_handle(receipt);
            match request.visibility_timeout(0).send().await.map_err(SdkError::into_service_error) {
                Ok(_) | Err(ChangeMessageVisibilityError::MessageNotInflight(_)) => {}
                Err(error) => return Err(Error::unavailable("giving back a dead letter", error)),
            }
        }
        Ok(())
    }

    /// Sends the message, then deletes the dead letter. In between it exists twice, which does no harm.
    async fn revive(&self, letters: Letters, dead_url: &str, letter: &Letter) -> Result<()> {
        const DOING: &str = "reviving a dead letter";
        if let Some(queue) = self.queue_for(letters, &letter.dead).await? {
            let body = letter.message.body().unwrap_or_default();
            let mut request = self.queues.send_message().message_body(body);
            request = request.queue_url(self.url(self.name_of(queue, "")).await?);
            request = request.set_message_group_id(group(letter));
            request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        }
        let Some(receipt) = letter.message.receipt_handle() else { return Ok(()) };
        let deleted = self.queues.delete_message().queue_url(dead_url).receipt_handle(receipt).send().await;
        deleted.map(|_| ()).map_err(|error| Error::unavailable(DOING, error))
    }

    /// The queue that a letter goes to. A letter of the Scheduler names its participations, and they determine the queue. Returns `None`
    /// for a tick, and when the participations no longer exist.
    async fn queue_for(&self, letters: Letters, dead: &Dead) -> Result<Option<QueueName>> {
        match letters {
            Letters::Of(queue) => Ok(Some(queue)),
            Letters::OfSchedules => {
                let read = self.dynamo.get(&dead.participations).await?;
                if read.found.is_empty() && !read.unreadable.is_empty() {
                    // The worker sets participations aside that cannot be read.
                    return Ok(Some(QueueName::SmsSubscriptions));
                }
                Ok(read.found.first().map(|participation| QueueName::of(participation.channel())))
            }
        }
    }

    /// Revives the letters that SQS shows now, page by page.
    async fn retry_shown(&self, letters: Letters, which: &Which) -> Result<Vec<Dead>> {
        let url = self.dead_url(letters).await?;
        let (mut revived, mut others, mut so_far) = (Vec::new(), Vec::new(), Progress::default());
        while let Some(page) = self.next(letters, &url, &mut so_far).await? {
            for letter in page {
                if which.means(&letter.dead) {
                    self.revive(letters, &url, &letter).await?;
                    revived.push(letter.dead);
                } else {
                    others.push(letter);
                }
            }
        }
        self.give_back(&url, &others).await?;
        Ok(revived)
    }

    async fn dead_url(&self, letters: Letters) -> Result<String> {
        self.url(match letters {
            Letters::Of(queue) => self.name_of(queue, "-dead"),
            Letters::OfSchedules => format!("{}-schedules-dead", self.name),
        })
        .await
    }

    fn name_of(&self, queue: QueueName, which: &str) -> String {
        format!("{}-{}{which}", self.name, queue.name())
    }
}

/// The brand, by which queues are fair. A message of the Scheduler has no brand yet.
fn group(letter: &Letter) -> Option<String> {
    let had =
        letter.message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
    had.cloned().or_else(|| letter.dead.brand.as_ref().map(ToString::to_string))
}

fn letter(letters: Letters, message: Message) -> Letter {
    let look = message.body().and_then(message::decode);
    let dead = Dead {
        id: message.message_id().unwrap_or_default().to_owned(),
        kind: letters.kind().to_owned(),
        brand: look.as_ref().map(|look| look.brand.clone()),
        participations: look.map(|look| look.ids).unwrap_or_default(),
        attempts: None,
        last_answer: None,
        why: None,
    };
    Letter { dead, message }
}

#[async_trait]
impl Operations for Environment {
    async fn overview(&self, now: Timestamp) -> Result<Overview> {
        let mut overview = self.dynamo.overview(now).await?;
        let mut messages = BTreeMap::new();
        for queue in QueueName::ALL {
            let url = self.url(self.name_of(queue, "")).await?;
            messages.insert(queue.name().to_owned(), self.messages(&url).await?);
        }
        for letters in Letters::ALL {
            let count = self.messages(&self.dead_url(letters).await?).await?;
            overview.dead.insert(letters.kind().to_owned(), count);
        }
        Ok(Overview { messages, ..overview })
    }

    async fn dead(&self) -> Result<Vec<Dead>> {
        let mut all = self.dynamo.parked().await?;
        for letters in Letters::ALL {
            let (url, mut found, mut so_far) =
                (self.dead_url(letters).await?, Vec::new(), Progress::default());
            while let Some(page) = self.next(letters, &url, &mut so_far).await? {
                found.extend(page);
            }
            self.give_back(&url, &found).await?;
            all.extend(found.into_iter().map(|letter| letter.dead));
        }
        all.extend(self.dynamo.unreadable_records().await?);
        Ok(all)
    }

    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>> {
        let mut chosen = Vec::new();
        for dead in self.dynamo.parked().await?.into_iter().filter(|dead| which.means(dead)) {
            self.dynamo.unpark(&dead, now).await?;
            chosen.push(dead);
        }
        for dead in self.dynamo.unreadable_records().await?.into_iter().filter(|dead| which.means(dead)) {
            self.dynamo.read_again(&dead, now).await?;
            chosen.push(dead);
        }
        for letters in Letters::ALL {
            // Of a brand, SQS shows the letters behind the first ten only once those are gone.
            loop {
                let revived = self.retry_shown(letters, which).await?;
                if revived.is_empty() {
                    break;
                }
                chosen.extend(revived);
            }
        }
        Ok(chosen)
    }

    async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<u64>> {
        let Some(revived) = self.dynamo.retry_now(brand, now).await? else { return Ok(None) };
        let mut count = 0;
        for (queue, ids) in &revived {
            let url = self.url(self.name_of(*queue, "")).await?;
            for ids in ids.chunks(MOST_IN_MESSAGE) {
                let body = message::encode(&WorkMessage { brand: brand.clone(), ids: ids.to_vec() });
                let request = self.queues.send_message().queue_url(&url).message_body(body);
                let sent = request.message_group_id(brand.as_str()).send().await;
                // If this fails, the tick finds the participations that got no message.
                sent.map_err(|error| Error::unavailable("sending messages for a retry", error))?;
                count += ids.len();
            }
        }
        Ok(Some(u64::try_from(count).unwrap_or(u64::MAX)))
    }

    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<ErasureReport> {
        self.dynamo.forget(person, id_key, now).await
    }

    async fn forget_participation(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        self.dynamo.forget_participation(id, id_key, now).await
    }
}
