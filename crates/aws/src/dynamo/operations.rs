//! Operations over whole tables, for the operator.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::Timestamp;
use domain::id_key::IdKey;
use domain::ids::{BrandId, IdentifierError, ParticipationId, Scope};
use domain::message::QueueName;
use domain::person::{Person, forget, forget_person, forgotten};
use domain::time::later;
use futures::try_join;
use ports::limits::{Endpoint, Lane};
use ports::operations::{CALLBACK, Dead, ErasureReport, LimitInUse, MOST_COUNTED, Overview, ProvenConsent};
use ports::store::{MOST_ITEMS, Saved, Store};
use ports::{Error, Outages, Pauses, Result};
use stored::participation::{encode, whose};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, required, text, text_of};
use crate::dynamo::lists::wait_of;
use crate::dynamo::participation_item::participation;
use crate::dynamo::schema::shard;

const DOING: &str = "reading a table";

/// How often the erasure of one participation is tried while others keep changing it.
const MOST_TRIES: usize = 20;

/// The participations whose wait was ended, by the queue that processes them.
pub(crate) type Revived = BTreeMap<QueueName, Vec<ParticipationId>>;

impl Dynamo {
    /// Reads a whole table, a megabyte at a time. It costs one read unit for every eight kilobytes.
    async fn scan(
        &self,
        table: &str,
        filter: Option<&str>,
        mut each: impl FnMut(Item) -> Result<()>,
    ) -> Result<()> {
        let mut from = None;
        loop {
            let request =
                self.client.scan().table_name(table).set_filter_expression(filter.map(str::to_owned));
            let page = request.set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| Error::unavailable(DOING, error))?;
            for item in page.items.unwrap_or_default() {
                each(item)?;
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// The overview, without the queues.
    pub(crate) async fn overview(&self, now: Timestamp) -> Result<Overview> {
        let (outages, paused) = try_join!(self.outages(), self.paused())?;
        let mut overview = Overview { outages, paused, ..Overview::default() };
        for outage in overview.outages.values_mut() {
            // Each process stores only what it has seen. Here all waiting participations are counted.
            (outage.waiting, outage.next_try) = (0, None);
        }
        self.scan(&self.tables.participations, None, |item| {
            // A participation that cannot be read is counted as unreadable, so that the operator sees it.
            let (state, open_since) = match participation(&item) {
                Ok(read) => (read.state().name(), read.due_at().map(|_| read.accepted_at())),
                Err(_) => ("unreadable", None),
            };
            *overview.participations.entry(state.to_owned()).or_default() += 1;
            if let Ok(read) = participation(&item)
                && read.due_at().is_some()
            {
                overview.brands.entry(read.brand().clone()).or_default().count(&read, now);
            }
            if let Ok(read) = participation(&item)
                && let Some(outage) = overview.outages.get_mut(read.brand())
                && read.due_at().is_some()
                && read.failures() > 0
            {
                outage.waiting += 1;
                outage.next_try = [outage.next_try, read.due_at()].into_iter().flatten().min();
            }
            overview.oldest_open = [overview.oldest_open, open_since].into_iter().flatten().min();
            Ok(())
        })
        .await?;
        let due = self.read_due(now, MOST_COUNTED).await?.due;
        (overview.due, overview.due_since) = (due.len(), due.iter().map(|due| due.due_at).min());
        self.scan(&self.tables.callbacks, Some("attribute_exists(due_shard)"), |_| {
            overview.callbacks += 1;
            Ok(())
        })
        .await?;
        let parked = self.parked().await?;
        for brand in parked.iter().filter_map(|dead| dead.brand.clone()) {
            overview.brands.entry(brand).or_default().parked += 1;
        }
        overview.dead.insert(CALLBACK.to_owned(), u64::try_from(parked.len()).unwrap_or(u64::MAX));
        overview.limits = self.limits_in_use().await?;
        Ok(overview)
    }

    async fn limits_in_use(&self) -> Result<BTreeMap<String, LimitInUse>> {
        let mut lanes = BTreeMap::new();
        self.scan(&self.tables.limits, None, |item| {
            let kept = Self::windows_of(text_of(&item, "lane")?, &item)?.keep();
            let limit = LimitInUse {
                requests: kept.requests,
                period: kept.period,
                booked: kept.booked,
                until: later(kept.start, kept.period),
                refused_until: kept.probe_at,
                hour: kept.hour.map(|hour| (hour.booked, hour.ends)),
                closed_until: kept.opens,
            };
            lanes.insert(text_of(&item, "lane")?.to_owned(), limit);
            Ok(())
        })
        .await?;
        Ok(lanes)
    }

    /// Makes due what waits after failures. Returns the participations by queue, or `None` when nothing of the brand is stored.
    pub(crate) async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<Revived>> {
        let (mut known, mut waiting) = (self.opens_lanes(brand, now).await?, Vec::new());
        self.scan(&self.tables.participations, None, |item| {
            if let Ok(mut found) = participation(&item)
                && found.brand() == brand
            {
                known = true;
                if found.retries_now(now) {
                    waiting.push(found);
                }
            }
            Ok(())
        })
        .await?;
        let mut revived = Revived::new();
        for some in waiting.chunks(MOST_ITEMS) {
            for (found, saved) in some.iter().zip(self.save(some).await?) {
                if saved == Saved::Saved {
                    revived.entry(QueueName::of(found.channel())).or_default().push(found.id());
                }
            }
        }
        Ok(known.then_some(revived))
    }

    /// Lets a refused key be tried again at once. Returns whether the brand has lanes.
    async fn opens_lanes(&self, brand: &BrandId, now: Timestamp) -> Result<bool> {
        let mut known = false;
        for endpoint in [Endpoint::ExportIds, Endpoint::Track, Endpoint::StatusGet, Endpoint::StatusSet] {
            known |= self.open_lane(&Lane { brand: brand.clone(), endpoint }, now).await?;
        }
        Ok(known)
    }

    /// Callbacks that no receiver accepted for a day.
    pub(crate) async fn parked(&self) -> Result<Vec<Dead>> {
        let mut parked = Vec::new();
        self.scan(
            &self.tables.callbacks,
            Some("attribute_not_exists(due_at) AND attribute_not_exists(told_at)"),
            |item| {
                let callback =
                    stored::callback::decode(text_of(&item, "id")?, text_of(&item, "record")?).ok();
                parked.push(Dead {
                    id: text_of(&item, "id")?.to_owned(),
                    kind: CALLBACK.to_owned(),
                    brand: callback.as_ref().map(|callback| callback.brand.clone()),
                    participations: callback.iter().map(|callback| callback.id.participation).collect(),
                    attempts: number_of(&item, "attempts")?,
                    last_answer: text_of(&item, "last_answer").ok().and_then(stored::callback::decode_answer),
                    why: None,
                });
                Ok(())
            },
        )
        .await?;
        parked.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(parked)
    }

    /// Makes a parked callback due again.
    pub(crate) async fn unpark(&self, dead: &Dead, now: Timestamp) -> Result<()> {
        let Some(participation) = dead.participations.first() else {
            return Err(Error::corrupt("callback", "it cannot be read, so it cannot be delivered"));
        };
        let revive = self
            .client
            .update_item()
            .key("id", text(&dead.id))
            .update_expression("SET due_shard = :shard, due_at = :now, revived_at = :now, attempts = :none")
            .expression_attribute_values(":shard", number(shard(*participation)))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":none", number(0));
        self.update_callback(revive).await
    }

    /// Erases a person.
    pub(crate) async fn forget(
        &self,
        person: &Person,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        let (mut theirs, mut consents, mut earlier, mut unreadable) = (Vec::new(), Vec::new(), 0, 0);
        self.scan(&self.tables.participations, None, |item| {
            match participation(&item) {
                Ok(found) if person.takes_part_by(&found) => {
                    theirs.push(found.id());
                }
                Ok(found) if person.was_reached_at(&found, id_key) => {
                    earlier += 1;
                    consents.extend(found.consent().map(|consent| ProvenConsent {
                        participation: found.id(),
                        brand: found.brand().clone(),
                        scope: found.scope().clone(),
                        consent: consent.clone(),
                    }));
                }
                Ok(_) => {}
                Err(_) => unreadable += 1,
            }
            Ok(())
        })
        .await?;
        let mut profiles = 0;
        for id in &theirs {
            profiles += self.forget_one(*id, (person, id_key), now).await?;
        }
        let mut known = Vec::new();
        self.scan(&self.tables.profiles, None, |item| {
            let contact = text_of(&item, "contact")?;
            let hint = stored::hint::decode(contact, text_of(&item, "record")?);
            let named = hint.is_ok_and(|hint| person.is_named_by(&hint.profile));
            if named {
                known.push(contact.to_owned());
            }
            Ok(())
        })
        .await?;
        for contact in &known {
            profiles += self.forget_profile(contact).await?;
        }
        let participations = u64::try_from(theirs.len()).unwrap_or(u64::MAX);
        Ok(ErasureReport { participations, profiles, unreadable, remains: false, earlier, consents })
    }

    /// Erases a profile hint. Returns how many there were.
    async fn forget_profile(&self, contact: &str) -> Result<u64> {
        const WRITING: &str = "forgetting a profile";
        // A repetition of the delete after a lost answer would find nothing, so the profile is counted before.
        let keys = [contact.to_owned()].into();
        let found = self.batch_get(WRITING, &self.tables.profiles, "contact", keys).await?;
        let delete =
            self.client.delete_item().table_name(&self.tables.profiles).key("contact", text(contact));
        delete.send().await.map_err(|error| Error::unavailable(WRITING, error))?;
        Ok((!found.is_empty()).into())
    }

    /// Erases one participation, even while others are changing it. Before that, it erases the profile hints of its contacts: after an
    /// interruption, the participation is still found, and both are done again. Returns how many profile hints there were.
    async fn forget_one(
        &self,
        id: domain::ids::ParticipationId,
        (person, id_key): (&Person, &IdKey),
        now: Timestamp,
    ) -> Result<u64> {
        let mut profiles = 0;
        for _ in 0..MOST_TRIES {
            let Some(mut found) = self.get(&[id]).await?.found.into_iter().next() else {
                return Ok(profiles);
            };
            if !person.takes_part_by(&found) {
                return Ok(profiles);
            }
            for contact in found.contact().into_iter().chain([person.contact()]) {
                profiles += self.forget_profile(&id_key.contact(found.brand(), &contact).to_string()).await?;
            }
            let (rollup, wait) = (found.erasure_rollup(now), wait_of(&found));
            forget_person(&mut found, person, id_key, now);
            if self.save_counted(&[found], &[rollup]).await? == [Saved::Saved] {
                self.end_polls(wait, now).await?;
                return Ok(profiles);
            }
        }
        Err(Error::unavailable("forgetting a participation", "it is changed again and again"))
    }

    /// Erases what one participation holds about a person.
    pub(crate) async fn forget_participation(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        for _ in 0..MOST_TRIES {
            let keys = [id.to_string()].into();
            let Some(item) = self.batch_get(DOING, &self.tables.participations, "id", keys).await?.pop()
            else {
                return Ok(ErasureReport::default());
            };
            let written = match participation(&item) {
                Ok(mut found) => {
                    let (rollup, wait) = (found.erasure_rollup(now), wait_of(&found));
                    forget(&mut found, id_key, now);
                    let saved = self.save_counted(&[found], &[rollup]).await? == [Saved::Saved];
                    if saved {
                        self.end_polls(wait, now).await?;
                    }
                    saved
                }
                Err(_) => self.replace_unreadable(id, &item, now).await?,
            };
            if written {
                return Ok(ErasureReport { participations: 1, ..ErasureReport::default() });
            }
        }
        Err(Error::unavailable("forgetting a participation", "it is changed again and again"))
    }

    /// Returns `false` when another write came first.
    async fn replace_unreadable(&self, id: ParticipationId, item: &Item, now: Timestamp) -> Result<bool> {
        const WRITING: &str = "forgetting a participation";
        let record = item.get("record");
        let (brand, scope) = whose(text_of(item, "record").unwrap_or("{}"));
        let brand = text_of(item, "brand").ok().and_then(|brand| BrandId::parse(brand).ok()).or(brand);
        let unknown = |error: IdentifierError| Error::corrupt("participation", error).of(id);
        let brand = brand.map_or_else(|| BrandId::parse("unknown").map_err(unknown), Ok)?;
        let scope = scope.map_or_else(|| Scope::parse("unknown").map_err(unknown), Ok)?;
        let version = required(item, "version").unwrap_or(0);
        let left = forgotten((id, version), (brand, scope), item.contains_key("award"), now);
        let mut request = self
            .client
            .update_item()
            .table_name(&self.tables.participations)
            .key("id", text(id.to_string()))
            .expression_attribute_names("#record", "record")
            .expression_attribute_values(":next", number(version.saturating_add(1)))
            .expression_attribute_values(":record", text(encode(&left)?))
            .expression_attribute_values(":expires", number(left.keep_until().as_second()));
        request = match record {
            Some(record) => request
                .condition_expression("#record = :unreadable")
                .expression_attribute_values(":unreadable", record.clone()),
            None => request.condition_expression("attribute_not_exists(#record)"),
        };
        request = match left.due_at() {
            Some(due_at) => request
                .update_expression(
                    "SET version = :next, #record = :record, expires_at = :expires, due_shard = :shard, due_at = :due",
                )
                .expression_attribute_values(":shard", number(shard(id)))
                .expression_attribute_values(":due", number(due_at.as_millisecond())),
            None => request.update_expression(
                "SET version = :next, #record = :record, expires_at = :expires REMOVE next_at, due_shard, due_at",
            ),
        };
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(true),
            Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            Err(error) => Err(Error::unavailable(WRITING, error)),
        }
    }
}
