//! Answers to those who win, or are under way.

use super::*;

#[test]
fn a_credit_that_braze_refused_to_show_is_still_a_win() {
    let participation = participation(by_email(), |kept| {
        kept.state = State::Ended(Outcome::Rejected { reason: "blocked".to_owned() });
        (kept.earned_at, kept.due_at) = (Some(accepted_at()), None);
    });
    let award = line(AwardStatus::Rewarded { place: Some(3), reward: code() });
    says(
        &facts(&participation, Some(&award)),
        "won",
        "Won: code •••• 7K2Q, place 3. Braze refused the profile (“blocked”).",
        "Gagné : code •••• 7K2Q, place 3. Braze a refusé le profil (« blocked »).",
    );
}

#[test]
fn a_win_says_what_which_place_and_how_fast() {
    let participation = credited();
    let won = AwardStatus::Rewarded { place: Some(1_002), reward: Reward::Value("12.5".parse().unwrap()) };
    let award = Award { rewarded_at: Some(after(66)), ..line(won) };
    says(
        &facts(&participation, Some(&award)),
        "won",
        "Won: 12.5, place 1,002, 1 min 6 s after the click.",
        "Gagné : 12,5, place 1 002, 1 min 6 s après le clic.",
    );
}

#[test]
fn a_consolation_says_why_it_is_no_prize() {
    let participation = credited();
    let status = AwardStatus::Rewarded { place: None, reward: code() };
    let late = Award { offer: Offer::Nothing(NoPrize::Closed), ..line(status.clone()) };
    says(
        &facts(&participation, Some(&late)),
        "consolation",
        "Got the consolation: code •••• 7K2Q. Came after the close.",
        "A reçu le lot de consolation : code •••• 7K2Q. Arrivé après la fermeture.",
    );
    let (behind, incentive) = (line(status), first());
    says(
        &AnswerFacts { incentive: Some(&incentive), ..facts(&participation, Some(&behind)) },
        "consolation",
        "Got the consolation: code •••• 7K2Q. All 100 places are given for good.",
        "A reçu le lot de consolation : code •••• 7K2Q. Les 100 places sont définitivement attribuées.",
    );
}

#[test]
fn a_place_without_a_code_is_owed_one() {
    let (participation, award) = (credited(), line(AwardStatus::Reserved { place: 9 }));
    says(
        &facts(&participation, Some(&award)),
        "code_owed",
        "Has place 9, but no code is left. The code follows as soon as codes are added.",
        "A la place 9, mais il n’y a plus de code. Le code suit dès que des codes sont ajoutés.",
    );
}

#[test]
fn a_ticket_says_when_the_raffle_is_drawn_and_later_that_it_was() {
    let participation = credited();
    let award = Award { offer: Offer::Lot, ..line(AwardStatus::InRaffle) };
    let raffle = Kind::Raffle { prize: Prize::Fixed(code()), draw_after: Duration::ZERO };
    let incentive = Incentive { closes: after(3_540), ..incentive(raffle) };
    let open = Counts { entered: 4_246, ..Counts::default() };
    let facts = AnswerFacts {
        incentive: Some(&incentive),
        counts: Some(&open),
        ..facts(&participation, Some(&award))
    };
    says(
        &facts,
        "in_raffle",
        "Has a ticket in the raffle, which is not drawn yet. It is drawn from 19:00:03 UTC on. There are 4,246 tickets.",
        "A un ticket pour le tirage, qui n’a pas encore eu lieu. Il a lieu à partir de 19:00:03 UTC. Il y a 4 246 tickets.",
    );
    let drawn = Counts {
        drawn_at: Some(after(0)),
        frozen: Some(Frozen { lots: 4_246, winners: 1 }),
        ..Counts::default()
    };
    says(
        &AnswerFacts { counts: Some(&drawn), ..facts },
        "raffle_lost",
        "Was in the raffle, was not drawn. It was drawn at 18:00:03 UTC: 1 winner among 4,246 tickets. The seal can be checked.",
        "A participé au tirage, sans être tiré. Tirage à 18:00:03 UTC : 1 gagnant pour 4 246 tickets. Le sceau est vérifiable.",
    );
}

#[test]
fn a_credit_without_an_incentive_says_so() {
    let participation = credited();
    says(
        &facts(&participation, None),
        "credited",
        "Credited. There is nothing to win in this way of taking part.",
        "Crédité. Il n’y a rien à gagner de cette façon.",
    );
    let award = without(NoPrize::NoIncentive);
    says(
        &facts(&participation, Some(&award)),
        "no_incentive",
        "Credited. The incentive is not in the brand file, so no reward.",
        "Crédité. L’avantage n’est pas dans le fichier de la marque, donc pas de gain.",
    );
}

