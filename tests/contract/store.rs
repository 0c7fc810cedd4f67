use std::time::Duration;

use domain::award::AwardStatus;
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::{BrandId, Scope};
use domain::ledger::Standing;
use domain::participation::{
    Cause, EnrollState, EventProgress, HeldUp, Open, Outcome, Participation, SmsState, State, Target,
    Unanswered,
};
use domain::profile::{Alias, ProfileHint, ProfileRef};
use domain::reservation::Slot;
use domain::time::earlier;
use futures::future::join_all;
use ports::Clock;
use ports::clock::SystemClock;
use ports::store::{Inserted, Saved};
use testkit::{changed, participation, start};

use crate::Ports;

pub(crate) fn ada() -> Participation {
    participation("acme", "spring", "ada@example.com")
}

async fn stored(ports: &Ports, participation: &Participation) -> Participation {
    ports.store.get(&[participation.id()]).await.unwrap().found.pop().unwrap()
}

pub(crate) async fn an_inserted_participation_reads_back_as_it_was(ports: Ports) {
    assert_eq!(ports.store.insert(&ada(), None).await.unwrap(), Inserted::New(Standing::Unnumbered));
    assert_eq!(stored(&ports, &ada()).await, ada());
}

pub(crate) async fn the_first_of_two_inserts_stays(ports: Ports) {
    ports.store.insert(&ada(), None).await.unwrap();
    let second = changed(&ada(), |kept| kept.accepted_at += Duration::from_secs(9));
    assert_eq!(ports.store.insert(&second, None).await.unwrap(), Inserted::Existing(Box::new(ada())));
    assert_eq!(stored(&ports, &ada()).await, ada());
}

pub(crate) async fn of_many_inserts_at_once_one_is_new(ports: Ports) {
    let ada = ada();
    let inserted = join_all((0..50).map(|_| ports.store.insert(&ada, None))).await;
    let new = inserted.into_iter().filter(|inserted| matches!(inserted, Ok(Inserted::New(_)))).count();
    assert_eq!(new, 1);
}

pub(crate) async fn unknown_ids_are_left_out(ports: Ports) {
    ports.store.insert(&ada(), None).await.unwrap();
    let unknown = participation("acme", "spring", "nobody@example.com").id();
    assert_eq!(ports.store.get(&[unknown, ada().id()]).await.unwrap().found, [ada()]);
    assert!(ports.store.get(&[]).await.unwrap().found.is_empty());
}

pub(crate) async fn a_participation_that_is_requested_twice_is_returned_once(ports: Ports) {
    ports.store.insert(&ada(), None).await.unwrap();
    assert_eq!(ports.store.get(&[ada().id(), ada().id()]).await.unwrap().found, [ada()]);
}

pub(crate) async fn every_state_reads_back(ports: Ports) {
    let by_email = enroll_states().into_iter().enumerate().map(|(number, state)| {
        let ada = participation("acme", "spring", &format!("c{number}@example.com"));
        changed(&ada, |kept| kept.state = state)
    });
    let by_number = sms_states().into_iter().enumerate().map(|(number, state)| {
        let email = format!("c{number}@example.com");
        let phone = format!("+13135550{:03}", 100 + number);
        let one = testkit::by_number(&phone, (number % 2 == 0).then_some(email.as_str()));
        changed(&one, |kept| kept.state = state)
    });
    for participation in by_email.chain(by_number) {
        let participation = changed(&participation, |kept| {
            kept.failures = 3;
            kept.earned_at = (kept.state == State::Ended(Outcome::Credited)).then(start);
            kept.no_such_alias = true;
            kept.repeat_key = Some(IdKey::new([7; 32]).repeat_key(kept.id, "0123456789abcdef"));
            kept.slot = Some(Slot { from: start(), until: start() + Duration::from_secs(60) });
        });
        ports.store.insert(&participation, None).await.unwrap();
        assert_eq!(stored(&ports, &participation).await, participation);
    }
}

