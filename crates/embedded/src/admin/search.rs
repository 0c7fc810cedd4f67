//! SearchResult participations, beside the process that serves the file.

use async_trait::async_trait;
use domain::codes::with_mark;
use domain::ids::{LedgerKey, ParticipationId};
use ports::Result;
use ports::search::{Search, SearchResult, SearchTerm};
use rusqlite::{Connection, params};

use super::{AdminConnection, failed};
use crate::ledger_tx::name;
use crate::rows::one;

const DOING: &str = "looking for a participation";

/// A line by its number. The index needs its condition word for word.
pub(super) const BY_ARRIVAL: &str =
    "SELECT id FROM participations WHERE ledger = ?1 AND arrival = ?2 AND arrival > 0";

/// A line by its place, from a number on.
const BY_PLACE: &str = "SELECT id FROM participations
    WHERE ledger = ?1 AND arrival >= ?2 AND arrival > 0 AND place = ?3 ORDER BY arrival LIMIT 1";

#[async_trait]
impl Search for AdminConnection {
    async fn search(&self, sought: &SearchTerm, _thorough: bool) -> Result<SearchResult> {
        self.check_rows(DOING)?;
        let connection = self.lock();
        let found = match sought {
            SearchTerm::Arrival(ledger, number) => {
                one(&connection, BY_ARRIVAL, params![name(ledger), number.get()], |row| row.get(0))
                    .map(|id| SearchResult::of(id.map(ParticipationId::from_bytes).into_iter().collect()))
            }
            SearchTerm::Place(ledger, place) => place_of(&connection, ledger, *place),
            SearchTerm::Code(code) => by_code(&connection, code),
        };
        found.map_err(|error| failed(DOING, error))
    }
}

/// The line with a place. Usually its number is the place, or a little higher.
fn place_of(connection: &Connection, ledger: &LedgerKey, place: u32) -> rusqlite::Result<SearchResult> {
    for from in [place, 1] {
        let parameters = params![name(ledger), from, place];
        if let Some(id) = one(connection, BY_PLACE, parameters, |row| row.get(0))? {
            return Ok(SearchResult::of(vec![ParticipationId::from_bytes(id)]));
        }
    }
    Ok(SearchResult::default())
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
