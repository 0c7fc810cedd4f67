//! The answer to the question why somebody has, or has not, a reward: a few sentences from what is stored.

mod english;
mod french;
mod prize;
mod statement;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::Timestamp;
use domain::award::Award;
use domain::brand::{Activation, OptIn};
use domain::ids::Channel;
use domain::incentive::Incentive;
use domain::ledger::Counts;
use domain::participation::{Cause, EnrollState, HeldUp, Open, Outcome, Participation, SmsState, State, Way};
use domain::time::later;

pub use statement::{Statement, Win};

use crate::language::Language;
use crate::plain;

/// Braze has this long to say that a number is subscribed.
const VERIFIED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Another line of the same participant in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Sibling {
    /// The line.
    pub award: Award,
    /// The channel of its participation, if that is known.
    pub channel: Option<Channel>,
}

/// The facts that an answer is made of. The sentences leave out unknown facts.
#[derive(Debug, Clone, Copy)]
pub struct AnswerFacts<'a> {
    /// The participation.
    pub participation: &'a Participation,
    /// Its line in a ledger, if it has one.
    pub award: Option<&'a Award>,
    /// The same participant's other lines in that ledger.
    pub siblings: &'a [Sibling],
    /// The counters of that ledger.
    pub counts: Option<&'a Counts>,
    /// How many wait ahead of it, if it waits for a place.
    pub waiting_ahead: Option<u32>,
    /// When the participation was accepted that got the last place.
    pub last_place_at: Option<Timestamp>,
    /// The incentive under the current brand file.
    pub incentive: Option<&'a Incentive>,
    /// How long a consumer who is asked to confirm has.
    pub confirms_within: Option<Duration>,
    /// The current moment.
    pub now: Timestamp,
}

impl<'a> AnswerFacts<'a> {
    /// The facts of a participation alone.
    #[must_use]
    pub fn of(participation: &'a Participation, now: Timestamp) -> Self {
        Self {
            participation,
            award: None,
            siblings: &[],
            counts: None,
            waiting_ahead: None,
            last_place_at: None,
            incentive: None,
            confirms_within: None,
            now,
        }
    }

    /// The facts together with what the brand file says of the activation.
    #[must_use]
    pub fn under(self, activation: &'a Activation) -> Self {
        let ledger = self.award.and_then(|award| award.ledger.incentive.as_ref());
        let incentive = ledger.and_then(|id| activation.incentives.get(id)).map(AsRef::as_ref);
        let by_number = activation.sms.as_ref().and_then(|sms| match &sms.opt_in {
            OptIn::Double { window, .. } => Some(*window),
            OptIn::Single { .. } => None,
        });
        let by_email = || activation.email.as_ref()?.opt_in.as_ref().map(|opt_in| opt_in.window);
        let confirms_within = match self.participation.way() {
            Way::Sms { .. } => by_number,
            Way::Email { .. } => by_email(),
            Way::Event { .. } | Way::Forgotten(_) => None,
        };
        Self { incentive, confirms_within, ..self }
    }

    fn is_credited(&self) -> bool {
        self.participation.earned_at().is_some()
            || self.award.is_some_and(|award| award.credited_at.is_some())
    }
}

/// The answer, as statements of which the first one answers the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The statements; never empty.
    pub statements: Vec<Statement>,
    now: Timestamp,
}

impl Explanation {
    /// The answer in a language, as plain text. [`plain`] says how strings of others are shown.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let sentences = self.statements.iter().map(|statement| match language {
            Language::English => english::sentence(statement, self.now),
            Language::French => french::sentence(statement, self.now),
        });
        sentences.collect::<Vec<String>>().join(" ")
    }

    /// The code of the first statement.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.statements.first().map_or("on_its_way", Statement::code)
    }
}

/// Why the participation has, or has not, a reward.
#[must_use]
pub fn answer(facts: &AnswerFacts<'_>) -> Explanation {
    let mut statements = main_statements(facts);
    statements.extend(troubles(facts));
    Explanation { statements, now: facts.now }
}

