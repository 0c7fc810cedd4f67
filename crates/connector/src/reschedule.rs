//! When a participation is processed again. Messages make this punctual; the tick makes it certain.
//!
//! Waits that a queue can hold are delayed messages, precise to the second. Longer waits are schedules, and
//! so is the wait for settling unless the brand says otherwise; a schedule is precise to the minute on AWS. A
//! request slot may end within the minute, so its schedule comes before it, and a message then covers the
//! rest of the wait.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::brand::{Brand, SettleBy};
use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use domain::participation::{Open, Outcome, Participation, SmsState, State};
use domain::time::between;
use ports::error::in_full;
use ports::queues::{LONGEST_DELAY, MOST_MESSAGES, Outgoing};
use ports::schedule::SchedulePurpose;

use crate::deps::Deps;

/// A poll that is at least this far off is left to the tick, which processes all participations of that
/// minute together and so fills its requests.
const LEFT_TO_THE_TICK: Duration = Duration::from_secs(60);

/// A participation that holds a slot, and is processed at most this long before it, gets a message in time
/// for the slot: a minute early, a minute of rounding, and one to spare.
const EARLY: Duration = Duration::from_secs(180);

/// How long after its slot's message a participation may still be processed, perhaps by another process.
/// Until then the tick leaves it to the message.
const WORKED_ON: Duration = Duration::from_secs(30);

/// Participations that are processed together: those of a brand on one queue that are due at the same time.
type Together<T> = BTreeMap<(QueueName, BrandId, T), Vec<ParticipationId>>;

/// Arranges when waiting participations are processed next: one message or schedule for all that are due
/// together.
pub(crate) async fn later(deps: &Deps, brand: Option<&Brand>, participations: &[Participation]) {
    let settle_by = brand.map(|brand| brand.braze.settle_by);
    let now = deps.clock.now();
    let (mut soon, mut scheduled): (Together<u64>, Together<Timestamp>) = (BTreeMap::new(), BTreeMap::new());
    for participation in participations {
        let Some(due) = participation.due_at() else { continue };
        let wait = between(now, due);
        let (queue, brand) = (QueueName::of(participation.channel()), participation.brand().clone());
        match means(settle_by, participation, wait) {
            Means::Message => {
                soon.entry((queue, brand, whole_seconds(wait))).or_default().push(participation.id())
            }
            Means::Schedule => {
                let purpose =
                    if participation.slot().is_some() { SchedulePurpose::Slot } else { SchedulePurpose::Due };
                let moment = deps.schedule.fires_at(due, purpose);
                scheduled.entry((queue, brand, moment)).or_default().push(participation.id());
            }
            Means::Tick => {}
        }
    }
    send_delayed(deps, soon).await;
    for ((queue, brand, moment), ids) in scheduled {
        for look in looks(&brand, &ids) {
            if let Err(error) = deps.schedule.at(moment, queue, look).await
                && let Some(line) = deps.line("connector.not_scheduled", "")
            {
                tracing::warn!(event = "connector.not_scheduled", times = line.times, error = %in_full(&error), "A message could not be scheduled; the tick will find the participations.");
            }
        }
    }
}

/// Sends a message in time for the slot to participations that were processed too early.
pub(crate) async fn again(deps: &Deps, came: impl Iterator<Item = &Participation>) {
    let now = deps.clock.now();
    let mut soon: Together<u64> = BTreeMap::new();
    for participation in came.filter(|participation| participation.slot().is_some()) {
        let Some(due) = participation.due_at() else { continue };
        let wait = between(now, due);
        if wait <= EARLY {
            let (queue, brand) = (QueueName::of(participation.channel()), participation.brand().clone());
            soon.entry((queue, brand, whole_seconds(wait))).or_default().push(participation.id());
        }
    }
    send_delayed(deps, soon).await;
}

/// Whether the tick leaves a due participation to its message.
pub(crate) fn has_a_message(participation: &Participation, now: Timestamp) -> bool {
    let due = participation.due_at().filter(|_| participation.slot().is_some());
    due.is_some_and(|due| now < domain::time::later(due, WORKED_ON))
}

/// Sends another message to those whom the tick leaves to theirs, in case that one is lost.
pub(crate) async fn in_case_of_loss(deps: &Deps, left: impl Iterator<Item = &Participation>) {
    let now = deps.clock.now();
    let mut soon: Together<u64> = BTreeMap::new();
    for participation in left {
        let Some(due) = participation.due_at() else { continue };
        let wait = between(now, domain::time::later(due, WORKED_ON));
        let (queue, brand) = (QueueName::of(participation.channel()), participation.brand().clone());
        soon.entry((queue, brand, whole_seconds(wait))).or_default().push(participation.id());
    }
    send_delayed(deps, soon).await;
}

/// What covers a wait.
enum Means {
    Message,
    Schedule,
    Tick,
}

fn means(settle_by: Option<SettleBy>, participation: &Participation, wait: Duration) -> Means {
    let (polled, settles) = match participation.state() {
        State::Open(Open::Sms(SmsState::AwaitingOptIn { .. } | SmsState::AwaitingSubscription { .. }))
        | State::Ended(Outcome::Mismatch(_)) => (true, false),
        State::Open(Open::Sms(SmsState::Settling { .. })) => (false, true),
        State::Open(_) | State::Ended(_) => (false, false),
    };
    if polled && wait >= LEFT_TO_THE_TICK {
        Means::Tick
    } else if wait >= LONGEST_DELAY || (settles && settle_by == Some(SettleBy::Schedule)) {
        Means::Schedule
    } else {
        Means::Message
    }
}

/// Sends a message to participations that ended before and whose award has changed.
pub(crate) async fn now(deps: &Deps, queue: QueueName, brand: &BrandId, ids: &[ParticipationId]) {
    let outgoing = |look| Outgoing { look, delay: Duration::ZERO };
    let messages = looks(brand, ids).into_iter().map(outgoing).collect();
    send(deps, BTreeMap::from([(queue, messages)])).await;
}

async fn send_delayed(deps: &Deps, soon: Together<u64>) {
    let mut messages: BTreeMap<QueueName, Vec<Outgoing>> = BTreeMap::new();
    for ((queue, brand, seconds), ids) in soon {
        let delay = Duration::from_secs(seconds);
        let outgoing = looks(&brand, &ids).into_iter().map(|look| Outgoing { look, delay });
        messages.entry(queue).or_default().extend(outgoing);
    }
    send(deps, messages).await;
}

async fn send(deps: &Deps, messages: BTreeMap<QueueName, Vec<Outgoing>>) {
    for (queue, messages) in messages {
        for some in messages.chunks(MOST_MESSAGES) {
            if let Err(error) = deps.queues.send(queue, some.to_vec()).await
                && let Some(line) = deps.line("connector.not_announced", queue.name())
            {
                tracing::warn!(event = "connector.not_announced", times = line.times, error = %in_full(&error), "A message could not be sent; the tick will find the participations.");
            }
        }
    }
}

fn looks(brand: &BrandId, ids: &[ParticipationId]) -> Vec<WorkMessage> {
    ids.chunks(MOST_IN_MESSAGE).map(|ids| WorkMessage { brand: brand.clone(), ids: ids.to_vec() }).collect()
}

/// Rounds up, since a message that comes too early finds nothing due and is wasted.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
