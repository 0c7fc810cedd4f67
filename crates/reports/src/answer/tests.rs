//! Each sentence in both languages, held against the facts that it is made of.

use std::num::{NonZeroU32, NonZeroU64};

use domain::award::{AwardStatus, Participant, SiblingLines};
use domain::consent::{ChannelConsent, Consent, ConsentProgress};
use domain::contact::{Email, Phone};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Kind, NoPrize, Offer, Prize, Quantity, Reward, Since, SpeedTier};
use domain::ledger::Frozen;
use domain::participation::{
    BrazeEvent, Forgotten, GivenUp, Parts, ReadBack, Snapshot, Unanswered, Unplaced,
};

use super::*;

/// The acceptance is at 18:00:03.332 UTC.
fn accepted_at() -> Timestamp {
    "2026-11-24T18:00:03.332Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    accepted_at() + jiff::SignedDuration::from_secs(seconds)
}

fn before(milliseconds: i64) -> Timestamp {
    accepted_at() - jiff::SignedDuration::from_millis(milliseconds)
}

fn by_email() -> Way {
    Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None }
}

fn by_number() -> Way {
    let phone = Phone::from_e164("+13135550100").unwrap();
    Way::Sms { phone, email: None, consent: Consent::answered(true, accepted_at(), None) }
}

fn by_event(sent_at: Option<Timestamp>) -> Way {
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at };
    Way::Event { event, email: Email::parse("ada@example.com").unwrap() }
}

fn participation(way: Way, change: impl FnOnce(&mut Snapshot)) -> Participation {
    let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
    let id = ParticipationId::from_bytes([7; 16]);
    let mut snapshot = Snapshot::accepted(id, owner, way, (accepted_at(), Timestamp::MAX), true);
    change(&mut snapshot);
    Participation::restore(snapshot).unwrap()
}

/// A participation by e-mail that is credited and whose flow has ended.
fn credited() -> Participation {
    participation(by_email(), |kept| {
        kept.state = State::Ended(Outcome::Enrolled);
        (kept.earned_at, kept.due_at) = (Some(accepted_at()), None);
    })
}

/// One that ended like this, without a credit.
fn ended(way: Way, outcome: Outcome) -> Participation {
    participation(way, |kept| (kept.state, kept.due_at) = (State::Ended(outcome), None))
}

fn line(status: AwardStatus) -> Award {
    let ledger = LedgerKey {
        scope: Scope::parse("spring").unwrap(),
        incentive: Some(IncentiveId::parse("early").unwrap()),
    };
    let whose = (ParticipationId::from_bytes([7; 16]), BrandId::parse("acme").unwrap());
    Award {
        status,
        arrival: NonZeroU64::new(102),
        others: SiblingLines::None,
        credited_at: Some(after(1)),
        ..Award::new(whose, ledger, ContactKey::from_bytes([1; 16]), Offer::ByPlace)
    }
}

fn without(why: NoPrize) -> Award {
    Award { offer: Offer::Nothing(why), ..line(AwardStatus::NoPrize(why)) }
}

fn code() -> Reward {
    Reward::Code("SPRING-20-7K2Q".into())
}

fn incentive(kind: Kind) -> Incentive {
    Incentive {
        id: IncentiveId::parse("early").unwrap(),
        opens: before(66_000),
        closes: after(3_600),
        quantity: Quantity::Limited(NonZeroU32::new(100).unwrap()),
        kind,
        consolation: None,
    }
}

fn first() -> Incentive {
    incentive(Kind::First(Prize::Fixed(code())))
}

fn facts<'a>(participation: &'a Participation, award: Option<&'a Award>) -> Facts<'a> {
    Facts { award, ..Facts::of(participation, after(1_740)) }
}

/// The answer's code, and its text in both languages with plain spaces.
fn said(facts: &Facts<'_>) -> (&'static str, String, String) {
    let answer = answer(facts);
    let text = |language| answer.text(language).replace(['\u{a0}', '\u{202f}'], " ");
    (answer.code(), text(Language::English), text(Language::French))
}

#[track_caller]
fn says(facts: &Facts<'_>, code: &str, english: &str, french: &str) {
    let (code_of, in_english, in_french) = said(facts);
    assert_eq!((code_of, in_english.as_str(), in_french.as_str()), (code, english, french));
}

#[test]
fn whoever_waits_is_told_which_place_went_when_and_the_place_in_line() {
    let (participation, award, incentive) = (credited(), line(AwardStatus::Waiting), first());
    let counts = Counts { held: 3, given: 97, waiting: 41, ..Counts::default() };
    let facts = Facts {
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
    let facts = Facts { counts: Some(&counts), ..facts(&participation, Some(&award)) };
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
        &Facts { siblings: &siblings, ..facts(&participation, Some(&award)) },
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
    let facts = Facts { incentive: Some(&incentive), ..facts(&participation, Some(&award)) };
    says(
        &facts,
        "too_slow",
        "1 min 6 s after the sending; only answers within 1 minute counted.",
        "1 min 6 s après l’envoi ; seules comptaient les réponses en 1 minute au plus.",
    );
    let changed = Facts { incentive: None, ..facts };
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
        &Facts { siblings: &siblings, ..facts(&participation, Some(&award)) },
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
        |award, incentive| Facts { incentive: Some(incentive), ..facts(&participation, Some(award)) };
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
    let within = |participation, hours: u64| Facts {
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
        &Facts { incentive: Some(&incentive), ..facts(&participation, Some(&behind)) },
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
    let facts =
        Facts { incentive: Some(&incentive), counts: Some(&open), ..facts(&participation, Some(&award)) };
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
        &Facts { counts: Some(&drawn), ..facts },
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
    let facts = Facts { confirms_within: Some(Duration::from_secs(172_800)), ..facts(&participation, None) };
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
        let text = |language| Answer { statements: vec![statement.clone()], now }.text(language);
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
