//! The stored form of participations.

use domain::attributes::AttributeValue;
use domain::award::Participant;
use domain::consent::{ChannelConsent, ConsentProgress, Page, TextHash};
use domain::ids::{ContactKey, RepeatKey};
use domain::participation::{
    AskingWrite, BrazeEvent, Cause, Code, Consent, CountedMilestones, EnrollState, EventProgress, Forgotten,
    FormerProfile, GivenUp, HeldUp, MOST_ENTRIES, Open, Outcome, Participation, Parts, ReadBack, Replaced,
    SentParts, Shown, SmsState, State, Target, Timeline, TimelineEntry, Unanswered, Unplaced, Way,
};
use domain::profile::ProfileRef;
use domain::reservation::Slot;
use stored::participation::{decode, encode};

use crate::every;
use crate::fixture::Fixtures;
use crate::values::{
    at, attributes, but, by_email, by_number, email, id, in_every_state, participation, phone, profiles,
    progress, standings, target, unanswered,
};

/// One participation for each form that a participation can take, with the name of its fixture.
pub(crate) fn all() -> Vec<(String, Participation)> {
    let mut all: Vec<(String, Participation)> = Vec::new();
    let mut add = |name: String, one: Participation| all.push((name, one));
    for (name, one) in in_every_state() {
        add(format!("state_{name}"), one);
    }
    for (name, profile) in profiles() {
        let target = Target { profile, ..target() };
        let state = SmsState::Settling { target, until: at(10) };
        add(format!("profile_{name}"), by_number(State::Open(Open::Sms(state))));
    }
    for (name, event) in progress() {
        let state = SmsState::Subscribing { target: target(), event };
        add(format!("subscribing_{name}"), by_number(State::Open(Open::Sms(state))));
        let shown = Shown { attributes: true, event, flow_event: None };
        add(format!("shown_{name}"), but(|kept| kept.shown = shown));
        let shown = Shown { flow_event: Some(event), ..Shown::default() };
        add(format!("flow_event_{name}"), but(|kept| kept.shown = shown));
    }
    let event = EventProgress::Attempted { at: at(22), time: at(21) };
    let state = EnrollState::Enrolling { target: target(), event };
    add("enrolling_attempted_again".into(), by_email(State::Open(Open::Enroll(state))));
    let sms = SmsState::Enrolling { target: target(), event: EventProgress::NotSent };
    add("enrolling_number".into(), by_number(State::Open(Open::Sms(sms))));
    let sms = SmsState::Enrolling { target: target(), event };
    add("enrolling_number_attempted_again".into(), by_number(State::Open(Open::Sms(sms))));
    let asked_by = Some(AskingWrite { target: target(), event_at: at(21) });
    let sms = SmsState::AwaitingOptIn { since: at(22), asked_by };
    add("awaiting_opt_in_asked_by_a_write".into(), by_number(State::Open(Open::Sms(sms))));
    let sms = SmsState::AwaitingSubscription { target: target(), since: at(11), repeated: false };
    add("awaiting_subscription_once".into(), by_number(State::Open(Open::Sms(sms))));
    for (name, way) in ways() {
        add(format!("way_{name}"), way);
    }
    for (name, read_back) in read_backs() {
        add(format!("read_back_{name}"), but(|kept| kept.read_back = Some(read_back)));
    }
    for (name, progress) in consent_progress() {
        let channel = Some(ChannelConsent { given: true, progress });
        let consent = Some(Consent { email: channel, ..detailed() });
        add(format!("consent_{name}"), but(|kept| kept.way = Way::Email { email: email(), consent }));
    }
    let (_, to_read_back) = read_backs().swap_remove(0);
    let by_event = ways().into_iter().map(|(_, one)| one).find(|one| one.event().is_some());
    let mut named = by_event.unwrap().into_snapshot();
    named.read_back = Some(to_read_back);
    add("read_back_named".into(), Participation::restore(named).unwrap());
    add("unreported_consent".into(), but(|kept| kept.unreported_consent = true));
    for (name, unplaced) in unplaced() {
        add(name.to_owned(), but(|kept| kept.unplaced = unplaced));
    }
    let (_, to_read_back) = read_backs().swap_remove(0);
    add(
        "read_back_after_unplaced".into(),
        but(|kept| {
            kept.read_back = Some(to_read_back);
            kept.unplaced =
                Unplaced { reward: Some(GivenUp { since: at(30), reported: false }), flow_event: None };
        }),
    );
    let consent = Parts { consent: true, ..Parts::default() };
    let lost = ReadBack::Missing { parts: consent, times: 1 };
    add("read_back_consent".into(), but(|kept| kept.read_back = Some(lost)));
    for (name, one) in others() {
        add(name.to_owned(), one);
    }
    all
}

