//! Reads the parts of a ledger that its rules need.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::pin::pin;

use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use domain::award::Award;
use domain::ids::{BrandId, ContactKey, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::ledger::numbers::takes_place;
use domain::ledger::{Counts, NumberPage};
use futures::future::try_join_all;
use futures::{TryStreamExt, try_join};
use ports::store::{self, MOST_ITEMS, UnreadableParticipation};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, id_of, number, number_of, required, text, text_of};
use crate::dynamo::ledger_tx::{LedgerSnapshot, Need, Shelf, VersionedLine};
use crate::dynamo::pages::{all_items, pages};
use crate::dynamo::ranks::Ranks;
use crate::dynamo::schema::LISTS;

const DOING: &str = "reading a ledger";

/// How many codes of a pool are read at once, unless more are needed. It is more than one transaction can give out.
const CODES: u32 = 100;

/// A ledger's name in the tables. Scopes and ids contain no spaces, so the name is unambiguous.
pub(crate) fn name(ledger: &LedgerKey) -> String {
    match &ledger.incentive {
        Some(incentive) => format!("{} {incentive}", ledger.scope),
        None => ledger.scope.to_string(),
    }
}

/// The name of a brand's pool in the tables.
pub(crate) fn pool_name(brand: &BrandId, pool: &Pool) -> String {
    format!("pool {brand} {}", pool.file())
}

/// Decodes the ledger line of an item, if it has one.
pub(crate) fn line(item: &Item) -> Result<Option<VersionedLine>> {
    if !item.contains_key("award") {
        return Ok(None);
    }
    let id = ParticipationId::parse(text_of(item, "id")?).map_err(|error| Error::corrupt("id", error))?;
    let award = stored::award::decode(id, text_of(item, "award")?)?;
    let version = required(item, "award_version").map_err(|error| error.of(id))?;
    Ok(Some(VersionedLine { award, version }))
}

/// A ledger's counters as they were read. All are zero when none were written yet.
#[derive(Debug, Default)]
pub(crate) struct CountsRead {
    pub(crate) counts: Counts,
    /// How often they were written; 0 is never.
    pub(crate) version: u64,
    /// `None` when an earlier version wrote the counters.
    pub(crate) ranks: Option<Ranks>,
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(DOING, error)
}

impl Dynamo {
    /// Reads a ledger's counters.
    pub(crate) async fn read_counts(&self, ledger: &str) -> Result<CountsRead> {
        let Some(item) = self.line_of(ledger, "counts").await? else { return Ok(CountsRead::default()) };
        let counts = stored::counters::decode(ledger, text_of(&item, "counts")?)?;
        Ok(CountsRead { counts, version: required(&item, "version")?, ranks: Ranks::of(&item)? })
    }

    /// Reads what nearly every transaction needs of a ledger, in two round trips: the counters, the places put back and the lines
    /// themselves; then the other lines of the participants that are not entered yet.
    pub(crate) async fn first_look(&self, ledger: &str, ids: &[ParticipationId]) -> Result<LedgerSnapshot> {
        let mut lines = LedgerSnapshot::default();
        let (CountsRead { counts, version: counts_version, ranks }, put_back, ()) = try_join!(
            self.read_counts(ledger),
            self.read_put_back(ledger),
            self.read_lines(ids, &mut lines)
        )?;
        let entering = |line: &&VersionedLine| !line.award.is_entered();
        let entering: Vec<&Award> =
            lines.lines.values().flatten().filter(entering).map(|line| &line.award).collect();
        let keys: BTreeSet<ContactKey> = entering.iter().flat_map(|award| award.shared_keys()).collect();
        let used_to = counts.numbers.map_or(0, |numbers| numbers.used_to);
        let numbers = entering.iter().filter_map(|award| award.number).map(NonZeroU64::get);
        let pages: BTreeSet<u64> =
            numbers.chain((!entering.is_empty()).then_some(used_to + 1)).map(NumberPage::of).collect();
        let others = keys.into_iter().map(async |participant| {
            Ok::<_, Error>((participant, self.lines_of(ledger, participant).await?))
        });
        let page = async |page: u64| Ok::<_, Error>((page, self.read_page(ledger, page).await?));
        let (others, pages) = try_join!(try_join_all(others), try_join_all(pages.into_iter().map(page)))?;
        let (others, pages) = (others.into_iter().collect(), pages.into_iter().collect());
        Ok(LedgerSnapshot { counts, counts_version, ranks, others, pages, put_back: Some(put_back), ..lines })
    }

