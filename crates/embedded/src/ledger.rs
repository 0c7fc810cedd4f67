//! Ledgers and callbacks.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, Resolutions};
use domain::callback::{Callback, CallbackId};
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{DrawnList, Seed};
use domain::ledger::{Counts, Resolved, Rules, draw, refill, resolve};
use domain::time::later;
use ports::Result;
use ports::error::at_most;
use ports::ledger::{
    CALLBACK_LEASE, CallbackDelivery, Callbacks, DeliveryOutcome, DrawnPart, Ledger, Stock, TakenCallbacks,
};
use ports::store::{MOST_ITEMS, Read};
use rusqlite::{Connection, params};

use crate::codes;
use crate::data_file::DataFile;
use crate::drawn;
use crate::group::Group;
use crate::ledger_tx::{SqliteLedgerTx, call_back, name};
use crate::queries::WAITING_BEFORE;
use crate::rows::{counts, moment, one};

#[async_trait]
impl Ledger for DataFile {
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>> {
        const DOING: &str = "reading awards";
        at_most(ids.len(), MOST_ITEMS, DOING)?;
        let ids: BTreeSet<ParticipationId> = ids.iter().copied().collect();
        let read = move |connection: &Connection| {
            let mut records = Vec::with_capacity(ids.len());
            for id in ids {
                let sql = "SELECT award FROM participations WHERE id = ? AND award IS NOT NULL";
                let record: Option<String> = one(connection, sql, [id.to_bytes()], |row| row.get(0))?;
                records.extend(record.map(|record| (id, record)));
            }
            Ok(records)
        };
        let mut awards = Read::default();
        for (id, record) in self.reader.read(DOING, read).await? {
            awards.add(id, stored::award::decode(id, &record).map_err(Into::into))?;
        }
        Ok(awards)
    }

    /// Does nothing: the transaction that stores a line also enters it.
    async fn enter(&self, _rules: &Rules, _ids: &[ParticipationId], _now: Timestamp) -> Result<Resolved> {
        Ok(Resolved::default())
    }

    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved> {
        const DOING: &str = "settling awards";
        at_most(resolutions.len(), MOST_ITEMS, DOING)?;
        let (rules, resolutions) = (rules.clone(), resolutions.to_vec());
        let work = move |transaction: &Group<'_>| {
            resolve(&mut SqliteLedgerTx::new(transaction, &rules.ledger), &rules, &resolutions, now)
        };
        self.writer.write(DOING, work).await
    }

    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved> {
        let rules = rules.clone();
        let work = move |transaction: &Group<'_>| {
            refill(&mut SqliteLedgerTx::new(transaction, &rules.ledger), &rules, now)
        };
        self.writer.write("refilling a ledger", work).await
    }

    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>> {
        let (rules, seed) = (rules.clone(), *seed);
        let work = move |transaction: &Group<'_>| {
            draw(&mut SqliteLedgerTx::new(transaction, &rules.ledger), &rules, &seed, now)
        };
        self.writer.write("drawing a raffle", work).await
    }

    async fn noted(&self, ids: &[ParticipationId]) -> Result<()> {
        let ids = ids.to_vec();
        let work = move |transaction: &Group<'_>| {
            let mut note = transaction.prepare_cached(
                "UPDATE participations SET award_due_at = NULL, award = json_remove(award, '$.due_at')
                 WHERE id = ? AND award IS NOT NULL",
            )?;
            for id in &ids {
                note.execute([id.to_bytes()])?;
            }
            Ok(())
        };
        self.writer.write("noting awards", work).await
    }

    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        let ledger = name(ledger);
        self.reader.read("reading a ledger", move |connection| counts(connection, &ledger)).await
    }

    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32> {
        let (ledger, arrival) = (name(&award.ledger), award.arrival_number());
        let read = move |connection: &Connection| {
            connection.prepare_cached(WAITING_BEFORE)?.query_row(params![ledger, arrival], |row| row.get(0))
        };
        self.reader.read("reading a ledger", read).await
    }

    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart> {
        let ledger = name(ledger);
        let read = move |connection: &Connection| drawn::read(connection, &ledger, list, (after, most));
        self.reader.read("reading a draw", read).await
    }

    /// Does nothing: a file is upgraded when it is opened.
    async fn upgrade(&self, _ledger: &LedgerKey) -> Result<bool> {
        Ok(true)
    }

    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock> {
        let (brand, pool, all) = (brand.to_string(), pool.file().to_owned(), codes.to_vec());
        let work = move |transaction: &Group<'_>| codes::import(transaction, &brand, &pool, &all);
        self.writer.write("importing codes", work).await
    }
}