fn read_backs() -> Vec<(&'static str, ReadBack)> {
    let parts = Parts { flow: true, flow_event: true, reward: true, event: Some(at(21)), consent: false };
    let profile = ProfileRef::ExternalId("u-1".into());
    let braze_id = Some("b-1".to_owned());
    let sent = SentParts { profile, braze_id, at: at(22), parts, missing_before: 1 };
    every!(ReadBack:
        ReadBack::Due(_) => "due" ReadBack::Due(sent.clone()),
        ReadBack::Missing { .. } => "missing" ReadBack::Missing { parts: Parts::default(), times: 2 },
    )
}

fn unplaced() -> [(&'static str, Unplaced); 3] {
    let given_up = Some(GivenUp { since: at(30), reported: true });
    let unreported = Some(GivenUp { since: at(31), reported: false });
    [
        ("read_back_unplaced", Unplaced { reward: given_up, flow_event: None }),
        ("unplaced_event", Unplaced { reward: None, flow_event: given_up }),
        ("unplaced_event_and_reward", Unplaced { reward: unreported, flow_event: given_up }),
    ]
}

fn ways() -> Vec<(&'static str, Participation)> {
    let event = BrazeEvent {
        name: "signed_in".into(),
        profile: Some(ProfileRef::ExternalId("u-1".into())),
        sent_at: Some(at(0)),
    };
    let consent = Consent::answered(true, at(5), Some("v3".into()));
    let ways = every!(Way:
        Way::Email { .. } => "email" Way::Email { email: email(), consent: None },
        Way::Sms { .. } => "sms" Way::Sms { phone: phone(), email: None, consent: consent.clone() },
        Way::Event { .. } => "event" Way::Event { event: event.clone(), email: email() },
        Way::Forgotten(_) => "forgotten" Way::Forgotten(Forgotten {
            event: None,
            consent: Some(consent.clone()),
            proof: vec![ContactKey::from_bytes([3; 16])],
        }),
    );
    let taken = |way: Way| match &way {
        Way::Email { .. } => participation(),
        Way::Sms { .. } => but(|kept| {
            kept.state = State::Open(Open::Sms(SmsState::Received));
            kept.way = way;
        }),
        Way::Event { .. } => but(|kept| {
            (kept.earned_at, kept.has_award) = (Some(at(1)), true);
            kept.way = way;
        }),
        Way::Forgotten(_) => forgotten(way),
    };
    ways.into_iter().map(|(name, way)| (name, taken(way))).collect()
}

/// A consent with everything that is stored of one.
fn detailed() -> Consent {
    Consent {
        text: Some(TextHash::of("I agree.")),
        page: Page::parse("https://acme.example/spring").ok(),
        email: Some(ChannelConsent { given: true, progress: ConsentProgress::Written { at: at(7) } }),
        ..Consent::answered(true, at(5), Some("v3".into()))
    }
}

/// How far a consent can have come.
fn consent_progress() -> Vec<(&'static str, ConsentProgress)> {
    let again = |again| ConsentProgress::Attempted { at: at(6), again };
    every!(ConsentProgress:
        ConsentProgress::Stored => "stored" ConsentProgress::Stored,
        ConsentProgress::Pending => "pending" ConsentProgress::Pending,
        ConsentProgress::Attempted { again: false, .. } => "attempted" again(false),
        ConsentProgress::Attempted { again: true, .. } => "attempted_again" again(true),
        ConsentProgress::Written { .. } => "written" ConsentProgress::Written { at: at(7) },
        ConsentProgress::NotWritten => "not_written" ConsentProgress::NotWritten,
        ConsentProgress::Withdrawing { .. } => "withdrawing" ConsentProgress::Withdrawing { at: at(8) },
        ConsentProgress::Withdrawn { .. } => "withdrawn" ConsentProgress::Withdrawn { at: at(8) },
    )
}

fn forgotten(way: Way) -> Participation {
    let reason = "forgotten, as the consumer asked".to_owned();
    but(|kept| {
        kept.way = way;
        (kept.state, kept.due_at) = (State::Ended(Outcome::Rejected { reason }), None);
    })
}

/// Participations that vary in their optional fields.
fn others() -> Vec<(&'static str, Participation)> {
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
    let ended = Unanswered { ended_at: Some(at(8)), status: Some(standings()[0].1.clone()), ..unanswered() };
    let proof = vec![ContactKey::from_bytes([1; 16]), ContactKey::from_bytes([2; 16])];
    vec![
        ("both_contacts", by_number(State::Open(Open::Sms(SmsState::Received)))),
        ("nobody", forgotten(Way::Forgotten(Forgotten::default()))),
        ("proof", forgotten(Way::Forgotten(Forgotten { proof, ..Forgotten::default() }))),
        ("event_without_profile", but(|kept| kept.way = Way::Event { event, email: email() })),
        ("attributes", but(|kept| kept.attributes = attributes())),
        (
            "attribute_list",
            but(|kept| {
                let likes = AttributeValue::List(vec!["running".into(), "Zoë \"Z\"".into()]);
                kept.attributes.set("likes", likes).unwrap();
            }),
        ),
        (
            "under_way",
            but(|kept| {
                kept.failures = 3;
                kept.slot = Some(Slot { from: at(30), until: at(31) });
                kept.no_such_alias = true;
            }),
        ),
        ("gave_number_to", {
            let mut kept = by_number(State::Open(Open::Sms(SmsState::Received))).into_snapshot();
            kept.gave_number_to = Some(target().profile);
            Participation::restore(kept).unwrap()
        }),
        ("details_replaced", {
            let mut kept = by_number(State::Open(Open::Sms(SmsState::Received))).into_snapshot();
            let former = |taken_back, withdraws| FormerProfile {
                contact: ContactKey::from_bytes([4; 16]),
                profile: target().profile,
                taken_back,
                withdraws,
            };
            kept.replaced = Some(Replaced {
                at: at(9),
                first_consent: detailed(),
                asked_at: Some(at(8)),
                asks_again: true,
                former: vec![former(false, true), former(true, false)],
            });
            Participation::restore(kept).unwrap()
        }),
        ("repeat_key", but(|kept| kept.repeat_key = RepeatKey::parse(&"0f".repeat(16)).ok())),
        (
            "consent_refused",
            but(|kept| {
                let consent = Some(Consent::answered(false, at(5), None));
                kept.way = Way::Email { email: email(), consent };
            }),
        ),
        (
            "consent_forgotten",
            forgotten(Way::Forgotten(Forgotten { consent: Some(detailed()), ..Forgotten::default() })),
        ),
        (
            "consent_by_number",
            but(|kept| {
                let sms = Some(ChannelConsent { given: true, progress: ConsentProgress::Pending });
                let email = Some(ChannelConsent { given: false, progress: ConsentProgress::Stored });
                let consent = Consent { sms, email, ..Consent::answered(true, at(5), None) };
                kept.state = State::Open(Open::Sms(SmsState::Received));
                kept.way = Way::Sms { phone: phone(), email: Some(crate::values::email()), consent };
            }),
        ),
        ("unanswered", by_number(State::Ended(Outcome::Mismatch(unanswered())))),
        ("unanswered_ended", by_number(State::Ended(Outcome::Mismatch(ended)))),
        (
            "who",
            but(|kept| {
                let key = |byte| Some(ContactKey::from_bytes([byte; 16]));
                kept.who = Participant { contact: key(4), profile: key(5), address: key(6) };
            }),
        ),
        ("shown_at", but(|kept| kept.shown_at = Some(at(340)))),
        ("held_up", but(|kept| kept.held_up = Some(HeldUp { cause: Cause::Throttled, since: at(8) }))),
        (
            "held_up_for_a_newer_reason",
            but(|kept| kept.held_up = Some(HeldUp { cause: Cause::Unknown(*b"zz"), since: at(8) })),
        ),
        ("timeline", but(|kept| kept.timeline = timeline())),
        ("timeline_without_its_middle", but(|kept| kept.timeline = long_timeline())),
        ("without_terms", but(|kept| kept.without_terms_since = Some(at(9)))),
        (
            "counted",
            but(|kept| {
                kept.counted =
                    Some(CountedMilestones { accepted: true, ended: true, ..CountedMilestones::default() })
            }),
        ),
        ("imported", but(|kept| kept.imported = true)),
    ]
}

/// A timeline with every code and every cause.
fn timeline() -> Timeline {
    let codes = Code::ALL.into_iter().chain([Code::Unknown(*b"zz")]).enumerate();
    let causes = Cause::ALL.into_iter().chain([Cause::Unknown(*b"zz")]).map(Some).chain([None]);
    let entry = |((number, code), cause): ((usize, Code), Option<Cause>)| {
        let began = u64::try_from(number).unwrap() * 100;
        TimelineEntry { code, cause, began, ended: began + 40, times: 1 }
    };
    let entries: Vec<TimelineEntry> = codes.zip(causes.cycle()).map(entry).collect();
    Timeline::new(entries[entries.len() - MOST_ENTRIES..].to_vec(), 0)
}

/// A timeline that is full, with something that happened several times.
fn long_timeline() -> Timeline {
    let entry = |number: u64| TimelineEntry {
        code: if number.is_multiple_of(2) { Code::LookedUp } else { Code::Updated },
        cause: None,
        began: number * 10,
        ended: number * 10 + number % 3,
        times: u32::try_from(number % 4).unwrap() + 1,
    };
    Timeline::new((0..40).map(entry).collect(), 5)
}

#[test]
fn every_form_that_a_participation_ever_had_is_read_and_the_newest_is_written() {
    let all = all();
    let named: Vec<(&str, Participation)> =
        all.iter().map(|(name, one)| (name.as_str(), one.clone())).collect();
    Fixtures::of("participation").pin(
        &named,
        |one| encode(one).unwrap(),
        |text| decode(id(), 5, text).unwrap(),
    );
}

#[test]
fn a_record_without_keep_until_is_kept_for_ninety_days_after_its_last_change() {
    let text = encode(&participation()).unwrap().replace(",\"keep_until\":1790000000003", "");
    let read = decode(id(), 5, &text).unwrap();
    assert_eq!(read.keep_until(), at(2 + 90 * 86_400_000));
}
