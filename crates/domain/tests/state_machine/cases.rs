//! What can be known about a participation when it is processed: every state with every fact that matters in
//! it.

use std::num::NonZeroU64;

use domain::Timestamp;
use domain::award::{Award, AwardStatus, SiblingLines};
use domain::decide::{Confirmation, Facts, Subscription, Written};
use domain::ids::{IncentiveId, LedgerKey};
use domain::incentive::{NoPrize, Offer, Reward};
use domain::participation::{Participation, Snapshot, State};
use domain::profile::{FoundProfile, ProfileHint, ProfileRef};

use crate::world::{HINT_FRESH, SETTLED, WaySetup, World, at};

/// A participation in a state, with the facts about it.
pub(crate) struct StateCase {
    pub(crate) participation: Participation,
    /// The facts, in words.
    pub(crate) known: &'static str,
    /// The subject of the facts.
    pub(crate) about: About,
    pub(crate) facts: Facts,
    pub(crate) now: Timestamp,
}

/// The subject of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Only the time.
    Time,
    /// The consumer's profile.
    Profile,
    /// The outcome of a write.
    Write,
    /// The presence of our event on the profile.
    Event,
    /// The subscription of the number.
    Subscription,
    /// The outcome of a subscription that we wrote.
    Subscribed,
    /// The line in the ledger.
    Ledger,
}

/// Every state of a flow with every fact.
pub(crate) fn cases(world: &World) -> Vec<StateCase> {
    world.states().into_iter().flat_map(|state| in_state(world, &state)).collect()
}

fn in_state(world: &World, state: &State) -> Vec<StateCase> {
    let participation = world.participation.snapshot().clone();
    let ended = matches!(state, State::Ended(_));
    let earned_at = match state {
        State::Ended(outcome) if world.flow.is_by_number() => outcome.earns().then(|| at(1)),
        State::Ended(outcome) => participation.earned_at.or(outcome.earns().then(|| at(1))),
        State::Open(_) => participation.earned_at,
    };
    let due_at = participation.due_at.filter(|_| !ended);
    let snapshot = Snapshot { state: state.clone(), earned_at, due_at, ..participation };
    let participation = Participation::restore(snapshot).unwrap();
    let case = |(about, known, facts, now)| StateCase {
        participation: participation.clone(),
        known,
        about,
        facts,
        now,
    };
    if ended { after_the_end(world, state) } else { under_way(world) }.into_iter().map(case).collect()
}

