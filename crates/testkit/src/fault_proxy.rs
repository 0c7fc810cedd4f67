//! A proxy between AWS's clients and the emulator, which adds what the emulator lacks: limits, faults, indexes that lag, and counts of what
//! a call costs. It signs nothing, and passes on what it does not refuse.
//!
//! The same seed draws the same faults for the same calls in the same order. Faults can be switched while the proxy runs, by [`FaultProxy`]
//! or over HTTP: `GET` and `PUT` of `/__plan`, `GET /__counts`, `POST /__indexes` (the indexes catch up).

mod counts;
mod emulated;
mod faults;
mod incoming;
mod lag;
mod partial;
mod passing;
mod places_rush;
mod plan;
mod quotas;
mod rush;
mod units;
mod weighed;

use std::sync::{Arc, OnceLock};

use axum::Router;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use counts::{Call, Ceiling, LimitCounts};
pub use faults::{CallFault, Strike};
pub use places_rush::{PlacesGiven, PlacesRush};
pub use plan::{FaultPlan, Quotas};
pub use rush::{Rush, Rushed};

use passing::{ProxyState, answer};

/// A proxy that is listening.
#[derive(Clone)]
pub struct FaultProxy {
    url: String,
    shared: Arc<ProxyState>,
}

/// The runtime of all proxies, which outlives the tests that start them.
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
    })
}

impl FaultProxy {
    /// Starts a proxy that counts, and does nothing else, in front of an emulator.
    ///
    /// # Panics
    /// When no port is free, which ends the test.
    #[must_use]
    pub fn before(emulator: &str) -> Self {
        Self::with(emulator, 1, FaultPlan::none())
    }

    /// Starts a proxy with faults that are drawn from `seed`.
    ///
    /// # Panics
    /// When no port is free, which ends the test.
    #[must_use]
    pub fn with(emulator: &str, seed: u64, plan: FaultPlan) -> Self {
        Self::by(Arc::new(SystemClock), emulator, seed, plan)
    }

    /// Starts a proxy whose limits, lags and slow calls go by this clock.
    ///
    /// # Panics
    /// When no port is free, which ends the test.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test ends where it fails")]
    pub fn by(clock: Arc<dyn Clock>, emulator: &str, seed: u64, plan: FaultPlan) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let proxy = Self { url, shared: Arc::new(ProxyState::new(emulator, seed, plan, clock)) };
        let serving = proxy.clone();
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a port");
            serving.serve(listener).await;
        });
        proxy
    }

    /// A proxy at this URL, which is to be served.
    #[must_use]
    pub fn new(url: String, emulator: &str, seed: u64, plan: FaultPlan) -> Self {
        Self { url, shared: Arc::new(ProxyState::new(emulator, seed, plan, Arc::new(SystemClock))) }
    }

    /// Serves calls, for ever.
    pub async fn serve(self, listener: TcpListener) {
        let router = Router::new().fallback(answer).with_state(self.shared.clone());
        let _ended = tokio::join!(self.shared.indexes.run(), async { axum::serve(listener, router).await });
    }

    /// The URL at which it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Follows another plan from now on.
    pub fn follow(&self, plan: FaultPlan) {
        self.shared.faults.follow(plan);
    }

    /// Makes a fault strike certain calls.
    pub fn arrange(&self, strike: Strike) {
        self.shared.faults.arrange(strike);
    }

    /// Lets this many more transactions pass. Later ones are refused, as by an overloaded service.
    pub fn let_through(&self, transactions: usize) {
        let actions = &["TransactWriteItems"];
        self.arrange(Strike { fault: CallFault::Failed, actions, after: transactions, times: usize::MAX });
    }

    /// Throttles this many calls that read parameters.
    pub fn throttle(&self, calls: usize) {
        let actions = &["GetParameters", "GetParameter"];
        self.arrange(Strike { fault: CallFault::Throttled, actions, after: 0, times: calls });
    }

    /// Throttles this many updates of one item.
    pub fn throttle_updates(&self, calls: usize) {
        self.arrange(Strike {
            fault: CallFault::Throttled,
            actions: &["UpdateItem"],
            after: 0,
            times: calls,
        });
    }

    /// Denies the caller a parameter, and with it every call that names it (IAM).
    pub fn deny(&self, parameter: &str) {
        self.shared.faults.deny(parameter);
    }

    /// Holds the calls of an action on tables whose names end like this, until [`FaultProxy::let_go`].
    pub fn hold(&self, action: &'static str, table: &'static str) {
        self.shared.held.send_replace(Some((action, table)));
    }

    /// Passes on what was held.
    pub fn let_go(&self) {
        self.shared.held.send_replace(None);
    }

    /// Makes this many writes of one item conflict with a transaction.
    pub fn conflict_with(&self, writes: usize) {
        let actions = &["PutItem", "UpdateItem"];
        self.arrange(Strike { fault: CallFault::Conflict, actions, after: 0, times: writes });
    }

    /// Loses the answers to this many puts of one item.
    pub fn lose_answers_to(&self, puts: usize) {
        self.arrange(Strike { fault: CallFault::Lost, actions: &["PutItem"], after: 0, times: puts });
    }

    /// The calls since the last call of this method.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.shared.calls.lock())
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().clone()
    }

    /// The use of each limit since the last call of this method.
    #[must_use]
    pub fn take_counts(&self) -> LimitCounts {
        let counts = self.shared.counted();
        *self.shared.counts.lock() = LimitCounts::default();
        counts
    }

    /// Makes the indexes show everything that was written.
    ///
    /// # Panics
    /// When the proxy has ended.
    #[expect(clippy::expect_used, reason = "a test ends where it fails")]
    pub async fn indexes_catch_up(&self) {
        let shared = self.shared.clone();
        let caught_up = runtime().spawn(async move { shared.indexes.catch_up().await });
        caught_up.await.expect("the indexes catch up");
    }
}
