//! A caller that does not sign cannot tell a mismatch from a question that is never answered.

use proptest::prelude::*;

use super::*;
use crate::award::{Award, AwardStatus, Resolution, SiblingLines};
use crate::ids::IncentiveId;
use crate::incentive::{NoPrize, Offer};
use crate::participation::{Snapshot, Unanswered};
use crate::seen::{self, Asking};
use crate::unknown::UnknownFields;

const THEIRS: &str = "+13135550100";
const OTHER: &str = "+13135550199";

/// What a caller sees: the state, the reason, the time of the last change, the credit, and the award's
/// status.
type CallerView = (String, Option<String>, Timestamp, bool, Option<AwardStatus>);

/// The course of a campaign, whatever number the profile has.
#[derive(Debug, Clone)]
struct Course {
    opt_in: OptIn,
    status: Option<AwardStatus>,
    /// The waits before Braze answers the look-up, in seconds.
    put_off: Vec<u64>,
    /// How long Braze takes to accept the event, in seconds.
    latency: u64,
}

fn award(world: &SmsWorld, status: AwardStatus) -> Award {
    let incentive = IncentiveId::parse("first").unwrap();
    Award {
        id: world.participation.id(),
        brand: world.brand.id.clone(),
        ledger: world.activation.ledger(Some(&incentive)),
        participant: IdKey::new([1; 32]).contact(&world.brand.id, &world.participation.contact().unwrap()),
        other_keys: Vec::new(),
        others: SiblingLines::None,
        offer: Offer::ByPlace,
        arrival: std::num::NonZeroU64::new(1),
        number: None,
        status,
        credited_at: None,
        rewarded_at: None,
        due_at: None,
        unknown: UnknownFields::default(),
    }
}

/// Takes a participation from its beginning to its end while the consumer never answers. Returns what is
/// visible after each save.
fn walk(course: &Course, number: &str, asking: Asking) -> Vec<(Timestamp, CallerView)> {
    let mut world = world(course.opt_in.clone(), true);
    world.brand.braze.on_phone_mismatch = PhoneMismatch::Skip;
    let mut award = course.status.clone().map(|status| award(&world, status));
    let has_award = award.is_some();
    let snapshot = Snapshot { has_award, ..world.participation.into_snapshot() };
    world.participation = Participation::restore(snapshot).unwrap();
    let mut put_off = course.put_off.iter();
    let mut now = at(0);
    let mut saves = Vec::new();
    let mut facts = Facts::default();
    for _ in 0..20_000 {
        facts.award.clone_from(&award);
        let step = world.next(&facts, now);
        let participation = &mut world.participation;
        let mut until = None;
        participation.apply(&step, now);
        match step {
            Step::Ask(Question::Subscription(_)) => facts.subscription = Some(Subscription::NotSubscribed),
            Step::Ask(Question::FindProfile) => match put_off.next() {
                Some(wait) => {
                    until = Some(later(now, Duration::from_secs(*wait)));
                    participation.put_off(later(now, Duration::from_secs(*wait)), now);
                }
                None => facts.found = Some(vec![profile(Some(number))]),
            },
            Step::Tell { command, .. } => {
                facts.before_a_command();
                facts.written = Some(Written::Done);
                if !command.is_repeatable() {
                    // The participation is saved before the command is sent.
                    saves.push((now, view(participation, award.as_ref(), asking)));
                    now = later(now, Duration::from_secs(course.latency));
                }
            }
            Step::Wait { until: then, .. } | Step::Defer { until: then, .. } => until = Some(then),
            Step::Done(_) => facts.before_a_command(),
            Step::Resolve(Resolution::Release | Resolution::Refuse(_)) => {
                award.as_mut().expect("it has an award").status = AwardStatus::Released;
            }
            Step::StopWaiting => {}
            Step::Rest => {
                saves.push((now, view(participation, award.as_ref(), asking)));
                return saves;
            }
            other => panic!("not here: {other:?}"),
        }
        if let Some(until) = until {
            assert!(until > now, "it waits for nothing");
            saves.push((now, view(participation, award.as_ref(), asking)));
            (now, facts) = (until, Facts::default());
        }
    }
    panic!("it did not end: {:?}", world.participation.state());
}

fn view(participation: &Participation, award: Option<&Award>, asking: Asking) -> CallerView {
    let seen = seen::participation(participation, asking);
    let status = award.map(|award| seen::award(participation, award.clone(), asking).status);
    let credited = participation.earned_at().is_some();
    (seen.state.to_owned(), seen.reason.map(str::to_owned), seen.updated_at, credited, status)
}

