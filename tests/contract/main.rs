//! The ports' promises, one body of tests for every implementation: `memory` without faults, `embedded` on a real file, and `aws`
//! on an emulator.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod accepted;
mod callbacks;
mod codes;
mod earlier;
mod emulator;
mod fixtures;
mod game;
mod in_order;
mod ledger;
mod left_open;
mod limits;
mod operations;
mod queues;
mod retention;
mod schedule;
mod steps;
mod store;
mod tables;
mod unreadable;
mod write_units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use memory::{Faults, Memory, TestClock};
use ports::clock::SystemClock;
use ports::{Callbacks, Clock, Ledger, Limits, Operations, Outages, Queues, Schedule, Store};
use unreadable::Spoiler;

/// An implementation under test, with the clock it goes by.
struct Ports {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    callbacks: Arc<dyn Callbacks>,
    queues: Arc<dyn Queues>,
    schedule: Arc<dyn Schedule>,
    limits: Arc<dyn Limits>,
    outages: Arc<dyn Outages>,
    /// `None` where nobody is on call.
    operations: Option<Arc<dyn Operations>>,
    clock: Arc<TestClock>,
    /// What damages what is kept.
    spoiler: Spoiler,
    /// Whether the queues go by the time of day, and not by the clock.
    in_real_time: bool,
    /// Goes when the test ends.
    _directory: Option<tempfile::TempDir>,
}

impl Ports {
    /// Over one adapter that keeps everything.
    fn over<A>(adapter: &Arc<A>, clock: Arc<TestClock>, spoiler: Spoiler) -> Self
    where
        A: Store + Ledger + Callbacks + Queues + Schedule + Limits + Outages + 'static,
    {
        Self {
            store: adapter.clone(),
            ledger: adapter.clone(),
            callbacks: adapter.clone(),
            queues: adapter.clone(),
            schedule: adapter.clone(),
            limits: adapter.clone(),
            outages: adapter.clone(),
            operations: None,
            clock,
            spoiler,
            in_real_time: false,
            _directory: None,
        }
    }

    /// These ports as intake takes them.
    fn under_intake(&self, secrets: Arc<dyn ports::Secrets>) -> intake::IntakeDeps {
        let memory = Arc::new(Memory::new(1, Faults::none(), self.clock.clone()));
        intake::IntakeDeps {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            queues: self.queues.clone(),
            ..intake::IntakeDeps::over(&memory, secrets, self.clock.clone())
        }
    }

    /// These ports as a connector takes them.
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
            outages: self.outages.clone(),
            secrets,
            troubles: ports::Troubles::default(),
            clock: self.clock.clone(),
            chance: Arc::new(memory::SeededChance::new(5)),
            transport,
            callback_transport,
        }
    }

    /// How long something takes: as told, or in real time.
    fn takes(&self, told: Duration, real: Duration) -> Duration {
        if self.in_real_time { real } else { told }
    }

    /// Lets time pass, which is what these tests are about.
    async fn pass(&self, time: Duration) {
        if self.in_real_time { SystemClock.sleep(time).await } else { self.clock.advance(time) }
    }

    fn now(&self) -> Timestamp {
        if self.in_real_time { SystemClock.now() } else { self.clock.now() }
    }
}

