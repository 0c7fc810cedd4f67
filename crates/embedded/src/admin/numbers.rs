//! Finds lines by their numbers in the order of acceptance.
//!
//! Rows are stored in that order, and an index has every 64th line of a ledger. An index of all lines would cost every acceptance another page.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Result, params};

use crate::rows::one;

/// The last indexed line up to a number. The index needs its condition word for word.
const INDEXED_BEFORE: &str = "SELECT rowid FROM participations
    WHERE ledger = ?1 AND arrival <= ?2 AND arrival > 0 AND arrival % 64 = 0 ORDER BY arrival DESC LIMIT 1";

/// The first indexed line from a number on.
const INDEXED_AFTER: &str = "SELECT rowid FROM participations
    WHERE ledger = ?1 AND arrival >= ?2 AND arrival > 0 AND arrival % 64 = 0 ORDER BY arrival LIMIT 1";

/// The line with a number, among some rows.
const BY_NUMBER: &str = "SELECT id FROM participations
    WHERE rowid BETWEEN ?3 AND ?4 AND ledger = ?1 AND arrival = ?2 AND arrival > 0 LIMIT 1";

/// The line with a place, from a row on.
const BY_PLACE: &str = "SELECT id FROM participations
    WHERE rowid >= ?3 AND ledger = ?1 AND place = ?2 AND arrival > 0 ORDER BY rowid LIMIT 1";

const ALL_ROWS: RangeInclusive<i64> = 0..=i64::MAX;

/// Rows that contain the lines with these numbers, and some others. In a file of an earlier version, a line may be in a row outside of them.
pub(super) fn rows_of(
    connection: &Connection,
    ledger: &str,
    numbers: &RangeInclusive<u64>,
) -> Result<RangeInclusive<i64>> {
    let row = |sql: &str, number: &u64| one(connection, sql, params![ledger, number], |row| row.get(0));
    let from = row(INDEXED_BEFORE, numbers.start())?.unwrap_or(*ALL_ROWS.start());
    let to = row(INDEXED_AFTER, numbers.end())?.unwrap_or(*ALL_ROWS.end());
    Ok(from..=to)
}

/// The participation of the line with a number.
pub(super) fn with_number(connection: &Connection, ledger: &str, number: u64) -> Result<Option<[u8; 16]>> {
    for rows in [rows_of(connection, ledger, &(number..=number))?, ALL_ROWS] {
        let parameters = params![ledger, number, rows.start(), rows.end()];
        let found = one(connection, BY_NUMBER, parameters, |row| row.get(0))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The participation of the line with a place. Usually its number is the place, or a little higher.
pub(super) fn with_place(connection: &Connection, ledger: &str, place: u32) -> Result<Option<[u8; 16]>> {
    let number = u64::from(place);
    for rows in [rows_of(connection, ledger, &(number..=number))?, ALL_ROWS] {
        let found = one(connection, BY_PLACE, params![ledger, place, rows.start()], |row| row.get(0))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in memory with lines of two ledgers in turns. The second ledger gives place n to number 2n.
    fn with_lines(numbers: impl IntoIterator<Item = u64>) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&mut connection).unwrap();
        crate::moved_lines::move_lines(&mut connection).unwrap();
        for number in numbers {
            insert(&connection, ("spring first", 1), number, Some(number));
            insert(&connection, ("summer first", 2), number, number.is_multiple_of(2).then_some(number / 2));
        }
        connection
    }

    fn insert(connection: &Connection, (ledger, kind): (&str, u8), number: u64, place: Option<u64>) {
        let sql = "INSERT INTO participations (id, version, brand, record, ledger, arrival, place) VALUES (?1, 0, 'acme', '{}', ?2, ?3, ?4)";
        connection.execute(sql, params![id(kind, number), ledger, number, place]).unwrap();
    }

    fn id(kind: u8, number: u64) -> [u8; 16] {
        (u128::from(kind) << 64 | u128::from(number)).to_be_bytes()
    }

    #[test]
    fn every_line_is_found_by_its_number_and_its_place() {
        let connection = with_lines(1..=200);
        for number in 1..=200 {
            for (ledger, kind) in [("spring first", 1), ("summer first", 2)] {
                assert_eq!(with_number(&connection, ledger, number).unwrap(), Some(id(kind, number)));
            }
            let place = u32::try_from(number).unwrap();
            assert_eq!(with_place(&connection, "spring first", place).unwrap(), Some(id(1, number)));
            let of_second = (place <= 100).then(|| id(2, number * 2));
            assert_eq!(with_place(&connection, "summer first", place).unwrap(), of_second);
        }
        assert_eq!(with_number(&connection, "spring first", 201).unwrap(), None);
        assert_eq!(with_number(&connection, "autumn first", 1).unwrap(), None);
    }

    #[test]
    fn a_line_is_found_where_its_neighbours_were_deleted() {
        let connection = with_lines(1..=200);
        connection.execute("DELETE FROM participations WHERE arrival IN (64, 128)", []).unwrap();
        for number in [1, 63, 65, 127, 129, 200] {
            assert_eq!(with_number(&connection, "spring first", number).unwrap(), Some(id(1, number)));
        }
        assert_eq!(with_number(&connection, "spring first", 64).unwrap(), None);
    }

    #[test]
    fn a_line_is_found_in_a_file_with_its_rows_in_another_order() {
        let connection = with_lines((1..=200).rev());
        for number in [1, 63, 64, 65, 200] {
            assert_eq!(with_number(&connection, "spring first", number).unwrap(), Some(id(1, number)));
            let place = u32::try_from(number).unwrap();
            assert_eq!(with_place(&connection, "spring first", place).unwrap(), Some(id(1, number)));
        }
    }

    #[test]
    fn a_line_is_sought_among_few_rows() {
        let connection = with_lines(1..=1_000);
        let rows = rows_of(&connection, "spring first", &(500..=500)).unwrap();
        assert!(rows.end() - rows.start() <= 2 * 64, "{rows:?}");
        for sql in [INDEXED_BEFORE, INDEXED_AFTER, BY_NUMBER, BY_PLACE] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nothing = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps =
                plan.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3)).unwrap();
            for step in steps.map(Result::unwrap) {
                assert!(
                    step.contains("arrival<?") || step.contains("arrival>?") || step.contains("rowid>?"),
                    "{step}"
                );
            }
        }
    }
}
