use std::time::Duration;

use futures::future::join_all;

use super::*;
use crate::checkpoints::QUIET;
use crate::committer::LARGEST_QUIET_LOG;
use crate::connection::connect;
use crate::log::path_of;

fn writer() -> (tempfile::TempDir, Writer) {
    writer_quiet_after(QUIET)
}

fn writer_quiet_after(quiet: Duration) -> (tempfile::TempDir, Writer) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    let connection = connect(&path).unwrap();
    connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let writer = Writer::start(connection, connect(&path).unwrap(), log, quiet).unwrap();
    (directory, writer)
}

fn insert(number: i64) -> impl FnMut(&Group<'_>) -> rusqlite::Result<usize> + Send + 'static {
    move |transaction| transaction.execute("INSERT INTO numbers VALUES (?)", [number])
}

#[tokio::test]
async fn callers_that_come_together_share_commits() {
    let (_directory, writer) = writer();
    let inserts = join_all((0..1_000).map(|number| writer.write("inserting", insert(number)))).await;
    assert!(inserts.into_iter().all(|done| done.is_ok()));
    assert!(writer.commits() < 500, "{} commits for 1,000 inserts", writer.commits());
}

#[tokio::test]
async fn one_that_panics_fails_alone_and_what_it_did_is_undone() {
    let (_directory, writer) = writer();
    let panics = writer.write::<()>("inserting", |transaction| {
        transaction.execute("INSERT INTO numbers VALUES (1)", [])?;
        panic!("the counters do not add up");
    });
    let (panicked, inserted) = futures::future::join(panics, writer.write("inserting", insert(1))).await;
    assert!(matches!(panicked, Err(Error::Panicked { .. })), "{panicked:?}");
    assert_eq!(inserted.unwrap(), 1);
    assert_eq!(writer.write("inserting", insert(2)).await.unwrap(), 1, "the writer continues");
}

#[tokio::test]
async fn a_log_that_grew_while_somebody_read_the_file_shrinks_when_they_are_done() {
    let (directory, writer) = writer_quiet_after(Duration::from_millis(100));
    let path = directory.path().join("data.sqlite");
    let reader = connect(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM numbers").unwrap();
    let length = || path_of(&path).metadata().unwrap().len();
    let mut number = 0;
    while length() < 2 * LARGEST_QUIET_LOG {
        let many = (number..number + 100).map(|number| {
            writer.write("filling", move |transaction| {
                transaction.execute("CREATE TABLE IF NOT EXISTS texts (text TEXT)", [])?;
                let sql = "INSERT INTO texts VALUES (?)";
                transaction.execute(sql, [format!("{number}").repeat(10_000)])
            })
        });
        assert!(join_all(many).await.into_iter().all(|done| done.is_ok()));
        number += 100;
    }
    reader.execute_batch("COMMIT").unwrap();
    let shrinks = async {
        while length() > LARGEST_QUIET_LOG {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), shrinks).await.expect("no reader holds the log any more");
    writer.write("inserting", insert(1)).await.unwrap();
}

#[tokio::test]
async fn one_that_fails_fails_alone() {
    let (_directory, writer) = writer();
    writer.write("inserting", insert(7)).await.unwrap();
    let inserts = join_all((0..20).map(|number| writer.write("inserting", insert(number)))).await;
    let failed: Vec<usize> =
        inserts.iter().enumerate().filter(|(_, done)| done.is_err()).map(|(number, _)| number).collect();
    assert_eq!(failed, [7]);
    let count =
        |transaction: &Group<'_>| transaction.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0));
    assert_eq!(writer.write::<i64>("counting", count).await.unwrap(), 20);
}

#[tokio::test]
async fn beside_one_that_fails_others_are_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    let mut connection = connect(&path).unwrap();
    crate::schema::migrate(&mut connection).unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let writer = Writer::start(connection, connect(&path).unwrap(), log, QUIET).unwrap();
    let counts = || {
        writer.write("counting", |group| {
            group.tally("accepted", "spring");
            Ok(())
        })
    };
    let fails = writer.write::<()>("failing", |_| Err(rusqlite::Error::QueryReturnedNoRows));
    let (first, failed, second) = futures::future::join3(counts(), fails, counts()).await;
    assert!(first.is_ok() && failed.is_err() && second.is_ok());
    let counted = writer.write("reading", |group| {
        group.tally("accepted", "spring");
        group.tallied("accepted", "spring")
    });
    assert_eq!(counted.await.unwrap(), 3, "two are written, and one is of the same group");
}
