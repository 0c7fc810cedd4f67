//! Stored records that cannot be read: each is named, holds up nobody else, and can be erased.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::award::{Award, AwardStatus, Resolution};
use domain::contact::Email;
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::participation::{Outcome, Participation, State};
use domain::profile::{ProfileHint, ProfileRef};
use ports::Error;
use ports::operations::{CALLBACK, ErasureReport, RECORD, Which};
use serde_json::json;
use testkit::{participation, start};

use crate::Ports;
use crate::dynamo_api::call;
use crate::game::{Game, acme, first};
use crate::spoiler::{Damaged, Spoiler};

fn one(name: &str) -> Participation {
    participation("acme", "spring", &format!("{name}@example.com"))
}

fn names(error: &Error, id: impl std::fmt::Display) -> bool {
    matches!(error, Error::Corrupt(unreadable) if unreadable.id() == Some(&id.to_string()))
}

pub(crate) async fn unreadable_records_are_named_together_with_the_readable_ones(ports: Ports) {
    let (ada, eve) = (one("ada"), one("eve"));
    for one in [&ada, &eve] {
        ports.store.insert(one, None).await.unwrap();
    }
    ports.spoiler.spoil(Damaged::Participation, &ada.id().to_string()).await;
    let read = ports.store.get(&[ada.id(), eve.id()]).await.unwrap();
    assert_eq!(read.found, [eve]);
    let unreadable: Vec<ParticipationId> = read.unreadable.iter().map(|one| one.id).collect();
    assert_eq!(unreadable, [ada.id()]);
    assert!(names(&read.unreadable[0].why, ada.id()));
    assert!(!format!("{:?}", read.unreadable).contains("example.com"));
    let again = ports.store.insert(&ada, None).await.unwrap_err();
    assert!(names(&again, ada.id()), "{again:?}");
}

