//! Whole runs from the beginning to the end, with every answer that Braze may give.

use proptest::prelude::*;

use super::*;

/// A hint that must be confirmed.
fn old_hint(now: Timestamp) -> ProfileHint {
    let learned_at = now - HINT_FRESH;
    ProfileHint { profile: ProfileRef::BrazeId("b".into()), learned_at, created: false, by: id() }
}

fn size(of: i64) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set("shoe_size", AttributeValue::Integer(of)).unwrap();
    attributes
}

/// What may be answered to a step.
#[derive(Debug, Clone)]
enum WorldAnswer {
    Useful,
    Lost,
    NotDone,
    Refused,
}

fn answers() -> impl Strategy<Value = Vec<WorldAnswer>> {
    let one = prop_oneof![
        4 => Just(WorldAnswer::Useful), 2 => Just(WorldAnswer::Lost), 2 => Just(WorldAnswer::NotDone), 1 => Just(WorldAnswer::Refused)
    ];
    proptest::collection::vec(one, 0..40)
}

proptest! {
    /// Whatever Braze answers, and however often, the participation ends, it is due until then, and no event is sent while the outcome of
    /// an earlier one is unknown. What the profile has already is not overwritten by an answer.
    #[test]
    fn every_participation_ends(
        answers in answers(), by_email: bool, event: bool, hinted: bool, exists: bool, arrived: bool, answered: bool,
    ) {
        let identity = if by_email { Identity::Email } else { Identity::Alias };
        let (brand, mut activation) = (brand(identity), activation(true, event));
        activation.answers = answered.then(AnswerRules::default);
        let terms = Terms { brand: &brand, activation: &activation };
        let mut participation = participation(&brand, &activation);
        if answered {
            participation = changed(participation, |kept| kept.attributes = size(40));
        }
        let theirs = || FoundProfile { attributes: [("shoe_size".to_owned(), AttributeValue::Integer(38))].into(), ..ada() };
        let mut facts = Facts::default();
        let mut answers = answers.into_iter();
        let mut now = at(0);
        let mut open_attempt = false;
        for _ in 0..400 {
            let answer = answers.next().unwrap_or(WorldAnswer::Useful);
            let step = decide(&participation, &terms, &facts, now);
            participation.apply(&step, now);
            match step {
                Step::Done(_) => {
                    prop_assert!(participation.state().is_end() && participation.due_at().is_none());
                    return Ok(());
                }
                Step::Wait { until, .. } => {
                    prop_assert!(until > now, "a wait takes time");
                    prop_assert!(participation.due_at().is_some());
                    now = until;
                    facts = Facts::default();
                }
                Step::Ask(question) => match (question, answer) {
                    (Question::ProfileHint, _) => facts.known = Some(hinted.then(|| old_hint(now))),
                    (Question::Confirm(profile), WorldAnswer::Useful) => {
                        let found = if exists { vec![theirs()] } else { Vec::new() };
                        facts.confirmed = Some(Confirmation { profile, found });
                    }
                    (Question::Claim, _) => facts.claim = Some(Claim::Ours),
                    (Question::FindProfile, WorldAnswer::Useful) => {
                        facts.found = Some(if exists { vec![theirs()] } else { Vec::new() });
                    }
                    (Question::FindAlias(_), WorldAnswer::Useful) => participation.learns_of_alias(false),
                    (Question::EventRecorded { .. }, WorldAnswer::Useful) => {
                        open_attempt = false;
                        facts.recorded = Some(arrived);
                    }
                    (Question::Subscription(_) | Question::ConsentGroups { .. } | Question::Built(_), _) => {
                        prop_assert!(false, "a profile is never waited for by e-mail, and no group is asked for");
                    }
                    (_, WorldAnswer::Refused) => facts.refused = Some("refused".into()),
                    (_, WorldAnswer::Lost | WorldAnswer::NotDone) => {
                        participation.put_off(now + Duration::from_secs(1), now);
                        now += Duration::from_secs(1);
                        facts = Facts::default();
                    }
                },
                Step::Resolve(_) | Step::Show { .. } | Step::Defer { .. } | Step::NoProfile { .. } | Step::GiveUp(_) | Step::StopWaiting | Step::Consent(..) | Step::Rest | Step::NotOffered(_) => {
                    prop_assert!(false, "nothing is won here");
                }
                Step::Tell { command, .. } => {
                    facts.before_a_command();
                    let size = if let Command::Write(write) = &command { write.attributes.get("shoe_size") } else { None };
                    prop_assert_eq!(size.is_some(), answered && !exists, "an answer is written where there is none");
                    prop_assert!(command.is_repeatable() || !open_attempt, "an event while another may be on its way");
                    let retry_at = now + Duration::from_secs(1);
                    facts.written = Some(match answer {
                        WorldAnswer::Useful => Written::Done,
                        WorldAnswer::Lost => {
                            open_attempt |= !command.is_repeatable();
                            Written::Unknown { retry_at }
                        }
                        WorldAnswer::NotDone => Written::NotDone { retry_at },
                        WorldAnswer::Refused => Written::Refused { reason: "refused".into() },
                    });
                }
            }
        }
        prop_assert!(false, "did not end: {:?}", participation.state());
    }
}
