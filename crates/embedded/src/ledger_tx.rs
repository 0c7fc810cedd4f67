//! A ledger's transaction on the data file.

use domain::Timestamp;
use domain::award::{Award, AwardStatus};
use domain::callback::Callback;
use domain::ids::{ContactKey, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{Drawing, Entrant};
use domain::ledger::{Counts, LedgerTx, TakenCode};
use rusqlite::{Connection, Error, Params, Result, params};

use crate::drawn;
use crate::group::Group;
use crate::queries::{ENTERED, FIRST_WAITING, LOWEST_PUT_BACK, OTHERS, OTHERS_BY_FURTHER_KEY, OWED};
use crate::rows::{award, one, unencodable};

/// A ledger's name in the file. Scopes and ids contain no spaces, so the name is unambiguous.
pub(crate) fn name(ledger: &LedgerKey) -> String {
    match &ledger.incentive {
        Some(incentive) => format!("{} {incentive}", ledger.scope),
        None => ledger.scope.to_string(),
    }
}

/// The `standing` of a line that waits.
const WAITING: &str = "waiting";

/// A line as the columns of its participation's row.
pub(crate) struct LineColumns {
    pub(crate) ledger: String,
    pub(crate) participant: [u8; 16],
    pub(crate) arrival: u64,
    pub(crate) standing: &'static str,
    pub(crate) place: Option<u32>,
    pub(crate) credited: bool,
    pub(crate) due_at: Option<i64>,
    pub(crate) award: String,
}

impl LineColumns {
    fn of(ledger: &str, award: &Award) -> Result<Self> {
        let (standing, place) = standing(&award.status);
        Ok(Self {
            ledger: ledger.to_owned(),
            participant: award.participant.to_bytes(),
            arrival: award.arrival_number(),
            standing,
            place,
            credited: award.credited_at.is_some(),
            due_at: award.due_at.map(Timestamp::as_millisecond),
            award: stored::award::encode(award).map_err(unencodable)?,
        })
    }

    /// Counts the line, which is inserted with its row, if it waits. Triggers count every change after that.
    pub(crate) fn count_if_waiting(&self, transaction: &Connection) -> Result<()> {
        if self.standing != WAITING {
            return Ok(());
        }
        let mut count = transaction.prepare_cached(
            "INSERT INTO waiting VALUES (?1, 1, ?2 >> 8, 1), (?1, 2, ?2 >> 16, 1)
             ON CONFLICT DO UPDATE SET lines = lines + 1",
        )?;
        count.execute(params![self.ledger, self.arrival]).map(|_| ())
    }
}

/// One ledger inside a transaction on the file.
pub(crate) struct SqliteLedgerTx<'a> {
    transaction: &'a Group<'a>,
    ledger: String,
}

impl<'a> SqliteLedgerTx<'a> {
    pub(crate) fn new(transaction: &'a Group<'a>, ledger: &LedgerKey) -> Self {
        Self { transaction, ledger: name(ledger) }
    }

    /// A line of this ledger as columns.
    pub(crate) fn line(&self, award: &Award) -> Result<LineColumns> {
        LineColumns::of(&self.ledger, award)
    }

    /// Stores the keys that a line has besides the one in its row.
    pub(crate) fn keep_keys(&self, id: ParticipationId, others: &[ContactKey]) -> Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        let mut forget = self.transaction.prepare_cached("DELETE FROM award_keys WHERE id = ?1")?;
        forget.execute([id.to_bytes()])?;
        let mut keep = self.transaction.prepare_cached(
            "INSERT INTO award_keys (participant, ledger, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        for key in others {
            keep.execute(params![key.to_bytes(), self.ledger, id.to_bytes()])?;
        }
        self.transaction.note_further_key();
        Ok(())
    }

    /// The lowest place above `above` that was given back.
    pub(crate) fn lowest_put_back(&self, above: u32) -> Result<Option<u32>> {
        if !self.transaction.may_have_places_put_back(&self.ledger)? {
            return Ok(None);
        }
        one(self.transaction, LOWEST_PUT_BACK, params![self.ledger, above], |row| row.get(0))
    }

    /// Takes a place that was given back.
    pub(crate) fn take(&self, place: u32) -> Result<()> {
        let sql = "DELETE FROM places_put_back WHERE ledger = ?1 AND place = ?2";
        self.transaction.prepare_cached(sql)?.execute(params![self.ledger, place]).map(|_| ())
    }

    /// The lines with a key, except one.
    fn others_with(&self, key: ContactKey, except: ParticipationId) -> Result<Vec<Award>> {
        let (key, except) = (key.to_bytes(), except.to_bytes());
        let mut others = self.awards(OTHERS, params![key, self.ledger, except])?;
        if self.transaction.may_have_further_keys(&self.ledger)? {
            others.extend(self.awards(OTHERS_BY_FURTHER_KEY, params![key, self.ledger, except])?);
        }
        Ok(others)
    }

    fn awards(&self, sql: &str, parameters: impl Params) -> Result<Vec<Award>> {
        self.first_awards(sql, parameters, usize::MAX)
    }

    /// A line that cannot be read is skipped, so that it does not hold up the ledger for everybody. It is reported when it is read by id.
    fn first_awards(&self, sql: &str, parameters: impl Params, most: usize) -> Result<Vec<Award>> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, award)?;
        let readable = rows.filter(|read| !matches!(read, Err(Error::FromSqlConversionFailure(..))));
        readable.take(most).collect()
    }
}

