//! The operator's commands, while everything else is at work.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::attributes::Attributes;
use domain::callback::{LastAnswer, ReceiverAnswer};
use domain::contact::{Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{BrandId, Scope};
use domain::participation::{Cause, HeldUp, Outcome, Participation, State, Way};
use domain::person::Person;
use domain::profile::{Alias, ProfileHint, ProfileRef};
use domain::reservation::{Allowance, Contract, Observed};
use ports::Operations;
use ports::ledger::DeliveryOutcome;
use ports::limits::{ContractLane, Endpoint, Lane};
use ports::operations::{BrandWork, ErasureReport, ProvenConsent, Which};
use ports::store::Inserted;
use testkit::{changed, participation, start};

use crate::Ports;
use crate::game::{Game, acme, first};

const KEY: [u8; 32] = [9; 32];

impl Ports {
    fn operations(&self) -> &dyn Operations {
        self.operations.as_deref().unwrap()
    }

    async fn forget(&self, person: &Person) -> ErasureReport {
        self.operations().forget(person, &IdKey::new(KEY), start()).await.unwrap()
    }

    async fn kept(&self, participation: &Participation) -> Participation {
        self.store.get(&[participation.id()]).await.unwrap().found.pop().unwrap()
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn ada() -> Person {
    Person::Email(email("ada@example.com"))
}

pub(crate) async fn an_overview_shows_states_and_due_participations(ports: Ports) {
    let minutes = |minutes: u64| start() + Duration::from_secs(60 * minutes);
    for (number, (due, ended)) in
        [(Some(0), None), (Some(3), None), (None, Some(Outcome::Enrolled))].into_iter().enumerate()
    {
        let one = participation("acme", "spring", &format!("c{number}@example.com"));
        let one = changed(&one, |kept| {
            kept.accepted_at = minutes(u64::try_from(number).unwrap());
            kept.due_at = due.map(minutes);
            kept.state = ended.map_or_else(|| kept.state.clone(), State::Ended);
        });
        ports.store.insert(&one, None).await.unwrap();
    }
    ports.indexes_catch_up().await;
    let overview = ports.operations().overview(minutes(2)).await.unwrap();
    let states = BTreeMap::from([("received".to_owned(), 2), ("enrolled".to_owned(), 1)]);
    assert_eq!(overview.participations, states);
    assert_eq!((overview.due, overview.due_since), (1, Some(minutes(0))));
    assert_eq!(overview.oldest_open, Some(minutes(0)));
}

pub(crate) async fn an_overview_shows_what_the_participations_of_each_brand_wait_for(ports: Ports) {
    let minutes = |minutes: u64| start() + Duration::from_secs(60 * minutes);
    let waiting = [
        ("acme", Some(0), Some(Cause::NoSlot)),
        ("acme", Some(3), Some(Cause::Building)),
        ("acme", Some(1), None),
        ("acme", None, None),
        ("other", Some(5), Some(Cause::KeyRefused)),
    ];
    for (number, (brand, due, cause)) in waiting.into_iter().enumerate() {
        let one = participation(brand, "spring", &format!("c{number}@example.com"));
        let one = changed(&one, |kept| {
            kept.due_at = due.map(minutes);
            kept.held_up = cause.map(|cause| HeldUp { cause, since: start() });
            if due.is_none() {
                kept.state = State::Ended(Outcome::Enrolled);
            }
        });
        ports.store.insert(&one, None).await.unwrap();
    }
    ports.indexes_catch_up().await;
    let brands = ports.operations().overview(minutes(2)).await.unwrap().brands;
    let expected = BrandWork { open: 3, for_requests: 2, due: 2, due_since: Some(minutes(0)), parked: 0 };
    assert_eq!(brands[&acme()], expected);
    let other = BrandWork { open: 1, for_requests: 1, ..BrandWork::default() };
    assert_eq!((brands.len(), &brands[&BrandId::parse("other").unwrap()]), (2, &other));
}

pub(crate) async fn an_overview_shows_the_limits_in_use(ports: Ports) {
    let lane = Lane { brand: acme(), endpoint: Endpoint::ExportIds };
    let allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
    let lane = ContractLane { lane, contract: allowance.into() };
    ports.limits.reserve(&lane, 40.into(), start()).await.unwrap();
    let writes = Lane { brand: acme(), endpoint: Endpoint::Track };
    let contract = Contract { is_upper_bound: true, ..allowance.into() };
    let writes = ContractLane { lane: writes, contract };
    ports.limits.reserve(&writes, 7.into(), start()).await.unwrap();
    let until = start() + Duration::from_secs(100);
    ports.limits.observe(&writes, Observed::Throttled { until }, start()).await.unwrap();
    ports.indexes_catch_up().await;
    let overview = ports.operations().overview(start()).await.unwrap();
    let in_use: Vec<_> = overview.limits.values().map(|limit| (limit.booked, limit.requests)).collect();
    assert_eq!(in_use, [(40, 250), (7, 250)]);
    let writes = &overview.limits["acme track"];
    let ends = start() + Duration::from_secs(3_600);
    assert_eq!((writes.hour, writes.closed_until), (Some((7, ends)), Some(until)));
}

/// This many credits, all of whose callbacks are parked.
async fn parked(ports: Ports, count: usize) -> Game {
    let game = Game::of(ports, first(5));
    for number in 0..count {
        let id = game.accept(number).await;
        game.credit(id).await;
    }
    let taken = game.take_callbacks(100).await.callbacks;
    assert_eq!(taken.len(), count);
    let parked = DeliveryOutcome::Parked(LastAnswer { kind: ReceiverAnswer::NoAnswer, at: game.now() });
    let told: Vec<_> = taken.iter().map(|outbound| (outbound.callback.id, parked)).collect();
    game.ports.callbacks.delivered(&told).await.unwrap();
    game
}

pub(crate) async fn a_parked_callback_is_delivered_again_when_it_is_retried(ports: Ports) {
    let game = parked(ports, 1).await;
    let operations = game.ports.operations();
    let dead = operations.dead().await.unwrap();
    assert_eq!((dead.len(), dead[0].kind.as_str(), dead[0].brand.clone()), (1, "callback", Some(acme())));
    assert_eq!(operations.overview(start()).await.unwrap().dead["callback"], 1);

    assert_eq!(operations.retry(&Which::default(), game.now()).await.unwrap(), dead);
    let again = game.take_callbacks(100).await.callbacks;
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].callback.id.to_string(), again[0].attempts, again[0].revived_at),
        (dead[0].id.clone(), 0, Some(game.now())),
        "under the same id, and for another day"
    );
    assert!(operations.dead().await.unwrap().is_empty());
    assert!(operations.retry(&Which::default(), game.now()).await.unwrap().is_empty());
}

