//! Words for steps and states.

use domain::Timestamp;
use domain::award::Resolution;
use domain::decide::{Command, ProfileWrite, Question, Step};
use domain::participation::{EnrollState, EventProgress, Open, Outcome, SmsState, State};

/// A state by its public name, with a detail if others have the same name.
pub(crate) fn state(state: &State) -> String {
    let detail = match state {
        State::Open(Open::Enroll(EnrollState::Enrolling { event, .. }))
        | State::Open(Open::Sms(SmsState::Enrolling { event, .. } | SmsState::Subscribing { event, .. })) => {
            progress(*event)
        }
        State::Open(Open::Sms(SmsState::AwaitingSubscription { repeated, .. })) => {
            if *repeated {
                "subscribed twice"
            } else {
                "subscribed once"
            }
        }
        State::Open(Open::Sms(SmsState::AwaitingOptIn { asked_by, .. })) => match asked_by {
            Some(_) => "the question is to be read back",
            None => "asked",
        },
        State::Ended(Outcome::Mismatch(wait)) => {
            if wait.ended_at.is_some() {
                "mismatch, the shown wait is over"
            } else {
                "mismatch"
            }
        }
        State::Open(
            Open::Enroll(EnrollState::Received | EnrollState::AwaitingOptIn { .. })
            | Open::Sms(SmsState::Received | SmsState::Settling { .. }),
        )
        | State::Ended(
            Outcome::Enrolled
            | Outcome::Credited
            | Outcome::Unverified
            | Outcome::Expired
            | Outcome::Rejected { .. }
            | Outcome::Failed { .. },
        ) => return format!("`{}`", state.name()),
    };
    format!("`{}`, {detail}", state.name())
}

fn progress(event: EventProgress) -> &'static str {
    match event {
        EventProgress::NotSent => "no event sent",
        EventProgress::NotTaken { .. } => "the event was not accepted",
        EventProgress::Attempted { .. } => "an event sent, outcome unknown",
        EventProgress::Recorded => "the event is recorded",
    }
}

/// A step in the words of the table.
pub(crate) fn step(step: &Step, now: Timestamp) -> String {
    match step {
        Step::Ask(question) => format!("asks {}", self::question(question)),
        Step::Tell { state, command } => {
            format!("{} → `{}`", self::command(command), state.name())
        }
        Step::Resolve(Resolution::Identify(_)) => "tells the ledger who the participant is".to_owned(),
        Step::Resolve(Resolution::Credit | Resolution::CreditAs(_)) => "has the ledger credit it".to_owned(),
        Step::Resolve(Resolution::Release) => "has the ledger release its place".to_owned(),
        Step::Resolve(Resolution::Refuse(_)) => {
            "has the ledger release its place, with a reason for Quikly".to_owned()
        }
        Step::Show { write, .. } => format!("{}, to show the reward", self::write(write)),
        Step::Defer { until, .. } => format!("waits {}", wait(*until, now)),
        Step::NoProfile { until } => format!("waits {} for a profile", wait(*until, now)),
        Step::GiveUp(parts) if parts.flow_event => "gives up the event, and reports that".to_owned(),
        Step::GiveUp(_) => "gives up showing the reward, and reports that".to_owned(),
        Step::StopWaiting => "ends the wait that is shown".to_owned(),
        Step::Consent(..) => "notes whether Braze has the consent".to_owned(),
        Step::Rest => "nothing is left to do".to_owned(),
        Step::Wait { state, until } => format!("waits {} → `{}`", wait(*until, now), state.name()),
        Step::NotOffered(way) => format!("the activation does not allow {way}"),
        Step::Done(outcome) => format!("ends → **{}**", outcome.name()),
    }
}

fn wait(until: Timestamp, now: Timestamp) -> String {
    match until.duration_since(now).as_secs() {
        0 => "for nothing".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

fn question(question: &Question) -> &'static str {
    match question {
        Question::ProfileHint => "our store for a hint of the profile",
        Question::Confirm(_) => "Braze whether it still has the remembered profile",
        Question::Built(_) => "Braze whether it shows the profile yet",
        Question::Claim => "our store who may create the profile",
        Question::FindAlias(_) => "Braze for the profile with the alias",
        Question::FindProfile => "Braze for the profile",
        Question::Subscription(_) => "Braze whether the consumer is subscribed",
        Question::ConsentGroups { .. } => "Braze for the groups of the consent",
        Question::EventRecorded { .. } => "Braze whether the profile has the event",
    }
}

fn command(command: &Command) -> String {
    match command {
        Command::Write(write) => self::write(write),
        Command::Subscribe { double_opt_in: false, .. } => "subscribes the number".to_owned(),
        Command::Subscribe { double_opt_in: true, .. } => "has Braze ask the consumer to confirm".to_owned(),
    }
}

fn write(write: &ProfileWrite) -> String {
    let verb = if write.create { "creates the profile" } else { "writes to the profile" };
    let with = [
        (write.phone.is_some(), "the number"),
        (write.subscribe.is_some(), "the subscription"),
        (!write.attributes.is_empty(), "attributes"),
        (write.event.is_some(), "the event"),
        (write.consent.is_some(), "the consent"),
    ];
    let with: Vec<&str> = with.into_iter().filter_map(|(has, what)| has.then_some(what)).collect();
    if with.is_empty() { verb.to_owned() } else { format!("{verb} with {}", with.join(", ")) }
}