    /// Reads the counters alone.
    pub(crate) async fn counts_only(&self, ledger: &str) -> Result<LedgerSnapshot> {
        let CountsRead { counts, version, ranks } = self.read_counts(ledger).await?;
        Ok(LedgerSnapshot { counts, counts_version: version, ranks, ..LedgerSnapshot::default() })
    }

    /// Reads a page that the rules need.
    pub(crate) async fn fulfil_page(
        &self,
        ledger: &str,
        need: Need,
        snapshot: &mut LedgerSnapshot,
    ) -> Result<()> {
        let Need::NumberPage(page) = need else { return Err(failed("a page of numbers was expected")) };
        snapshot.pages.insert(page, self.read_page(ledger, page).await?);
        Ok(())
    }

    pub(crate) async fn line_of(&self, ledger: &str, line: &str) -> Result<Option<Item>> {
        let request = self.client.get_item().table_name(&self.tables.ledgers).consistent_read(true);
        let read = request.key("ledger", text(ledger)).key("line", text(line)).send().await;
        Ok(read.map_err(failed)?.item)
    }

    /// Reads what one need names into the snapshot.
    pub(crate) async fn fulfil(
        &self,
        brand: &BrandId,
        ledger: &str,
        need: Need,
        snapshot: &mut LedgerSnapshot,
    ) -> Result<()> {
        match need {
            Need::Lines(ids) => self.read_lines(&ids, snapshot).await?,
            Need::SiblingLines(participant) => {
                let ids = self.lines_of(ledger, participant).await?;
                snapshot.others.insert(participant, ids);
            }
            Need::Waiting(least) => {
                let ids = self.listed("waiting", ledger, Some(least.max(25))).await?;
                let all = ids.len() < least.max(25);
                let (known, lags) = self.without_gaps(ledger, &ids, all, snapshot).await?;
                snapshot.waiting = Some((known, all || lags));
                snapshot.waiting_lags = lags;
            }
            Need::Owed => snapshot.owed = Some(self.listed("owed", ledger, None).await?),
            Need::Entered => {
                snapshot.entered =
                    Some(self.lots(ledger, snapshot).await?.iter().map(Award::entrant).collect());
            }
            Need::PutBack => snapshot.put_back = Some(self.read_put_back(ledger).await?),
            Need::Codes(pool, least) => {
                let shelf = self.read_shelf(brand, &pool, least).await?;
                snapshot.shelves.insert(pool, shelf);
            }
            Need::Numbers => {
                let without = |line: &&VersionedLine| {
                    !line.award.is_entered() && line.award.number.is_none() && takes_place(&line.award.offer)
                };
                let lines = snapshot.lines.values().flatten().filter(without).count();
                let wanted = u32::try_from(lines.saturating_sub(snapshot.drawn.len())).unwrap_or(1);
                snapshot.drawn.extend(self.draw_numbers(ledger, wanted.max(1)).await?);
            }
            Need::NumberPage(_) => self.fulfil_page(ledger, need, snapshot).await?,
        }
        Ok(())
    }

    /// Reads the lines that were not read yet.
    pub(crate) async fn fulfil_lines(
        &self,
        ids: &[ParticipationId],
        snapshot: &mut LedgerSnapshot,
    ) -> Result<()> {
        let unread = |id: &&ParticipationId| !snapshot.lines.contains_key(id);
        let unread: Vec<ParticipationId> = ids.iter().filter(unread).copied().collect();
        self.read_lines(&unread, snapshot).await
    }

