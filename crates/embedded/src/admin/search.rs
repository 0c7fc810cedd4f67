//! SearchResult participations, beside the process that serves the file.

use async_trait::async_trait;
use domain::codes::with_mark;
use domain::ids::ParticipationId;
use ports::Result;
use ports::search::{Search, SearchResult, SearchTerm};
use rusqlite::Connection;

use super::numbers::{with_number, with_place};
use super::{AdminConnection, failed};
use crate::ledger_tx::name;

const DOING: &str = "looking for a participation";

#[async_trait]
impl Search for AdminConnection {
    async fn search(&self, sought: &SearchTerm, _thorough: bool) -> Result<SearchResult> {
        self.check_rows(DOING)?;
        let connection = self.lock();
        let result = match sought {
            SearchTerm::Arrival(ledger, number) => {
                with_number(&connection, &name(ledger), number.get()).map(found)
            }
            SearchTerm::Place(ledger, place) => with_place(&connection, &name(ledger), *place).map(found),
            SearchTerm::Code(code) => by_code(&connection, code),
        };
        result.map_err(|error| failed(DOING, error))
    }
}

fn found(id: Option<[u8; 16]>) -> SearchResult {
    SearchResult::of(id.map(ParticipationId::from_bytes).into_iter().collect())
}

fn by_code(connection: &Connection, code: &str) -> rusqlite::Result<SearchResult> {
    let mut given = connection.prepare_cached(
        "SELECT given_to FROM (SELECT DISTINCT brand FROM pools) AS brands
         JOIN codes ON codes.brand = brands.brand AND codes.code IN (?1, ?2)",
    )?;
    let holders = given.query_map([code, &with_mark(code)], |row| row.get::<_, Option<Vec<u8>>>(0))?;
    let mut finding = SearchResult::default();
    for holder in holders {
        match holder?.map(<[u8; 16]>::try_from) {
            Some(Ok(id)) => finding.ids.push(ParticipationId::from_bytes(id)),
            // An earlier version gave it out without saying to whom.
            Some(Err(_)) => {}
            None => finding.is_unused_code = true,
        }
    }
    Ok(finding)
}