fn target() -> Target {
    Target { profile: ProfileRef::ExternalId("u-1".into()), create: true }
}

fn progress() -> [EventProgress; 5] {
    [
        EventProgress::NotSent,
        EventProgress::NotTaken { time: start() },
        EventProgress::Attempted { at: start(), time: start() },
        EventProgress::Attempted { at: start() + Duration::from_secs(9), time: start() },
        EventProgress::Recorded,
    ]
}

fn refusals() -> [State; 2] {
    let reason = || "EMAIL_BAD_FORMAT".to_owned();
    [Outcome::Rejected { reason: reason() }, Outcome::Failed { reason: reason() }].map(State::Ended)
}

fn enroll_states() -> Vec<State> {
    let email = ada().email().unwrap().clone();
    let profiles = [
        ProfileRef::ExternalId("u-1".into()),
        ProfileRef::Alias(Alias::for_email(&email)),
        ProfileRef::BrazeId("b-1".into()),
        ProfileRef::Email(email),
    ];
    let enrolling = profiles.into_iter().flat_map(|profile| {
        progress().map(|event| EnrollState::Enrolling {
            target: Target { profile: profile.clone(), create: event == EventProgress::NotSent },
            event,
        })
    });
    let waits = EnrollState::AwaitingOptIn { target: target(), since: start() };
    let open = [EnrollState::Received, waits].into_iter().chain(enrolling);
    let ended = refusals().into_iter().chain([Outcome::Enrolled, Outcome::Expired].map(State::Ended));
    open.map(|state| State::Open(Open::Enroll(state))).chain(ended).collect()
}

fn sms_states() -> Vec<State> {
    let waiting = [
        SmsState::Received,
        SmsState::Enrolling { target: target(), event: EventProgress::NotSent },
        SmsState::Settling { target: target(), until: start() },
        SmsState::AwaitingSubscription { target: target(), since: start(), repeated: true },
        SmsState::AwaitingOptIn { since: start(), asked_by: None },
    ];
    let subscribing = progress().map(|event| SmsState::Subscribing { target: target(), event });
    let mismatch = |number: usize| {
        Outcome::Mismatch(Unanswered {
            since: start(),
            double: number == 0,
            status: (number == 1).then_some(AwardStatus::Reserved { place: 3 }),
            ended_at: (number == 2).then(start),
        })
    };
    let ended = [Outcome::Credited, Outcome::Unverified, Outcome::Expired].into_iter();
    let ended = ended.chain((0..3).map(mismatch)).map(State::Ended).chain(refusals());
    let open = waiting.into_iter().chain(subscribing);
    open.map(|state| State::Open(Open::Sms(state))).chain(ended).collect()
}

pub(crate) async fn a_save_is_the_next_version(ports: Ports) {
    let mut ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    ada.apply(&Step::Done(Outcome::Enrolled), start());
    assert_eq!(ports.store.save(&[ada.clone()]).await.unwrap(), [Saved::Saved]);
    ada.saved();
    assert_eq!(stored(&ports, &ada).await, ada);
}

pub(crate) async fn a_save_of_an_old_version_changes_nothing(ports: Ports) {
    let mut ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    let mut late = ada.clone();
    ada.failed(Cause::Throttled, ada.accepted_at());
    ports.store.save(&[ada.clone()]).await.unwrap();
    late.failed(Cause::Throttled, late.accepted_at());
    late.failed(Cause::Throttled, late.accepted_at());
    assert_eq!(ports.store.save(&[late]).await.unwrap(), [Saved::Conflict]);
    assert_eq!(stored(&ports, &ada).await.failures(), 1);
}

pub(crate) async fn of_two_saves_at_once_one_wins(ports: Ports) {
    let ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    let one = [ada.clone()];
    let saves = join_all((0..20).map(|_| ports.store.save(&one))).await;
    let won = saves.into_iter().filter(|saved| saved.as_ref().unwrap() == &[Saved::Saved]).count();
    assert_eq!((won, stored(&ports, &ada).await.version()), (1, 1));
}

