//! The promises of the ports. Each is a test for every implementation that makes it.

/// Makes a test of each promise.
macro_rules! promises {
    ($make:expr; $($room:ident: $($promise:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $promise() { crate::$room::$promise($make.await).await; }
        )+)+
    };
}

/// The promises about what is stored by key. Time is passed as an argument.
macro_rules! keeps_books {
    ($make:expr) => {
        promises! {
            $make;
            store:
                an_inserted_participation_reads_back_as_it_was,
                the_first_of_two_inserts_stays,
                of_many_inserts_at_once_one_is_new,
                unknown_ids_are_left_out,
                a_participation_that_is_requested_twice_is_returned_once,
                every_state_reads_back,
                a_save_is_the_next_version,
                a_save_of_an_old_version_changes_nothing,
                of_two_saves_at_once_one_wins,
                a_conflict_holds_up_no_other_save,
                due_participations_are_returned_longest_due_first,
                a_brand_with_much_due_hides_no_other_brands_due_participation,
                ended_participations_and_those_not_due_are_not_returned,
                a_participation_that_nobody_processed_is_due_again_and_again,
                a_wait_that_is_saved_ends_at_its_time,
                a_participation_that_was_put_off_is_due_at_its_new_time_only,
                a_participation_that_is_saved_after_it_was_put_off_is_found_as_it_was_saved,
                more_than_a_hundred_are_refused,
                a_profile_hint_is_stored_and_replaced,
                of_many_claims_one_holds,
                an_activations_accepted_participations_are_counted_once_and_separately,
                participations_that_are_being_stored_are_counted_in_the_end;
            accepted:
                whatever_is_accepted_can_be_read_shown_ended_and_erased;
            details:
                the_latest_details_count_and_equal_ones_are_not_written_again,
                a_worker_that_knows_the_replaced_details_only_saves_nothing,
                details_stay_once_the_consumer_has_confirmed,
                once_details_were_replaced_nothing_that_is_won_is_shown_without_a_signature;
            unreadable:
                unreadable_records_are_named_together_with_the_readable_ones,
                an_unreadable_participation_is_due_again_at_the_time_it_was_set_aside_until,
                more_than_a_hundred_are_the_callers_mistake_and_no_outage;
            limits:
                bookings_at_once_overbook_no_window,
                spare_slots_are_counted_and_half_of_a_window_has_none,
                limits_learned_from_an_answer_apply_to_the_next_booking,
                lanes_are_counted_apart,
                a_changed_contract_counts_from_the_next_booking_on,
                writes_are_tried_together_and_then_counted_by_the_hour,
                an_outage_is_kept_until_it_ends;
            read_backs:
                a_batch_is_due_from_its_time_on_until_it_is_done,
                a_batch_that_is_kept_twice_is_one_batch,
                no_more_than_a_hundred_batches_are_returned;
            calls:
                kept_calls_are_read_as_they_were_brand_by_brand,
                calls_that_were_kept_before_the_time_are_left_out,
                more_calls_than_fit_a_page_are_read_page_by_page,
                the_calls_about_a_participation_are_those_that_name_it,
                of_many_calls_about_a_participation_the_first_are_shown,
                an_older_participation_says_since_when_calls_are_kept;
            pauses:
                a_paused_activation_stays_so_until_it_is_resumed,
                a_second_pause_keeps_the_beginning_of_the_first;
            rollups:
                the_figures_of_saved_participations_are_in_the_roll_up_of_their_activation,
                the_figures_of_a_save_that_lost_a_conflict_are_not_counted,
                figures_that_no_save_carries_are_added,
                more_figures_than_fit_one_expression_of_dynamodb_are_all_added;
        }
    };
}

/// The promises about ledgers.
macro_rules! keeps_ledgers {
    ($make:expr) => {
        promises! {
            $make;
            released:
                a_released_place_goes_to_the_first_one_waiting,
                a_released_place_is_kept_for_the_next_participation,
                a_participation_that_is_repeated_takes_no_released_place;
            ledger:
                places_are_held_in_the_order_of_acceptance,
                the_standing_that_an_insert_returns_is_the_one_that_is_shown,
                an_award_reads_back_as_it_was,
                an_award_that_is_requested_twice_is_returned_once,
                the_same_participation_twice_is_entered_once,
                a_participation_that_moves_up_after_its_end_is_due_until_it_is_processed,
                resolving_again_changes_nothing,
                a_participant_is_rewarded_once_however_often_they_take_part,
                a_participant_of_the_first_way_is_found_by_ways_that_were_added_later,
                crediting_enters_lines_that_were_not_entered_in_the_given_order,
                tiers_follow_the_place,
                every_code_is_given_out_once_and_low_stock_is_reported,
                an_owed_code_is_given_when_there_are_codes_again,
                a_larger_quantity_gives_places_to_those_who_wait,
                a_much_larger_quantity_gives_a_place_to_everyone_who_waits,
                a_hundred_who_are_owed_codes_get_them,
                a_raffle_of_too_few_codes_owes_the_rest,
                a_raffle_is_drawn_once_among_those_who_are_credited,
                the_result_of_a_draw_is_read_in_parts,
                a_waiting_participation_shows_how_many_wait_ahead,
                a_credit_long_after_the_close_has_no_ticket_though_nothing_is_drawn_yet,
                concurrent_resolutions_oversell_nothing;
            numbers:
                a_consumer_who_is_answered_before_another_asks_stands_ahead,
                what_the_answer_says_is_what_is_kept,
                numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once;
            one_prize:
                many_addresses_of_one_profile_win_once,
                whoever_turns_out_to_be_rewarded_already_gives_the_place_to_the_next,
                whoever_has_a_place_under_another_key_is_passed_over_by_places_that_are_released,
                a_line_whose_contact_was_replaced_is_no_longer_its_former_participants,
                the_tickets_of_one_profile_are_one_chance;
            codes:
                a_code_that_was_kept_with_a_byte_order_mark_is_given_out_once_and_without_it,
                a_code_that_was_given_out_with_a_byte_order_mark_is_not_given_out_again;
            callbacks:
                every_callback_is_delivered_once,
                a_callback_is_repeated_until_it_is_delivered,
                a_parked_callback_is_not_repeated,
                a_callback_beside_the_ledgers_is_sent_once,
                an_award_without_incentive_is_a_credit_with_a_callback;
            inspection:
                a_participation_is_shown_with_its_line_and_how_many_wait_ahead,
                a_callback_that_is_not_taken_is_shown_with_its_last_answer,
                the_first_callback_with_a_result_says_when_quikly_was_told,
                what_happened_and_why_it_waits_is_shown_as_it_was_saved,
                nobody_is_shown_under_an_unknown_id;
            search:
                whoever_has_a_number_or_a_place_is_found,
                the_place_of_somebody_who_left_is_found_at_whoever_moved_up,
                whoever_got_a_code_is_found_by_it;
        }
    };
}

/// The promises about messages and schedules.
macro_rules! delivers {
    ($make:expr) => {
        promises! {
            $make;
            queues:
                a_message_is_delivered_until_it_is_acknowledged,
                an_announcement_is_delivered_until_it_is_acknowledged,
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
                however_many_workers_credit_by_numbers_every_place_is_given_once,
                of_one_consumers_two_lines_only_one_is_credited;
        }
    };
}