pub(crate) async fn an_unreadable_participation_is_due_again_at_the_time_it_was_set_aside_until(
    ports: Ports,
) {
    let (ada, eve) = (one("ada"), one("eve"));
    for one in [&ada, &eve] {
        ports.store.insert(one, None).await.unwrap();
    }
    ports.spoiler.spoil(Damaged::Participation, &ada.id().to_string()).await;
    let due = async |at| {
        ports.indexes_catch_up().await;
        let due = ports.store.due(at, 100).await.unwrap();
        let mut ids: Vec<ParticipationId> = due.into_iter().map(|due| due.id).collect();
        ids.sort_unstable();
        ids
    };
    let (now, soon) = (start() + Duration::from_secs(60), start() + Duration::from_secs(120));
    let mut both = [ada.id(), eve.id()];
    both.sort_unstable();
    assert_eq!(due(now).await, both);
    ports.store.set_aside(&[ada.id()], soon, soon + Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(due(now).await, [eve.id()]);
    assert_eq!(due(soon).await, both);
}

pub(crate) async fn a_participation_that_was_set_aside_is_listed_with_why_and_read_again_at_once(
    ports: Ports,
) {
    let (ada, eve) = (one("ada"), one("eve"));
    for one in [&ada, &eve] {
        ports.store.insert(one, None).await.unwrap();
    }
    ports.spoiler.spoil(Damaged::Participation, &ada.id().to_string()).await;
    let operations = ports.operations.clone().unwrap();
    let (now, later) = (ports.now(), ports.now() + Duration::from_secs(600));
    ports.store.set_aside(&[ada.id(), eve.id()], later, later + Duration::from_secs(86_400)).await.unwrap();
    ports.indexes_catch_up().await;
    // Eve's can be read, so it is only due again.
    let dead = operations.dead().await.unwrap();
    let [listed] = &dead[..] else { panic!("{dead:?}") };
    assert_eq!((&listed.id, listed.kind.as_str()), (&ada.id().to_string(), RECORD));
    assert_eq!((&listed.brand, &listed.participations[..]), (&Some(acme()), &[ada.id()][..]));
    let why = listed.why.as_deref().unwrap();
    assert!(why.contains("cannot be read") && !why.contains("example.com"), "{why}");
    let others = Which { kind: Some(CALLBACK.to_owned()), ..Which::default() };
    assert_eq!(operations.retry(&others, now).await.unwrap(), []);
    assert_eq!(operations.retry(&Which::default(), now).await.unwrap(), dead);
    ports.indexes_catch_up().await;
    let due: Vec<ParticipationId> =
        ports.store.due(now, 100).await.unwrap().into_iter().map(|due| due.id).collect();
    assert!(due.contains(&ada.id()), "{due:?}");
}

pub(crate) async fn more_than_a_hundred_are_the_callers_mistake_and_no_outage(ports: Ports) {
    let many: Vec<ParticipationId> = (0..101_u8).map(|n| ParticipationId::from_bytes([n; 16])).collect();
    for refused in [
        ports.store.get(&many).await.unwrap_err(),
        ports.ledger.awards(&many).await.unwrap_err(),
        ports.store.set_aside(&many, start(), start()).await.unwrap_err(),
    ] {
        assert!(matches!(refused, Error::TooMany { given: 101, most: 100, .. }), "{refused:?}");
    }
}

pub(crate) async fn a_line_that_cannot_be_read_holds_up_no_other(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = [game.accept(0).await, game.accept(1).await, game.accept(2).await];
    game.ports.spoiler.spoil(Damaged::Award, &ids[1].to_string()).await;
    game.resolve(&[(ids[2], Resolution::Credit), (ids[0], Resolution::Release)]).await;
    assert_eq!(game.status(ids[0]).await, AwardStatus::Released);
    assert!(matches!(game.status(ids[2]).await, AwardStatus::Rewarded { place: Some(1), .. }));
    let read = game.ports.ledger.awards(&ids).await.unwrap();
    assert_eq!((read.found.len(), read.unreadable.len()), (2, 1));
    assert!(read.unreadable[0].id == ids[1] && names(&read.unreadable[0].why, ids[1]));
}

/// A store that does not keep lines with participations has them in its ledger alone.
pub(crate) async fn what_is_read_together_with_its_line_is_what_is_read_apart(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = [game.accept(0).await, game.accept(1).await, game.accept(2).await];
    game.ports.spoiler.spoil(Damaged::Award, &ids[1].to_string()).await;
    let by_id = |read: Vec<(Participation, Option<Award>)>| -> BTreeMap<_, _> {
        read.into_iter().map(|(one, line)| (one.id(), (one, line))).collect()
    };
    let lines = game.ports.ledger.awards(&ids).await.unwrap().found;
    let readable: Vec<ParticipationId> = lines.iter().map(|line| line.id).collect();
    assert_eq!(readable.len(), 2);
    let participations = game.ports.store.get(&readable).await.unwrap().found;
    let line_of = |id| lines.iter().find(|line| line.id == id).cloned();
    let apart = by_id(participations.into_iter().map(|one| (one.clone(), line_of(one.id()))).collect());
    let together = game.ports.store.get_with_lines(&ids).await.unwrap();
    assert_eq!(together.is_some(), matches!(game.ports.spoiler, Spoiler::Tables(_)));
    if let Some(together) = together {
        assert_eq!(by_id(together.found), apart);
        assert!(together.unreadable.len() == 1 && names(&together.unreadable[0].why, ids[1]));
    }
}

pub(crate) async fn an_unreadable_callback_is_parked_and_holds_up_no_other(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = [game.accept(0).await, game.accept(1).await];
    game.release(ids[0]).await;
    game.release(ids[1]).await;
    let callback =
        domain::callback::CallbackId { participation: ids[0], kind: domain::callback::CallbackKind::Ended };
    game.ports.spoiler.spoil(Damaged::Callback, &callback.to_string()).await;
    let taken = game.take_callbacks(100).await;
    assert_eq!(taken.callbacks.iter().map(|one| one.callback.id.participation).collect::<Vec<_>>(), [ids[1]]);
    assert!(taken.unreadable.len() == 1 && names(&taken.unreadable[0], callback), "{taken:?}");
    game.ports.clock.advance(Duration::from_secs(600));
    let again = game.take_callbacks(100).await;
    assert!(again.unreadable.is_empty() && again.callbacks.len() == 1);
    let dead = game.ports.operations.as_ref().unwrap().dead().await.unwrap();
    assert_eq!(dead.into_iter().map(|dead| dead.id).collect::<Vec<_>>(), [callback.to_string()]);
}

pub(crate) async fn a_profile_that_cannot_be_read_is_unknown_and_replaced(ports: Ports) {
    let contact = one("ada").contact_key(&IdKey::new([9; 32])).unwrap();
    let known = |name: &str| ProfileHint {
        profile: ProfileRef::Email(Email::parse(&format!("{name}@example.com")).unwrap()),
        learned_at: start(),
        created: true,
        by: one(name).id(),
    };
    ports.store.remember_profiles(&[(contact, known("ada"))]).await.unwrap();
    ports.spoiler.spoil(Damaged::Profile, &contact.to_string()).await;
    let read = ports.store.profile_hints(&[contact]).await.unwrap();
    assert!(read.profiles.is_empty() && read.unreadable.len() == 1, "{read:?}");
    assert!(names(&read.unreadable[0], contact));
    assert_eq!(ports.store.claim_profile(contact, &known("eve")).await.unwrap(), known("eve"));
    let read = ports.store.profile_hints(&[contact]).await.unwrap();
    assert_eq!(read.profiles[&contact], known("eve"));
}

pub(crate) async fn an_unreadable_participation_is_erased_by_its_id_and_releases_its_place(ports: Ports) {
    let game = Game::of(ports, first(1));
    let (id, readable) = (game.accept(0).await, game.accept(1).await);
    game.ports.spoiler.spoil(Damaged::Participation, &id.to_string()).await;
    let operations = game.ports.operations.clone().unwrap();
    for id in [id, readable] {
        let forgotten = operations.forget_participation(id, &IdKey::new([9; 32]), game.now()).await.unwrap();
        assert_eq!(forgotten, ErasureReport { participations: 1, ..ErasureReport::default() });
    }
    let read = game.ports.store.get(&[id, readable]).await.unwrap();
    assert!(read.unreadable.is_empty() && read.found.len() == 2);
    for left in read.found {
        assert_eq!(left.contact(), None);
        assert!(matches!(left.state(), State::Ended(Outcome::Rejected { .. })) && *left.brand() == acme());
        assert_eq!(left.due_at(), Some(game.now()), "its place is released when it is processed next");
    }
    let unknown = one("nobody").id();
    assert_eq!(
        operations.forget_participation(unknown, &IdKey::new([9; 32]), game.now()).await.unwrap(),
        ErasureReport::default()
    );
}

#[tokio::test]
async fn a_file_deletes_unreadable_records_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    let clock = Arc::new(memory::TestClock::at(start()));
    let file = embedded::DataFile::open(&path, clock).unwrap();
    let ada = one("ada");
    ports::Store::insert(&file, &ada, None).await.unwrap();
    Spoiler::File(path).spoil(Damaged::Participation, &ada.id().to_string()).await;
    let (soon, end) = (start() + Duration::from_secs(60), start() + Duration::from_secs(90 * 86_400));
    for _ in 0..2 {
        ports::Store::set_aside(&file, &[ada.id()], soon, end).await.unwrap();
        assert_eq!(file.expire(soon).await.unwrap().participations, 0);
    }
    assert_eq!(file.expire(end).await.unwrap().participations, 1);
}

