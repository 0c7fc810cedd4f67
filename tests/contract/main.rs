//! The ports' promises, tested once for every implementation: `memory` without faults, `embedded` on a real file, and `aws` on an
//! emulator.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod accepted;
mod by_number;
mod callback_units;
mod callbacks;
mod calls;
mod ceilings;
mod codes;
mod details;
mod dynamo_api;
mod earlier;
mod emulator;
mod fault_proxy;
mod fixtures;
mod game;
mod imports;
mod in_order;
mod inspection;
mod lanes;
mod ledger;
mod left_open;
mod limits;
/// The faults of `memory`: each one occurs, and the same seed makes the same run.
mod memory_faults;
mod memory_lanes;
mod numbers;
mod one_prize;
#[macro_use]
mod operated;
mod operations;
mod pauses;
#[macro_use]
mod promised;
mod pushes;
mod queues;
mod read_backs;
mod released;
mod retention;
mod rollups;
mod schedule;
mod search;
mod secrets;
mod spoiler;
mod steps;
mod store;
mod tables;
mod under_faults;
mod unreadable;
mod write_units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use memory::{Faults, Memory, TestClock};
use ports::clock::SystemClock;
use ports::{
    CallLog, CallReading, Callbacks, Clock, Inspection, Ledger, Limits, Operations, Outages, Pauses, Queues,
    ReadBacks, Rollups, Schedule, Search, Store,
};
use spoiler::Spoiler;
use testkit::fault_proxy::FaultProxy;

/// An implementation under test, with its clock.
struct Ports {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    callbacks: Arc<dyn Callbacks>,
    queues: Arc<dyn Queues>,
    schedule: Arc<dyn Schedule>,
    limits: Arc<dyn Limits>,
    read_backs: Arc<dyn ReadBacks>,
    outages: Arc<dyn Outages>,
    rollups: Arc<dyn Rollups>,
    calls: Arc<dyn CallLog>,
    called: Arc<dyn CallReading>,
    inspection: Arc<dyn Inspection>,
    pauses: Arc<dyn Pauses>,
    search: Arc<dyn Search>,
    /// The operator's commands, if the implementation has them.
    operations: Option<Arc<dyn Operations>>,
    clock: Arc<TestClock>,
    /// A way to damage stored records.
    spoiler: Spoiler,
    /// Whether the queues use the time of day instead of the clock.
    in_real_time: bool,
    /// The proxy whose indexes lag, if some do.
    indexes: Option<FaultProxy>,
    /// A directory that is removed when the test ends.
    _directory: Option<tempfile::TempDir>,
}

impl Ports {
    /// Over one adapter that keeps everything.
    fn over<A, R>(adapter: &Arc<A>, read: &Arc<R>, clock: Arc<TestClock>, spoiler: Spoiler) -> Self
    where
        A: Store
            + Ledger
            + Callbacks
            + Queues
            + Schedule
            + Limits
            + ReadBacks
            + Outages
            + Pauses
            + Rollups
            + CallLog
            + 'static,
        R: Inspection + CallReading + Search + 'static,
    {
        Self {
            inspection: read.clone(),
            called: read.clone(),
            search: read.clone(),
            pauses: adapter.clone(),
            store: adapter.clone(),
            ledger: adapter.clone(),
            callbacks: adapter.clone(),
            queues: adapter.clone(),
            schedule: adapter.clone(),
            limits: adapter.clone(),
            read_backs: adapter.clone(),
            outages: adapter.clone(),
            rollups: adapter.clone(),
            calls: adapter.clone(),
            operations: None,
            clock,
            spoiler,
            in_real_time: false,
            indexes: None,
            _directory: None,
        }
    }

    /// These ports as intake takes them.
    fn under_intake(&self, secrets: Arc<dyn ports::Secrets>) -> intake::IntakeDeps {
        let memory = Arc::new(Memory::new(1, Faults::none(), self.clock.clone()));
        intake::IntakeDeps {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            pauses: self.pauses.clone(),
            queues: self.queues.clone(),
            ..intake::IntakeDeps::over(&memory, secrets, self.clock.clone())
        }
    }

