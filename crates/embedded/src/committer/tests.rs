use std::path::Path;

use tokio::sync::oneshot;

use super::*;
use crate::connection::connect;
use crate::log::path_of;
use crate::operation::WriteTask;

/// A committer of a file with a table of numbers, and the channel on which it asks for checkpoints.
fn committer(directory: &Path) -> (Committer, mpsc::Receiver<()>) {
    let connection = connect(&directory.join("data.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)").unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let (grown, logs_to_move) = mpsc::channel();
    let flusher = Flusher::start(log.clone()).unwrap().0;
    (Committer::new(connection, log, flusher, grown), logs_to_move)
}

fn insert(number: i64) -> Box<dyn Operation> {
    let work = move |group: &Group<'_>| group.execute("INSERT INTO numbers VALUES (?, '')", [number]);
    let (reply, _nobody_waits) = oneshot::channel();
    Box::new(WriteTask { work, is_patient: false, done: None, reply })
}

#[test]
fn a_log_within_its_limit_keeps_its_size_and_is_overwritten_from_its_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let (mut committer, _logs_to_move) = committer(directory.path());
    committer.connection.execute("INSERT INTO numbers VALUES (1, ?)", ["x".repeat(100_000)]).unwrap();
    let length = || path_of(&directory.path().join("data.sqlite")).metadata().unwrap().len();
    let grown = length();
    assert!(grown > 100_000);
    committer.begin_log_anew(grown);
    committer.connection.execute("INSERT INTO numbers VALUES (2, '')", []).unwrap();
    assert_eq!(length(), grown);
    committer.begin_log_anew(grown - 1);
    assert_eq!(length(), 0);
}

#[test]
fn a_checkpoint_is_asked_for_once_in_many_operations_however_few_commits_they_share() {
    let directory = tempfile::tempdir().unwrap();
    let (mut committer, logs_to_move) = committer(directory.path());
    for group in 0..70 {
        let operations = (0..1_000).map(|number| insert(group * 1_000 + number));
        assert!(committer.commit_at_once(operations.collect()).is_ok());
    }
    assert_eq!((committer.commits(), logs_to_move.try_iter().count()), (70, 2));
}

#[test]
fn a_checkpoint_is_asked_for_once_in_many_commits() {
    let directory = tempfile::tempdir().unwrap();
    let (mut committer, logs_to_move) = committer(directory.path());
    for number in 0..2_500 {
        assert!(committer.commit_at_once(vec![insert(number)]).is_ok());
    }
    assert_eq!((committer.commits(), logs_to_move.try_iter().count()), (2_500, 2));
}

#[test]
fn a_group_that_has_to_wait_for_a_lock_is_given_back_and_committed_patiently() {
    let directory = tempfile::tempdir().unwrap();
    let (mut committer, _logs_to_move) = committer(directory.path());
    let other = connect(&directory.path().join("data.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let Err(group) = committer.commit_at_once(vec![insert(1), insert(2)]) else {
        panic!("the file is locked")
    };
    let unlocks = std::thread::spawn(move || other.execute_batch("COMMIT").unwrap());
    committer.commit_patiently(group);
    unlocks.join().unwrap();
    assert_eq!(committer.commits(), 1);
}

#[test]
fn the_first_group_after_the_log_was_moved_is_given_back_since_a_checkpoint_waits_for_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (mut committer, _logs_to_move) = committer(directory.path());
    committer.log_was_moved();
    let Err(group) = committer.commit_at_once(vec![insert(1)]) else { panic!("the log is begun anew") };
    committer.commit_patiently(group);
    assert!(committer.commit_at_once(vec![insert(2)]).is_ok());
}