#[async_trait]
impl Callbacks for DataFile {
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks> {
        let (now, until) = (now.as_millisecond(), later(now, CALLBACK_LEASE).as_millisecond());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let due = move |connection: &Connection| {
            let sql = "SELECT count(*) FROM notices WHERE due_at <= ?1";
            connection.prepare_cached(sql)?.query_row([now], |row| row.get::<_, i64>(0))
        };
        // While no callback is due, this read avoids a commit.
        if self.reader.read("reading callbacks", due).await? == 0 {
            return Ok(TakenCallbacks::default());
        }
        let work = move |transaction: &Group<'_>| {
            let mut statement = transaction.prepare_cached(
                "UPDATE notices SET due_at = ?2
                 WHERE id IN (SELECT id FROM notices WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?3)
                 RETURNING record, attempts, revived_at, id",
            )?;
            let outbound = |row: &rusqlite::Row<'_>| {
                let (record, id): (String, String) = (row.get(0)?, row.get(3)?);
                let (attempts, revived_at) = (row.get(1)?, moment(row.get(2)?));
                let callback = stored::callback::decode(&id, &record).map_err(Into::into);
                Ok((id, callback.map(|callback| CallbackDelivery { callback, attempts, revived_at })))
            };
            let rows: rusqlite::Result<Vec<(String, Result<CallbackDelivery>)>> =
                statement.query_map([now, until, most], outbound)?.collect();
            // A callback that cannot be read cannot be delivered. It is parked, where an operator can see it.
            let mut park = transaction.prepare_cached("UPDATE notices SET due_at = NULL WHERE id = ?1")?;
            let mut taken = TakenCallbacks::default();
            for (id, read) in rows? {
                match read {
                    Ok(outbound) => taken.callbacks.push(outbound),
                    Err(why) => {
                        park.execute([id])?;
                        taken.unreadable.push(why);
                    }
                }
            }
            Ok(taken)
        };
        let mut taken = self.writer.write("taking callbacks", work).await?;
        taken.callbacks.sort_by_key(|outbound| (outbound.callback.at, outbound.callback.id));
        Ok(taken)
    }

    async fn call_back(&self, callback: &Callback) -> Result<()> {
        let callback = callback.clone();
        let work = move |transaction: &Group<'_>| call_back(transaction, &callback);
        self.writer.write("keeping a callback", work).await
    }

    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()> {
        let outcomes = outcomes.to_vec();
        let work = move |transaction: &Group<'_>| {
            let mut delivered = transaction.prepare_cached("DELETE FROM notices WHERE id = ?1")?;
            let mut first_told = transaction
                .prepare_cached("UPDATE participations SET told_at = ?2 WHERE id = ?1 AND told_at IS NULL")?;
            let mut kept = transaction.prepare_cached(
                "UPDATE notices SET due_at = ?2, attempts = attempts + 1,
                     record = iif(json_valid(record), json_set(record, '$.last_answer', json(?3)), record)
                 WHERE id = ?1",
            )?;
            let encoded = stored::callback::encode_answer;
            for (callback, told) in &outcomes {
                let id = callback.to_string();
                match told {
                    DeliveryOutcome::Delivered(at) => {
                        if callback.kind.tells_the_result() {
                            first_told
                                .execute(params![callback.participation.to_bytes(), at.as_millisecond()])?;
                        }
                        delivered.execute([&id])?
                    }
                    DeliveryOutcome::RetryAt(at, answer) => {
                        kept.execute(params![id, at.as_millisecond(), encoded(*answer)])?
                    }
                    DeliveryOutcome::Parked(answer) => {
                        kept.execute(params![id, None::<i64>, encoded(*answer)])?
                    }
                };
            }
            Ok(())
        };
        self.writer.write("keeping callbacks", work).await
    }
}