fn main_statements(facts: &AnswerFacts<'_>) -> Vec<Statement> {
    let participation = facts.participation;
    if let Way::Forgotten(_) = participation.way() {
        return vec![Statement::Forgotten];
    }
    match participation.state() {
        _ if facts.is_credited() => credited(facts),
        State::Ended(outcome) => vec![not_credited(facts, outcome)],
        State::Open(open) => {
            let mut statements = vec![Statement::NotCreditedYet];
            statements.push(waits(facts).unwrap_or(Statement::OnItsWay));
            statements.extend(confirms_until(facts, open));
            statements.extend(facts.award.and_then(|award| prize::before_credit(facts, award)));
            statements
        }
    }
}

fn credited(facts: &AnswerFacts<'_>) -> Vec<Statement> {
    let Some(award) = facts.award.filter(|award| award.ledger.incentive.is_some()) else {
        return vec![Statement::CreditedWithoutIncentive];
    };
    let mut statements = prize::after_credit(facts, award);
    match facts.participation.state() {
        State::Open(_) => statements.push(waits(facts).unwrap_or(Statement::StillWriting)),
        State::Ended(Outcome::Rejected { reason }) => {
            statements.push(Statement::ProfileRefused { reason: plain::shown(reason) });
        }
        State::Ended(Outcome::Failed { reason }) => {
            statements.push(Statement::ProfileGivenUp { reason: plain::shown(reason) });
        }
        State::Ended(Outcome::Expired) => statements.push(Statement::NotConfirmedButCredited),
        State::Ended(Outcome::Enrolled | Outcome::Credited | Outcome::Unverified | Outcome::Mismatch(_)) => {}
    }
    statements
}

fn not_credited(facts: &AnswerFacts<'_>, outcome: &Outcome) -> Statement {
    match outcome {
        Outcome::Expired => {
            let by_number = matches!(facts.participation.way(), Way::Sms { .. });
            Statement::Expired { within: facts.confirms_within, by_number }
        }
        Outcome::Unverified
            if facts.participation.consent().is_some_and(|consent| consent.is_not_written()) =>
        {
            Statement::Unsubscribed
        }
        Outcome::Unverified => Statement::Unverified { within: VERIFIED_WITHIN },
        Outcome::Mismatch(_) => Statement::AnotherNumber,
        Outcome::Rejected { reason } => Statement::Rejected { reason: plain::shown(reason) },
        Outcome::Failed { reason } => Statement::GivenUp { reason: plain::shown(reason) },
        Outcome::Enrolled | Outcome::Credited => Statement::NotCredited,
    }
}

/// Why it waits, if it does.
fn waits(facts: &AnswerFacts<'_>) -> Option<Statement> {
    facts.participation.waits().map(Statement::Waits)
}

/// Until when the consumer can confirm.
fn confirms_until(facts: &AnswerFacts<'_>, open: &Open) -> Option<Statement> {
    let (Open::Enroll(EnrollState::AwaitingOptIn { since, .. })
    | Open::Sms(SmsState::AwaitingOptIn { since, .. })) = open
    else {
        return None;
    };
    let until = later(*since, facts.confirms_within?);
    Some(Statement::ConfirmsUntil { until })
}

/// What went wrong beside the reward, and what is still under way after the end.
fn troubles(facts: &AnswerFacts<'_>) -> Vec<Statement> {
    let participation = facts.participation;
    let mut statements = Vec::new();
    if participation.state().is_end() {
        let waits = participation.waits().filter(|waits| waits.cause != Cause::NoProfile);
        statements.extend(waits.map(|HeldUp { cause, since }| Statement::Waits(HeldUp { cause, since })));
        if participation.missing().is_some() {
            statements.push(Statement::WrittenAgain);
        }
    }
    let unplaced = participation.unplaced();
    statements.extend(unplaced.reward.map(|given_up| Statement::RewardUnplaced { since: given_up.since }));
    statements.extend(unplaced.flow_event.map(|given_up| Statement::EventUnplaced { since: given_up.since }));
    let is_told = statements.is_empty() && participation.state().name() == "unverified";
    if !is_told && participation.consent().is_some_and(|consent| consent.is_not_written()) {
        statements.push(Statement::ConsentNotWritten);
    }
    statements
}
