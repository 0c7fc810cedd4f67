use ports::Error;
use ports::error::UnavailableKind;

use super::*;
use crate::checkpoints::QUIET;
use crate::connection::connect;
use crate::writer::Writer;

/// A file that cannot be flushed, which stands for a log on a failing disk.
fn unflushable() -> Arc<WriteAheadLog> {
    Arc::new(WriteAheadLog::of(File::open("/dev/null").unwrap()))
}

fn data_file(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("data.sqlite");
    connect(&path).unwrap().execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
    path
}

fn count(path: &Path) -> i64 {
    connect(path).unwrap().query_row("SELECT count(*) FROM numbers", [], |row| row.get(0)).unwrap()
}

async fn insert(writer: &Writer, number: i64) -> ports::Result<usize> {
    writer.write("inserting", move |group| group.execute("INSERT INTO numbers VALUES (?)", [number])).await
}

#[tokio::test]
async fn a_commit_that_cannot_be_flushed_fails_for_its_callers() {
    let directory = tempfile::tempdir().unwrap();
    let path = data_file(&directory);
    let writer =
        Writer::start(connect(&path).unwrap(), connect(&path).unwrap(), unflushable(), QUIET).unwrap();
    let (first, second) = futures::future::join(insert(&writer, 1), insert(&writer, 2)).await;
    for outcome in [first, second] {
        assert_eq!(outcome.unwrap_err().kind(), UnavailableKind::Disk);
    }
}

#[tokio::test]
async fn after_a_failed_flush_nothing_is_committed_before_the_log_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = data_file(&directory);
    let writer =
        Writer::start(connect(&path).unwrap(), connect(&path).unwrap(), unflushable(), QUIET).unwrap();
    insert(&writer, 1).await.unwrap_err();
    let reader = connect(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM numbers").unwrap();
    insert(&writer, 2).await.unwrap_err();
    assert_eq!(count(&path), 1, "the log is in use and cannot be emptied");
    reader.execute_batch("COMMIT").unwrap();
    insert(&writer, 3).await.unwrap_err();
    assert_eq!(count(&path), 2, "the log was emptied first, although this flush failed, too");
}

#[test]
fn a_log_that_was_moved_into_the_file_is_trusted_again() {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(&data_file(&directory)).unwrap();
    let log = unflushable();
    log.flush(log.begin_commit()).unwrap_err();
    assert!(log.wait().is_err());
    log.recover(&connection).unwrap();
    assert!(log.wait().is_ok());
}

#[tokio::test]
async fn a_commit_that_failed_keeps_no_reader_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let path = data_file(&directory);
    let connection = connect(&path).unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let writer = Writer::start(connection, connect(&path).unwrap(), log.clone(), QUIET).unwrap();
    // A deferred constraint fails at the commit.
    let fails = writer.write::<()>("inserting", |group| {
        group.execute_batch(
            "PRAGMA defer_foreign_keys = on;
             CREATE TABLE children (number INTEGER REFERENCES numbers (number));
             INSERT INTO children VALUES (99)",
        )
    });
    assert!(matches!(fails.await, Err(Error::Unavailable { .. })));
    log.wait().unwrap();
}

#[test]
fn a_reader_waits_for_the_flush_of_a_commit_that_has_begun() {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(&data_file(&directory)).unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let commit = log.begin_commit();
    let is_flushing = Arc::new(AtomicU64::new(0));
    let waiting = std::thread::spawn({
        let (log, is_flushing) = (log.clone(), is_flushing.clone());
        move || {
            log.wait().unwrap();
            is_flushing.load(Ordering::SeqCst)
        }
    });
    for _ in 0..1_000 {
        std::thread::yield_now();
    }
    is_flushing.store(1, Ordering::SeqCst);
    log.flush(commit).unwrap();
    assert_eq!(waiting.join().unwrap(), 1, "it was released before the flush began");
}
