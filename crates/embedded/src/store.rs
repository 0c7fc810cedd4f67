//! Participations and profile hints.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::{BrandId, ContactKey, ParticipationId, Scope};
use domain::ledger::{Entry, Standing, accept};
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::rollup::Rollup;
use ports::error::at_most;
use ports::imports::ImportedRow;
use ports::store::{Due, Inserted, MOST_ITEMS, ProfileHints, Read, Saved, Store, in_turns};
use ports::{Error, Result};
use rusqlite::{Connection, params};
use stored::participation::{decode, encode};
use stored::{Unencodable, hint};

use crate::data_file::DataFile;
use crate::entering::Entering;
use crate::group::Group;
use crate::ledger_tx::LineColumns;
use crate::rows::{brands_with_due, one};

/// A participation as a row.
pub(crate) struct ParticipationRow {
    id: [u8; 16],
    version: u64,
    brand: String,
    due_at: Option<i64>,
    /// When the row may be deleted. Set once the participation has ended.
    expires_at: Option<i64>,
    record: String,
}

impl ParticipationRow {
    pub(crate) fn of(participation: &Participation) -> std::result::Result<Self, Unencodable> {
        Ok(Self {
            id: participation.id().to_bytes(),
            version: participation.version(),
            brand: participation.brand().to_string(),
            due_at: participation.due_at().map(Timestamp::as_millisecond),
            expires_at: participation
                .due_at()
                .is_none()
                .then_some(participation.keep_until().as_millisecond()),
            record: encode(participation)?,
        })
    }

    /// Inserts the row, with its line in a ledger if it has one, and counts it. Returns whether the id was free.
    fn insert(
        &self,
        group: &Group<'_>,
        names: &TallyNames,
        line: Option<LineColumns>,
    ) -> rusqlite::Result<bool> {
        let mut statement = group.prepare_cached(
            "INSERT INTO participations (id, version, brand, due_at, expires_at, record,
                                         ledger, participant, arrival, standing, place, credited, award_due_at, award)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT DO NOTHING",
        )?;
        let line = line.as_ref();
        let inserted = statement.execute(params![
            self.id,
            self.version,
            self.brand,
            self.due_at,
            self.expires_at,
            self.record,
            line.map(|line| &line.ledger),
            line.map(|line| line.participant),
            line.map(|line| line.arrival),
            line.map(|line| line.standing),
            line.and_then(|line| line.place),
            line.map(|line| line.credited),
            line.and_then(|line| line.due_at),
            line.map(|line| &line.award),
        ])?;
        if inserted == 1 {
            group.tally("participations", names.state);
            group.tally("accepted", &names.scope);
            line.map_or(Ok(()), |line| line.count_if_waiting(group))?;
        }
        Ok(inserted == 1)
    }

    /// Inserts the row without anything else, as a file may have it that an earlier version wrote.
    #[cfg(test)]
    pub(crate) fn insert_alone(&self, connection: &Connection) {
        let sql = "INSERT INTO participations (id, version, brand, due_at, expires_at, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let columns = params![self.id, self.version, self.brand, self.due_at, self.expires_at, self.record];
        connection.execute(sql, columns).expect("the id is free");
    }

    pub(crate) fn save(&self, transaction: &Connection) -> rusqlite::Result<Saved> {
        let mut statement = transaction.prepare_cached(
            "UPDATE participations SET version = version + 1, due_at = ?3, expires_at = ?4, record = ?5
             WHERE id = ?1 AND version = ?2",
        )?;
        let changed =
            statement.execute(params![self.id, self.version, self.due_at, self.expires_at, self.record])?;
        Ok(if changed == 1 { Saved::Saved } else { Saved::Conflict })
    }
}

/// A row of a file that is imported, ready to be written.
pub(crate) struct NewRow<'a> {
    row: ParticipationRow,
    names: TallyNames,
    entry: Option<&'a Entry>,
    /// The ids that an earlier version may have given the same consumer.
    pub(crate) earlier: &'a [ParticipationId],
}

impl<'a> NewRow<'a> {
    pub(crate) fn of(imported: &'a ImportedRow) -> std::result::Result<Self, Unencodable> {
        Ok(Self {
            row: ParticipationRow::of(&imported.participation)?,
            names: TallyNames::of(&imported.participation),
            entry: imported.entry.as_ref(),
            earlier: &imported.earlier,
        })
    }

