//! Participations and profile hints.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, PutRequest, ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use domain::Timestamp;
use domain::award::Award;
use domain::ids::{ContactKey, ParticipationId, Scope};
use domain::ledger::{Entry, Standing};
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::rollup::Rollup;
use futures::future::join;
use futures::stream;
use futures::{StreamExt, TryFutureExt};
use ports::error::at_most;
use ports::store::{Due, Inserted, MOST_ITEMS, ProfileHints, Read, Saved, Store, WithLine};
use ports::{Error, Result};
use stored::hint;
use stored::participation::encode;

use crate::dynamo::Dynamo;
use crate::dynamo::attempt::{ATTEMPT, Attempt};
use crate::dynamo::crediting::with_line;
use crate::dynamo::due::DueRead;
use crate::dynamo::item::{Item, id_of, number, text, text_of};
use crate::dynamo::lists::wait_of;
use crate::dynamo::participation_item::{self, participation};
use crate::dynamo::schema::{LOOK_SHARDS, MOST_WRITES, shard};
use crate::dynamo::transaction::after_transactions;

const READING: &str = "reading participations";

/// How many writes run at once.
const AT_ONCE: usize = 8;

/// The item of a participation that is being accepted.
fn item(participation: &Participation) -> Result<Item> {
    let mut item = Item::from([
        ("id".to_owned(), text(participation.id().to_string())),
        ("version".to_owned(), number(participation.version())),
        ("brand".to_owned(), text(participation.brand().as_str())),
        ("record".to_owned(), text(encode(participation)?)),
    ]);
    if let Some(first_look) = participation.due_at().map(Timestamp::as_millisecond) {
        item.insert("next_at".to_owned(), number(first_look));
        item.insert("look_shard".to_owned(), number(participation.id().to_bytes()[0] % LOOK_SHARDS));
        item.insert("look_at".to_owned(), number(first_look));
    }
    Ok(item)
}

#[async_trait]
impl Store for Dynamo {
    /// Stores the line with the participation in one write, under the number that was drawn for it. The line is entered later: if
    /// storing entered it, everybody who takes part at the same time would contend for one ledger's counters.
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted> {
        let Some(entry) = entry else { return self.put_new(participation, None).await };
        // A request that comes again draws no number.
        if let Some(existing) = self.glance_at(participation.id()).await? {
            return Ok(Inserted::Existing(Box::new(existing)));
        }
        let drawn = self.numbering.draw_for(self, entry).await;
        let award = Award { number: drawn.number.and_then(NonZeroU64::new), ..entry.award.clone() };
        let put = self.put_new(participation, Some((&award, drawn.standing)));
        let (inserted, ()) = join(put, self.numbering.publish(self, drawn.others.as_ref())).await;
        let inserted = inserted?;
        if let (Inserted::Existing(_), Some(number)) = (&inserted, drawn.number) {
            // If this fails, the tick reclaims the number.
            let _unused = self.give_back(&entry.rules, number).await;
        }
        Ok(inserted)
    }

    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>> {
        at_most(ids.len(), MOST_ITEMS, READING)?;
        self.read_participations(ids, participation).await
    }

    async fn get_with_lines(&self, ids: &[ParticipationId]) -> Result<Option<Read<WithLine>>> {
        at_most(ids.len(), MOST_ITEMS, READING)?;
        self.read_participations(ids, participation_item::with_line).await.map(Some)
    }

    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()> {
        const DOING: &str = "setting participations aside";
        at_most(ids.len(), MOST_ITEMS, DOING)?;
        for id in ids {
            let request = self
                .client
                .update_item()
                .table_name(&self.tables.participations)
                .key("id", text(id.to_string()))
                .condition_expression("attribute_exists(id)")
                .update_expression(
                    "SET due_shard = :shard, due_at = :until, expires_at = if_not_exists(expires_at, :expires)",
                )
                .expression_attribute_values(":shard", number(shard(*id)))
                .expression_attribute_values(":until", number(until.as_millisecond()))
                .expression_attribute_values(":expires", number(expires.as_second()));
            let meets_one =
                |error: &UpdateItemError| matches!(error, UpdateItemError::TransactionConflictException(_));
            let send = || request.clone().send().map_err(SdkError::into_service_error);
            match after_transactions(send, meets_one).await {
                Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                Err(error) => return Err(Error::unavailable(DOING, error)),
            }
        }
        Ok(())
    }

    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>> {
        self.save_with_lines(participations, rollups, &[]).await
    }

    /// The figures are written after the participations, so a function that is stopped in between loses them.
    async fn save_with_lines(
        &self,
        participations: &[Participation],
        rollups: &[Rollup],
        lines: &[Award],
    ) -> Result<Vec<Saved>> {
        at_most(participations.len(), MOST_ITEMS, "saving participations")?;
        // They are on lists first: after a crash in between, a list names somebody who does not wait for it, which does no harm.
        let _made = self.put_on_lists(participations.iter().filter_map(wait_of)).await?;
        let lines: HashMap<ParticipationId, &Award> = lines.iter().map(|line| (line.id, line)).collect();
        let save = |one| self.save_one(one, lines.get(&one.id()).copied());
        let saves: Vec<_> = participations.iter().map(save).collect();
        let saves: Vec<Result<Saved>> = stream::iter(saves).buffered(AT_ONCE).collect().await;
        self.count_saved(participations, rollups, &saves).await;
        saves.into_iter().collect()
    }

