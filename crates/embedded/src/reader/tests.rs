use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[tokio::test]
async fn a_read_is_answered_when_what_it_may_have_seen_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    connect(&path).unwrap().execute_batch("CREATE TABLE numbers (number INTEGER)").unwrap();
    let beside = connect(&path).unwrap();
    let log = Arc::new(WriteAheadLog::open(&beside).unwrap());
    let reader = Reader::start(&path, log.clone()).unwrap();
    let is_flushing = Arc::new(AtomicBool::new(false));

    let commit = log.begin_commit();
    beside.execute("INSERT INTO numbers VALUES (1)", []).unwrap();
    let (was_read, seen) = tokio::sync::oneshot::channel();
    let read = tokio::spawn({
        let is_flushing = is_flushing.clone();
        async move {
            let count = reader.read("counting", |connection| {
                let count = connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0));
                let _the_test_waits = was_read.send(());
                count
            });
            (count.await.unwrap(), is_flushing.load(Ordering::SeqCst))
        }
    });
    seen.await.unwrap();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    is_flushing.store(true, Ordering::SeqCst);
    log.flush(commit).unwrap();
    let (count, is_on_the_disk): (i64, bool) = read.await.unwrap();
    assert_eq!((count, is_on_the_disk), (1, true));
}