    /// Inserts the row, with its line. Returns whether the id was free.
    pub(crate) fn store(&self, group: &Group<'_>) -> rusqlite::Result<bool> {
        match self.entry {
            Some(entry) => Ok(enter(group, (&self.row, &self.names), entry)?.is_ok()),
            None => self.row.insert(group, &self.names, None),
        }
    }
}

/// Whether a participation with this id is stored.
pub(crate) fn is_there(connection: &Connection, id: [u8; 16]) -> rusqlite::Result<bool> {
    Ok(one(connection, "SELECT 1 FROM participations WHERE id = ?", [id], |_| Ok(()))?.is_some())
}

/// The names under which a new row is counted.
struct TallyNames {
    state: &'static str,
    scope: String,
}

impl TallyNames {
    fn of(participation: &Participation) -> Self {
        Self { state: participation.state().name(), scope: participation.scope().to_string() }
    }
}

fn select(connection: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<StoredRow>> {
    let sql = "SELECT version, record FROM participations WHERE id = ?";
    one(connection, sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))
}

#[async_trait]
impl Store for DataFile {
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted> {
        let (id, row, entry) = (participation.id(), ParticipationRow::of(participation)?, entry.cloned());
        let names = TallyNames::of(participation);
        let stored = self
            .writer
            .write("storing a participation", move |group| match &entry {
                Some(entry) => enter(group, (&row, &names), entry),
                None if row.insert(group, &names, None)? => Ok(Ok(Standing::Unnumbered)),
                None => Ok(Err(select(group, row.id)?)),
            })
            .await?;
        match stored {
            Ok(standing) => Ok(Inserted::New(standing)),
            Err(Some((version, record))) => Ok(Inserted::Existing(Box::new(decode(id, version, &record)?))),
            Err(None) => Err(Error::corrupt("participation", "its id is taken, and it is not there").of(id)),
        }
    }

    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>> {
        at_most(ids.len(), MOST_ITEMS, "reading participations")?;
        let ids: BTreeSet<ParticipationId> = ids.iter().copied().collect();
        let rows = self
            .reader
            .read("reading participations", move |connection| {
                let mut rows = Vec::with_capacity(ids.len());
                for id in ids {
                    rows.extend(select(connection, id.to_bytes())?.map(|row| (id, row)));
                }
                Ok(rows)
            })
            .await?;
        let mut read = Read::default();
        for (id, (version, record)) in &rows {
            read.add(*id, decode(*id, *version, record).map_err(Into::into))?;
        }
        Ok(read)
    }

    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()> {
        at_most(ids.len(), MOST_ITEMS, "setting participations aside")?;
        let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
        let (until, expires_at) = (until.as_millisecond(), expires.as_millisecond());
        self.writer
            .write("setting participations aside", move |transaction| {
                let mut statement = transaction.prepare_cached(
                    "UPDATE participations SET due_at = ?2, expires_at = coalesce(expires_at, ?3) WHERE id = ?1",
                )?;
                for id in &ids {
                    statement.execute(params![id, until, expires_at])?;
                }
                Ok(())
            })
            .await
    }

    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>> {
        at_most(participations.len(), MOST_ITEMS, "saving participations")?;
        let rows: Vec<ParticipationRow> =
            participations.iter().map(ParticipationRow::of).collect::<std::result::Result<_, _>>()?;
        let rollups = rollups.to_vec();
        self.writer
            .write("saving participations", move |group| {
                let mut saved = Vec::with_capacity(rows.len());
                for (index, row) in rows.iter().enumerate() {
                    let outcome = row.save(group)?;
                    if let Some(rollup) = rollups.get(index).filter(|_| outcome == Saved::Saved) {
                        group.roll_up(rollup);
                    }
                    saved.push(outcome);
                }
                Ok(saved)
            })
            .await
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        let (now, limit) = (now.as_millisecond(), i64::try_from(most).unwrap_or(i64::MAX));
        let rows: Vec<DueRow> = self
            .reader
            .read("reading what is due", move |connection| {
                let mut rows = due_by(connection, "due_at", now, limit)?;
                rows.extend(due_by(connection, "award_due_at", now, limit)?);
                Ok(rows)
            })
            .await?;
        let corrupt = |error| Error::corrupt("participation", error);
        let due = |(id, brand, due_at): DueRow| {
            Ok(Due {
                id: ParticipationId::from_bytes(id),
                brand: BrandId::parse(&brand).map_err(corrupt)?,
                due_at: Timestamp::from_millisecond(due_at)
                    .map_err(|error| Error::corrupt("participation", error))?,
                glimpse: None,
            })
        };
        Ok(in_turns(rows.into_iter().map(due).collect::<Result<_>>()?, most))
    }

    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints> {
        at_most(contacts.len(), MOST_ITEMS, "reading profile hints")?;
        let contacts = contacts.to_vec();
        let rows = self
            .reader
            .read("reading profile hints", move |connection| {
                let mut rows = Vec::new();
                for contact in contacts {
                    rows.extend(select_profile(connection, contact)?.map(|record| (contact, record)));
                }
                Ok(rows)
            })
            .await?;
        let mut known = ProfileHints::default();
        for (contact, record) in rows {
            match hint::decode(contact, &record) {
                Ok(profile) => {
                    known.profiles.insert(contact, profile);
                }
                Err(why) => known.unreadable.push(why.into()),
            }
        }
        Ok(known)
    }

    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()> {
        at_most(profiles.len(), MOST_ITEMS, "storing profile hints")?;
        let row = |(contact, known): &(ContactKey, ProfileHint)| {
            Ok((contact.to_string(), hint::encode(*contact, known)?))
        };
        let rows: Vec<(String, String)> = profiles.iter().map(row).collect::<Result<_>>()?;
        self.writer
            .write("storing profile hints", move |transaction| {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO profiles (contact, record) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET record = excluded.record",
                )?;
                for (contact, record) in &rows {
                    statement.execute([contact, record])?;
                }
                Ok(())
            })
            .await
    }

    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint> {
        let record = hint::encode(contact, profile)?;
        let holder = self
            .writer
            .write("claiming a profile hint", move |transaction| {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO profiles (contact, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?;
                if statement.execute([&contact.to_string(), &record])? == 1 {
                    return Ok(None);
                }
                let holder = select_profile(transaction, contact)?;
                if let Some(holder) = holder.and_then(|holder| hint::decode(contact, &holder).ok()) {
                    return Ok(Some(holder));
                }
                let mut replace =
                    transaction.prepare_cached("UPDATE profiles SET record = ?2 WHERE contact = ?1")?;
                replace.execute([&contact.to_string(), &record])?;
                Ok(None)
            })
            .await?;
        Ok(holder.unwrap_or_else(|| profile.clone()))
    }

    /// The writer counts, so that the count includes everything that is being stored.
    async fn accepted(&self, scope: &Scope, _more: u64) -> Result<u64> {
        let scope = scope.to_string();
        self.writer.write("counting participations", move |group| group.tallied("accepted", &scope)).await
    }
}