    async fn read_lines(&self, ids: &[ParticipationId], snapshot: &mut LedgerSnapshot) -> Result<()> {
        for some in ids.chunks(MOST_ITEMS) {
            let keys = some.iter().map(ToString::to_string).collect();
            let items = self.batch_get(DOING, &self.tables.participations, "id", keys).await?;
            snapshot.lines.extend(some.iter().map(|id| (*id, None)));
            for item in &items {
                match line(item) {
                    Ok(Some(line)) => {
                        snapshot.lines.insert(line.award.id, Some(line));
                    }
                    Ok(None) => {}
                    // The line is skipped, so that it does not hold up the ledger for everybody.
                    Err(why) => snapshot.unreadable.push(UnreadableParticipation { id: id_of(item)?, why }),
                }
            }
        }
        Ok(())
    }

    /// Reads the awards of these participations, in no particular order.
    pub(crate) async fn read_awards(&self, ids: &[ParticipationId]) -> Result<store::Read<Award>> {
        let mut snapshot = LedgerSnapshot::default();
        self.read_lines(ids, &mut snapshot).await?;
        let found = snapshot.lines.into_values().flatten().map(|line| line.award).collect();
        Ok(store::Read { found, unreadable: snapshot.unreadable })
    }

    /// The credited lines of a raffle, winners included, even those that are owed a code.
    pub(crate) async fn lots(&self, ledger: &str, snapshot: &mut LedgerSnapshot) -> Result<Vec<Award>> {
        let (mut ids, owed) =
            try_join!(self.listed("entered", ledger, None), self.listed("owed", ledger, None))?;
        ids.extend(owed);
        // A line that changed lists between the two reads may be on both.
        ids.sort_unstable();
        ids.dedup();
        self.read_lines(&ids, snapshot).await?;
        let lines = ids.iter().filter_map(|id| snapshot.lines.get(id)?.as_ref());
        Ok(lines.map(|line| line.award.clone()).filter(|award| award.credited_at.is_some()).collect())
    }

    pub(crate) async fn lines_of(
        &self,
        ledger: &str,
        participant: ContactKey,
    ) -> Result<Vec<ParticipationId>> {
        let prefix = format!("who {participant} ");
        let lines = self.lines_that_begin(ledger, &prefix).await?;
        let id = |line: &String| ParticipationId::parse(line.strip_prefix(&prefix).unwrap_or_default());
        lines.iter().map(|line| id(line).map_err(|error| Error::corrupt("ledger", error))).collect()
    }

    async fn read_put_back(&self, ledger: &str) -> Result<BTreeSet<u32>> {
        let lines = self.lines_that_begin(ledger, "back ").await?;
        let place = |line: &String| line.strip_prefix("back ").unwrap_or_default().parse();
        lines.iter().map(|line| place(line).map_err(|error| Error::corrupt("ledger", error))).collect()
    }

    async fn lines_that_begin(&self, ledger: &str, prefix: &str) -> Result<Vec<String>> {
        let items = self.lines_with_prefix(ledger, prefix).await?;
        items.iter().map(|item| Ok(text_of(item, "line")?.to_owned())).collect()
    }

    pub(crate) async fn lines_with_prefix(&self, ledger: &str, prefix: &str) -> Result<Vec<Item>> {
        // The prefix is followed by digits and letters only, which sort before `~`.
        self.lines_between(ledger, (prefix, &format!("{prefix}~"))).await
    }