    /// These ports in the form that a connector takes.
    fn under_a_connector(
        &self,
        secrets: Arc<dyn ports::Secrets>,
        transport: Arc<dyn braze::Transport>,
        callback_transport: Arc<dyn callback::CallbackTransport>,
    ) -> connector::Deps {
        connector::Deps {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            callbacks: self.callbacks.clone(),
            queues: self.queues.clone(),
            schedule: self.schedule.clone(),
            limits: self.limits.clone(),
            read_backs: self.read_backs.clone(),
            outages: self.outages.clone(),
            calls: self.calls.clone(),
            secrets,
            troubles: ports::Troubles::default(),
            clock: self.clock.clone(),
            chance: Arc::new(memory::SeededChance::new(5)),
            transport,
            callback_transport,
        }
    }

    /// How long something takes: `told` by the clock, or `real` in real time.
    fn takes(&self, told: Duration, real: Duration) -> Duration {
        if self.in_real_time { real } else { told }
    }

    /// Lets time pass. These tests are about time.
    async fn pass(&self, time: Duration) {
        if self.in_real_time { SystemClock.sleep(time).await } else { self.clock.advance(time) }
    }

    /// Waits until indexes show everything that was written.
    async fn indexes_catch_up(&self) {
        if let Some(proxy) = &self.indexes {
            proxy.indexes_catch_up().await;
        }
    }

    fn now(&self) -> Timestamp {
        if self.in_real_time { SystemClock.now() } else { self.clock.now() }
    }
}

async fn in_memory() -> Ports {
    let clock = Arc::new(TestClock::at(testkit::start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    Ports::over(&memory, &memory, clock, Spoiler::Memory(memory.clone()))
}

/// In memory, where lines are entered later than they are stored.
async fn in_memory_entered_later() -> Ports {
    let clock = Arc::new(TestClock::at(testkit::start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    memory.enter_later();
    Ports::over(&memory, &memory, clock, Spoiler::Memory(memory.clone()))
}

async fn on_a_file() -> Ports {
    let clock = Arc::new(TestClock::at(testkit::start()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    Ports { _directory: Some(directory), ..over_a_file(&path, clock) }
}

fn over_a_file(path: &Path, clock: Arc<TestClock>) -> Ports {
    let file = Arc::new(embedded::DataFile::open(path, clock.clone()).unwrap());
    let admin = Arc::new(embedded::AdminConnection::open(path).unwrap());
    let operations = Some(admin.clone() as Arc<dyn Operations>);
    Ports { operations, ..Ports::over(&file, &admin, clock, Spoiler::File(path.to_owned())) }
}

mod memory_keeps {
    keeps_books!(crate::in_memory());
    keeps_ledgers!(crate::in_memory());
    delivers!(crate::in_memory());
    // SQS keeps this promise by message groups; the emulator does not.
    promises! { crate::in_memory(); queues: one_brands_thousand_do_not_hold_up_another_brands_one; }
    promises! { crate::in_memory(); search: a_code_that_is_left_is_said_to_be_unused; }
}

mod memory_that_enters_later_keeps {
    keeps_ledgers!(crate::in_memory_entered_later());
    draws_numbers!(crate::in_memory_entered_later());
}

mod embedded_keeps {
    keeps_books!(crate::on_a_file());
    keeps_ledgers!(crate::on_a_file());
    can_be_operated!(crate::on_a_file());
    delivers!(crate::on_a_file());
    promises! { crate::on_a_file(); queues: one_brands_thousand_do_not_hold_up_another_brands_one; }
    promises! { crate::on_a_file(); search: a_code_that_is_left_is_said_to_be_unused; }
}

mod aws_keeps {
    keeps_books!(crate::emulator::on_dynamo());
    keeps_ledgers!(crate::emulator::on_dynamo());
    draws_numbers!(crate::emulator::on_dynamo());
    can_be_operated!(crate::emulator::on_dynamo());
    promises! { crate::emulator::on_dynamo(); search: what_no_index_has_is_searched_only_if_that_is_asked_for; }
    delivers!(crate::emulator::on_queues());
}
