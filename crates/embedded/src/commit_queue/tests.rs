use std::path::Path;
use std::sync::mpsc;

use futures::FutureExt;
use tokio::sync::oneshot::{self, Receiver};

use super::*;
use crate::connection::connect;
use crate::flusher::Flusher;
use crate::group::Group;
use crate::operation::{Failed, WriteTask};

type RowsInserted = Receiver<std::result::Result<usize, Failed>>;

fn queue(directory: &Path) -> Arc<CommitQueue> {
    let connection = connect(&directory.join("data.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
    let log = Arc::new(WriteAheadLog::open(&connection).unwrap());
    let flusher = Flusher::start(log.clone()).unwrap().0;
    CommitQueue::of(Committer::new(connection, log.clone(), flusher, mpsc::channel().0), log)
}

fn add(queue: &Arc<CommitQueue>, number: i64, is_patient: bool) -> RowsInserted {
    let work = move |group: &Group<'_>| group.execute("INSERT INTO numbers VALUES (?)", [number]);
    let (reply, answer) = oneshot::channel();
    queue.add(Box::new(WriteTask { work, is_patient, done: None, reply }));
    answer
}

#[tokio::test]
async fn operations_of_tasks_that_are_ready_belong_to_one_group() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let queue = queue.clone();
        tasks.spawn(async move { add(&queue, number, false).await.unwrap().unwrap() });
    }
    assert_eq!(tasks.join_all().await, [1; 50]);
    assert_eq!(queue.commits(), Some(1));
}

#[tokio::test]
async fn an_operation_after_a_lone_one_waits_for_no_other_task() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    add(&queue, 1, false).await.unwrap().unwrap();
    let second = add(&queue, 2, false);
    let of_another_task = tokio::spawn({
        let queue = queue.clone();
        async move { add(&queue, 3, false).await.unwrap().unwrap() }
    });
    assert!(second.await.unwrap().is_ok());
    assert_eq!(of_another_task.await.unwrap(), 1);
    assert_eq!(queue.commits(), Some(3));
}

#[tokio::test]
async fn operations_that_come_together_after_a_lone_one_belong_to_one_group() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    add(&queue, 0, false).await.unwrap().unwrap();
    let answers: Vec<RowsInserted> = (1..=50).map(|number| add(&queue, number, false)).collect();
    for answer in answers {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(queue.commits(), Some(2));
}

/// Whether the rows were stored, which they are within a moment unless something waits for ever.
async fn are_stored(answers: impl IntoIterator<Item = RowsInserted>) -> bool {
    let all = futures::future::join_all(answers);
    let answers = timeout(Duration::from_secs(30), all).await.expect("nothing to wait for");
    answers.into_iter().all(|answer| answer.unwrap().is_ok())
}

/// Lets every other task do what it can.
async fn let_others_run() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// A queue whose last group had fifty operations.
async fn queue_under_load(directory: &Path) -> Arc<CommitQueue> {
    let queue = queue(directory);
    let fifty: Vec<RowsInserted> = (0..50).map(|number| add(&queue, number, false)).collect();
    for answer in fifty {
        assert!(answer.await.unwrap().is_ok());
    }
    queue
}

#[tokio::test]
async fn a_group_as_large_as_the_last_one_waits_for_no_other_task() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue_under_load(directory.path()).await;
    let fifty: Vec<RowsInserted> = (50..100).map(|number| add(&queue, number, false)).collect();
    let of_another_task = tokio::spawn({
        let queue = queue.clone();
        async move { add(&queue, 100, false).await.unwrap().unwrap() }
    });
    for answer in fifty {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(of_another_task.await.unwrap(), 1);
    assert_eq!(queue.commits(), Some(3));
}

/// Such a queue whose log is still being flushed. Returns the commit that is flushed.
async fn busy_queue(directory: &Path) -> (Arc<CommitQueue>, u64) {
    let queue = queue_under_load(directory).await;
    let flushed = queue.log.begin_commit();
    assert_eq!(flushed, 2);
    (queue, flushed)
}

#[tokio::test]
async fn while_a_commit_is_flushed_operations_gather_until_the_flush_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, flushed) = busy_queue(directory.path()).await;
    let first = add(&queue, 50, false);
    let_others_run().await;
    let second = add(&queue, 51, false);
    let_others_run().await;
    assert_eq!(queue.commits(), Some(flushed));
    queue.log.flush(flushed).unwrap();
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    assert_eq!(queue.commits(), Some(flushed + 1));
}

#[tokio::test]
async fn many_operations_do_not_wait_for_the_flush_once_no_other_task_is_ready() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, flushed) = busy_queue(directory.path()).await;
    let many: Vec<RowsInserted> = (50..65).map(|number| add(&queue, number, false)).collect();
    let of_another_task = tokio::spawn({
        let queue = queue.clone();
        async move { add(&queue, 65, false).await.unwrap().unwrap() }
    });
    assert!(are_stored(many).await);
    assert_eq!(of_another_task.await.unwrap(), 1);
    assert_eq!(queue.commits(), Some(flushed + 1));
}

#[tokio::test]
async fn a_group_as_large_as_the_last_one_does_not_wait_for_the_flush() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, flushed) = busy_queue(directory.path()).await;
    let first = add(&queue, 50, false);
    let_others_run().await;
    let others: Vec<RowsInserted> = (51..100).map(|number| add(&queue, number, false)).collect();
    assert!(are_stored(std::iter::once(first).chain(others)).await);
    assert_eq!(queue.commits(), Some(flushed + 1));
}

#[tokio::test(start_paused = true)]
async fn a_patient_operation_waits_for_the_next_one_but_not_for_long() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    let patient = add(&queue, 1, true);
    tokio::task::yield_now().await;
    assert_eq!(queue.commits(), Some(0));
    let next = add(&queue, 2, false);
    assert!(patient.await.unwrap().is_ok() && next.await.unwrap().is_ok());
    assert_eq!(queue.commits(), Some(1));
    let mut alone = add(&queue, 3, true);
    assert!(timeout(MOMENT / 2, &mut alone).await.is_err());
    assert!(timeout(Duration::from_secs(60), alone).await.unwrap().unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_process_has_locked_the_file_the_runtime_does_other_work() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    let other = connect(&directory.path().join("data.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut answer = add(&queue, 1, false);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!((&mut answer).now_or_never().is_none());
    other.execute_batch("COMMIT").unwrap();
    assert!(answer.await.unwrap().is_ok());
}

#[test]
fn an_operation_that_a_runtime_left_behind_is_committed_with_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ends = runtime();
    let left_behind = {
        let _inside = ends.enter();
        add(&queue, 1, false)
    };
    drop(ends);
    let next = runtime().block_on(async { add(&queue, 2, false).await });
    assert!(next.unwrap().is_ok());
    assert!(left_behind.blocking_recv().unwrap().is_ok());
}

#[test]
fn operations_that_wait_are_committed_when_the_file_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let queue = queue(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let waiting = add(&queue, 1, false);
    queue.close();
    assert!(waiting.blocking_recv().unwrap().is_ok());
}
