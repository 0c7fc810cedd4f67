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
use domain::decide;
use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use domain::participation::{EnrollState, Open, Outcome, Participation, SmsState, State};
use domain::time::{between, earlier};
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

/// Looks come at moments that are this far apart, so that those who wait at the same time share requests.
const LOOKS_APART: Duration = Duration::from_secs(2);

/// Participations that are processed together: those of a brand on one queue that are due at the same time.
type Together<T> = BTreeMap<(QueueName, BrandId, T), Vec<ParticipationId>>;

/// Arranges when waiting participations are processed next: one message or schedule for all that are due
/// together.
pub(crate) async fn later(deps: &Deps, brand: Option<&Brand>, participations: &[Participation]) {
    let now = deps.clock.now();
    let (mut soon, mut scheduled): (Together<u64>, Together<Timestamp>) = (BTreeMap::new(), BTreeMap::new());
    for participation in participations {
        let Some(due) = participation.due_at() else { continue };
        let wait = between(now, due);
        let means = means_by(brand, participation, (wait, now));
        let (queue, brand) = (QueueName::of(participation.channel()), participation.brand().clone());
        match means {
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
        for look in work(&brand, &ids) {
            if let Err(error) = deps.schedule.at(moment, queue, look).await
                && let Some(line) = deps.line("connector.not_scheduled", "")
            {
                tracing::warn!(event = "connector.not_scheduled", times = line.times, error = %in_full(&error), "A message could not be scheduled; the tick will find the participations.");
            }
        }
    }
}

/// Sends messages for the next looks at participations that wait for Braze to apply a write. Nothing is stored: if a message is lost,
/// the flow goes on when the participation is due.
pub(crate) async fn looks(deps: &Deps, brand: &Brand, participations: impl Iterator<Item = &Participation>) {
    let now = deps.clock.now();
    let mut at: Together<Timestamp> = BTreeMap::new();
    for participation in participations {
        let activation = brand.activations.get(participation.scope());
        let look = activation.and_then(|activation| decide::next_look(participation, activation, now));
        let Some(moment) = look.map(together) else { continue };
        if participation.due_at().is_some_and(|due| moment < due) {
            let queue = QueueName::of(participation.channel());
            at.entry((queue, brand.id.clone(), moment)).or_default().push(participation.id());
        }
    }
    let mut messages: BTreeMap<QueueName, Vec<Outgoing>> = BTreeMap::new();
    for ((queue, brand, moment), ids) in at {
        let delay = between(now, moment);
        let outgoing = work(&brand, &ids).into_iter().map(|look| Outgoing { look, delay });
        messages.entry(queue).or_default().extend(outgoing);
    }
    send(deps, messages).await;
}

/// The first of the moments for looks that is not before this one.
fn together(moment: Timestamp) -> Timestamp {
    let apart = i64::try_from(LOOKS_APART.as_millis()).unwrap_or(i64::MAX);
    let past = moment.as_millisecond().rem_euclid(apart);
    let left = if past == 0 { 0 } else { apart - past };
    domain::time::later(moment, Duration::from_millis(left.unsigned_abs()))
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

/// Whether only the tick ends the wait of this participation.
pub(crate) fn is_left_to_the_tick(
    brand: Option<&Brand>,
    participation: &Participation,
    now: Timestamp,
) -> bool {
    let wait = participation.due_at().map(|due| between(now, due));
    wait.is_some_and(|wait| means_by(brand, participation, (wait, now)) == Means::Tick)
}

/// Puts a participation that is left to the tick off to the next minute, at least. A tick that follows at once would poll it again.
pub(crate) fn not_this_minute(participation: &mut Participation, now: Timestamp) {
    let into_minute = now.as_millisecond().rem_euclid(60_000).unsigned_abs();
    let next_minute = domain::time::later(earlier(now, Duration::from_millis(into_minute)), LEFT_TO_THE_TICK);
    if participation.due_at().is_some_and(|due| due < next_minute) {
        participation.put_off(next_minute, now);
    }
}

/// What covers a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Message,
    Schedule,
    Tick,
}

fn means_by(
    brand: Option<&Brand>,
    participation: &Participation,
    (wait, now): (Duration, Timestamp),
) -> Means {
    let activation = brand.and_then(|brand| brand.activations.get(participation.scope()));
    let is_by_the_minute =
        activation.is_some_and(|activation| decide::is_polled_by_the_minute(participation, activation, now));
    // A tick comes somewhat later than the moment of a poll, so the next poll is less than a minute off. A message for it would cost a save.
    if is_by_the_minute && is_polled(participation) {
        return Means::Tick;
    }
    means(brand.map(|brand| brand.braze.settle_by), participation, wait)
}

fn means(settle_by: Option<SettleBy>, participation: &Participation, wait: Duration) -> Means {
    let (polled, settles) = (is_polled(participation), settles(participation));
    if polled && wait >= LEFT_TO_THE_TICK {
        Means::Tick
    } else if wait >= LONGEST_DELAY || (settles && settle_by == Some(SettleBy::Schedule)) {
        Means::Schedule
    } else {
        Means::Message
    }
}

/// Whether Braze is asked again and again until something has changed there.
pub(crate) fn is_polled(participation: &Participation) -> bool {
    let awaits = matches!(
        participation.state(),
        State::Open(
            Open::Sms(SmsState::AwaitingOptIn { .. } | SmsState::AwaitingSubscription { .. })
                | Open::Enroll(EnrollState::AwaitingOptIn { .. })
        ) | State::Ended(Outcome::Mismatch(_))
    );
    awaits && !settles(participation)
}

/// Whether it waits for Braze to apply a write. Once Braze has settled, what does not show is written once more.
fn settles(participation: &Participation) -> bool {
    matches!(
        participation.state(),
        State::Open(Open::Sms(
            SmsState::Settling { .. }
                | SmsState::AwaitingOptIn { asked_by: Some(_), .. }
                | SmsState::AwaitingSubscription { repeated: false, .. }
        ))
    )
}

/// Sends a message to participations that ended before and whose award has changed.
pub(crate) async fn now(deps: &Deps, queue: QueueName, brand: &BrandId, ids: &[ParticipationId]) {
    let outgoing = |look| Outgoing { look, delay: Duration::ZERO };
    let messages = work(brand, ids).into_iter().map(outgoing).collect();
    send(deps, BTreeMap::from([(queue, messages)])).await;
}

async fn send_delayed(deps: &Deps, soon: Together<u64>) {
    let mut messages: BTreeMap<QueueName, Vec<Outgoing>> = BTreeMap::new();
    for ((queue, brand, seconds), ids) in soon {
        let delay = Duration::from_secs(seconds);
        let outgoing = work(&brand, &ids).into_iter().map(|look| Outgoing { look, delay });
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

fn work(brand: &BrandId, ids: &[ParticipationId]) -> Vec<WorkMessage> {
    ids.chunks(MOST_IN_MESSAGE).map(|ids| WorkMessage { brand: brand.clone(), ids: ids.to_vec() }).collect()
}

/// Rounds up, since a message that comes too early finds nothing due and is wasted.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use domain::contact::{Contact, Phone};
    use domain::id_key::IdKey;
    use domain::ids::Scope;
    use domain::participation::{Consent, EventProgress, Snapshot, Target, Unanswered, Way};
    use domain::profile::ProfileRef;
    use domain::reservation::Slot;

    use super::*;
    use crate::endpoints::samples::{at, item};

    const SECOND: Duration = Duration::from_secs(1);

    /// A participation by mobile number in this state.
    fn by_number(state: State) -> Participation {
        let phone = Phone::from_e164("+13135550100").unwrap();
        let scope = Scope::parse("spring").unwrap();
        let contact = Contact::Phone { phone: phone.clone(), email: None };
        let id = IdKey::new([1; 32]).participation(&scope, &contact);
        let way = Way::Sms { phone, email: None, consent: Consent::answered(true, at(0), None) };
        let owner = (BrandId::parse("acme").unwrap(), scope);
        let accepted = Snapshot::accepted(id, owner, way, (at(0), at(1_000)), false);
        Participation::restore(Snapshot { state, ..accepted }).unwrap()
    }

    fn target() -> Target {
        Target { profile: ProfileRef::ExternalId("u-1".into()), create: false }
    }

    fn settling() -> Participation {
        by_number(State::Open(Open::Sms(SmsState::Settling { target: target(), until: at(120) })))
    }

    /// What a caller polls or waits for.
    fn polled() -> [Participation; 3] {
        let awaiting = SmsState::AwaitingSubscription { target: target(), since: at(0), repeated: true };
        let mismatch = Unanswered { since: at(0), double: true, status: None, ended_at: None };
        [
            by_number(State::Open(Open::Sms(SmsState::AwaitingOptIn { since: at(0), asked_by: None }))),
            by_number(State::Open(Open::Sms(awaiting))),
            by_number(State::Ended(Outcome::Mismatch(mismatch))),
        ]
    }

    #[test]
    fn a_wait_that_a_queue_can_hold_is_a_message_and_a_longer_one_a_schedule() {
        let event = EventProgress::NotSent;
        let subscribing =
            by_number(State::Open(Open::Sms(SmsState::Subscribing { target: target(), event })));
        for participation in [item(1).participation, subscribing] {
            let by = |wait| means(Some(SettleBy::Schedule), &participation, wait);
            assert_eq!(by(LONGEST_DELAY - SECOND), Means::Message);
            assert_eq!(by(LONGEST_DELAY), Means::Schedule);
        }
    }

    #[test]
    fn settling_is_kept_by_what_the_brand_says() {
        let by = |settle_by, wait| means(settle_by, &settling(), wait);
        assert_eq!(by(Some(SettleBy::Schedule), SECOND), Means::Schedule);
        assert_eq!(by(Some(SettleBy::Queue), SECOND), Means::Message);
        assert_eq!(by(Some(SettleBy::Queue), LONGEST_DELAY), Means::Schedule, "no queue can hold it");
        assert_eq!(by(None, SECOND), Means::Message, "of a brand that is gone nothing is known");
    }

    #[test]
    fn a_poll_is_left_to_the_tick_unless_it_comes_within_a_minute() {
        for participation in polled() {
            let by = |wait| means(Some(SettleBy::Schedule), &participation, wait);
            assert_eq!((by(LEFT_TO_THE_TICK - SECOND), by(LEFT_TO_THE_TICK)), (Means::Message, Means::Tick));
            assert_eq!(by(LONGEST_DELAY), Means::Tick);
        }
    }

    #[test]
    fn a_poll_is_put_off_to_the_next_minute_at_least() {
        let put_off = |due: i64| {
            let mut participation = item(1).participation;
            participation.put_off(at(due), at(10));
            not_this_minute(&mut participation, at(10));
            participation.due_at().unwrap()
        };
        assert_eq!(
            [50, 60, 70].map(put_off),
            [60, 60, 70].map(at),
            "the minutes begin at whole multiples of 60"
        );
    }

    #[test]
    fn the_tick_leaves_whoever_holds_a_slot_to_their_message_for_half_a_minute_longer() {
        let mut participation = item(1).participation;
        participation.put_off(at(100), at(0));
        assert!(!has_a_message(&participation, at(0)), "without a slot the tick takes it");
        participation.holds(Some(Slot { from: at(100), until: at(160) }));
        assert!(has_a_message(&participation, at(129)) && !has_a_message(&participation, at(130)));
    }

    #[test]
    fn a_message_comes_no_earlier_than_its_participation_is_due() {
        let waits = [0, 1, 1_000, 1_001].map(Duration::from_millis).map(whole_seconds);
        assert_eq!(waits, [0, 1, 1, 2]);
    }

    #[test]
    fn a_message_names_a_hundred_at_most() {
        let ids: Vec<ParticipationId> = (0..201).map(|number| item(number).participation.id()).collect();
        let messages = work(&BrandId::parse("acme").unwrap(), &ids);
        assert_eq!(messages.iter().map(|look| look.ids.len()).collect::<Vec<_>>(), [100, 100, 1]);
        assert_eq!(messages.into_iter().flat_map(|look| look.ids).collect::<Vec<_>>(), ids);
    }
}
