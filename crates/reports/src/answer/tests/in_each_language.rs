//! Every code has a text in each language.

use super::*;

/// Every statement with every cause, so that none lacks a text.
fn every_statement() -> Vec<Statement> {
    let reason = || "why".to_owned();
    let since = after(0);
    let causes = Cause::ALL.into_iter().chain([Cause::Unknown(*b"zz")]);
    let mut all: Vec<Statement> = causes.map(|cause| Statement::Waits(HeldUp { cause, since })).collect();
    let ways = [Some(Channel::Email), Some(Channel::Sms), Some(Channel::Event), None];
    all.extend(ways.map(|way| Statement::AlreadyRewarded { way, place: Some(2) }));
    all.extend([
        Statement::Forgotten,
        Statement::NotCreditedYet,
        Statement::OnItsWay,
        Statement::ConfirmsUntil { until: since },
        Statement::PlaceReserved { place: 1 },
        Statement::PlaceNotKnownYet,
        Statement::Expired { within: None, by_number: true },
        Statement::Expired { within: None, by_number: false },
        Statement::Unverified { within: VERIFIED_WITHIN },
        Statement::Unsubscribed,
        Statement::AnotherNumber,
        Statement::Rejected { reason: reason() },
        Statement::GivenUp { reason: reason() },
        Statement::NotCredited,
        Statement::CreditedWithoutIncentive,
        Statement::NoIncentive,
        Statement::Won { win: Win::Code(reason()), place: None, after: None },
        Statement::Consolation { win: Win::Code(reason()) },
        Statement::CodeOwed { place: 3 },
        Statement::Waiting { quantity: None, late_by: None, in_line: None },
        Statement::Waiting { quantity: Some(1), late_by: None, in_line: Some(1) },
        Statement::PlacesHeld { held: 1 },
        Statement::SoldOut { quantity: None },
        Statement::SoldOut { quantity: Some(1) },
        Statement::WaitsForOwn { way: None, place: None },
        Statement::InRaffle { drawn_from: None, tickets: None },
        Statement::RaffleLost { drawn_at: None, of: None },
        Statement::NotDrawn,
        Statement::TooSlow { took: None, within: None, since: Since::Opens },
        Statement::NotOpen { early_by: None },
        Statement::Closed { late_by: None },
        Statement::CreditedLate,
        Statement::StillWriting,
        Statement::ProfileRefused { reason: reason() },
        Statement::ProfileGivenUp { reason: reason() },
        Statement::NotConfirmedButCredited,
        Statement::WrittenAgain,
        Statement::RewardUnplaced { since },
        Statement::EventUnplaced { since },
        Statement::ConsentNotWritten,
    ]);
    all
}

#[test]
fn every_statement_and_every_cause_is_a_sentence_in_each_language() {
    let now = after(60);
    for statement in every_statement() {
        let text = |language| Explanation { statements: vec![statement.clone()], now }.text(language);
        let (english, french) = (text(Language::English), text(Language::French));
        for text in [&english, &french] {
            let is_sentence =
                text.len() > 10 && text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase());
            assert!(is_sentence && !text.contains("  ") && !text.contains(".."), "{statement:?}: {text:?}");
        }
        assert_ne!(english, french);
        assert!(!statement.code().is_empty());
    }
}

#[test]
fn every_outcome_and_every_award_status_has_an_answer_in_each_language() {
    let wait = Unanswered { since: accepted_at(), double: true, status: None, ended_at: None };
    let reason = || "why".to_owned();
    let outcomes = [
        (by_email(), Outcome::Enrolled),
        (by_event(None), Outcome::Credited),
        (by_number(), Outcome::Unverified),
        (by_number(), Outcome::Expired),
        (by_number(), Outcome::Mismatch(wait)),
        (by_number(), Outcome::Rejected { reason: reason() }),
        (by_email(), Outcome::Failed { reason: reason() }),
    ];
    let statuses = [
        AwardStatus::New,
        AwardStatus::Reserved { place: 1 },
        AwardStatus::Waiting,
        AwardStatus::InRaffle,
        AwardStatus::Rewarded { place: Some(1), reward: code() },
        AwardStatus::Rewarded { place: None, reward: code() },
        AwardStatus::Released,
    ];
    let whys = [
        NoPrize::NoIncentive,
        NoPrize::NotOpen,
        NoPrize::Closed,
        NoPrize::TooSlow,
        NoPrize::NotDrawn,
        NoPrize::Already,
    ];
    let statuses = statuses.into_iter().chain(whys.map(AwardStatus::NoPrize));
    let lines: Vec<Option<Award>> = statuses
        .flat_map(|status| {
            [None, Some(after(1))].map(|credited_at| Award { credited_at, ..line(status.clone()) })
        })
        .map(Some)
        .chain([None])
        .collect();
    let open = participation(by_email(), |_| {});
    let ended: Vec<Participation> = outcomes.into_iter().map(|(way, outcome)| ended(way, outcome)).collect();
    for participation in ended.iter().chain([&open]) {
        for award in &lines {
            let (code, english, french) = said(&facts(participation, award.as_ref()));
            assert!(!code.is_empty() && english.ends_with('.') && french.ends_with('.') && english != french);
            assert!(!english.contains("SPRING") && !french.contains("SPRING"), "a code is masked: {english}");
        }
    }
}