async fn in_memory() -> Ports {
    let clock = Arc::new(TestClock::at(testkit::start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    Ports::over(&memory, clock, Spoiler::Memory(memory.clone()))
}

async fn on_a_file() -> Ports {
    let clock = Arc::new(TestClock::at(testkit::start()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    Ports { _directory: Some(directory), ..over_a_file(&path, clock) }
}

fn over_a_file(path: &Path, clock: Arc<TestClock>) -> Ports {
    let file = Arc::new(embedded::DataFile::open(path, clock.clone()).unwrap());
    let operations = Some(Arc::new(embedded::AdminConnection::open(path).unwrap()) as Arc<dyn Operations>);
    Ports { operations, ..Ports::over(&file, clock, Spoiler::File(path.to_owned())) }
}

/// Makes a test of each promise.
macro_rules! promises {
    ($make:expr; $($room:ident: $($promise:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $promise() { crate::$room::$promise($make.await).await; }
        )+)+
    };
}

/// What is kept by key, and goes by the time that it is told.
macro_rules! keeps_books {
    ($make:expr) => {
        promises! {
            $make;
            store:
                an_inserted_participation_reads_back_as_it_was,
                the_first_of_two_inserts_stays,
                of_many_inserts_at_once_one_is_new,
                unknown_ids_are_left_out,
                who_is_asked_for_twice_comes_once,
                every_state_reads_back,
                a_save_is_the_next_version,
                a_save_of_an_old_version_changes_nothing,
                of_two_saves_at_once_one_wins,
                a_conflict_holds_up_no_other_save,
                what_is_due_comes_longest_due_first,
                nobodys_due_is_hidden_behind_anothers_many,
                what_has_ended_or_is_not_due_does_not_come,
                more_than_a_hundred_are_refused,
                what_is_known_of_a_profile_is_remembered_and_replaced,
                of_many_claims_one_holds,
                what_an_activation_has_accepted_is_counted_once_and_apart_from_others,
                whoever_is_being_stored_is_counted_in_the_end;
            accepted:
                whatever_is_accepted_can_be_read_shown_ended_and_erased;
            unreadable:
                what_cannot_be_read_is_named_beside_what_can,
                what_cannot_be_read_comes_again_when_it_is_told_to,
                more_than_a_hundred_are_the_callers_mistake_and_no_outage;
            limits:
                bookings_at_once_overbook_no_window,
                what_an_answer_taught_counts_for_the_next_booking,
                lanes_are_counted_apart,
                an_outage_is_kept_until_it_ends;
        }
    };
}

/// What is kept in ledgers.
macro_rules! keeps_ledgers {
    ($make:expr) => {
        promises! {
            $make;
            ledger:
                places_are_held_in_the_order_of_acceptance,
                an_award_reads_back_as_it_was,
                an_award_that_is_asked_for_twice_comes_once,
                the_same_participation_twice_is_entered_once,
                a_released_place_goes_to_the_first_one_waiting,
                a_released_place_is_kept_for_who_comes_next,
                who_moves_up_after_the_end_is_due_until_looked_at,
                settling_again_changes_nothing,
                a_participant_is_rewarded_once_however_often_they_take_part,
                who_came_when_there_was_one_way_in_is_found_by_the_ways_that_came_later,
                crediting_enters_what_was_not_entered_in_the_order_that_is_told,
                tiers_follow_the_place,
                every_code_is_given_out_once_and_low_stock_is_told,
                who_is_owed_a_code_gets_it_when_there_are_codes_again,
                a_larger_quantity_lets_those_in_who_wait,
                a_much_larger_quantity_lets_everyone_in_who_waits,
                a_hundred_who_are_owed_codes_get_them,
                a_raffle_of_too_few_codes_owes_the_rest,
                a_raffle_is_drawn_once_among_those_who_are_credited,
                what_a_draw_came_to_is_read_in_parts,
                who_waits_is_told_how_many_wait_before,
                who_is_credited_long_after_the_close_has_no_lot_though_nothing_is_drawn_yet,
                who_settles_at_once_oversells_nothing;
            codes:
                a_code_that_was_kept_with_a_byte_order_mark_is_given_out_once_and_without_it,
                a_code_that_was_given_out_with_a_byte_order_mark_is_not_given_out_again;
            callbacks:
                everything_is_told_once,
                a_notice_comes_again_until_it_is_told,
                a_parked_notice_does_not_come_again,
                an_award_without_incentive_is_a_credit_that_is_told;
        }
    };
}

/// What whoever is on call sees and does.
macro_rules! can_be_operated {
    ($make:expr) => {
        promises! {
            $make;
            operations:
                an_overview_tells_states_and_what_is_due,
                an_overview_tells_limits_in_use,
                a_parked_callback_is_told_again_when_it_is_retried,
                a_callback_that_somebody_has_told_meanwhile_stays_told,
                only_what_is_meant_is_retried,
                a_brand_that_backs_off_is_tried_again_now_and_no_other,
                who_is_forgotten_is_nowhere_any_more,
                a_flow_of_somebody_forgotten_ends_and_releases_its_place,
                whoever_is_reached_at_the_number_is_forgotten_by_it,
                the_consent_of_who_is_forgotten_can_be_proved_by_either_contact,
                a_name_of_a_text_that_holds_the_contact_goes_with_it,
                who_was_forgotten_has_taken_part_all_the_same;
            unreadable:
                a_line_that_cannot_be_read_holds_up_no_other,
                a_notice_that_cannot_be_read_is_parked_and_holds_up_no_other,
                a_profile_that_cannot_be_read_is_unknown_and_replaced,
                what_cannot_be_read_is_erased_by_its_id_and_releases_its_place;
        }
    };
}

/// What is delivered when its time has come.
macro_rules! delivers {
    ($make:expr) => {
        promises! {
            $make;
            queues:
                a_message_is_delivered_until_it_is_acknowledged,
                a_delayed_message_comes_when_its_time_has_come,
                a_receiver_that_waits_is_woken_by_a_message,
                a_receiver_goes_away_empty_when_its_time_is_up,
                ten_messages_at_a_time,
                a_message_of_a_hundred_reads_back;
            schedule:
                a_schedule_fires_at_its_time_and_not_before,
                a_schedule_is_as_precise_as_it_says_and_no_earlier,
                the_same_schedule_twice_is_delivered_once;
        }
    };
}

/// What a quiet brand is promised. SQS does it for message groups, its emulator does not.
macro_rules! delivers_fairly {
    ($make:expr) => {
        promises! {
            $make;
            queues:
                one_brands_thousand_do_not_hold_up_another_brands_one;
        }
    };
}

mod memory_keeps {
    keeps_books!(crate::in_memory());
    keeps_ledgers!(crate::in_memory());
    delivers!(crate::in_memory());
    delivers_fairly!(crate::in_memory());
}

mod embedded_keeps {
    keeps_books!(crate::on_a_file());
    keeps_ledgers!(crate::on_a_file());
    can_be_operated!(crate::on_a_file());
    delivers!(crate::on_a_file());
    delivers_fairly!(crate::on_a_file());
}

mod aws_keeps {
    keeps_books!(crate::emulator::on_dynamo());
    keeps_ledgers!(crate::emulator::on_dynamo());
    can_be_operated!(crate::emulator::on_dynamo());
    delivers!(crate::emulator::on_queues());
}

/// What memory's faults do: each one happens, and the same seed makes the same run.
mod memory_faults;
