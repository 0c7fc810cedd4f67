use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::{Activation, Identity, PollStage};
use crate::contact::{Contact, Region, Regions, Texting};
use crate::decide::tests::{brand, closed_to_all, in_state};
use crate::decide::{Confirmation, Terms, decide as decide_any};
use crate::id_key::IdKey;
use crate::ids::{Scope, SubscriptionGroup};
use crate::participation::AskingWrite;
use crate::profile::FoundProfile;

#[path = "sms_asking_tests.rs"]
mod asking;

#[path = "sms_answers_tests.rs"]
mod answers;

#[path = "sms_by_number_tests.rs"]
mod by_number;

#[path = "sms_everything.rs"]
mod everything;

#[path = "sms_gone_tests.rs"]
mod gone;
#[path = "sms_stop_tests.rs"]
mod stop;
#[path = "unanswered_tests.rs"]
mod unanswered;

const SETTLE: Duration = Duration::from_secs(120);
const WINDOW: Duration = Duration::from_secs(48 * 3_600);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn phone() -> Phone {
    Phone::from_e164("+13135550100").unwrap()
}

fn group() -> SubscriptionGroup {
    SubscriptionGroup::parse("g-1").unwrap()
}

fn single(subscribe: Subscribe) -> OptIn {
    OptIn::Single { subscribe }
}

fn double(start: DoubleOptInStart) -> OptIn {
    let stage = |every: u64, lasts: Option<u64>| PollStage {
        every: Duration::from_secs(every * 60),
        lasts: lasts.map(|minutes| Duration::from_secs(minutes * 60)),
    };
    OptIn::Double {
        start,
        window: WINDOW,
        poll: vec![stage(1, Some(10)), stage(5, Some(60)), stage(30, None)],
    }
}

fn by_event() -> OptIn {
    double(DoubleOptInStart::Event("opt_in".into()))
}

struct SmsWorld {
    brand: Brand,
    activation: Activation,
    participation: Participation,
}

fn world(opt_in: OptIn, email: bool) -> SmsWorld {
    let scope = Scope::parse("spring").unwrap();
    let brand = brand(Identity::Alias);
    let region = Region::parse("US").unwrap();
    let texting = Texting { regions: Regions::Only(vec![region]), fixed_lines: false };
    let sms = SmsActivation { group: group(), region, texting, opt_in, incentive: None };
    let activation = Activation { sms: Some(sms), ..closed_to_all() };
    let email = email.then(|| Email::parse("ada@example.com").unwrap());
    let contact = Contact::Phone { phone: phone(), email: email.clone() };
    let id = IdKey::new([1; 32]).participation(&scope, &contact);
    let attributes = Attributes::default();
    let participation =
        Acceptance::new(id, (&brand, &activation), at(0)).by_phone((phone(), email), None, attributes);
    SmsWorld { brand, activation, participation }
}

impl SmsWorld {
    fn next(&self, facts: &Facts, now: Timestamp) -> Step {
        decide_any(
            &self.participation,
            &Terms { brand: &self.brand, activation: &self.activation },
            facts,
            now,
        )
    }

    fn in_state(self, state: SmsState) -> Self {
        self.open(Open::Sms(state))
    }

    fn open(self, state: Open) -> Self {
        Self { participation: in_state(self.participation, state), ..self }
    }
}

fn not_subscribed() -> Facts {
    Facts { subscription: Some(Subscription::NotSubscribed), ..Facts::default() }
}

fn subscribed() -> Facts {
    Facts { subscription: Some(Subscription::Subscribed), ..Facts::default() }
}

fn found(profiles: Vec<FoundProfile>) -> Facts {
    Facts { found: Some(profiles), ..not_subscribed() }
}

fn written(written: Written) -> Facts {
    Facts { written: Some(written), ..Facts::default() }
}

fn asking_write() -> AskingWrite {
    AskingWrite { target: target(), event_at: at(1) }
}

fn confirmed(found: Vec<FoundProfile>) -> Facts {
    Facts { confirmed: Some(Confirmation { profile: target().profile, found }), ..Facts::default() }
}

fn profile(phone: Option<&str>) -> FoundProfile {
    FoundProfile {
        external_id: Some("u-1".into()),
        phone: phone.map(str::to_owned),
        ..FoundProfile::default()
    }
}