    async fn put_off(&self, participations: &[Participation]) -> Result<Vec<Saved>> {
        self.list_again(participations).await?;
        Ok(vec![Saved::Saved; participations.len()])
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        let DueRead { due, first_looks, lists } = self.read_due(now, most).await?;
        self.read_on(first_looks).await?;
        self.tidy_lists(lists).await?;
        Ok(due)
    }

    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints> {
        const DOING: &str = "reading profile hints";
        at_most(contacts.len(), MOST_ITEMS, DOING)?;
        let by_text: HashMap<String, ContactKey> =
            contacts.iter().map(|contact| (contact.to_string(), *contact)).collect();
        let keys = by_text.keys().cloned().collect();
        let items = self.batch_get(DOING, &self.tables.profiles, "contact", keys).await?;
        let mut known = ProfileHints::default();
        for item in &items {
            let Some(contact) = by_text.get(text_of(item, "contact")?) else { continue };
            let text = text_of(item, "record").map_err(|why| why.of(contact));
            match text.and_then(|text| Ok(hint::decode(contact, text)?)) {
                Ok(profile) => {
                    known.profiles.insert(*contact, profile);
                }
                Err(why) => known.unreadable.push(why),
            }
        }
        Ok(known)
    }

    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()> {
        const DOING: &str = "storing profile hints";
        at_most(profiles.len(), MOST_ITEMS, DOING)?;
        // The last hint for a contact counts. A batch must not name an item twice.
        let latest: HashMap<ContactKey, &ProfileHint> =
            profiles.iter().map(|(contact, known)| (*contact, known)).collect();
        let mut writes = Vec::with_capacity(latest.len());
        for (contact, known) in latest {
            let record = hint::encode(contact, known)?;
            let put = PutRequest::builder()
                .item("contact", text(contact.to_string()))
                .item("expires_at", number(known.trusted_until().as_second()))
                .item("record", text(record));
            let put = put.build().map_err(|error| Error::unavailable(DOING, error))?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        for some in writes.chunks(MOST_WRITES) {
            self.batch_write(DOING, &self.tables.profiles, some.to_vec()).await?;
        }
        Ok(())
    }

    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint> {
        let request = self
            .put_profile(contact, profile)?
            .condition_expression("attribute_not_exists(contact)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(profile.clone()),
            Err(PutItemError::ConditionalCheckFailedException(taken)) => {
                let holder = taken.item.ok_or_else(|| Error::corrupt("profile", "it is empty"))?;
                match text_of(&holder, "record").and_then(|text| Ok(hint::decode(contact, text)?)) {
                    Ok(holder) => Ok(holder),
                    Err(_) => self.replace_profile(contact, &holder, profile).await,
                }
            }
            Err(error) => Err(Error::unavailable("claiming a profile hint", error)),
        }
    }

    async fn accepted(&self, scope: &Scope, more: u64) -> Result<u64> {
        self.count_accepted(scope, more).await
    }
}

impl Dynamo {
    /// A participation, if a read that may be a moment old finds it.
    async fn glance_at(&self, id: ParticipationId) -> Result<Option<Participation>> {
        let request = self.client.get_item().table_name(&self.tables.participations);
        let read = request.key("id", text(id.to_string())).send().await;
        let read = read.map_err(|error| Error::unavailable("storing a participation", error))?;
        read.item.as_ref().map(participation).transpose()
    }

    /// Stores a participation with its line unless its id is taken.
    async fn put_new(
        &self,
        participation: &Participation,
        line: Option<(&Award, Standing)>,
    ) -> Result<Inserted> {
        let standing = line.map_or(Standing::Unnumbered, |(_, standing)| standing);
        let mut item = item(participation)?;
        let attempt = Attempt::new();
        item.insert(ATTEMPT.to_owned(), attempt.value());
        if let Some((award, _)) = line {
            item.insert("award".to_owned(), text(stored::award::encode(award)?));
            item.insert("award_version".to_owned(), number(0));
        }
        let request = self
            .client
            .put_item()
            .table_name(&self.tables.participations)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let meets_one = |error: &PutItemError| matches!(error, PutItemError::TransactionConflictException(_));
        match after_transactions(|| request.clone().send().map_err(SdkError::into_service_error), meets_one)
            .await
        {
            Ok(_) => Ok(Inserted::New(standing)),
            Err(PutItemError::ConditionalCheckFailedException(taken)) => {
                let existing = taken.item.ok_or_else(|| Error::corrupt("participation", "it is empty"))?;
                // The SDK repeats a write whose answer was lost, and then finds its own item.
                if attempt.wrote(&existing) {
                    return Ok(Inserted::New(standing));
                }
                Ok(Inserted::Existing(Box::new(participation_item::participation(&existing)?)))
            }
            Err(error) => Err(Error::unavailable("storing a participation", error)),
        }
    }

