//! Starting up while the runtime already asks for work: values made from secrets, tables and connections are ready when first needed.

use std::sync::Arc;

use futures::future::BoxFuture;
use ports::error::in_full;
use tokio::sync::OnceCell;

/// How often this task yields to others first. Tokio's scheduler polls for I/O on every 61st turn.
const TURNS: u32 = 200;

/// A value that has been in the making since the process began.
pub struct Ready<T> {
    made: OnceCell<T>,
    make: Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<T>> + Send + Sync>,
}

impl<T: Send + Sync + 'static> Ready<T> {
    /// Starts to make the value, in a task of its own.
    pub fn begin<F>(make: impl Fn() -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = anyhow::Result<T>> + Send + 'static,
    {
        let ready = Arc::new(Self { made: OnceCell::new(), make: Box::new(move || Box::pin(make())) });
        let begun = ready.clone();
        tokio::spawn(async move {
            // The runtime's request for work goes first. It is to an address on the same machine, so a few turns are enough for it.
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            begun.get().await.map(|_| ())
        });
        ready
    }

    /// The value, once it is made. After a failure, the next call tries again.
    ///
    /// # Errors
    /// When it cannot be made now.
    pub async fn get(&self) -> anyhow::Result<&T> {
        let made = self.made.get_or_try_init(|| (self.make)()).await;
        made.inspect_err(|error| tracing::error!(event = "lambda.not_ready", error = %in_full(&**error), "The function cannot start."))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::ensure;

    use super::*;

    #[tokio::test]
    async fn the_value_is_made_once_and_without_a_request() {
        let made = Arc::new(AtomicU32::new(0));
        let counter = made.clone();
        let ready = Ready::begin(move || {
            let counter = counter.clone();
            async move { Ok(counter.fetch_add(1, Ordering::Relaxed)) }
        });
        for _ in 0..=TURNS {
            tokio::task::yield_now().await;
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert_eq!((*ready.get().await.unwrap(), *ready.get().await.unwrap()), (0, 0));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_tried_again_by_the_next_invocation() {
        let tries = AtomicU32::new(0);
        let ready = Ready::begin(move || {
            let tried = tries.fetch_add(1, Ordering::Relaxed);
            async move {
                ensure!(tried > 1, "not yet");
                Ok("there")
            }
        });
        for _ in 0..=TURNS {
            tokio::task::yield_now().await;
        }
        assert!(ready.get().await.is_err());
        assert_eq!(*ready.get().await.unwrap(), "there");
    }
}
