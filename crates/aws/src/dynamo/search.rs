//! SearchResult participations. Only those on a ledger's lists are in an index; any other search reads the table.

use async_trait::async_trait;
use domain::award::Award;
use domain::ids::{LedgerKey, ParticipationId};
use futures::future::try_join_all;
use ports::search::{Search, SearchResult, SearchTerm};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, text};
use crate::dynamo::read::{line, name};

const DOING: &str = "looking for a participation";

/// The lists that lines are on by their numbers.
const LISTS: [&str; 3] = ["waiting", "entered", "owed"];

#[async_trait]
impl Search for Dynamo {
    async fn search(&self, sought: &SearchTerm, thorough: bool) -> Result<SearchResult> {
        if let SearchTerm::Arrival(ledger, number) = sought {
            let ids = self.on_lists(ledger, number.get()).await?;
            if !ids.is_empty() {
                return Ok(SearchResult::of(ids));
            }
        }
        if thorough {
            return Ok(SearchResult::of(self.scan_for(sought).await?));
        }
        let unread_bytes = Some(self.bytes_of_participations().await?);
        Ok(SearchResult { unread_bytes, ..SearchResult::default() })
    }
}

impl Dynamo {
    async fn on_lists(&self, ledger: &LedgerKey, number: u64) -> Result<Vec<ParticipationId>> {
        let name = name(ledger);
        let listed = LISTS.map(|list| self.listed_between(list, &name, (number, number)));
        Ok(try_join_all(listed).await?.concat())
    }

    /// The size of the table according to DynamoDB, which counts every six hours.
    async fn bytes_of_participations(&self) -> Result<u64> {
        let described = self.client.describe_table().table_name(&self.tables.participations).send().await;
        let table = described.map_err(|error| Error::unavailable(DOING, error))?.table;
        let bytes = table.and_then(|table| table.table_size_bytes).unwrap_or_default();
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Reads the whole table. A filter spares the transfer of most lines, and no read units.
    async fn scan_for(&self, sought: &SearchTerm) -> Result<Vec<ParticipationId>> {
        let request = self.client.scan().table_name(&self.tables.participations);
        let request = match sought {
            SearchTerm::Arrival(_, arrival) => request
                .filter_expression("attribute_exists(award) AND arrival = :arrival")
                .expression_attribute_values(":arrival", number(arrival.get())),
            SearchTerm::Code(code) if is_plain(code) => request
                .filter_expression("contains(award, :code)")
                .expression_attribute_values(":code", text(code)),
            SearchTerm::Place(..) | SearchTerm::Code(_) => {
                request.filter_expression("attribute_exists(award)")
            }
        };
        let (mut ids, mut from) = (Vec::new(), None);
        loop {
            let page = request.clone().set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| Error::unavailable(DOING, error))?;
            // A line that cannot be read is nobody's.
            let lines = page.items().iter().filter_map(|item| line(item).ok().flatten());
            let awards = lines.map(|line| line.award).filter(|award: &Award| sought.is(award));
            ids.extend(awards.map(|award| award.id));
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(ids);
            }
        }
    }
}

/// Whether a text stands in JSON as it is.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && c != '"' && c != '\\')
}