#[tokio::test]
async fn a_table_expires_unreadable_records_and_keeps_those_that_can_be_read_again() {
    let prefix = testkit::emulator::prefix();
    let ports = crate::emulator::on_dynamo_at(testkit::emulator::config().await, &prefix).await;
    let ada = one("ada");
    ports.store.insert(&ada, None).await.unwrap();
    let expires = async || {
        let table = format!("{prefix}-participations");
        let key = json!({ "id": { "S": ada.id().to_string() } });
        let item = call("GetItem", &json!({ "TableName": table, "Key": key })).await;
        item["Item"]["expires_at"]["N"].as_str().map(str::to_owned)
    };
    let (soon, end) = (start() + Duration::from_secs(60), start() + Duration::from_secs(90 * 86_400));
    ports.store.set_aside(&[ada.id()], soon, end).await.unwrap();
    ports.store.set_aside(&[ada.id()], soon, end + Duration::from_secs(60)).await.unwrap();
    assert_eq!(expires().await, Some(end.as_second().to_string()), "it is counted from the first time");
    ports.store.save(std::slice::from_ref(&ada)).await.unwrap();
    assert_eq!(expires().await, None);
}

#[tokio::test]
async fn a_file_recognizes_who_takes_part_though_the_ledgers_counters_are_unreadable() {
    let game = Game::of(crate::on_a_file().await, first(2));
    let Spoiler::File(path) = &game.ports.spoiler else { panic!("it is a file") };
    let insert = async |number| {
        let participation = Game::participation(number, false);
        let award = Game::line(&participation, domain::incentive::Offer::ByPlace);
        let entry = domain::ledger::Entry { award, rules: game.rules.clone() };
        game.ports.store.insert(&participation, Some(&entry)).await
    };
    assert!(matches!(insert(1).await.unwrap(), ports::store::Inserted::New(_)));
    rusqlite::Connection::open(path).unwrap().execute("UPDATE ledgers SET counts = '{'", []).unwrap();
    assert!(matches!(insert(1).await.unwrap(), ports::store::Inserted::Existing(_)));
    assert!(insert(2).await.is_err());
}