pub(crate) async fn a_callback_that_was_delivered_meanwhile_stays_delivered(ports: Ports) {
    let game = Game::of(ports, first(2));
    let mut told = Vec::new();
    for number in 0..2 {
        let id = game.accept(number).await;
        game.credit(id).await;
        told.extend(game.take_callbacks(100).await.callbacks);
    }
    let no_answer = LastAnswer { kind: ReceiverAnswer::NoAnswer, at: game.now() };
    let all = |outcome: DeliveryOutcome| {
        told.iter().map(|outbound| (outbound.callback.id, outcome)).collect::<Vec<_>>()
    };
    game.ports.callbacks.delivered(&all(DeliveryOutcome::Delivered(game.now()))).await.unwrap();
    // A process that took them earlier, and was slow, reports its result now.
    game.ports.callbacks.delivered(&all(DeliveryOutcome::RetryAt(game.now(), no_answer))[..1]).await.unwrap();
    game.ports.callbacks.delivered(&all(DeliveryOutcome::Parked(no_answer))[1..]).await.unwrap();
    game.ports.indexes_catch_up().await;
    let overview = game.ports.operations().overview(game.now()).await.unwrap();
    assert_eq!((overview.callbacks, overview.dead["callback"]), (0, 0));
    assert!(game.due_callbacks().await.is_empty());
}

