//! What is currently wrong in the running process: code that finds a problem reports it here, and `GET
//! /healthz` shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::BrandId;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value};

use crate::repeats::LogRepeats;

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The process as a whole.
    Process,
    /// A brand, or the name of a file that should describe one.
    Brand(String),
    /// A long-lived task, by name.
    Task(String),
    /// A receiver of callbacks: the brand, and the host without the rest of the URL.
    Receiver(String),
}

impl Subject {
    /// Makes the subject of a brand.
    #[must_use]
    pub fn brand(brand: &BrandId) -> Self {
        Self::Brand(brand.to_string())
    }

    fn shown(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Process => None,
            Self::Brand(brand) => Some(("brand", brand)),
            Self::Task(task) => Some(("task", task)),
            Self::Receiver(receiver) => Some(("receiver", receiver)),
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthEntry {
    /// The kind of problem: a name that programs may rely on, such as `braze_unanswered`.
    pub kind: &'static str,
    /// What the problem is about.
    pub subject: Subject,
    /// When the problem began.
    pub since: Timestamp,
    /// One sentence for the engineer on call. It contains no contact and no secret.
    pub text: String,
    /// When the problem ends unless it is reported again; `None` for a problem that lasts until it is
    /// cleared.
    until: Option<Timestamp>,
}

impl HealthEntry {
    /// The entry as `GET /healthz` shows it.
    #[must_use]
    pub fn as_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("kind".to_owned(), self.kind.into());
        if let Some((name, subject)) = self.subject.shown() {
            members.insert(name.to_owned(), subject.into());
        }
        members.insert("since".to_owned(), self.since.to_string().into());
        members.insert("text".to_owned(), self.text.clone().into());
        Value::Object(members)
    }
}

type HealthEntries = BTreeMap<(&'static str, Subject), HealthEntry>;

/// All current problems of this process. Clones share one registry.
///
/// ```
/// use domain::Timestamp;
/// use ports::health::{Subject, Troubles};
///
/// let (troubles, now) = (Troubles::default(), Timestamp::UNIX_EPOCH);
/// let acme = || Subject::Brand("acme".to_owned());
///
/// troubles.report("braze_unanswered", acme(), now, "no answer since 14:02");
/// assert_eq!(troubles.all(now)[0].as_json()["brand"], "acme");
/// troubles.clear("braze_unanswered", acme());
/// assert!(troubles.all(now).is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Troubles {
    entries: Arc<Mutex<HealthEntries>>,
    repeats: LogRepeats,
}

impl Troubles {
    /// Reports a problem that lasts until it is cleared. If it was reported before, `since` stays as it was
    /// and the text is replaced.
    pub fn report(&self, kind: &'static str, subject: Subject, since: Timestamp, text: impl Into<String>) {
        self.put(HealthEntry { kind, subject, since, text: text.into(), until: None });
    }

    /// Reports a problem that ends after `lasts` unless it is reported again.
    pub fn report_for(
        &self,
        lasts: Duration,
        kind: &'static str,
        subject: Subject,
        now: Timestamp,
        text: impl Into<String>,
    ) {
        let until = now.checked_add(lasts).unwrap_or(Timestamp::MAX);
        self.put(HealthEntry { kind, subject, since: now, text: text.into(), until: Some(until) });
    }

    /// Clears a problem, and returns whether it was reported.
    pub fn clear(&self, kind: &'static str, subject: Subject) -> bool {
        self.lock().remove(&(kind, subject)).is_some()
    }

    /// All current problems, ordered by kind and subject.
    #[must_use]
    pub fn all(&self, now: Timestamp) -> Vec<HealthEntry> {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.until.is_none_or(|until| now < until));
        entries.values().cloned().collect()
    }

    /// The register that limits repeated log lines about problems.
    #[must_use]
    pub fn repeats(&self) -> &LogRepeats {
        &self.repeats
    }

    fn put(&self, entry: HealthEntry) {
        let mut entries = self.lock();
        let key = (entry.kind, entry.subject.clone());
        // A problem that ended before this report begins anew.
        let known = entries.get(&key).filter(|known| known.until.is_none_or(|until| entry.since < until));
        let since = known.map_or(entry.since, |known| known.since);
        entries.insert(key, HealthEntry { since, ..entry });
    }

    fn lock(&self) -> MutexGuard<'_, HealthEntries> {
        self.entries.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a moment")
    }

    fn acme() -> Subject {
        Subject::Brand("acme".to_owned())
    }

    #[test]
    fn a_problem_that_is_reported_again_keeps_its_beginning() {
        let troubles = Troubles::default();
        troubles.report("braze_unanswered", acme(), at(0), "1 try");
        troubles.clone().report("braze_unanswered", acme(), at(60), "7 tries");
        let all = troubles.all(at(60));
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].as_json(),
            serde_json::json!({ "kind": "braze_unanswered", "brand": "acme", "since": at(0).to_string(), "text": "7 tries" })
        );
        assert!(troubles.clear("braze_unanswered", acme()) && !troubles.clear("braze_unanswered", acme()));
        assert!(troubles.all(at(60)).is_empty());
    }

    #[test]
    fn a_problem_with_an_end_is_over_then_and_begins_anew_after_it() {
        let troubles = Troubles::default();
        let minute = Duration::from_secs(60);
        troubles.report_for(minute, "panicked", acme(), at(0), "once");
        troubles.report_for(minute, "panicked", acme(), at(59), "twice");
        assert_eq!(troubles.all(at(118)).first().map(|entry| entry.since), Some(at(0)));
        troubles.report_for(minute, "panicked", acme(), at(119), "again");
        assert_eq!(troubles.all(at(120)).first().map(|entry| entry.since), Some(at(119)));
        assert!(troubles.all(at(179)).is_empty());
    }
}