pub(crate) async fn a_conflict_holds_up_no_other_save(ports: Ports) {
    let mut batch = Vec::new();
    for number in 0..5 {
        let participation = participation("acme", "spring", &format!("c{number}@example.com"));
        ports.store.insert(&participation, None).await.unwrap();
        batch.push(participation);
    }
    batch[2] = changed(&batch[2], |kept| kept.version = 7);
    batch.push(participation("acme", "spring", "never-inserted@example.com"));
    let saved = ports.store.save(&batch).await.unwrap();
    let conflicts: Vec<usize> = saved
        .iter()
        .enumerate()
        .filter(|(_, saved)| **saved == Saved::Conflict)
        .map(|(index, _)| index)
        .collect();
    assert_eq!(conflicts, [2, 5]);
}

pub(crate) async fn due_participations_are_returned_longest_due_first(ports: Ports) {
    for number in [3, 1, 4, 2, 5] {
        let participation =
            changed(&participation("acme", "spring", &format!("c{number}@example.com")), |kept| {
                kept.due_at = Some(start() + Duration::from_secs(number))
            });
        ports.store.insert(&participation, None).await.unwrap();
    }
    ports.indexes_catch_up().await;
    let due = ports.store.due(start() + Duration::from_secs(60), 3).await.unwrap();
    let seconds: Vec<i64> = due.iter().map(|due| due.due_at.as_second() - start().as_second()).collect();
    assert_eq!(seconds, [1, 2, 3]);
    assert_eq!(due[0].brand, BrandId::parse("acme").unwrap());
}

pub(crate) async fn a_brand_with_much_due_hides_no_other_brands_due_participation(ports: Ports) {
    let later = start() + Duration::from_secs(61);
    for number in 0..12 {
        let many = participation("acme", "spring", &format!("c{number}@example.com"));
        ports.store.insert(&many, None).await.unwrap();
    }
    let one =
        changed(&participation("zenith", "summer", "one@example.com"), |kept| kept.due_at = Some(later));
    ports.store.insert(&one, None).await.unwrap();
    ports.indexes_catch_up().await;
    let due = ports.store.due(later, 4).await.unwrap();
    let brands: Vec<&str> = due.iter().map(|due| due.brand.as_str()).collect();
    assert_eq!(brands, ["acme", "acme", "acme", "zenith"]);
}

pub(crate) async fn ended_participations_and_those_not_due_are_not_returned(ports: Ports) {
    let mut ended = participation("acme", "spring", "ended@example.com");
    ports.store.insert(&ended, None).await.unwrap();
    ended.apply(&Step::Done(Outcome::Enrolled), start());
    ports.store.save(&[ended]).await.unwrap();
    ports.store.insert(&ada(), None).await.unwrap();
    let moment_before = start() + Duration::from_millis(59_999);
    ports.indexes_catch_up().await;
    assert!(ports.store.due(moment_before, 10).await.unwrap().is_empty());
    assert_eq!(ports.store.due(start() + Duration::from_secs(60), 10).await.unwrap().len(), 1);
}

/// Until it is processed, a participation is found at every look.
pub(crate) async fn a_participation_that_nobody_processed_is_due_again_and_again(ports: Ports) {
    let long_ago = earlier(SystemClock.now(), Duration::from_secs(600));
    let ada = changed(&ada(), |kept| kept.due_at = Some(long_ago));
    ports.store.insert(&ada, None).await.unwrap();
    ports.indexes_catch_up().await;
    for minutes in 0..5 {
        let now = SystemClock.now() + Duration::from_secs(60 * minutes);
        let due = ports.store.due(now, 10).await.unwrap();
        assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [ada.id()], "after {minutes} minutes");
    }
}

