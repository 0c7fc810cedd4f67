//! The list of the promises about the operator's commands.

/// The promises about the operator's commands.
macro_rules! can_be_operated {
    ($make:expr) => {
        promises! {
            $make;
            operations:
                an_overview_shows_states_and_due_participations,
                an_overview_shows_what_the_participations_of_each_brand_wait_for,
                an_overview_shows_the_limits_in_use,
                a_parked_callback_is_delivered_again_when_it_is_retried,
                a_callback_that_was_delivered_meanwhile_stays_delivered,
                only_the_named_dead_letters_are_retried,
                a_brand_that_backs_off_is_tried_again_now_and_no_other,
                a_forgotten_person_is_stored_nowhere,
                a_forgotten_persons_participation_ends_and_releases_its_place,
                a_forgotten_person_who_was_polled_is_not_polled_again,
                a_person_is_forgotten_by_any_number_that_reaches_them,
                a_forgotten_persons_consent_can_be_proved_by_either_contact,
                a_name_of_a_text_that_holds_the_contact_goes_with_it,
                a_forgotten_person_has_still_taken_part;
            imports:
                rows_that_are_imported_twice_are_stored_once_and_counted_once,
                a_row_of_a_consumer_who_takes_part_under_an_earlier_form_of_the_address_is_there,
                everything_is_read_once_page_by_page_with_its_awards,
                the_audit_log_is_read_in_the_order_in_which_it_was_written;
            unreadable:
                a_line_that_cannot_be_read_holds_up_no_other,
                what_is_read_together_with_its_line_is_what_is_read_apart,
                an_unreadable_callback_is_parked_and_holds_up_no_other,
                a_participation_that_was_set_aside_is_listed_with_why_and_read_again_at_once,
                a_profile_that_cannot_be_read_is_unknown_and_replaced,
                an_unreadable_participation_is_erased_by_its_id_and_releases_its_place;
        }
    };
}