/// A row's version and record.
type StoredRow = (u64, String);

/// Inserts a participation with its line in a ledger, or returns the row that is there.
fn enter(
    group: &Group<'_>,
    (row, names): (&ParticipationRow, &TallyNames),
    Entry { award, rules }: &Entry,
) -> rusqlite::Result<std::result::Result<Standing, Option<StoredRow>>> {
    let mut book = Entering::of(group, award);
    let standing = match accept(&mut book, rules, award) {
        Ok(standing) => standing,
        // Whoever takes part already is answered though the ledger cannot be read.
        Err(error) => return select(group, row.id)?.map_or(Err(error), |earlier| Ok(Err(Some(earlier)))),
    };
    if book.write(|line| row.insert(group, names, line))? {
        return Ok(Ok(standing));
    }
    Ok(Err(select(group, row.id)?))
}

type DueRow = ([u8; 16], String, i64);

/// The rows that are due by a column. It takes the first rows of each brand, so that a brand with many due rows does not hide the others.
fn due_by(connection: &Connection, column: &str, now: i64, limit: i64) -> rusqlite::Result<Vec<DueRow>> {
    let mut of_brand = connection.prepare_cached(&format!(
        "SELECT id, brand, {column} FROM participations WHERE brand = ?1 AND {column} <= ?2
         ORDER BY {column} LIMIT ?3"
    ))?;
    let mut rows = Vec::new();
    for brand in brands_with_due(connection, ("participations", column))? {
        let of_this = of_brand
            .query_map(params![brand, now, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for row in of_this {
            rows.push(row?);
        }
    }
    Ok(rows)
}

fn select_profile(connection: &Connection, contact: ContactKey) -> rusqlite::Result<Option<String>> {
    one(connection, "SELECT record FROM profiles WHERE contact = ?", [contact.to_string()], |row| row.get(0))
}
