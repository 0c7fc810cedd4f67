//! Imports, reading everything page by page, and the audit log.

use std::collections::BTreeSet;

use domain::audit::AuditEntry;
use domain::ids::{ParticipationId, Scope};
use ports::imports::{ImportedRow, RowOutcome};
use ports::pages::{PageCursor, StoredParticipation};
use testkit::{changed, participation, start};

use crate::Ports;
use crate::game::{Game, first};

fn row(number: usize) -> ImportedRow {
    let one = participation("acme", "spring", &format!("c{number}@example.com"));
    let participation = changed(&one, |kept| kept.imported = true);
    ImportedRow { participation, entry: None, earlier: Vec::new() }
}

async fn everything(ports: &Ports) -> Vec<StoredParticipation> {
    let (mut all, mut next): (Vec<StoredParticipation>, Option<PageCursor>) = (Vec::new(), None);
    loop {
        let page = ports.operations.as_ref().unwrap().records(next.as_ref()).await.unwrap();
        assert!(page.unreadable.is_empty());
        all.extend(page.records);
        next = page.next;
        if next.is_none() {
            return all;
        }
    }
}

pub(crate) async fn rows_that_are_imported_twice_are_stored_once_and_counted_once(ports: Ports) {
    let operations = ports.operations.clone().unwrap();
    let rows: Vec<ImportedRow> = (0..30).map(row).collect();
    assert_eq!(operations.outcomes(&rows).await.unwrap(), vec![RowOutcome::New; 30]);
    assert_eq!(operations.import(&rows[..20]).await.unwrap(), vec![RowOutcome::New; 20]);
    let outcomes = operations.import(&rows).await.unwrap();
    assert_eq!(outcomes, [vec![RowOutcome::There; 20], vec![RowOutcome::New; 10]].concat());
    assert_eq!(operations.outcomes(&rows).await.unwrap(), vec![RowOutcome::There; 30]);
    operations.make_durable().await.unwrap();
    assert_eq!(everything(&ports).await.len(), 30);
    let found = ports.store.get(&[rows[0].participation.id()]).await.unwrap().found;
    assert!(found == [rows[0].participation.clone()] && found[0].is_imported());
    let accepted = operations.accepted_in(&Scope::parse("spring").unwrap(), 30).await.unwrap();
    assert_eq!(accepted, 30);
}

pub(crate) async fn a_row_of_a_consumer_who_takes_part_under_an_earlier_form_of_the_address_is_there(
    ports: Ports,
) {
    let before = participation("acme", "spring", "ada@example.com");
    ports.store.insert(&before, None).await.unwrap();
    let again = ImportedRow { earlier: vec![before.id()], ..row(1) };
    let outcomes = ports.operations.as_ref().unwrap().import(&[again, row(2)]).await.unwrap();
    assert_eq!(outcomes, [RowOutcome::There, RowOutcome::New]);
}

pub(crate) async fn everything_is_read_once_page_by_page_with_its_awards(ports: Ports) {
    let game = Game::of(ports, first(2));
    let mut credited = BTreeSet::new();
    for number in 0..3 {
        let id = game.accept(number).await;
        game.credit(id).await;
        credited.insert(id);
    }
    let operations = game.ports.operations.clone().unwrap();
    for numbers in (100..600).collect::<Vec<usize>>().chunks(100) {
        let rows: Vec<ImportedRow> = numbers.iter().copied().map(row).collect();
        operations.import(&rows).await.unwrap();
    }
    let all = everything(&game.ports).await;
    let ids: BTreeSet<ParticipationId> = all.iter().map(|one| one.participation.id()).collect();
    assert_eq!((all.len(), ids.len()), (503, 503));
    let with_award: Vec<&StoredParticipation> = all.iter().filter(|one| one.award.is_some()).collect();
    assert!(with_award.len() == 3 && with_award.iter().all(|one| credited.contains(&one.participation.id())));
    let rewarded =
        with_award.iter().filter(|one| one.award.as_ref().is_some_and(|award| award.reward().is_some()));
    assert_eq!(rewarded.count(), 2);
}

pub(crate) async fn the_audit_log_is_read_in_the_order_in_which_it_was_written(ports: Ports) {
    let operations = ports.operations.clone().unwrap();
    assert!(operations.audit(None).await.unwrap().entries.is_empty());
    let entry = |number: u64| {
        let at = start() + std::time::Duration::from_secs(number);
        AuditEntry::new(at, "ada", format!("action {number}")).about(["spring".to_owned()]).with("done")
    };
    let (mut written, mut read, mut next) = (Vec::new(), Vec::new(), None);
    for number in 0..505 {
        operations.note(&entry(number)).await.unwrap();
        written.push(entry(number));
    }
    loop {
        let page = operations.audit(next.as_ref()).await.unwrap();
        read.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(read, written);
}