pub(crate) async fn a_wait_that_is_saved_ends_at_its_time(ports: Ports) {
    let ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    let at = |seconds| start() + Duration::from_secs(seconds);
    // The second wait is shorter than the first one.
    for (version, (wait, before)) in (0..).zip([(7_200, 7_199), (3_600, 3_599), (86_400, 86_399)]) {
        let saved = changed(&ada, |kept| (kept.version, kept.due_at) = (version, Some(at(wait))));
        assert_eq!(ports.store.save(&[saved]).await.unwrap(), [Saved::Saved]);
        ports.indexes_catch_up().await;
        assert!(ports.store.due(at(before), 10).await.unwrap().is_empty());
        let due = ports.store.due(at(wait), 10).await.unwrap();
        assert_eq!((due.len(), due[0].id, due[0].due_at), (1, ada.id(), at(wait)));
    }
}

pub(crate) async fn a_participation_that_was_put_off_is_due_at_its_new_time_only(ports: Ports) {
    let at = |minutes: u64| start() + Duration::from_secs(60 * minutes);
    let mut version = 0;
    let mut save = async |wait| {
        let saved = changed(&ada(), |kept| (kept.version, kept.due_at) = (version, Some(wait)));
        assert_eq!(ports.store.save(&[saved]).await.unwrap(), [Saved::Saved]);
        version += 1;
    };
    ports.store.insert(&ada(), None).await.unwrap();
    save(at(5)).await;
    for (now, next) in [(5, 10), (10, 15)] {
        ports.indexes_catch_up().await;
        assert_eq!(ports.store.due(at(now), 10).await.unwrap().len(), 1);
        let stored = stored(&ports, &ada()).await;
        let put_off = changed(&stored, |kept| kept.due_at = Some(at(next)));
        assert_eq!(ports.store.put_off(&[put_off]).await.unwrap(), [Saved::Saved]);
        ports.indexes_catch_up().await;
        for early in now + 1..next {
            assert!(ports.store.due(at(early), 10).await.unwrap().is_empty(), "{early} minutes");
        }
    }
    let due = ports.store.due(at(15), 10).await.unwrap();
    assert_eq!((due.len(), due[0].due_at), (1, at(15)));
}

