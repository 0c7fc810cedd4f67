//! The newest participations of the demo, each with its answer and its timeline, as the page shows them.

use std::collections::VecDeque;
use std::path::Path;

use domain::brand::Brands;
use domain::ids::{BrandId, ParticipationId};
use embedded::AdminConnection;
use parking_lot::Mutex;
use ports::clock::SystemClock;
use ports::inspection::InspectedParticipation;
use ports::pages::{PageCursor, Records};
use ports::{Clock, Inspection};
use reports::language::Language;
use reports::masked;
use reports::timeline::{TimelineRow, TimelineStep, rows, why, words};
use serde_json::{Value, json};

use super::recorded::RecordedCalls;
use crate::show;

/// How many participations the page shows.
const MOST: usize = 12;

/// Reads the connector's data file, whether the connector runs or not.
pub(super) struct Newest {
    admin: AdminConnection,
    brands: Brands,
    read: Mutex<ReadSoFar>,
}

/// Rows are numbered in the order in which they come, so what was read once need not be read again.
#[derive(Default, Clone)]
struct ReadSoFar {
    after: Option<PageCursor>,
    last: VecDeque<ParticipationId>,
}

impl ReadSoFar {
    fn note(&mut self, id: ParticipationId) {
        self.last.push_front(id);
        self.last.truncate(MOST);
    }
}

impl Newest {
    /// Opens the data file, which the connector has brought up to date.
    pub(super) fn open(data: &Path, brands: Brands) -> anyhow::Result<Self> {
        Ok(Self { admin: AdminConnection::open(data)?, brands, read: Mutex::default() })
    }

    /// The newest participations, the newest first.
    pub(super) async fn inspected(&self) -> ports::Result<Vec<InspectedParticipation>> {
        let mut read = self.read.lock().clone();
        let mut last = read.clone();
        loop {
            let page = self.admin.records(last.after.as_ref()).await?;
            for record in page.records {
                last.note(record.participation.id());
            }
            let Some(next) = page.next else { break };
            last.after = Some(next);
            read = last.clone();
        }
        *self.read.lock() = read;
        let mut inspected = Vec::new();
        for id in last.last {
            inspected.extend(self.admin.inspect(id).await?);
        }
        Ok(inspected)
    }

    /// The last calls to Braze.
    pub(super) async fn calls(&self) -> ports::Result<RecordedCalls> {
        let brands: Vec<BrandId> = self.brands.iter().map(|brand| brand.id.clone()).collect();
        RecordedCalls::read(&self.admin, &brands, SystemClock.now()).await
    }

    /// A participation as the page shows it, with the calls that name it. Contacts and codes are masked.
    pub(super) fn shown(
        &self,
        one: &InspectedParticipation,
        calls: &RecordedCalls,
        language: Language,
    ) -> Value {
        let participation = &one.participation;
        let by_email = || participation.email().map(|email| masked::email(email, false));
        let contact = participation.phone().map(|phone| masked::phone(phone, false)).or_else(by_email);
        let (answer, _) = show::answered(one, &self.brands);
        let reward = one.award.as_ref().and_then(|award| award.reward());
        json!({
            "id": participation.id().to_string(),
            "way": participation.channel().name(),
            "contact": contact,
            "at": participation.accepted_at().to_string(),
            "answer": answer.text(language),
            "position": one.award.as_ref().and_then(domain::award::Award::place),
            "reward": reward.map(|(reward, _)| masked::reward(reward, false)),
            "waits": participation.waits().map(|waits| why(waits.cause, language)),
            "ended": participation.state().is_end(),
            "calls": calls.about(participation.id(), language),
            "steps": rows(participation).iter().map(|row| step(row, language)).collect::<Vec<Value>>(),
        })
    }
}

fn step(row: &TimelineRow, language: Language) -> Value {
    match row {
        TimelineRow::Accepted(at) => {
            let accepted = match language {
                Language::English => "Accepted, and stored",
                Language::French => "Accepté et enregistré",
            };
            json!({ "at": at.to_string(), "what": accepted })
        }
        TimelineRow::Dropped(times) => json!({ "what": "…", "times": times }),
        TimelineRow::TimelineStep(step) => of_step(step, language),
    }
}

fn of_step(step: &TimelineStep, language: Language) -> Value {
    let took = (step.ended_at > step.began_at).then(|| language.duration(step.took()));
    json!({
        "at": step.began_at.to_string(),
        "after": format!("+{}", language.duration(step.after)),
        "what": words(step.code, language),
        "why": step.cause.map(|cause| why(cause, language)),
        "took": took,
        "times": (step.times > 1).then_some(step.times),
    })
}
