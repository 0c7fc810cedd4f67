//! Queries over the lines of a ledger. Each uses an index, however many lines there are.
//!
//! SQLite uses a partial index only for a query that repeats the index's condition word for word. That is why
//! `standing IN ('waiting', 'entered')` stands next to the narrower condition that implies it (sqlite.org/partialindex.html).

/// How many lines wait ahead of an arrival. Lines of the arrival's own block are counted one by one, earlier blocks by their counters
/// (see the schema), so the number of rows read is bounded however many lines wait.
pub(crate) const WAITING_BEFORE: &str = "
    SELECT (SELECT count(*) FROM participations
            WHERE ledger = ?1 AND standing = 'waiting' AND standing IN ('waiting', 'entered')
              AND arrival >= (?2 >> 8) << 8 AND arrival < ?2)
         + (SELECT ifnull(sum(lines), 0) FROM waiting
            WHERE ledger = ?1 AND level = 1 AND block >= (?2 >> 16) << 8 AND block < ?2 >> 8)
         + (SELECT ifnull(sum(lines), 0) FROM waiting WHERE ledger = ?1 AND level = 2 AND block < ?2 >> 16)";

/// The waiting lines whose participant has no place under the same first key, in order.
pub(crate) const FIRST_WAITING: &str = "
    SELECT id, award FROM participations AS waiting
    WHERE ledger = ?1 AND standing = 'waiting' AND standing IN ('waiting', 'entered') AND NOT EXISTS (
        SELECT 1 FROM participations AS other
        WHERE other.participant = waiting.participant AND other.ledger = waiting.ledger AND other.place IS NOT NULL
    )
    ORDER BY arrival";

/// Lines that are credited and are owed a reward.
pub(crate) const OWED: &str = "SELECT id, award FROM participations WHERE ledger = ?1 AND standing = 'held' AND credited ORDER BY arrival";

/// Raffle entries that are credited.
pub(crate) const ENTERED: &str = "
    SELECT id, award FROM participations
    WHERE ledger = ?1 AND standing = 'entered' AND standing IN ('waiting', 'entered') AND credited";

/// The lines whose first key is a certain one, except one of them.
pub(crate) const OTHERS: &str =
    "SELECT id, award FROM participations WHERE participant = ?1 AND ledger = ?2 AND id <> ?3";

/// The lines that have a key besides their first one, except one of them.
pub(crate) const OTHERS_BY_FURTHER_KEY: &str = "
    SELECT line.id, line.award FROM award_keys JOIN participations AS line ON line.id = award_keys.id
    WHERE award_keys.participant = ?1 AND award_keys.ledger = ?2 AND award_keys.id <> ?3";

/// The lowest place above a certain one that was given back.
pub(crate) const LOWEST_PUT_BACK: &str =
    "SELECT place FROM places_put_back WHERE ledger = ?1 AND place > ?2 ORDER BY place LIMIT 1";

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn no_query_reads_all_lines() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&mut connection).unwrap();
        crate::moved_lines::move_lines(&mut connection).unwrap();
        for query in
            [WAITING_BEFORE, FIRST_WAITING, OWED, ENTERED, OTHERS, OTHERS_BY_FURTHER_KEY, LOWEST_PUT_BACK]
        {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let nothing = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps =
                plan.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            let scans: Vec<&String> = steps
                .iter()
                .filter(|step| step.starts_with("SCAN") && !step.contains("CONSTANT ROW"))
                .collect();
            assert!(scans.is_empty() && !steps.is_empty(), "{query}: {steps:?}");
        }
    }
}