/// It was put off twice, five minutes each, and then another process saves an earlier wait.
pub(crate) async fn a_participation_that_is_saved_after_it_was_put_off_is_found_as_it_was_saved(
    ports: Ports,
) {
    let at = |minutes: u64| start() + Duration::from_secs(60 * minutes);
    ports.store.insert(&ada(), None).await.unwrap();
    ports.store.save(&[changed(&ada(), |kept| kept.due_at = Some(at(5)))]).await.unwrap();
    for (now, next) in [(5, 10), (10, 15)] {
        ports.indexes_catch_up().await;
        assert_eq!(ports.store.due(at(now), 10).await.unwrap().len(), 1);
        let put_off = changed(&stored(&ports, &ada()).await, |kept| kept.due_at = Some(at(next)));
        ports.store.put_off(&[put_off]).await.unwrap();
    }
    let held_up = HeldUp { cause: Cause::NoSlot, since: at(11) };
    let saved = changed(&stored(&ports, &ada()).await, |kept| {
        (kept.due_at, kept.held_up) = (Some(at(13)), Some(held_up));
    });
    assert_eq!(ports.store.save(&[saved]).await.unwrap(), [Saved::Saved]);
    ports.indexes_catch_up().await;
    let due = ports.store.due(at(13), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    let found = due[0].glimpse.as_ref().map(|glimpse| &glimpse.participation.snapshot().held_up);
    assert!(found.is_none_or(|found| *found == Some(held_up)), "{found:?}");
}

pub(crate) async fn more_than_a_hundred_are_refused(ports: Ports) {
    let many: Vec<Participation> =
        (0..101).map(|number| participation("acme", "spring", &format!("c{number}@example.com"))).collect();
    let ids: Vec<_> = many.iter().map(|one| one.id()).collect();
    assert!(ports.store.get(&ids).await.is_err());
    assert!(ports.store.save(&many).await.is_err());
    assert!(ports.store.get(&ids[..100]).await.is_ok());
}

fn known(profile: &str, by: &str) -> ProfileHint {
    ProfileHint {
        profile: ProfileRef::ExternalId(profile.into()),
        learned_at: start(),
        created: true,
        by: participation("acme", "spring", by).id(),
    }
}

pub(crate) async fn a_profile_hint_is_stored_and_replaced(ports: Ports) {
    let key = IdKey::new([9; 32]);
    let acme = BrandId::parse("acme").unwrap();
    let contact = key.contact(&acme, &ada().contact().unwrap());
    let other = key.contact(&BrandId::parse("other").unwrap(), &ada().contact().unwrap());
    for profile in ["u-1", "u-2"] {
        ports.store.remember_profiles(&[(contact, known(profile, "a@example.com"))]).await.unwrap();
    }
    let found = ports.store.profile_hints(&[contact, other]).await.unwrap().profiles;
    assert_eq!(found.len(), 1, "one brand's hint is not another's");
    assert_eq!(found[&contact], known("u-2", "a@example.com"));
}

pub(crate) async fn of_many_claims_one_holds(ports: Ports) {
    let contact = ada().contact_key(&IdKey::new([9; 32])).unwrap();
    let claims: Vec<ProfileHint> =
        (0..20).map(|number| known("u", &format!("c{number}@example.com"))).collect();
    let holders = join_all(claims.iter().map(|claim| ports.store.claim_profile(contact, claim))).await;
    let first = holders[0].as_ref().unwrap().by;
    assert!(holders.iter().all(|holder| holder.as_ref().unwrap().by == first));
    assert!(claims.iter().any(|claim| claim.by == first));
}

/// Stores this many participations, and returns the count then. The count is passed to a store that does not count by itself.
async fn accepts(ports: &Ports, scope: &str, numbers: std::ops::Range<u32>) -> u64 {
    let mut new = 0;
    for number in numbers {
        let one = participation("acme", scope, &format!("c{number}@example.com"));
        new +=
            u64::from(ports.store.insert(&one, None).await.unwrap() == Inserted::New(Standing::Unnumbered));
    }
    ports.store.accepted(&Scope::parse(scope).unwrap(), new).await.unwrap()
}

pub(crate) async fn an_activations_accepted_participations_are_counted_once_and_separately(ports: Ports) {
    assert_eq!(accepts(&ports, "spring", 0..0).await, 0);
    assert_eq!(accepts(&ports, "spring", 0..3).await, 3);
    assert_eq!(accepts(&ports, "spring", 1..5).await, 5, "repeats are not counted");
    assert_eq!(accepts(&ports, "summer", 0..2).await, 2);
    assert_eq!(accepts(&ports, "spring", 0..0).await, 5);
    let mut ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    ada.apply(&Step::Done(Outcome::Enrolled), start());
    ports.store.save(&[ada]).await.unwrap();
    assert_eq!(ports.store.accepted(&Scope::parse("spring").unwrap(), 1).await.unwrap(), 6);
}

pub(crate) async fn participations_that_are_being_stored_are_counted_in_the_end(ports: Ports) {
    let scope = Scope::parse("spring").unwrap();
    let counts = join_all((0..20_u32).map(|number| {
        let one = participation("acme", "spring", &format!("c{number}@example.com"));
        let (store, scope) = (ports.store.clone(), scope.clone());
        async move {
            store.insert(&one, None).await.unwrap();
            store.accepted(&scope, 1).await.unwrap()
        }
    }));
    assert_eq!(counts.await.into_iter().max(), Some(20));
    assert_eq!(ports.store.accepted(&scope, 0).await.unwrap(), 20);
}
