//! Pools of codes in the data file.

use domain::codes::with_mark;
use domain::incentive::Pool;
use ports::ledger::Stock;
use rusqlite::{Connection, params};

use crate::rows::one;

/// Adds the codes that the brand does not have yet, and returns the pool's new stock.
pub(crate) fn import(
    transaction: &Connection,
    brand: &str,
    pool: &str,
    codes: &[String],
) -> rusqlite::Result<Stock> {
    if let Some(first) = codes.first() {
        take_off_mark(transaction, brand, first)?;
    }
    let former = former_names(transaction, brand, pool)?;
    let mut insert = transaction
        .prepare_cached("INSERT INTO codes (brand, pool, code) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    let mut added = 0;
    for code in codes {
        let inserted = insert.execute([brand, pool, code])?;
        added += inserted;
        if inserted == 0 {
            for former in &former {
                added += take_over(transaction, (brand, former), pool, code)?;
            }
        }
    }
    let mut count = transaction.prepare_cached(
        "INSERT INTO pools (brand, pool, codes, given) VALUES (?1, ?2, ?3, 0)
         ON CONFLICT DO UPDATE SET codes = codes + excluded.codes RETURNING codes, given",
    )?;
    count.query_row(params![brand, pool, added], |row| Ok(Stock { codes: row.get(0)?, given: row.get(1)? }))
}

/// The brand's pools whose file names are no longer accepted. After such a file is renamed, its codes are found under the new name.
fn former_names(transaction: &Connection, brand: &str, pool: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = transaction
        .prepare_cached("SELECT pool FROM pools WHERE brand = ?1 AND pool <> ?2 AND codes > given")?;
    let names: rusqlite::Result<Vec<String>> = names.query_map([brand, pool], |row| row.get(0))?.collect();
    let is_refused = |name: &String| Pool::of_file(name).is_some_and(|pool| pool.flaw().is_some());
    Ok(names?.into_iter().filter(is_refused).collect())
}

/// Moves a code to another pool, if it is in this one and has not been given out.
fn take_over(
    transaction: &Connection,
    (brand, from): (&str, &str),
    to: &str,
    code: &str,
) -> rusqlite::Result<usize> {
    let mut take = transaction.prepare_cached(
        "UPDATE codes SET pool = ?3 WHERE brand = ?1 AND code = ?4 AND pool = ?2 AND given_to IS NULL",
    )?;
    let taken = take.execute([brand, from, to, code])?;
    if taken > 0 {
        forget_one(transaction, brand, from)?;
    }
    Ok(taken)
}

fn forget_one(transaction: &Connection, brand: &str, pool: &str) -> rusqlite::Result<()> {
    let mut count =
        transaction.prepare_cached("UPDATE pools SET codes = codes - 1 WHERE brand = ?1 AND pool = ?2")?;
    count.execute([brand, pool]).map(|_one| ())
}

/// A stored code: its row, its pool, and whether it was given out.
struct KeptCode {
    number: i64,
    pool: String,
    is_given: bool,
}

/// Removes the byte order mark that an earlier version stored as a part of the code. When the code is stored both with and without the
/// mark, only one row remains: the one that was given out.
fn take_off_mark(transaction: &Connection, brand: &str, code: &str) -> rusqlite::Result<()> {
    let find = |code: &str| {
        let sql = "SELECT number, pool, given_to IS NOT NULL FROM codes WHERE brand = ?1 AND code = ?2";
        one(transaction, sql, [brand, code], |row| {
            Ok(KeptCode { number: row.get(0)?, pool: row.get(1)?, is_given: row.get(2)? })
        })
    };
    let Some(marked) = find(&with_mark(code))? else { return Ok(()) };
    match find(code)? {
        None => {}
        Some(plain) if !plain.is_given && marked.is_given => remove(transaction, brand, &plain)?,
        // Both forms were given out, to two consumers. That cannot be undone.
        Some(_) if marked.is_given => return Ok(()),
        Some(_) => return remove(transaction, brand, &marked),
    }
    let mut rename = transaction.prepare_cached("UPDATE codes SET code = ?2 WHERE number = ?1")?;
    rename.execute(params![marked.number, code]).map(|_one| ())
}

fn remove(transaction: &Connection, brand: &str, kept: &KeptCode) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM codes WHERE number = ?1")?;
    delete.execute([kept.number])?;
    forget_one(transaction, brand, &kept.pool)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::schema::migrate;

    fn file() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
    }

    fn add(connection: &mut Connection, pool: &str, codes: &[&str]) -> (u32, u32) {
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        let transaction = connection.transaction().unwrap();
        let stock = import(&transaction, "acme", pool, &codes).unwrap();
        transaction.commit().unwrap();
        (stock.codes, stock.given)
    }

    /// Marks a code as given out.
    fn give(connection: &Connection, pool: &str, code: &str) {
        let given = connection.execute("UPDATE codes SET given_to = x'01' WHERE code = ?1", [code]).unwrap();
        connection
            .execute("UPDATE pools SET given = given + ?2 WHERE pool = ?1", params![pool, given])
            .unwrap();
        assert_eq!(given, 1);
    }

    /// The codes that are left to give out, in their order.
    fn left(connection: &Connection, pool: &str) -> Vec<String> {
        let sql = "SELECT code FROM codes WHERE pool = ?1 AND given_to IS NULL ORDER BY number";
        let mut codes = connection.prepare(sql).unwrap();
        let codes: rusqlite::Result<_> = codes.query_map([pool], |row| row.get(0)).unwrap().collect();
        codes.unwrap()
    }

    #[test]
    fn a_code_that_is_kept_with_and_without_its_mark_is_one_code() {
        for (given, stock, rest) in [
            (None, (3, 0), ["A", "B", "C"].as_slice()),
            (Some("\u{feff}A"), (3, 1), &["B", "C"]),
            (Some("A"), (3, 1), &["B", "C"]),
        ] {
            let mut file = file();
            add(&mut file, "codes.txt", &["\u{feff}A", "B"]);
            // An earlier version stored this when a file was saved again without the mark.
            file.execute("INSERT INTO codes (brand, pool, code) VALUES ('acme', 'codes.txt', 'A')", [])
                .unwrap();
            file.execute("UPDATE pools SET codes = codes + 1", []).unwrap();
            if let Some(code) = given {
                give(&file, "codes.txt", code);
            }
            assert_eq!(add(&mut file, "codes.txt", &["A", "B", "C"]), stock, "{given:?}");
            let mut left = left(&file, "codes.txt");
            left.sort();
            assert_eq!(left, rest, "{given:?}");
        }
    }

    #[test]
    fn codes_of_a_file_that_had_to_be_renamed_are_found_under_its_new_name() {
        let mut file = file();
        add(&mut file, "spring/codes.txt", &["A", "B", "C"]);
        give(&file, "spring/codes.txt", "A");
        assert_eq!(add(&mut file, "codes.txt", &["A", "B", "C", "D"]), (3, 0));
        assert_eq!(left(&file, "codes.txt"), ["B", "C", "D"]);
        assert_eq!(add(&mut file, "spring/codes.txt", &[]), (1, 1));
        assert_eq!(add(&mut file, "codes.txt", &["A", "B", "C", "D"]), (3, 0), "again changes nothing");
        // Another file of the brand keeps what it has.
        assert_eq!(add(&mut file, "more.txt", &["B", "E"]), (1, 0));
    }
}