pub(crate) async fn only_the_named_dead_letters_are_retried(ports: Ports) {
    let game = parked(ports, 3).await;
    let operations = game.ports.operations();
    let ids: Vec<String> = operations.dead().await.unwrap().into_iter().map(|dead| dead.id).collect();
    let retry = async |which: Which| operations.retry(&which, game.now()).await.unwrap().len();
    assert_eq!(retry(Which { brand: Some(BrandId::parse("zest").unwrap()), ..Which::default() }).await, 0);
    assert_eq!(retry(Which { kind: Some("sms-subscriptions".into()), ..Which::default() }).await, 0);
    assert_eq!(retry(Which { ids: vec![ids[1].clone(), "nothing".into()], ..Which::default() }).await, 1);
    let left: Vec<String> = operations.dead().await.unwrap().into_iter().map(|dead| dead.id).collect();
    assert_eq!(left, [ids[0].clone(), ids[2].clone()]);
    assert_eq!(retry(Which { brand: Some(acme()), ..Which::default() }).await, 2);
}

pub(crate) async fn a_forgotten_person_is_stored_nowhere(ports: Ports) {
    let (spring, summer) = (
        participation("acme", "spring", "ada@example.com"),
        participation("zest", "summer", "ada@example.com"),
    );
    let eve = participation("acme", "spring", "eve@example.com");
    let known = |by: &Participation, text: &str| ProfileHint {
        profile: ProfileRef::Alias(Alias::for_email(&email(text))),
        learned_at: start(),
        created: true,
        by: by.id(),
    };
    let contacts = [&spring, &eve].map(|one| one.contact_key(&IdKey::new(KEY)).unwrap());
    for one in [&spring, &summer, &eve] {
        ports.store.insert(one, None).await.unwrap();
    }
    let profiles =
        [(contacts[0], known(&spring, "ada@example.com")), (contacts[1], known(&eve, "eve@example.com"))];
    ports.store.remember_profiles(&profiles).await.unwrap();

    assert_eq!(
        ports.forget(&ada()).await,
        ErasureReport { participations: 2, profiles: 1, ..ErasureReport::default() }
    );
    for one in [&spring, &summer] {
        let kept = ports.kept(one).await;
        assert_eq!((kept.contact(), kept.attributes()), (None, &Attributes::default()));
    }
    assert_eq!(ports.kept(&eve).await, eve);
    let known = ports.store.profile_hints(&contacts).await.unwrap().profiles;
    assert_eq!(known.into_keys().collect::<Vec<_>>(), [contacts[1]]);
    assert_eq!(
        ports.forget(&ada()).await,
        ErasureReport { earlier: 2, ..ErasureReport::default() },
        "nothing is left"
    );
}

