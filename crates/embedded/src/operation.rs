//! What callers want written, and how they are answered.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::guarded;
use crate::group::Group;

/// Work to be done inside a transaction. It is run again when the transaction failed.
pub(crate) trait Operation: Send {
    fn run(&mut self, group: &Group<'_>) -> rusqlite::Result<()>;
    /// Whether it may wait a moment for others, in order to share their commit.
    fn is_patient(&self) -> bool;
    /// Answers the caller with the result of the commit and its flush.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>);
}

/// Why a group was not committed. Every operation in the group gets this error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(pub(crate) Arc<rusqlite::Error>);

/// One caller's work, and where its result goes.
pub(crate) struct WriteTask<T, F> {
    pub(crate) work: F,
    pub(crate) is_patient: bool,
    pub(crate) done: Option<T>,
    pub(crate) reply: oneshot::Sender<std::result::Result<T, Failed>>,
}

impl<T, F> Operation for WriteTask<T, F>
where
    T: Send,
    F: FnMut(&Group<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, group: &Group<'_>) -> rusqlite::Result<()> {
        self.done = Some(guarded(|| (self.work)(group))?);
        Ok(())
    }

    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>) {
        let gone = || Failed(Arc::new(rusqlite::Error::QueryReturnedNoRows));
        let Self { done, reply, .. } = *self;
        let _caller_left = reply.send(committed.and_then(|()| done.ok_or_else(gone)));
    }
}

/// Answers the callers of a group. Waking many tasks is much cheaper inside their runtime than from a thread outside it.
pub(crate) fn answer_all(
    group: Vec<Box<dyn Operation>>,
    committed: std::result::Result<(), Failed>,
    runtime: Option<&Handle>,
) {
    let answer = move || {
        for operation in group {
            operation.answer(committed.clone());
        }
    };
    match runtime {
        Some(runtime) => drop(runtime.spawn(async move { answer() })),
        None => answer(),
    }
}