fn target() -> Target {
    Target { profile: ProfileRef::ExternalId("u-1".into()), create: false }
}

fn write_of(step: Step) -> ProfileWrite {
    match step {
        Step::Tell { command: Command::Write(write), .. } => write,
        other => panic!("expected a write, got {other:?}"),
    }
}

fn subscribes(step: &Step, with_logic: bool) -> bool {
    matches!(step, Step::Tell { command: Command::Subscribe { double_opt_in, .. }, .. } if *double_opt_in == with_logic)
}

#[test]
fn a_consumer_who_is_subscribed_already_is_credited_at_once_and_nothing_is_written() {
    let world = world(single(Subscribe::AfterProfile), true);
    assert_eq!(world.next(&Facts::default(), at(1)), Step::Ask(Question::Subscription(group())));
    assert_eq!(world.next(&subscribed(), at(1)), Step::Done(Outcome::Credited));
}

#[test]
fn without_a_profile_one_is_created_with_address_and_number() {
    let write = write_of(world(single(Subscribe::AfterProfile), true).next(&found(vec![]), at(1)));
    assert_eq!(write.profile, ProfileRef::Alias(Alias::new("email", "ada@example.com").unwrap()));
    assert!(write.create && write.email.is_some() && write.subscribe.is_none());
    assert_eq!(write.phone, Some(phone()));
}

#[test]
fn without_an_address_the_profile_is_named_by_the_number() {
    let write = write_of(world(single(Subscribe::AfterProfile), false).next(&found(vec![]), at(1)));
    assert_eq!(write.profile, ProfileRef::Alias(Alias::new("phone", "+13135550100").unwrap()));
    assert_eq!(write.email, None);
}

#[test]
fn a_profile_that_has_the_number_is_subscribed_without_waiting() {
    let world = world(single(Subscribe::AfterProfile), true);
    let next = world.next(&found(vec![profile(Some("1 313 555 0100"))]), at(1));
    assert!(subscribes(&next, false), "{next:?}");
}

#[test]
fn a_profile_without_the_number_is_given_it_and_settles() {
    let first = world(single(Subscribe::AfterProfile), true);
    let write = write_of(first.next(&found(vec![profile(None)]), at(1)));
    assert_eq!((write.create, write.email, write.phone), (false, None, Some(phone())));

    let enrolling = first.in_state(SmsState::Enrolling { target: target(), event: EventProgress::NotSent });
    let until = at(5) + SETTLE;
    let settling = SmsState::Settling { target: target(), until };
    assert_eq!(
        enrolling.next(&written(Written::Done), at(5)),
        Step::Wait { state: Open::Sms(settling.clone()), until }
    );
    let settling = enrolling.in_state(settling);
    let asked = settling.next(&Facts::default(), at(8));
    assert_eq!(asked, Step::Ask(Question::Built(target().profile)));
    for not_built in [vec![], vec![profile(None)]] {
        let next = settling.next(&confirmed(not_built), at(8));
        assert!(matches!(&next, Step::Wait { until: next, .. } if *next == until), "{next:?}");
    }
    let built = confirmed(vec![profile(Some("+13135550100"))]);
    assert!(subscribes(&settling.next(&built, at(8)), false), "as soon as Braze shows it");
    assert!(subscribes(&settling.next(&Facts::default(), until), false), "at the latest");
}

#[test]
fn a_profile_that_needs_a_request_of_its_own_is_only_waited_for() {
    let target = Target { profile: ProfileRef::BrazeId("b-1".into()), create: false };
    let settling = SmsState::Settling { target, until: at(120) };
    let world = world(single(Subscribe::AfterProfile), true).in_state(settling);
    assert!(matches!(world.next(&Facts::default(), at(60)), Step::Wait { until, .. } if until == at(120)));
}

#[test]
fn a_profile_with_another_number_is_updated_or_left_alone_as_the_brand_says() {
    let mut world = world(single(Subscribe::AfterProfile), true);
    let facts = found(vec![profile(Some("+13135550199"))]);
    assert_eq!(write_of(world.next(&facts, at(1))).phone, Some(phone()));
    world.brand.braze.on_phone_mismatch = PhoneMismatch::Skip;
    assert!(matches!(world.next(&facts, at(1)), Step::Done(Outcome::Mismatch { .. })));
}