type Fact = (About, &'static str, Facts, Timestamp);

/// A line in the ledger in this status.
fn award(world: &World, status: AwardStatus, settled: bool) -> Award {
    let (brand, activation) = world.terms();
    let contact = world.participation.contact().unwrap();
    Award {
        id: world.participation.id(),
        brand: brand.id.clone(),
        ledger: LedgerKey { scope: activation.scope.clone(), incentive: IncentiveId::parse("early").ok() },
        participant: domain::id_key::IdKey::new([1; 32]).contact(&brand.id, &contact),
        other_keys: Vec::new(),
        others: SiblingLines::None,
        offer: Offer::ByPlace,
        arrival: NonZeroU64::new(1),
        number: None,
        status,
        credited_at: settled.then(|| at(1)),
        rewarded_at: None,
        due_at: None,
        unknown: domain::unknown::UnknownFields::default(),
    }
}

fn with_award(world: &World, facts: Facts) -> Facts {
    let settled = world.participation.earned_at().is_some();
    let status = match settled {
        true => AwardStatus::Rewarded { place: Some(1), reward: Reward::Code("SPRING20".into()) },
        false => AwardStatus::Reserved { place: 1 },
    };
    Facts { award: Some(award(world, status, settled)), ..facts }
}

fn under_way(world: &World) -> Vec<Fact> {
    let soon = at(10);
    let retry_at = at(60);
    let asked = || Facts { known: Some(None), subscription: not_subscribed(world), ..Facts::default() };
    let hint = |learned_at: Timestamp| {
        let profile = ProfileRef::ExternalId("u-1".into());
        let by = world.participation.id();
        Facts { known: Some(Some(ProfileHint { profile, learned_at, created: false, by })), ..asked() }
    };
    let found = |profiles: Vec<FoundProfile>| Facts { found: Some(profiles), ..asked() };
    let written = |written| Facts { written: Some(written), ..Facts::default() };
    let said = |subscription| Facts { subscription: Some(subscription), ..Facts::default() };
    let mut known: Vec<Fact> = vec![
        (About::Time, "nothing", Facts::default(), soon),
        (About::Time, "nothing, once the profile has settled", Facts::default(), at(SETTLED)),
        (About::Time, "nothing, after the longest wait", Facts::default(), at(30 * 86_400)),
        (About::Profile, "our store has no hint of the profile", asked(), soon),
        (About::Profile, "our store has a hint of the profile", hint(at(0)), soon),
        (About::Profile, "Braze has no profile", found(Vec::new()), soon),
        (About::Profile, "Braze has a profile", found(vec![profile(None)]), soon),
        (
            About::Profile,
            "Braze will not answer",
            Facts { refused: Some("the look-up failed".into()), ..asked() },
            soon,
        ),
        (About::Write, "Braze accepted the write", written(Written::Done), soon),
        (
            About::Write,
            "Braze refused the write",
            written(Written::Refused { reason: "EMAIL_BAD_FORMAT".into() }),
            soon,
        ),
        (About::Write, "Braze did not accept the write", written(Written::NotDone { retry_at }), soon),
        (
            About::Write,
            "it is unknown whether Braze accepted the write",
            written(Written::Unknown { retry_at }),
            soon,
        ),
        (
            About::Event,
            "the profile has the event",
            Facts { recorded: Some(true), ..Facts::default() },
            at(SETTLED),
        ),
        (
            About::Event,
            "the profile lacks the event",
            Facts { recorded: Some(false), ..Facts::default() },
            at(SETTLED),
        ),
    ];
    if !world.flow.is_by_number() {
        let confirmed = |found| {
            let confirmation = Confirmation { profile: ProfileRef::ExternalId("u-1".into()), found };
            Facts { confirmed: Some(confirmation), ..hint(at(0)) }
        };
        let theirs = FoundProfile { email: Some(world.email().as_str().to_owned()), ..profile(None) };
        known.extend([
            (About::Profile, "the hint is older than `hint_fresh`", hint(at(0)), at(HINT_FRESH)),
            (About::Profile, "Braze confirms the old hint", confirmed(vec![theirs]), at(HINT_FRESH)),
            (About::Profile, "Braze does not confirm the old hint", confirmed(Vec::new()), at(HINT_FRESH)),
        ]);
    }
    if world.flow == WaySetup::DoubleByEmail {
        known.extend([
            (About::Subscription, "the address is subscribed", said(Subscription::Subscribed), soon),
            (About::Subscription, "the address is not subscribed", said(Subscription::NotSubscribed), soon),
            (
                About::Subscription,
                "the address is not subscribed, at the end",
                said(Subscription::NotSubscribed),
                at(3 * 86_400),
            ),
        ]);
    }
    if world.flow.is_by_number() {
        let taken = |subscription| Facts { written: Some(Written::Done), ..said(subscription) };
        known.extend([
            (
                About::Profile,
                "Braze has a profile with this number",
                found(vec![profile(Some("+13135550100"))]),
                soon,
            ),
            (
                About::Profile,
                "Braze has a profile with another number",
                found(vec![profile(Some("+13135550199"))]),
                soon,
            ),
            (About::Subscription, "the number is subscribed", said(Subscription::Subscribed), soon),
            (About::Subscription, "the number is not subscribed", said(Subscription::NotSubscribed), soon),
            (
                About::Subscription,
                "the number is not subscribed, a minute on",
                said(Subscription::NotSubscribed),
                at(70),
            ),
            (
                About::Subscription,
                "the number is not subscribed, at the end",
                said(Subscription::NotSubscribed),
                at(3 * 86_400),
            ),
            (
                About::Subscribed,
                "Braze accepted the write, and the number is subscribed",
                taken(Subscription::Subscribed),
                soon,
            ),
            (
                About::Subscribed,
                "Braze accepted the write, and the number is not subscribed",
                taken(Subscription::NotSubscribed),
                soon,
            ),
        ]);
    }
    let lined =
        known.into_iter().map(|(about, words, facts, now)| (about, words, with_award(world, facts), now));
    let unresolved = award(world, AwardStatus::Reserved { place: 1 }, false);
    let unresolved = Facts { award: Some(unresolved), ..Facts::default() };
    lined.chain([(About::Ledger, "a place is reserved in the ledger", unresolved, soon)]).collect()
}

fn not_subscribed(world: &World) -> Option<Subscription> {
    let asks = world.flow.is_by_number() || world.flow == WaySetup::DoubleByEmail;
    asks.then_some(Subscription::NotSubscribed)
}

fn profile(phone: Option<&str>) -> FoundProfile {
    FoundProfile {
        external_id: Some("u-1".into()),
        phone: phone.map(str::to_owned),
        ..FoundProfile::default()
    }
}

fn after_the_end(world: &World, state: &State) -> Vec<Fact> {
    let won = || AwardStatus::Rewarded { place: Some(1), reward: Reward::Code("SPRING20".into()) };
    let lined = |status, settled| Facts { award: Some(award(world, status, settled)), ..Facts::default() };
    let rewarded = || Facts { known: Some(None), found: Some(vec![profile(None)]), ..lined(won(), true) };
    let written = |written| Facts { written: Some(written), ..rewarded() };
    let mut known = vec![
        (About::Ledger, "no line in a ledger", Facts::default(), at(10)),
        (
            About::Ledger,
            "a place is reserved in the ledger",
            lined(AwardStatus::Reserved { place: 1 }, false),
            at(10),
        ),
    ];
    if matches!(state, State::Ended(outcome) if outcome.earns()) {
        known.extend([
            (About::Ledger, "it waits for a place", lined(AwardStatus::Waiting, true), at(10)),
            (About::Ledger, "it won nothing", lined(AwardStatus::NoPrize(NoPrize::TooSlow), true), at(10)),
            (About::Ledger, "it won; the profile is unknown", lined(won(), true), at(10)),
            (About::Ledger, "it won; the profile is known", rewarded(), at(10)),
            (About::Ledger, "it won; Braze accepted the write", written(Written::Done), at(10)),
            (
                About::Ledger,
                "it won; Braze refused the write",
                written(Written::Refused { reason: "no".into() }),
                at(10),
            ),
            (
                About::Ledger,
                "it won; Braze did not accept the write",
                written(Written::NotDone { retry_at: at(60) }),
                at(10),
            ),
        ]);
    } else {
        known.push((
            About::Ledger,
            "the ledger has released its place",
            lined(AwardStatus::Released, false),
            at(10),
        ));
        known.push((
            About::Ledger,
            "the wait that is shown is over",
            lined(AwardStatus::Released, false),
            at(30 * 86_400),
        ));
    }
    known
}
