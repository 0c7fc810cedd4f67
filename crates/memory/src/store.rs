//! Participations and profile hints.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::Award;
use domain::ids::{ContactKey, ParticipationId, Scope};
use domain::ledger::{Entry, LedgerTx, Standing, accept};
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::rollup::Rollup;
use ports::error::at_most;
use ports::store::{Due, Inserted, MOST_ITEMS, ProfileHints, Read, Saved, Store, in_turns};
use ports::{Error, Result};

use crate::{Memory, MemoryState, failed};

impl MemoryState {
    pub(crate) fn read(&mut self, doing: &'static str) -> Result<()> {
        if self.fate.strikes("reads failed", |faults| faults.read_fails) {
            Err(failed(doing))
        } else {
            Ok(())
        }
    }

    /// Performs a write, unless a fault makes it fail before. A fault can also lose its answer afterwards.
    pub(crate) fn write<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.fate.strikes("writes failed", |faults| faults.write_fails) {
            return Err(failed(doing));
        }
        let done = work(self)?;
        if self.fate.strikes("writes whose answer was lost", |faults| faults.write_lost_answer) {
            Err(failed(doing))
        } else {
            Ok(done)
        }
    }

    fn save_all(
        &mut self,
        participations: &[Participation],
        (rollups, lines): (&[Rollup], &[Award]),
        now: Timestamp,
    ) -> Result<Vec<Saved>> {
        let throttled =
            self.fate.strikes_in_part("saves that were throttled", |faults| faults.saves_throttled);
        let most = throttled.map_or(participations.len(), |share| {
            let part = share * participations.len() as f64;
            part as usize
        });
        let mut saved = Vec::with_capacity(participations.len());
        for (index, participation) in participations[..most].iter().enumerate() {
            self.entry_lags(participation.id(), now);
            let line = lines.iter().find(|line| line.id == participation.id());
            let outcome = self.save(participation, line)?;
            if let Some(rollup) = rollups.get(index).filter(|_| outcome == Saved::Saved) {
                self.rollup.merge(rollup);
            }
            saved.push(outcome);
        }
        if throttled.is_some() { Err(failed("saving participations")) } else { Ok(saved) }
    }

    fn save(&mut self, participation: &Participation, line: Option<&Award>) -> Result<Saved> {
        let is_stored = |line: &Award| self.ledgers.awards.get(&line.id).is_none_or(Award::is_entered);
        if line.is_some_and(is_stored) {
            return Ok(Saved::Conflict);
        }
        let strikes = self.fate.strikes("conditions that failed", |faults| faults.save_conflicts);
        match self.participations.get_mut(&participation.id()) {
            Some(stored) if stored.version() == participation.version() && !strikes => {
                self.ended += usize::from(participation.state().is_end() && !stored.state().is_end());
                *stored = stored_form(participation, participation.version() + 1)?;
                if let Some(line) = line {
                    let Ok(()) = self.ledgers.book(&line.brand, &line.ledger).keep(line);
                }
                Ok(Saved::Saved)
            }
            Some(_) | None => Ok(Saved::Conflict),
        }
    }
}

impl MemoryState {
    fn readable(&self, id: ParticipationId, stored: Participation) -> Result<Participation> {
        if self.damaged.contains(&id) {
            return Err(Error::corrupt("participation", "it was damaged on purpose").of(id));
        }
        Ok(stored)
    }
}

/// A store returns what went through the stored form.
fn stored_form(participation: &Participation, version: u64) -> Result<Participation> {
    Ok(stored::participation::decode(
        participation.id(),
        version,
        &stored::participation::encode(participation)?,
    )?)
}

impl Memory {
    /// Stores a participation with its line, under the number that was drawn for it, unless it is there already.
    pub(crate) fn store_new(
        &self,
        participation: &Participation,
        entry: Option<&Entry>,
        (standing, number): (Standing, Option<NonZeroU64>),
    ) -> Result<Inserted> {
        let now = self.clock.now();
        self.lock().write("storing a participation", |state| {
            if let Some(existing) = state.participations.get(&participation.id()) {
                let existing = state.readable(participation.id(), existing.clone())?;
                return Ok(Inserted::Existing(Box::new(existing)));
            }
            let stored = stored_form(participation, participation.version())?;
            if number.is_some() && state.fate.strikes("numbers lost", |faults| faults.number_lost) {
                return Err(failed("storing a participation"));
            }
            state.entry_lags(participation.id(), now);
            state.participations.insert(participation.id(), stored);
            let accepted = state.accepted.entry(participation.scope().clone()).or_default();
            *accepted = accepted.saturating_add(1);
            let Some(Entry { award, rules }) = entry else { return Ok(Inserted::New(standing)) };
            let is_entered = !state.ledgers.enters_later;
            let mut book = state.ledgers.book(&award.brand, &award.ledger);
            if is_entered {
                let Ok(standing) = accept(&mut book, rules, award);
                return Ok(Inserted::New(standing));
            }
            let Ok(()) = book.keep(&Award { number, ..award.clone() });
            Ok(Inserted::New(standing))
        })
    }