#[test]
fn a_subscription_is_read_back_and_only_then_credited() {
    let state = SmsState::Subscribing { target: target(), event: EventProgress::NotSent };
    let world = world(single(Subscribe::AfterProfile), true).in_state(state);
    assert_eq!(world.next(&written(Written::Done), at(9)), Step::Ask(Question::Subscription(group())));
    let read = |subscription| Facts { subscription: Some(subscription), ..written(Written::Done) };
    assert_eq!(world.next(&read(Subscription::Subscribed), at(9)), Step::Done(Outcome::Credited));
    let waiting = SmsState::AwaitingSubscription { target: target(), since: at(9), repeated: false };
    assert_eq!(
        world.next(&read(Subscription::NotSubscribed), at(9)),
        Step::Wait { state: Open::Sms(waiting), until: at(9) + SETTLE }
    );
}

#[test]
fn a_subscription_that_is_not_read_back_is_made_once_more_when_braze_has_settled() {
    for subscribe in [Subscribe::AfterProfile, Subscribe::WithProfile] {
        let state = |repeated| SmsState::AwaitingSubscription { target: target(), since: at(0), repeated };
        let once = world(single(subscribe), true).in_state(state(false));
        let waits = |step| match step {
            Step::Wait { until, .. } => until.as_second() - at(0).as_second(),
            other => panic!("{other:?}"),
        };
        assert_eq!(waits(once.next(&not_subscribed(), at(5))), 120, "a look changes nothing");
        let again = once.next(&not_subscribed(), at(120));
        assert!(subscribes(&again, false), "{again:?}");
        assert!(matches!(again, Step::Tell { state: ref told, .. } if *told == Open::Sms(state(true))));
        assert_eq!(waits(once.next(&written(Written::NotDone { retry_at: at(130) }), at(121))), 130);

        let twice = once.in_state(state(true));
        assert_eq!(twice.next(&written(Written::Done), at(121)), Step::Ask(Question::Subscription(group())));
        assert_eq!(
            [120, 125, 840].map(|second| waits(twice.next(&not_subscribed(), at(second)))),
            [180, 180, 900]
        );
        assert_eq!(twice.next(&not_subscribed(), at(900)), Step::Done(Outcome::Unverified));
        assert_eq!(twice.next(&subscribed(), at(900)), Step::Done(Outcome::Credited));
    }
}

#[test]
fn with_the_profile_the_group_rides_along() {
    let first = world(single(Subscribe::WithProfile), true);
    let rides = NumberSubscription { group: group(), double_opt_in: false };
    assert_eq!(write_of(first.next(&found(vec![]), at(1))).subscribe, Some(rides));
    let event = EventProgress::NotSent;
    let enrolling = first.in_state(SmsState::Enrolling { target: target(), event });
    let waiting = SmsState::AwaitingSubscription { target: target(), since: at(2), repeated: false };
    let waits = Step::Wait { state: Open::Sms(waiting), until: at(2) + SETTLE };
    assert_eq!(enrolling.next(&written(Written::Done), at(2)), waits);
}

#[test]
fn a_profile_that_was_being_built_for_an_earlier_version_is_asked_once_it_shows() {
    let settling = SmsState::Settling { target: target(), until: at(100) };
    let world = world(by_event(), true).in_state(settling);
    let Step::Tell { state, command } = world.next(&Facts::default(), at(100)) else { panic!("no event") };
    assert!(!command.is_repeatable(), "an attempt is written down first");
    assert_eq!(
        state,
        Open::Sms(SmsState::Subscribing {
            target: target(),
            event: EventProgress::Attempted { at: at(100), time: at(100) }
        })
    );
    let asked = world.open(state);
    let waiting = SmsState::AwaitingOptIn { since: at(100), asked_by: None };
    let step = asked.next(&written(Written::Done), at(101));
    assert_eq!(
        step,
        Step::Wait { state: Open::Sms(waiting), until: at(160) },
        "the wait counts from the question"
    );
}