    /// The items of a ledger in this range of lines.
    pub(crate) async fn lines_between(&self, ledger: &str, (from, to): (&str, &str)) -> Result<Vec<Item>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .consistent_read(true)
            .key_condition_expression("ledger = :ledger AND line BETWEEN :from AND :to")
            .expression_attribute_values(":ledger", text(ledger))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to));
        all_items(query, DOING).await
    }

    /// The arrival of the last line on a list that arrived at `latest` or before.
    pub(crate) async fn last_listed(&self, list: &str, ledger: &str, latest: u64) -> Result<Option<u64>> {
        let request = self.on_list(list, ledger, (0, latest)).scan_index_forward(false).limit(1);
        let page = request.send().await.map_err(failed)?;
        page.items().first().map(|item| required(item, "arrival")).transpose()
    }

    /// The lines on a list that arrived in this range.
    pub(crate) async fn listed_between(
        &self,
        list: &str,
        ledger: &str,
        range: (u64, u64),
    ) -> Result<Vec<ParticipationId>> {
        ids_of(&all_items(self.on_list(list, ledger, range), DOING).await?)
    }

    fn on_list(&self, list: &str, ledger: &str, (first, last): (u64, u64)) -> QueryFluentBuilder {
        self.list(list, ledger, "listed = :list AND arrival BETWEEN :first AND :last")
            .expression_attribute_values(":first", number(first))
            .expression_attribute_values(":last", number(last))
    }

    fn list(&self, list: &str, ledger: &str, condition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.participations)
            .index_name(LISTS)
            .key_condition_expression(condition)
            .expression_attribute_values(":list", text(format!("{list} {ledger}")))
    }

    /// The participations on a list of a ledger, by arrival.
    pub(crate) async fn listed(
        &self,
        list: &str,
        ledger: &str,
        most: Option<usize>,
    ) -> Result<Vec<ParticipationId>> {
        let limit = most.map(|most| i32::try_from(most).unwrap_or(i32::MAX));
        let query = self.list(list, ledger, "listed = :list").set_limit(limit);
        let most = most.unwrap_or(usize::MAX);
        let mut pages = pin!(pages(query, DOING));
        let mut ids = Vec::new();
        while ids.len() < most
            && let Some(page) = pages.try_next().await?
        {
            ids.extend(ids_of(page.items())?);
        }
        ids.truncate(most);
        Ok(ids)
    }

    /// How many lines of a list arrived before `arrival`.
    pub(crate) async fn listed_before(&self, list: &str, ledger: &str, arrival: u64) -> Result<u32> {
        let query = self
            .list(list, ledger, "listed = :list AND arrival < :arrival")
            .select(Select::Count)
            .expression_attribute_values(":arrival", number(arrival));
        let add = async |count: u32, page: QueryOutput| Ok(count + page.count.unsigned_abs());
        pages(query, DOING).try_fold(0, add).await
    }

    /// A pool's counters and at least this many of its next codes.
    pub(crate) async fn read_shelf(&self, brand: &BrandId, pool: &Pool, least: u32) -> Result<Shelf> {
        let pool = pool_name(brand, pool);
        let Some(item) = self.line_of(&pool, "counts").await? else {
            return Ok(Shelf { all: true, ..Shelf::default() });
        };
        let given: u32 = number_of(&item, "given")?.unwrap_or_default();
        let least = least.max(CODES);
        let last = given.saturating_add(least);
        let codes = self.lines_between(&pool, (&code_line(given + 1), &code_line(last))).await?;
        let code = |item: &Item| Ok(text_of(item, "code")?.to_owned());
        let next = codes.iter().map(code).collect::<Result<Vec<String>>>()?;
        let all = u32::try_from(next.len()).is_ok_and(|read| read < least);
        Ok(Shelf { version: required(&item, "version")?, codes: required(&item, "codes")?, given, next, all })
    }
}

fn ids_of(items: &[Item]) -> Result<Vec<ParticipationId>> {
    let id = |item: &Item| {
        ParticipationId::parse(text_of(item, "id")?).map_err(|error| Error::corrupt("ledger", error))
    };
    items.iter().map(id).collect()
}

/// The line of a pool's code with this number, counted from 1.
pub(crate) fn code_line(number: u32) -> String {
    format!("code {number:010}")
}
