//! Panics, caught within one brand's work, one request or one task.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, set_hook};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use ports::Clock;
use ports::clock::SystemClock;
use ports::repeats::LogRepeats;

/// How many panics were caught in this process.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// When each location's panic was last logged.
static SAID: LazyLock<LogRepeats> = LazyLock::new(LogRepeats::default);

/// The error for work that panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// The panic's text, if it is a literal in the source. A formatted text may hold a contact and is left out.
    pub text: Option<&'static str>,
}

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.text {
            Some(text) => write!(f, "it panicked: {text}"),
            None => f.write_str("it panicked"),
        }
    }
}

impl std::error::Error for Panicked {}

/// Counts a panic that the caller has caught, and returns what may be shown of it.
pub fn caught(panic: &(dyn Any + Send)) -> Panicked {
    CAUGHT.fetch_add(1, Ordering::Relaxed);
    Panicked { text: panic.downcast_ref::<&'static str>().copied() }
}

/// How many panics were caught since the process began.
#[must_use]
pub fn panics() -> u64 {
    CAUGHT.load(Ordering::Relaxed)
}

/// Runs some work and catches its panic.
///
/// State that the work shares with others must stay valid whenever it panics: locks are taken even when they are poisoned, and resources
/// are released when they are dropped.
///
/// # Errors
/// When the work panicked.
pub async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| caught(&*panic))
}

/// From now on a panic logs its location, once a minute for each location. The message that Rust itself prints may hold a contact.
pub fn say_where() {
    set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let location = info.location().map(Location::to_string).unwrap_or_default();
        let text = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
        if let Some(line) = SAID.line("panicked", &location, SystemClock.now()) {
            tracing::error!(
                event = "supervision.panicked",
                location,
                text,
                times = line.times,
                "The code panicked here."
            );
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_counted_and_a_formatted_text_is_not_repeated() {
        let before = panics();
        assert_eq!(guarded(async { 7 }).await, Ok(7));
        let address = "ada@example.com";
        let told = guarded(async { panic!("no such profile: {address}") }).await.unwrap_err();
        assert_eq!(told.to_string(), "it panicked");
        let told = guarded(async { panic!("never empty") }).await.unwrap_err();
        assert_eq!(told.to_string(), "it panicked: never empty");
        assert!(panics() >= before + 2);
    }
}