#[test]
fn an_opt_in_event_of_unknown_outcome_is_looked_for_before_a_second_one() {
    let attempted = SmsState::Subscribing {
        target: target(),
        event: EventProgress::Attempted { at: at(1), time: at(1) },
    };
    let world = world(by_event(), true).in_state(attempted.clone());
    let unknown = written(Written::Unknown { retry_at: at(3) });
    assert_eq!(
        world.next(&unknown, at(2)),
        Step::Wait { state: Open::Sms(attempted.clone()), until: at(2) + SETTLE }
    );
    let settled = at(1) + SETTLE;
    assert!(matches!(world.next(&Facts::default(), settled), Step::Ask(Question::EventRecorded { .. })));
    let recorded = |there| Facts { recorded: Some(there), ..Facts::default() };
    assert!(matches!(
        world.next(&recorded(true), settled),
        Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { .. }), .. }
    ));
    assert!(write_of(world.next(&recorded(false), settled)).event.is_some());
}

#[test]
fn an_opt_in_event_that_is_sent_again_is_the_same_event() {
    let attempted = SmsState::Subscribing {
        target: target(),
        event: EventProgress::Attempted { at: at(1), time: at(1) },
    };
    let mut world = world(by_event(), true).in_state(attempted);
    let mut now = at(2);
    for answer in [Written::NotDone { retry_at: at(900) }, Written::Unknown { retry_at: at(3) }] {
        let Step::Wait { state, until } = world.next(&written(answer), now) else { panic!("no wait") };
        world = world.open(state);
        let there = vec![profile(Some("+13135550100"))];
        let confirmed = Some(Confirmation { profile: target().profile, found: there });
        let missing = Facts { recorded: Some(false), confirmed, ..Facts::default() };
        let Step::Tell { state, command: Command::Write(write) } = world.next(&missing, until) else {
            panic!("no event")
        };
        assert_eq!(write.event.unwrap().time, at(1), "it keeps its first time");
        assert_eq!(
            state,
            Open::Sms(SmsState::Subscribing {
                target: target(),
                event: EventProgress::Attempted { at: until, time: at(1) }
            })
        );
        (world, now) = (world.open(state), until);
    }
}

#[test]
fn brazes_own_logic_may_ask_the_consumer_instead() {
    let logic = world(double(DoubleOptInStart::BrazeLogic), true);
    let next = logic.next(&found(vec![profile(Some("+13135550100"))]), at(1));
    assert!(subscribes(&next, true), "{next:?}");
    let state = SmsState::Subscribing { target: target(), event: EventProgress::NotSent };
    let facts = Facts { subscription: Some(Subscription::NotSubscribed), ..written(Written::Done) };
    let next = logic.in_state(state).next(&facts, at(2));
    assert!(matches!(next, Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { .. }), .. }), "{next:?}");
}

#[test]
fn a_confirmation_is_polled_less_and_less_often_until_the_window_ends() {
    let world = world(by_event(), true).in_state(SmsState::AwaitingOptIn { since: at(0), asked_by: None });
    let next = |minute: i64| match world.next(&not_subscribed(), at(minute * 60)) {
        Step::Wait { until, .. } => (until.as_second() - at(0).as_second()) / 60,
        other => panic!("{other:?}"),
    };
    assert_eq!([0, 1, 9, 10, 12, 69, 70, 100, 2_879].map(next), [1, 2, 10, 15, 15, 70, 100, 130, 2_880]);
    assert_eq!(world.next(&not_subscribed(), at(0) + WINDOW), Step::Done(Outcome::Expired));
    assert_eq!(world.next(&subscribed(), at(0) + WINDOW), Step::Done(Outcome::Credited));
}

#[test]
fn a_refusal_by_braze_rejects_in_every_state_that_writes() {
    let refused = written(Written::Refused { reason: "no".into() });
    for state in [
        SmsState::Enrolling { target: target(), event: EventProgress::NotSent },
        SmsState::Subscribing { target: target(), event: EventProgress::NotSent },
    ] {
        let world = world(single(Subscribe::AfterProfile), true).in_state(state);
        assert_eq!(world.next(&refused, at(1)), Step::Done(Outcome::Rejected { reason: "no".into() }));
    }
}

#[test]
fn a_wait_that_would_be_over_already_counts_from_now() {
    let asked = |now: Timestamp| {
        let event = EventProgress::Attempted { at: at(0), time: at(0) };
        let world = world(by_event(), false).in_state(SmsState::Subscribing { target: target(), event });
        match world.next(&written(Written::Done), now) {
            Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { since, .. }), .. } => since,
            other => panic!("expected a wait, got {other:?}"),
        }
    };
    let window = i64::try_from(WINDOW.as_secs()).unwrap();
    assert_eq!((asked(at(window - 1)), asked(at(window))), (at(0), at(window)));
}