    fn put_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<PutItemFluentBuilder> {
        Ok(self
            .client
            .put_item()
            .table_name(&self.tables.profiles)
            .item("contact", text(contact.to_string()))
            .item("expires_at", number(profile.trusted_until().as_second()))
            .item("record", text(hint::encode(contact, profile)?)))
    }

    /// Replaces a profile hint that cannot be read, unless another write came first.
    async fn replace_profile(
        &self,
        contact: ContactKey,
        unreadable: &Item,
        profile: &ProfileHint,
    ) -> Result<ProfileHint> {
        const DOING: &str = "claiming a profile";
        let mut request = self.put_profile(contact, profile)?.expression_attribute_names("#record", "record");
        request = match unreadable.get("record") {
            Some(record) => request
                .condition_expression("#record = :unreadable")
                .expression_attribute_values(":unreadable", record.clone()),
            None => request.condition_expression("attribute_not_exists(#record)"),
        };
        request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
        Ok(profile.clone())
    }

    /// Writes the participation's own attributes and its line, if there is one, and leaves the rest of the item alone.
    async fn save_one(&self, participation: &Participation, line: Option<&Award>) -> Result<Saved> {
        let attempt = Attempt::new();
        let (request, is_new, set_line) = with_line(self.client.update_item(), line)?;
        let mut request = request
            .table_name(&self.tables.participations)
            .key("id", text(participation.id().to_string()))
            .condition_expression(format!("version = :version{is_new}"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_values(":version", number(participation.version()))
            .expression_attribute_values(":next", number(participation.version() + 1))
            .expression_attribute_values(":attempt", attempt.value())
            .expression_attribute_values(":record", text(encode(participation)?))
            .expression_attribute_names("#record", "record");
        request = match participation.due_at() {
            Some(due_at) => request
                .update_expression(format!(
                    "SET version = :next, attempt = :attempt, #record = :record, next_at = :due{set_line} REMOVE expires_at, due_shard, due_at",
                ))
                .expression_attribute_values(":due", number(due_at.as_millisecond())),
            None => request
                .update_expression(format!(
                    "SET version = :next, attempt = :attempt, #record = :record, expires_at = :expires{set_line} REMOVE next_at, due_shard, due_at",
                ))
                .expression_attribute_values(":expires", number(participation.keep_until().as_second())),
        };
        let meets_one =
            |error: &UpdateItemError| matches!(error, UpdateItemError::TransactionConflictException(_));
        match after_transactions(|| request.clone().send().map_err(SdkError::into_service_error), meets_one)
            .await
        {
            Ok(_) => Ok(Saved::Saved),
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(if attempt.is_behind(&refused) { Saved::Saved } else { Saved::Conflict })
            }
            Err(error) => Err(Error::unavailable("saving participations", error)),
        }
    }

    /// Reads items of participations, and takes a part of each.
    async fn read_participations<T>(
        &self,
        ids: &[ParticipationId],
        of: impl Fn(&Item) -> Result<T>,
    ) -> Result<Read<T>> {
        let keys = ids.iter().map(ToString::to_string).collect();
        let items = self.batch_get(READING, &self.tables.participations, "id", keys).await?;
        let mut read = Read::default();
        for item in &items {
            read.add(id_of(item)?, of(item))?;
        }
        Ok(read)
    }

    /// Reads items by key, each once: DynamoDB refuses a batch that names one twice.
    pub(crate) async fn batch_get(
        &self,
        doing: &'static str,
        table: &str,
        key: &str,
        keys: BTreeSet<String>,
    ) -> Result<Vec<Item>> {
        let keys = keys.into_iter().map(|value| Item::from([(key.to_owned(), text(value))])).collect();
        self.batch_get_items(doing, table, keys).await
    }

    /// Reads items by keys that all differ.
    pub(crate) async fn batch_get_items(
        &self,
        doing: &'static str,
        table: &str,
        keys: Vec<Item>,
    ) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(keys.len());
        let mut pending = keys;
        while !pending.is_empty() {
            let wanted = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true).build();
            let wanted = wanted.map_err(|error| Error::unavailable(doing, error))?;
            let read = self.client.batch_get_item().request_items(table, wanted).send().await;
            let mut read = read.map_err(|error| Error::unavailable(doing, error))?;
            items.extend(read.responses.take().into_iter().flatten().flat_map(|(_, items)| items));
            let left = read.unprocessed_keys.take().unwrap_or_default();
            pending = left.into_values().flat_map(|left| left.keys).collect();
        }
        Ok(items)
    }

    pub(crate) async fn batch_write(
        &self,
        doing: &'static str,
        table: &str,
        writes: Vec<WriteRequest>,
    ) -> Result<()> {
        let mut pending = writes;
        while !pending.is_empty() {
            let written = self.client.batch_write_item().request_items(table, pending).send().await;
            let written = written.map_err(|error| Error::unavailable(doing, error))?;
            pending = written.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
        }
        Ok(())
    }
}