#[test]
fn a_participation_that_is_under_way_says_so_and_which_place_is_kept() {
    let participation = participation(by_email(), |_| {});
    let award = Award { credited_at: None, ..line(AwardStatus::Reserved { place: 7 }) };
    says(
        &facts(&participation, Some(&award)),
        "not_credited_yet",
        "Not credited yet. It is processed now, or within a minute. Place 7 is kept until then.",
        "Pas encore crédité. Le traitement a lieu maintenant, ou dans la minute. La place 7 est gardée jusque-là.",
    );
}

#[test]
fn whoever_is_asked_to_confirm_has_until_a_moment() {
    let since = after(10);
    let participation = participation(by_number(), |kept| {
        kept.state = State::Open(Open::Sms(SmsState::AwaitingOptIn { since, asked_by: None }));
    });
    let facts =
        AnswerFacts { confirms_within: Some(Duration::from_secs(172_800)), ..facts(&participation, None) };
    says(
        &facts,
        "not_credited_yet",
        "Not credited yet. The consumer was asked to confirm and has not answered since 18:00:13 UTC, for 28 min 50 s. The consumer can confirm until 18:00:13 UTC on 26 November 2026.",
        "Pas encore crédité. La personne a été invitée à confirmer et n’a pas répondu depuis 18:00:13 UTC, soit 28 min 50 s. La personne peut confirmer jusqu’à 18:00:13 UTC le 26 novembre 2026.",
    );
}

#[test]
fn an_outage_says_since_when_and_that_nothing_is_lost() {
    let participation = participation(by_email(), |kept| {
        kept.held_up = Some(HeldUp { cause: Cause::Unreachable, since: after(0) });
    });
    says(
        &facts(&participation, None),
        "not_credited_yet",
        "Not credited yet. Braze has not answered since 18:00:03 UTC, for 29 min. Nothing is lost; it is tried again.",
        "Pas encore crédité. Braze ne répond plus depuis 18:00:03 UTC, soit 29 min. Rien n’est perdu ; un nouvel essai suit.",
    );
}

#[test]
fn a_reward_that_no_profile_shows_is_a_win_with_a_trouble() {
    let mut snapshot = credited().into_snapshot();
    snapshot.unplaced = Unplaced {
        reward: Some(GivenUp { since: after(600), reported: true }),
        flow_event: Some(GivenUp { since: after(660), reported: true }),
    };
    let participation = Participation::restore(snapshot).unwrap();
    let award = line(AwardStatus::Rewarded { place: Some(1), reward: code() });
    says(
        &facts(&participation, Some(&award)),
        "won",
        "Won: code •••• 7K2Q, place 1. No profile in Braze shows the reward. This was given up at 18:10:03 UTC. No profile in Braze has the event. This was given up at 18:11:03 UTC.",
        "Gagné : code •••• 7K2Q, place 1. Aucun profil de Braze ne montre le gain. L’écriture a été abandonnée à 18:10:03 UTC. Aucun profil de Braze n’a l’événement. L’envoi a été abandonné à 18:11:03 UTC.",
    );
}

#[test]
fn a_reward_that_is_written_again_says_so() {
    let mut snapshot = credited().into_snapshot();
    snapshot.due_at = Some(after(1_800));
    snapshot.read_back =
        Some(ReadBack::Missing { parts: Parts { reward: true, ..Parts::default() }, times: 1 });
    let participation = Participation::restore(snapshot).unwrap();
    let award = line(AwardStatus::Rewarded { place: Some(1), reward: code() });
    let (_, english, french) = said(&facts(&participation, Some(&award)));
    assert!(english.ends_with("The profile does not show what was written to it, so it is written again."));
    assert!(french.ends_with("Le profil ne montre pas ce qui y a été écrit ; l’écriture est donc refaite."));
}

#[test]
fn of_a_forgotten_consumer_nothing_is_known() {
    let participation = participation(by_email(), |kept| {
        kept.way = Way::Forgotten(Forgotten::default());
        kept.state = State::Ended(Outcome::Rejected { reason: "forgotten".to_owned() });
        kept.who = Participant::default();
        kept.due_at = None;
    });
    says(
        &facts(&participation, None),
        "forgotten",
        "The consumer was forgotten, so nothing is known about the reward.",
        "Les données de cette personne ont été effacées ; on ne sait donc rien du gain.",
    );
}