    /// From now on this participation cannot be read, or can be read again.
    pub fn damage(&self, id: ParticipationId, damaged: bool) {
        let mut state = self.lock();
        if damaged {
            state.damaged.insert(id);
        } else {
            state.damaged.remove(&id);
        }
    }

    /// How many participations have ended.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.lock().ended
    }
}

#[async_trait]
impl Store for Memory {
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted> {
        match entry {
            Some(entry) if self.enters_later() => self.insert_under_number(participation, entry).await,
            Some(_) | None => self.store_new(participation, entry, (Standing::Unnumbered, None)),
        }
    }

    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>> {
        const DOING: &str = "reading participations";
        let (state, ids) = self.reading(DOING, ids)?;
        let mut read = Read::default();
        for id in ids {
            if let Some(stored) = state.participations.get(id) {
                read.add(*id, state.readable(*id, stored.clone()))?;
            }
        }
        Ok(read)
    }

    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, _expires: Timestamp) -> Result<()> {
        const DOING: &str = "setting participations aside";
        at_most(ids.len(), MOST_ITEMS, DOING)?;
        let now = self.clock.now();
        self.lock().write(DOING, |state| {
            for id in ids {
                state.entry_lags(*id, now);
                if let Some(stored) = state.participations.get_mut(id) {
                    stored.put_off(until, stored.updated_at());
                }
            }
            Ok(())
        })
    }

    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>> {
        self.save_with_lines(participations, rollups, &[]).await
    }

    async fn save_with_lines(
        &self,
        participations: &[Participation],
        rollups: &[Rollup],
        lines: &[Award],
    ) -> Result<Vec<Saved>> {
        const DOING: &str = "saving participations";
        at_most(participations.len(), MOST_ITEMS, DOING)?;
        let now = self.clock.now();
        self.lock().write(DOING, |state| state.save_all(participations, (rollups, lines), now))
    }

    async fn put_off(&self, participations: &[Participation]) -> Result<Vec<Saved>> {
        const DOING: &str = "putting participations off";
        at_most(participations.len(), MOST_ITEMS, DOING)?;
        let now = self.clock.now();
        self.lock().write(DOING, |state| {
            let saved = state.save_all(participations, (&[], &[]), now)?;
            Ok(state.keep_glimpses(participations, saved))
        })
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>> {
        let mut state = self.lock();
        state.read("reading what is due")?;
        let by_award = |award: &Award| {
            let due_at = award.due_at.filter(|due_at| *due_at <= now)?;
            Some(Due { id: award.id, brand: award.brand.clone(), due_at, glimpse: None })
        };
        let shown_at = self.clock.now();
        let mut all: Vec<Due> = state.indexed(shown_at, now);
        let by_award: Vec<Due> = state.ledgers.awards.values().filter_map(by_award).collect();
        // What was kept does not show that the line has changed.
        let changed: BTreeSet<ParticipationId> = by_award.iter().map(|due| due.id).collect();
        for one in all.iter_mut().filter(|one| changed.contains(&one.id)) {
            one.glimpse = None;
        }
        all.extend(by_award);
        Ok(in_turns(all, most))
    }

    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints> {
        const DOING: &str = "reading profile hints";
        at_most(contacts.len(), MOST_ITEMS, DOING)?;
        let mut state = self.lock();
        state.read(DOING)?;
        let known = |contact: &ContactKey| Some((*contact, state.profiles.get(contact)?.clone()));
        Ok(ProfileHints { profiles: contacts.iter().filter_map(known).collect(), unreadable: Vec::new() })
    }

    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()> {
        const DOING: &str = "storing profile hints";
        at_most(profiles.len(), MOST_ITEMS, DOING)?;
        self.lock().write(DOING, |state| {
            state.profiles.extend(profiles.iter().cloned());
            Ok(())
        })
    }

    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint> {
        self.lock().write("claiming a profile hint", |state| {
            Ok(state.profiles.entry(contact).or_insert_with(|| profile.clone()).clone())
        })
    }

    async fn accepted(&self, scope: &Scope, _more: u64) -> Result<u64> {
        let mut state = self.lock();
        state.read("counting participations")?;
        Ok(state.accepted.get(scope).copied().unwrap_or(0))
    }
}
