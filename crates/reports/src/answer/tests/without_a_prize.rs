//! Answers to those who win nothing, or nothing yet.

use super::*;

#[test]
fn whoever_waits_is_told_which_place_went_when_and_the_place_in_line() {
    let (participation, award, incentive) = (credited(), line(AwardStatus::Waiting), first());
    let counts = Counts { held: 3, given: 97, waiting: 41, ..Counts::default() };
    let facts = AnswerFacts {
        counts: Some(&counts),
        incentive: Some(&incentive),
        last_place_at: Some(before(214)),
        waiting_ahead: Some(1),
        ..facts(&participation, Some(&award))
    };
    says(
        &facts,
        "waiting",
        "The 100th place went 214 ms before this click. Now 2nd in line. 3 places are held for people who are not credited yet; each one that is released goes to the first in line.",
        "La 100e place est partie 214 ms avant ce clic. 2e place sur la liste d’attente. 3 places sont encore gardées pour des personnes qui ne sont pas créditées ; chaque place libérée revient au premier de la liste.",
    );
}

#[test]
fn whoever_waits_when_all_places_are_given_is_told_that_it_is_sold_out() {
    let (participation, award) = (credited(), line(AwardStatus::Waiting));
    let counts = Counts { given: 1_240, waiting: 41, ..Counts::default() };
    let facts = AnswerFacts { counts: Some(&counts), ..facts(&participation, Some(&award)) };
    says(
        &facts,
        "waiting",
        "All places went before this click. Now in line. All 1,240 places are given for good.",
        "Toutes les places sont parties avant ce clic. Sur la liste d’attente. Les 1 240 places sont définitivement attribuées.",
    );
}

#[test]
fn whoever_waits_for_the_own_other_participation_is_told_so() {
    let (participation, award) = (credited(), line(AwardStatus::Waiting));
    let other =
        Award { id: ParticipationId::from_bytes([8; 16]), ..line(AwardStatus::Reserved { place: 12 }) };
    let siblings = [Sibling { award: other, channel: Some(Channel::Sms) }];
    says(
        &AnswerFacts { siblings: &siblings, ..facts(&participation, Some(&award)) },
        "waits_for_own",
        "Has a place already, by text message, place 12; one participant gets one reward.",
        "A déjà une place, par SMS, place 12 ; une personne reçoit un seul gain.",
    );
}

#[test]
fn whoever_was_too_slow_is_told_how_slow_and_what_counted() {
    let participation = participation(by_event(Some(before(66_000))), |kept| {
        kept.state = State::Ended(Outcome::Credited);
        (kept.earned_at, kept.due_at) = (Some(accepted_at()), None);
    });
    let tier = SpeedTier { within: Duration::from_secs(60), prize: Prize::Fixed(code()) };
    let incentive = incentive(Kind::Speed { since: Since::SentAt, speed_tiers: vec![tier] });
    let award = without(NoPrize::TooSlow);
    let facts = AnswerFacts { incentive: Some(&incentive), ..facts(&participation, Some(&award)) };
    says(
        &facts,
        "too_slow",
        "1 min 6 s after the sending; only answers within 1 minute counted.",
        "1 min 6 s après l’envoi ; seules comptaient les réponses en 1 minute au plus.",
    );
    let changed = AnswerFacts { incentive: None, ..facts };
    says(
        &changed,
        "too_slow",
        "Answered too late; only faster answers counted.",
        "Réponse trop tardive ; seules comptaient les réponses plus rapides.",
    );
}

#[test]
fn who_was_not_drawn_is_told_that_the_seal_can_be_checked() {
    let (participation, award) = (credited(), without(NoPrize::NotDrawn));
    says(
        &facts(&participation, Some(&award)),
        "not_drawn",
        "Was in the draw, was not drawn. The seal can be checked.",
        "A participé au tirage, sans être tiré. Le sceau est vérifiable.",
    );
}

#[test]
fn who_has_a_reward_already_is_told_where() {
    let (participation, award) = (credited(), without(NoPrize::Already));
    let other = AwardStatus::Rewarded { place: Some(102), reward: code() };
    let other = Award { id: ParticipationId::from_bytes([8; 16]), ..line(other) };
    let siblings = [Sibling { award: other, channel: Some(Channel::Sms) }];
    says(
        &AnswerFacts { siblings: &siblings, ..facts(&participation, Some(&award)) },
        "already_rewarded",
        "Has the reward already, by text message, place 102.",
        "A déjà le gain, par SMS, place 102.",
    );
}