pub(crate) async fn a_forgotten_persons_participation_ends_and_releases_its_place(ports: Ports) {
    let under_way = changed(&participation("acme", "spring", "ada@example.com"), |kept| {
        (kept.due_at, kept.has_award) = (Some(start() + Duration::from_secs(900)), true);
    });
    ports.store.insert(&under_way, None).await.unwrap();
    ports.forget(&ada()).await;
    let kept = ports.kept(&under_way).await;
    assert!(matches!(kept.state(), State::Ended(Outcome::Rejected { .. })), "{:?}", kept.state());
    assert_eq!(kept.due_at(), Some(start()), "its place is released when it is processed next");
    ports.indexes_catch_up().await;
    let due = ports.store.due(start(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
}

/// The participation was put off by a poll without news, of which a process may remember what it has read.
pub(crate) async fn a_forgotten_person_who_was_polled_is_not_polled_again(ports: Ports) {
    let at = |minutes: u64| start() + Duration::from_secs(60 * minutes);
    let polled = participation("acme", "spring", "ada@example.com");
    ports.store.insert(&polled, None).await.unwrap();
    ports.store.save(&[changed(&polled, |kept| kept.due_at = Some(at(1)))]).await.unwrap();
    for (now, next) in [(1, 2), (2, 30)] {
        ports.indexes_catch_up().await;
        assert_eq!(ports.store.due(at(now), 10).await.unwrap().len(), 1);
        let put_off = changed(&ports.kept(&polled).await, |kept| kept.due_at = Some(at(next)));
        ports.store.put_off(&[put_off]).await.unwrap();
    }
    ports.forget(&ada()).await;
    ports.indexes_catch_up().await;
    for minute in [3, 30] {
        assert_eq!(ports.store.due(at(minute), 10).await.unwrap(), [], "minute {minute}");
    }
}

pub(crate) async fn a_person_is_forgotten_by_any_number_that_reaches_them(ports: Ports) {
    let phone = Phone::from_e164("+13135550100").unwrap();
    let by_both = testkit::by_number(phone.as_str(), Some("ada@example.com"));
    ports.store.insert(&by_both, None).await.unwrap();
    assert_eq!(ports.forget(&Person::Phone(phone)).await.participations, 1);
    assert_eq!(ports.kept(&by_both).await.contact(), None);
}

/// A participation by number, whose consumer consents to a text.
fn consenting(text_id: &str) -> Participation {
    changed(&testkit::by_number("+13135550100", Some("ada@example.com")), |kept| {
        let Way::Sms { consent, .. } = &mut kept.way else { panic!("it is not by number") };
        consent.text_id = Some(text_id.to_owned());
    })
}

pub(crate) async fn a_forgotten_persons_consent_can_be_proved_by_either_contact(ports: Ports) {
    let theirs = consenting("terms-3");
    ports.store.insert(&theirs, None).await.unwrap();
    let first = ports.forget(&ada()).await;
    assert_eq!((first.participations, first.consents.len()), (1, 0));
    let kept = ports.kept(&theirs).await;
    assert_eq!((kept.contact(), kept.consent()), (None, theirs.consent()));
    let proven = ProvenConsent {
        participation: theirs.id(),
        brand: acme(),
        scope: theirs.scope().clone(),
        consent: theirs.consent().unwrap().clone(),
    };
    let by_number = Person::Phone(theirs.phone().unwrap().clone());
    for person in [ada(), by_number] {
        let again = ports.forget(&person).await;
        assert_eq!(
            again,
            ErasureReport { earlier: 1, consents: vec![proven.clone()], ..ErasureReport::default() }
        );
        assert!(!again.is_nobody());
    }
    assert!(ports.forget(&Person::Email(email("eve@example.com"))).await.is_nobody());
    let other_key = ports.operations().forget(&ada(), &IdKey::new([8; 32]), start()).await.unwrap();
    assert!(other_key.is_nobody(), "it is found with the right id key only");
}

pub(crate) async fn a_name_of_a_text_that_holds_the_contact_goes_with_it(ports: Ports) {
    for text_id in ["terms for ADA@example.com", "terms 1 (313) 555-0100", "terms +13135550100"] {
        let mut theirs = consenting(text_id);
        let scope = Scope::parse(&format!("spring-{}", text_id.len())).unwrap();
        let id = IdKey::new(KEY).participation(&scope, &theirs.contact().unwrap());
        theirs = changed(&theirs, |kept| (kept.scope, kept.id) = (scope, id));
        ports.store.insert(&theirs, None).await.unwrap();
        ports.forget(&ada()).await;
        let consent = ports.kept(&theirs).await.consent().unwrap().clone();
        assert_eq!((consent.at, consent.text_id), (start(), None), "{text_id}");
    }
}

pub(crate) async fn a_forgotten_person_has_still_taken_part(ports: Ports) {
    let once = participation("acme", "spring", "ada@example.com");
    ports.store.insert(&once, None).await.unwrap();
    ports.forget(&ada()).await;
    let again = ports.store.insert(&once, None).await.unwrap();
    assert!(
        matches!(again, Inserted::Existing(_)),
        "a person who is forgotten in between is not credited twice"
    );
}

pub(crate) async fn a_brand_that_backs_off_is_tried_again_now_and_no_other(ports: Ports) {
    let (now, soon) = (start(), start() + Duration::from_secs(300));
    let mut all = Vec::new();
    for (brand, number, failures) in [("acme", 0, 9), ("acme", 1, 0), ("zest", 2, 9)] {
        let one = participation(brand, "spring", &format!("c{number}@example.com"));
        let one = changed(&one, |kept| (kept.due_at, kept.failures) = (Some(soon), failures));
        ports.store.insert(&one, None).await.unwrap();
        all.push(one);
    }
    let brand = |name| BrandId::parse(name).unwrap();
    assert_eq!(ports.operations().retry_now(&brand("acme"), now).await.unwrap(), Some(1));
    let mut kept = Vec::new();
    for one in &all {
        let found = ports.kept(one).await;
        kept.push((found.due_at(), found.failures()));
    }
    assert_eq!(kept, [(Some(now), 0), (Some(soon), 0), (Some(soon), 9)]);
    assert_eq!(ports.operations().retry_now(&brand("acme"), now).await.unwrap(), Some(0));
    assert_eq!(ports.operations().retry_now(&brand("nobody"), now).await.unwrap(), None);
}