fn shown_at(saves: &[(Timestamp, CallerView)], moment: Timestamp) -> Option<&CallerView> {
    saves.iter().rfind(|(at, _)| *at <= moment).map(|(_, view)| view)
}

fn opt_in() -> impl Strategy<Value = OptIn> {
    let starts = [DoubleOptInStart::Event("opt_in".into()), DoubleOptInStart::BrazeLogic];
    let double = (prop::sample::select(starts.to_vec()), 60_u64..200_000, 30_u64..4_000, 30_u64..4_000)
        .prop_map(|(start, window, first, then)| OptIn::Double {
            start,
            window: Duration::from_secs(window),
            poll: vec![
                PollStage { every: Duration::from_secs(first), lasts: Some(Duration::from_secs(600)) },
                PollStage { every: Duration::from_secs(then), lasts: None },
            ],
        });
    prop_oneof![Just(single(Subscribe::AfterProfile)), Just(single(Subscribe::WithProfile)), double]
}

fn courses() -> impl Strategy<Value = Course> {
    let statuses = [
        None,
        Some(AwardStatus::Reserved { place: 3 }),
        Some(AwardStatus::Waiting),
        Some(AwardStatus::InRaffle),
        Some(AwardStatus::NoPrize(NoPrize::NotDrawn)),
    ];
    let put_off = prop::collection::vec(1_u64..600, 0..4);
    (opt_in(), prop::sample::select(statuses.to_vec()), put_off, 0_u64..10)
        .prop_map(|(opt_in, status, put_off, latency)| Course { opt_in, status, put_off, latency })
}

proptest! {
    /// This holds at every moment from the first step to the end.
    #[test]
    fn a_mismatch_looks_like_an_answer_that_never_comes(course in courses()) {
        let (genuine, mismatch) =
            (walk(&course, THEIRS, Asking::Unsigned), walk(&course, OTHER, Asking::Unsigned));
        for (moment, _) in genuine.iter().chain(&mismatch) {
            prop_assert_eq!(shown_at(&genuine, *moment), shown_at(&mismatch, *moment), "at {}", moment);
        }
        let end = &mismatch.last().expect("it ends").1;
        let expected = if matches!(course.opt_in, OptIn::Double { .. }) { "expired" } else { "unverified" };
        prop_assert_eq!((&end.0[..], &end.1), (expected, &None));
    }

    /// A caller that signs learns of the mismatch and its reason at once.
    #[test]
    fn a_signed_caller_sees_a_mismatch_as_soon_as_it_is_known(course in courses()) {
        let saves = walk(&course, OTHER, Asking::Signed);
        let known = saves.iter().find(|(_, view)| view.0 != "received").expect("it ends");
        let waited: u64 = course.put_off.iter().sum();
        prop_assert_eq!(known.0, later(at(0), Duration::from_secs(waited)));
        prop_assert_eq!(&known.1.0, "rejected");
        prop_assert_eq!(known.1.1.as_deref(), Some("the profile carries another phone number"));
        let released = course.status.is_some().then_some(AwardStatus::Released);
        prop_assert_eq!(&known.1.4, &released, "the place goes back at once");
    }
}

#[test]
fn only_signed_callers_see_what_braze_says_about_a_consumer_and_all_see_an_outage() {
    let mut world = world(by_event(), true);
    world.participation.apply(&Step::Done(Outcome::Rejected { reason: "no".into() }), at(1));
    let seen = |world: &SmsWorld, asking| {
        let seen = seen::participation(&world.participation, asking);
        (seen.state, seen.reason.map(str::to_owned))
    };
    assert_eq!(seen(&world, Asking::Signed), ("rejected", Some("no".to_owned())));
    assert_eq!(seen(&world, Asking::Unsigned), ("rejected", None));
    world.participation.apply(&Step::Done(Outcome::Failed { reason: "an outage".into() }), at(1));
    assert_eq!(seen(&world, Asking::Unsigned), ("failed", Some("an outage".to_owned())));
}

#[test]
fn a_forgotten_consumer_is_not_shown_as_waiting() {
    let mut world = world(by_event(), true);
    let wait = Unanswered { since: at(1), double: true, status: None, ended_at: None };
    world.participation.apply(&Step::Done(Outcome::Mismatch(wait)), at(1));
    let key = crate::id_key::IdKey::new([1; 32]);
    crate::person::forget(&mut world.participation, &key, at(2));
    let seen = seen::participation(&world.participation, Asking::Unsigned);
    assert_eq!((seen.state, seen.reason), ("rejected", None));
}