#[test]
fn who_came_before_the_opening_or_after_the_close_is_told_by_how_much() {
    let participation = credited();
    let (not_open, closed) = (without(NoPrize::NotOpen), without(NoPrize::Closed));
    let early = Incentive { opens: after(3), ..first() };
    let late = Incentive { closes: before(12_000), ..first() };
    let facts_of =
        |award, incentive| AnswerFacts { incentive: Some(incentive), ..facts(&participation, Some(award)) };
    says(
        &facts_of(&not_open, &early),
        "not_open",
        "Came 3 s before the opening.",
        "Arrivé 3 s avant l’ouverture.",
    );
    says(
        &facts_of(&closed, &late),
        "closed",
        "Came 12 s after the close.",
        "Arrivé 12 s après la fermeture.",
    );
    says(
        &facts(&participation, Some(&closed)),
        "closed",
        "Came after the close.",
        "Arrivé après la fermeture.",
    );
    says(
        &facts(&participation, Some(&not_open)),
        "not_open",
        "Came before the opening.",
        "Arrivé avant l’ouverture.",
    );
}

#[test]
fn who_was_credited_too_late_for_the_raffle_is_told_so() {
    let participation = credited();
    let award = Award { offer: Offer::Lot, ..line(AwardStatus::NoPrize(NoPrize::Closed)) };
    says(
        &facts(&participation, Some(&award)),
        "credited_late",
        "Came in time, but was credited too late for the raffle.",
        "Arrivé à temps, mais crédité trop tard pour le tirage.",
    );
}

#[test]
fn who_did_not_confirm_is_told_how_long_there_was() {
    let within = |participation, hours: u64| AnswerFacts {
        confirms_within: Some(Duration::from_secs(hours * 3_600)),
        ..facts(participation, None)
    };
    let by_number = ended(by_number(), Outcome::Expired);
    says(
        &within(&by_number, 48),
        "expired",
        "No Y within 48 hours, so no credit and no reward.",
        "Pas de OUI en 48 heures : ni crédit, ni gain.",
    );
    let by_email = ended(by_email(), Outcome::Expired);
    says(
        &within(&by_email, 168),
        "expired",
        "No confirmation within 7 days, so no credit and no reward.",
        "Pas de confirmation en 7 jours : ni crédit, ni gain.",
    );
}

#[test]
fn a_number_that_braze_never_called_subscribed_is_explained() {
    let participation = ended(by_number(), Outcome::Unverified);
    says(
        &facts(&participation, None),
        "unverified",
        "Braze did not say “Subscribed” within 15 minutes, so no credit and no reward.",
        "Braze n’a pas confirmé l’inscription en 15 minutes : ni crédit, ni gain.",
    );
}

#[test]
fn a_number_that_said_stop_is_explained_once() {
    let lost = ChannelConsent { given: true, progress: ConsentProgress::NotWritten };
    let consent = Consent { sms: Some(lost), ..Consent::answered(true, accepted_at(), None) };
    let way = Way::Sms { phone: Phone::from_e164("+13135550100").unwrap(), email: None, consent };
    let participation = ended(way, Outcome::Unverified);
    let (code, english, french) = said(&facts(&participation, None));
    assert_eq!(code, "unsubscribed");
    assert!(
        english.starts_with("The consumer had unsubscribed from text messages, so no credit and no reward.")
    );
    assert!(french.starts_with("La personne s’était désinscrite des SMS : ni crédit, ni gain."));
}

#[test]
fn a_profile_with_another_number_is_explained() {
    let wait = Unanswered { since: accepted_at(), double: true, status: None, ended_at: Some(after(9)) };
    let participation = ended(by_number(), Outcome::Mismatch(wait));
    says(
        &facts(&participation, None),
        "another_number",
        "The profile in Braze has another phone number, so no credit and no reward.",
        "Le profil de Braze a un autre numéro de téléphone : ni crédit, ni gain.",
    );
}

#[test]
fn who_ended_without_a_credit_is_told_that_there_is_no_reward() {
    let ended = ended(by_email(), Outcome::Enrolled);
    let released = Award { credited_at: None, ..line(AwardStatus::Released) };
    for award in [None, Some(&released)] {
        says(
            &facts(&ended, award),
            "not_credited",
            "It ended without a credit, so no reward.",
            "Terminé sans crédit, donc sans gain.",
        );
    }
}

#[test]
fn a_rejection_and_a_failure_say_why_without_acting_on_a_terminal() {
    let rejected = ended(by_email(), Outcome::Rejected { reason: "bad\u{1b}[31m <b>\u{202e}".to_owned() });
    says(
        &facts(&rejected, None),
        "rejected",
        "Braze refused this consumer (“bad\\u{1b}[31m <b>\\u{202e}”), so no credit and no reward.",
        "Braze a refusé cette personne (« bad\\u{1b}[31m <b>\\u{202e} ») : ni crédit, ni gain.",
    );
    let failed = ended(by_email(), Outcome::Failed { reason: "nothing for 14 days".to_owned() });
    says(
        &facts(&failed, None),
        "failed",
        "It was given up (“nothing for 14 days”), so no credit and no reward.",
        "Abandonné (« nothing for 14 days ») : ni crédit, ni gain.",
    );
}