/// The name of a status in the `standing` column, and its place.
fn standing(status: &AwardStatus) -> (&'static str, Option<u32>) {
    match status {
        AwardStatus::Reserved { place } => ("held", Some(*place)),
        AwardStatus::Waiting => (WAITING, None),
        AwardStatus::InRaffle => ("entered", None),
        AwardStatus::Rewarded { place, .. } => ("rewarded", *place),
        AwardStatus::New | AwardStatus::NoPrize(_) => ("without", None),
        AwardStatus::Released => ("released", None),
    }
}

impl LedgerTx for SqliteLedgerTx<'_> {
    type Error = Error;

    fn counts(&mut self) -> Result<Counts> {
        self.transaction.counts(&self.ledger)
    }

    fn keep_counts(&mut self, counts: &Counts) -> Result<()> {
        self.transaction.keep_counts(&self.ledger, counts)
    }

    fn award(&mut self, id: ParticipationId) -> Result<Option<Award>> {
        let found = self.awards(
            "SELECT id, award FROM participations WHERE id = ? AND award IS NOT NULL",
            [id.to_bytes()],
        )?;
        Ok(found.into_iter().next())
    }

    fn keep(&mut self, award: &Award) -> Result<()> {
        self.keep_keys(award.id, &award.other_keys)?;
        let line = self.line(award)?;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE participations SET participant = ?2, standing = ?3, place = ?4, credited = ?5, award_due_at = ?6, award = ?7
             WHERE id = ?1",
        )?;
        statement.execute(params![
            award.id.to_bytes(),
            line.participant,
            line.standing,
            line.place,
            line.credited,
            line.due_at,
            line.award,
        ])?;
        Ok(())
    }

    fn siblings_of(&mut self, award: &Award) -> Result<Vec<Award>> {
        let mut others: Vec<Award> = Vec::new();
        for key in award.keys() {
            others.extend(self.others_with(key, award.id)?);
        }
        others.sort_by_key(|other| (other.arrival, other.id));
        others.dedup_by_key(|other| other.id);
        Ok(others)
    }

    fn first_waiting(&mut self) -> Result<Option<Award>> {
        // Usually the first one is it.
        for most in [1, usize::MAX] {
            let waiting = self.first_awards(FIRST_WAITING, [&self.ledger], most)?;
            for award in waiting {
                if !self.siblings_of(&award)?.iter().any(Award::has_place) {
                    return Ok(Some(award));
                }
            }
        }
        Ok(None)
    }

    fn owed(&mut self) -> Result<Vec<Award>> {
        self.awards(OWED, [&self.ledger])
    }

    fn entered(&mut self) -> Result<Vec<Entrant>> {
        Ok(self.awards(ENTERED, [&self.ledger])?.iter().map(Award::entrant).collect())
    }

    fn put_back(&mut self, place: u32) -> Result<()> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO places_put_back (ledger, place) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?;
        statement.execute(params![self.ledger, place])?;
        self.transaction.note_place_put_back(&self.ledger)
    }

    fn take_back(&mut self) -> Result<Option<u32>> {
        let lowest = self.lowest_put_back(0)?;
        if let Some(place) = lowest {
            self.take(place)?;
        }
        Ok(lowest)
    }

    fn take_code(&mut self, pool: &Pool, id: ParticipationId) -> Result<Option<TakenCode>> {
        let next: Option<(i64, String, String)> = one(
            self.transaction,
            "SELECT number, code, brand FROM codes
             WHERE brand = (SELECT brand FROM participations WHERE id = ?1) AND pool = ?2 AND given_to IS NULL
             ORDER BY number LIMIT 1",
            params![id.to_bytes(), pool.file()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some((number, code, brand)) = next else { return Ok(None) };
        let mut give = self.transaction.prepare_cached("UPDATE codes SET given_to = ?1 WHERE number = ?2")?;
        give.execute(params![id.to_bytes(), number])?;
        let mut count = self.transaction.prepare_cached(
            "UPDATE pools SET given = given + 1 WHERE brand = ?1 AND pool = ?2 RETURNING codes, given",
        )?;
        let (of, given): (u32, u32) =
            count.query_row([&brand, pool.file()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some(TakenCode { code, left: of.saturating_sub(given), of }))
    }

    fn freeze(&mut self, drawing: Drawing) -> Result<()> {
        drawn::keep(self.transaction, &self.ledger, &drawing)
    }

    fn call_back(&mut self, callback: &Callback) -> Result<()> {
        call_back(self.transaction, callback)
    }
}

/// Stores a callback, unless one with its id is there.
pub(crate) fn call_back(transaction: &Connection, callback: &Callback) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO notices (id, due_at, attempts, record) VALUES (?1, ?2, 0, ?3) ON CONFLICT DO NOTHING",
    )?;
    let record = stored::callback::encode(callback).map_err(unencodable)?;
    statement.execute(params![callback.id.to_string(), callback.at.as_millisecond(), record]).map(|_| ())
}
