//! The lists of the promises about messages and schedules, and about numbers.

/// The promises about messages and schedules.
macro_rules! delivers {
    ($make:expr) => {
        promises! {
            $make;
            queues:
                a_message_is_delivered_until_it_is_acknowledged,
                a_delayed_message_is_delivered_at_its_time,
                a_receiver_that_waits_is_woken_by_a_message,
                a_receive_without_messages_ends_when_its_time_is_up,
                ten_messages_at_a_time,
                a_message_of_a_hundred_reads_back;
            schedule:
                a_schedule_fires_at_its_time_and_not_before,
                a_schedule_is_as_precise_as_it_says_and_no_earlier,
                the_same_schedule_twice_is_delivered_once;
        }
    };
}

/// The promise to a brand with few messages. SQS keeps it by message groups; the emulator does not.
macro_rules! delivers_fairly {
    ($make:expr) => {
        promises! {
            $make;
            queues:
                one_brands_thousand_do_not_hold_up_another_brands_one;
        }
    };
}

/// The promises of a store that draws numbers before it enters lines.
macro_rules! draws_numbers {
    ($make:expr) => {
        promises! {
            $make;
            numbers: a_number_whose_participation_comes_too_late_has_no_second_owner;
            by_number:
                a_line_that_is_credited_by_its_number_is_stored_with_its_participation,
                a_line_whose_save_never_happened_is_the_same_again_and_counts_once,
                a_reclaimed_number_credits_nobody_and_a_kept_one_is_not_reclaimed,
                however_many_workers_credit_by_numbers_every_place_is_given_once;
        }
    };
}
