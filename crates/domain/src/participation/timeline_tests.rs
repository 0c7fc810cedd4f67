use super::*;

fn timeline(happened: &[(Code, Option<Cause>)]) -> Timeline {
    let mut timeline = Timeline::default();
    for (second, (code, cause)) in happened.iter().enumerate() {
        let began = u64::try_from(second).unwrap() * 1_000;
        timeline.add(*code, began);
        match cause {
            Some(cause) => timeline.failed(*cause, began + 400),
            None => timeline.answered(began + 200),
        }
    }
    timeline
}

fn entry(code: Code, cause: Option<Cause>, (began, ended): (u64, u64), times: u32) -> TimelineEntry {
    TimelineEntry { code, cause, began, ended, times }
}

#[test]
fn a_question_is_one_entry_with_the_time_of_its_answer() {
    let timeline = timeline(&[(Code::LookedUp, None), (Code::Ended, None)]);
    let expected = [entry(Code::LookedUp, None, (0, 200), 1), entry(Code::Ended, None, (1_000, 1_000), 1)];
    assert_eq!(timeline.entries(), expected);
}

#[test]
fn equal_entries_in_a_row_are_one_entry_with_a_count_and_the_time_of_the_last() {
    let throttled = (Code::Updated, Some(Cause::Throttled));
    let timeline = timeline(&[throttled, throttled, throttled, (Code::Updated, None)]);
    let expected = [
        entry(Code::Updated, Some(Cause::Throttled), (0, 2_400), 3),
        entry(Code::Updated, None, (3_000, 3_200), 1),
    ];
    assert_eq!(timeline.entries(), expected);
}

#[test]
fn what_fails_for_another_reason_is_another_entry() {
    let failed = |cause| (Code::Updated, Some(cause));
    let timeline = timeline(&[failed(Cause::Throttled), failed(Cause::Unreachable)]);
    assert_eq!(timeline.entries().iter().map(|entry| entry.times).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_failure_after_answers_is_no_part_of_their_entry() {
    let answered = (Code::AskedSubscription, None);
    let timeline = timeline(&[answered, answered, (Code::AskedSubscription, Some(Cause::BrazeFailed))]);
    let expected = [
        entry(Code::AskedSubscription, None, (0, 1_200), 2),
        entry(Code::AskedSubscription, Some(Cause::BrazeFailed), (2_000, 2_400), 1),
    ];
    assert_eq!(timeline.entries(), expected);
}

#[test]
fn an_answer_that_came_before_it_was_asked_for_by_the_clock_takes_no_time() {
    let mut timeline = Timeline::default();
    timeline.add(Code::LookedUp, 500);
    timeline.answered(300);
    assert_eq!(timeline.entries(), [entry(Code::LookedUp, None, (500, 500), 1)]);
}

#[test]
fn a_long_timeline_keeps_the_first_and_the_last_entries_and_counts_the_others() {
    let pairs = [(Code::LookedForEvent, None), (Code::Updated, Some(Cause::AnswerLost))];
    let happened: Vec<_> = pairs.into_iter().cycle().take(100).collect();
    let timeline = timeline(&happened);
    assert_eq!((timeline.entries().len(), timeline.dropped()), (MOST_ENTRIES, 76));
    let began: Vec<u64> = timeline.entries().iter().map(|entry| entry.began / 1_000).collect();
    assert_eq!(began[..FIRST_KEPT], [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(began[FIRST_KEPT..], (84..100).collect::<Vec<u64>>());
}

#[test]
fn an_entry_knows_its_moments() {
    let accepted_at = Timestamp::from_second(1_800_000_000).unwrap();
    let entry = entry(Code::LookedUp, None, (1_500, 2_250), 1);
    let after = |moment: Timestamp| moment.as_millisecond() - accepted_at.as_millisecond();
    assert_eq!((after(entry.began_at(accepted_at)), after(entry.ended_at(accepted_at))), (1_500, 2_250));
}
