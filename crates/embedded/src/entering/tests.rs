use domain::ids::{BrandId, IncentiveId, LedgerKey, Scope};
use domain::incentive::Offer;
use rusqlite::{Connection, params};

use super::*;
use crate::connection::connect;

fn ledger() -> LedgerKey {
    let incentive = Some(IncentiveId::parse("first").unwrap());
    LedgerKey { scope: Scope::parse("spring").unwrap(), incentive }
}

fn line(number: u8) -> Award {
    let (id, brand) = (ParticipationId::from_bytes([number; 16]), BrandId::parse("acme").unwrap());
    Award::new((id, brand), ledger(), ContactKey::from_bytes([number; 16]), Offer::ByPlace)
}

fn file() -> (tempfile::TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let mut file = connect(&directory.path().join("data.sqlite")).unwrap();
    crate::schema::migrate(&mut file).unwrap();
    crate::moved_lines::move_lines(&mut file).unwrap();
    (directory, file)
}

fn insert_row(group: &Group<'_>, award: &Award) {
    let sql = "INSERT INTO participations (id, version, brand, record, ledger, participant, award)
               VALUES (?1, 0, 'acme', '{}', 'spring first', ?2, ?3)";
    let columns =
        params![award.id.to_bytes(), award.participant.to_bytes(), stored::award::encode(award).unwrap()];
    group.execute(sql, columns).unwrap();
}

/// Enters a line that takes a place that was given back, and has a further key.
fn entered<'a>(group: &'a Group<'a>, award: &Award, further: ContactKey) -> Entering<'a> {
    let mut entering = Entering::of(group, award);
    entering.keep_counts(&Counts { arrivals: 7, ..Counts::default() }).unwrap();
    assert_eq!(entering.take_back().unwrap(), Some(3));
    entering.keep(&Award { other_keys: vec![further], ..award.clone() }).unwrap();
    entering
}

#[test]
fn a_line_whose_id_is_taken_changes_nothing() {
    let (_directory, mut file) = file();
    let group = Group::begin(&mut file).unwrap();
    let mut book = SqliteLedgerTx::new(&group, &ledger());
    book.put_back(3).unwrap();
    let further = ContactKey::from_bytes([99; 16]);
    insert_row(&group, &line(1));
    assert!(!entered(&group, &line(1), further).write(|_| Ok(false)).unwrap());
    assert_eq!(book.counts().unwrap(), Counts::default());
    assert_eq!(book.siblings_of(&Award { other_keys: vec![further], ..line(2) }).unwrap(), []);
    assert_eq!(book.take_back().unwrap(), Some(3));
}

#[test]
fn what_a_new_line_changes_is_written_after_its_row() {
    let (_directory, mut file) = file();
    let group = Group::begin(&mut file).unwrap();
    let mut book = SqliteLedgerTx::new(&group, &ledger());
    book.put_back(3).unwrap();
    book.put_back(5).unwrap();
    let further = ContactKey::from_bytes([99; 16]);
    let insert = |columns: Option<LineColumns>| {
        assert_eq!(columns.unwrap().participant, [1; 16]);
        insert_row(&group, &line(1));
        Ok(true)
    };
    assert!(entered(&group, &line(1), further).write(insert).unwrap());
    assert_eq!(book.counts().unwrap().arrivals, 7);
    let siblings = book.siblings_of(&Award { other_keys: vec![further], ..line(2) }).unwrap();
    assert_eq!(siblings, [line(1)]);
    assert_eq!(book.take_back().unwrap(), Some(5));
}

#[test]
fn a_place_that_is_taken_and_given_back_while_a_line_is_entered_is_free() {
    let (_directory, mut file) = file();
    let group = Group::begin(&mut file).unwrap();
    let mut book = SqliteLedgerTx::new(&group, &ledger());
    book.put_back(3).unwrap();
    book.put_back(5).unwrap();
    let mut entering = Entering::of(&group, &line(1));
    assert_eq!([entering.take_back().unwrap(), entering.take_back().unwrap()], [Some(3), Some(5)]);
    entering.put_back(5).unwrap();
    assert_eq!(entering.take_back().unwrap(), Some(5));
    entering.put_back(5).unwrap();
    assert!(entering.write(|_| Ok(true)).unwrap());
    assert_eq!([book.take_back().unwrap(), book.take_back().unwrap()], [Some(5), None]);
}

#[test]
fn a_place_that_is_given_back_in_a_group_is_found_by_its_later_operations() {
    let (_directory, mut file) = file();
    let group = Group::begin(&mut file).unwrap();
    let mut book = SqliteLedgerTx::new(&group, &ledger());
    assert_eq!(book.take_back().unwrap(), None);
    book.put_back(4).unwrap();
    assert_eq!([book.take_back().unwrap(), book.take_back().unwrap()], [Some(4), None]);
}

#[test]
fn a_key_that_a_line_gets_in_a_group_is_found_by_its_later_operations() {
    let (_directory, mut file) = file();
    let group = Group::begin(&mut file).unwrap();
    let mut book = SqliteLedgerTx::new(&group, &ledger());
    insert_row(&group, &line(1));
    let further = ContactKey::from_bytes([99; 16]);
    let other = Award { other_keys: vec![further], ..line(2) };
    assert_eq!(book.siblings_of(&other).unwrap(), []);
    let known = Award { other_keys: vec![further], ..line(1) };
    book.keep(&known).unwrap();
    assert_eq!(book.siblings_of(&other).unwrap(), [known]);
}
