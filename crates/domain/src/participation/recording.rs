//! What each step writes to the timeline.

use super::code::Code;
use super::step::{Command, ProfileWrite, Question, Step};
use super::{EnrollState, Open, Outcome, Participation, SmsState, State, timeline};
use crate::Timestamp;
use crate::award::Resolution;
use crate::consent::ConsentProgress;
use crate::profile::ProfileRef;

impl Participation {
    /// Writes to the timeline what happens now.
    pub(super) fn happens(&mut self, code: Code, now: Timestamp) {
        let began = timeline::since(self.0.accepted_at, now);
        self.0.timeline.add(code, began);
    }

    /// Writes to the timeline that Braze answered the last question or command.
    pub(super) fn is_answered(&mut self, now: Timestamp) {
        let ended = timeline::since(self.0.accepted_at, now);
        self.0.timeline.answered(ended);
    }

    /// Writes a step to the timeline, before it is taken.
    pub(super) fn record(&mut self, step: &Step, now: Timestamp) {
        match step {
            Step::Ask(question) => self.record_all(asks(question), now),
            Step::Tell { state, command } => {
                self.record_all(self.moves_to(state).then_some(Code::Moved), now);
                self.happens(tells(command), now);
            }
            Step::Show { write, .. } => {
                let code = match writes(write) {
                    Code::Updated | Code::Created if self.missing().is_some() => Code::WrittenAgain,
                    Code::Updated | Code::Created if self.0.state.is_end() => Code::RewardWritten,
                    other => other,
                };
                self.happens(code, now);
            }
            Step::Resolve(resolution) => self.record_all(resolves(*resolution), now),
            Step::Wait { state, .. } => self.record_all(self.begins_to_wait(state), now),
            Step::Done(outcome) => self.record_end(outcome, now),
            Step::NoProfile { .. } => self.happens(Code::NoProfile, now),
            Step::GiveUp(_) => self.happens(Code::GivenUp, now),
            Step::Consent(_, ConsentProgress::NotWritten) => self.happens(Code::ConsentNotWritten, now),
            Step::Consent(..) | Step::Defer { .. } | Step::StopWaiting | Step::Rest | Step::NotOffered(_) => {
            }
        }
    }

    fn record_all(&mut self, codes: impl IntoIterator<Item = Code>, now: Timestamp) {
        for code in codes {
            self.happens(code, now);
        }
    }

    /// Whether a flow that wrote to one profile goes on with another one.
    fn moves_to(&self, state: &Open) -> bool {
        let before = match &self.0.state {
            State::Open(open) => target(open),
            State::Ended(_) => None,
        };
        before.is_some_and(|before| target(state).is_some_and(|after| after != before))
    }

    /// What it begins to wait for, if it did not wait for it before.
    fn begins_to_wait(&self, state: &Open) -> Option<Code> {
        let code = match state {
            Open::Enroll(EnrollState::AwaitingOptIn { .. }) | Open::Sms(SmsState::AwaitingOptIn { .. }) => {
                Code::Asked
            }
            Open::Sms(SmsState::Settling { .. }) => Code::Building,
            Open::Enroll(EnrollState::Received) | Open::Sms(SmsState::Received) => {
                return Some(Code::WaitedForAnother);
            }
            Open::Enroll(EnrollState::Enrolling { .. })
            | Open::Sms(
                SmsState::Enrolling { .. }
                | SmsState::Subscribing { .. }
                | SmsState::AwaitingSubscription { .. },
            ) => return None,
        };
        (self.0.state.name() != state.name()).then_some(code)
    }

    fn record_end(&mut self, outcome: &Outcome, now: Timestamp) {
        let awaited_opt_in = matches!(
            self.0.state,
            State::Open(
                Open::Enroll(EnrollState::AwaitingOptIn { .. }) | Open::Sms(SmsState::AwaitingOptIn { .. })
            )
        );
        let by_number = matches!(self.0.state, State::Open(Open::Sms(_)));
        let confirmed = match outcome {
            _ if !outcome.earns() => None,
            _ if awaited_opt_in => Some(Code::OptedIn),
            _ if by_number => Some(Code::Verified),
            _ => None,
        };
        self.record_all(confirmed, now);
        // Where an award depends on the credit, the ledger gives it.
        let credits = outcome.earns() && self.0.earned_at.is_none() && !self.0.has_award;
        self.record_all(credits.then_some(Code::Credited), now);
        self.happens(Code::Ended, now);
    }
}

fn asks(question: &Question) -> Option<Code> {
    match question {
        Question::FindAlias(_) | Question::FindProfile => Some(Code::LookedUp),
        Question::Confirm(_) => Some(Code::Confirmed),
        Question::Built(_) => Some(Code::LookedWhetherBuilt),
        Question::Subscription(_) => Some(Code::AskedSubscription),
        Question::ConsentGroups { .. } => Some(Code::AskedConsentGroups),
        Question::EventRecorded { .. } => Some(Code::LookedForEvent),
        // These are asked of our own store.
        Question::ProfileHint | Question::Claim => None,
    }
}

fn tells(command: &Command) -> Code {
    match command {
        Command::Write(write) => writes(write),
        Command::Subscribe { .. } => Code::Subscribed,
    }
}

fn writes(write: &ProfileWrite) -> Code {
    if write.takes_number {
        Code::NumberTakenBack
    } else if write.consent.as_ref().is_some_and(|consent| consent.alone) {
        Code::ConsentWritten
    } else if write.create {
        Code::Created
    } else {
        Code::Updated
    }
}

fn resolves(resolution: Resolution) -> Option<Code> {
    match resolution {
        Resolution::Credit | Resolution::CreditAs(_) => Some(Code::Credited),
        Resolution::Release | Resolution::Refuse(_) => Some(Code::Released),
        Resolution::Identify(_) => None,
    }
}

/// The profile that an open flow writes to.
fn target(state: &Open) -> Option<&ProfileRef> {
    match state {
        Open::Enroll(EnrollState::Enrolling { target, .. } | EnrollState::AwaitingOptIn { target, .. })
        | Open::Sms(
            SmsState::Enrolling { target, .. }
            | SmsState::Settling { target, .. }
            | SmsState::Subscribing { target, .. }
            | SmsState::AwaitingSubscription { target, .. },
        ) => Some(&target.profile),
        Open::Enroll(EnrollState::Received)
        | Open::Sms(SmsState::Received | SmsState::AwaitingOptIn { .. }) => None,
    }
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
