//! Pools of codes in the data file.

use domain::codes::with_mark;
use domain::incentive::Pool;
use ports::ledger::Stock;
use rusqlite::{Transaction, params};

use crate::data_file::one;

/// Adds the codes that the brand does not have yet, and says what the pool has then.
pub(crate) fn import(
    transaction: &Transaction<'_>,
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

/// The brand's pools whose files had names that are refused by now: whoever has to rename such a file finds its codes under the new
/// name.
fn former_names(transaction: &Transaction<'_>, brand: &str, pool: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = transaction
        .prepare_cached("SELECT pool FROM pools WHERE brand = ?1 AND pool <> ?2 AND codes > given")?;
    let names: rusqlite::Result<Vec<String>> = names.query_map([brand, pool], |row| row.get(0))?.collect();
    let is_refused = |name: &String| Pool::of_file(name).is_some_and(|pool| pool.flaw().is_some());
    Ok(names?.into_iter().filter(is_refused).collect())
}

/// Moves a code to another pool, if it is in this one and nobody has it.
fn take_over(
    transaction: &Transaction<'_>,
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

fn forget_one(transaction: &Transaction<'_>, brand: &str, pool: &str) -> rusqlite::Result<()> {
    let mut count =
        transaction.prepare_cached("UPDATE pools SET codes = codes - 1 WHERE brand = ?1 AND pool = ?2")?;
    count.execute([brand, pool]).map(|_one| ())
}

/// A code as it is kept: which row, in which pool, and whether somebody has it.
struct Kept {
    number: i64,
    pool: String,
    is_given: bool,
}

/// Keeps a code without the byte order mark that an earlier version took for a part of it. Where it is kept in both forms, it stays
/// in one: in that which somebody has.
fn take_off_mark(transaction: &Transaction<'_>, brand: &str, code: &str) -> rusqlite::Result<()> {
    let find = |code: &str| {
        let sql = "SELECT number, pool, given_to IS NOT NULL FROM codes WHERE brand = ?1 AND code = ?2";
        one(transaction, sql, [brand, code], |row| {
            Ok(Kept { number: row.get(0)?, pool: row.get(1)?, is_given: row.get(2)? })
        })
    };
    let Some(marked) = find(&with_mark(code))? else { return Ok(()) };
    match find(code)? {
        None => {}
        Some(plain) if !plain.is_given && marked.is_given => remove(transaction, brand, &plain)?,
        // Both were given out, to two: nothing mends that.
        Some(_) if marked.is_given => return Ok(()),
        Some(_) => return remove(transaction, brand, &marked),
    }
    let mut rename = transaction.prepare_cached("UPDATE codes SET code = ?2 WHERE number = ?1")?;
    rename.execute(params![marked.number, code]).map(|_one| ())
}

fn remove(transaction: &Transaction<'_>, brand: &str, kept: &Kept) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM codes WHERE number = ?1")?;
    delete.execute([kept.number])?;
    forget_one(transaction, brand, &kept.pool)
}
