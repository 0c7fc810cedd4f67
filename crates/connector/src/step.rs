//! The loop: decide, group, perform, save.

use std::time::Duration;

use domain::Timestamp;
use domain::award::Verdict;
use domain::brand::{Brand, SubscriptionGroup};
use domain::decide::{Command, ProfileWrite, Question, Step, Terms, decide};
use domain::ids::{BrandId, ParticipationId};
use domain::participation::{Participation, State};
use domain::profile::Alias;
use domain::time::later;
use futures::join;
use ports::store::{MOST_ITEMS, Saved};

use crate::award;
use crate::case::{Case, Performed, Stepped};
use crate::clock_watch::is_of_the_future;
use crate::connector::Connector;
use crate::guard::Panics;
use crate::knowledge;
use crate::look_up::{self, ProfileEventQuestion};
use crate::read;
use crate::subscription;
use crate::wake;
use crate::without_terms::{self, Missing};
use crate::write;

/// A participation that goes round in circles is looked at again after this long.
const ENDLESS: Duration = Duration::from_secs(3_600);

/// No flow needs more turns than this in one look; what would is put off instead of going round for ever.
const MOST_TURNS: usize = 12;

/// Why participations are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A message or somebody asks for it.
    Asked,
    /// They are due, and the tick has come.
    Tick,
}

/// Equal steps, grouped.
#[derive(Default)]
struct Round {
    known: Vec<Case>,
    claims: Vec<Case>,
    aliases: Vec<(Case, Alias)>,
    profiles: Vec<Case>,
    events: Vec<(Case, ProfileEventQuestion)>,
    subscriptions: Vec<(Case, SubscriptionGroup)>,
    writes: Vec<(Case, ProfileWrite)>,
    subscribes: Vec<subscription::Job>,
    settles: Vec<(Case, Verdict)>,
    missing: Vec<(Case, Missing)>,
    again: Vec<Case>,
}

impl Connector {
    /// Looks at participations of one brand and takes each as far as it goes.
    ///
    /// # Errors
    /// When the store cannot be read or written, or something panicked. Nothing is lost then: what was not saved is looked at again.
    pub async fn step(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<Stepped> {
        self.step_at(Occasion::Asked, brand, ids).await
    }

    /// The same on an occasion.
    pub(crate) async fn step_at(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        ids: &[ParticipationId],
    ) -> ports::Result<Stepped> {
        const DOING: &str = "stepping participations";
        let (mut stepped, mut panics) = (Stepped::default(), Panics::default());
        for some in self.suspects.apart(ids) {
            let stepping = self.step_together(occasion, brand, &some);
            if let Some(done) = panics.watch(self, (brand, DOING), &some, stepping).await? {
                stepped.add(done);
            }
        }
        panics.done(DOING)?;
        Ok(stepped)
    }

    async fn step_together(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        ids: &[ParticipationId],
    ) -> ports::Result<Stepped> {
        let hold = self.in_hand.take(ids);
        let mut cases = Vec::with_capacity(hold.ids.len());
        for some in hold.ids.chunks(MOST_ITEMS) {
            cases.extend(read::participations(self, brand, some).await?.into_iter().map(Case::new));
        }
        let cases = read::awards(self, brand, cases).await?;
        let now = self.outside.clock.now();
        let (mut cases, early): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| wants_a_look(case, now));
        wake::again(self, early.iter().map(|case| &case.participation)).await;
        if occasion == Occasion::Tick {
            let left: Vec<Case> =
                cases.extract_if(.., |case| wake::has_a_message(&case.participation, now)).collect();
            wake::in_case_of_loss(self, left.iter().map(|case| &case.participation)).await;
        }
        cases.sort_by_key(|case| case.participation.accepted_at);
        let taken = cases.len();
        let brands = self.brands();
        let resting = match brands.brand(brand) {
            Some(brand) => self.take_turns(brand, cases).await?,
            None => {
                let missing = if brands.may_be_broken(brand) { Missing::Broken } else { Missing::Brand };
                let cases = cases.into_iter().map(|case| (case, missing)).collect();
                without_terms::rest(self, (brand, None), cases).await?
            }
        };
        let mut stepped = self.finish(resting).await?;
        stepped.left_alone += ids.len().saturating_sub(taken);
        Ok(stepped)
    }

    async fn take_turns(&self, brand: &Brand, mut active: Vec<Case>) -> ports::Result<Vec<Case>> {
        let mut resting = Vec::new();
        for _turn in 0..MOST_TURNS {
            if active.is_empty() {
                return Ok(resting);
            }
            let now = self.outside.clock.now();
            let round = self.group(brand, active, &mut resting, now);
            let performed = self.perform(brand, round).await?;
            resting.extend(performed.resting);
            active = performed.active;
        }
        let now = self.outside.clock.now();
        for mut case in active {
            tracing::error!(participation = %case.participation.id, "connector.endless: put off");
            case.put_off(later(now, ENDLESS), now);
            resting.push(case);
        }
        Ok(resting)
    }

    /// Asks every participation for its next step.
    fn group(&self, brand: &Brand, cases: Vec<Case>, resting: &mut Vec<Case>, now: Timestamp) -> Round {
        let mut round = Round::default();
        for mut case in cases {
            let Some(activation) = brand.activations.get(&case.participation.scope) else {
                round.missing.push((case, Missing::Activation));
                continue;
            };
            let step = decide(&case.participation, &Terms { brand, activation }, &case.facts, now);
            if !matches!(step, Step::NotOffered(_)) {
                case.participation.without_terms_since = None;
            }
            match step {
                Step::Ask(Question::KnownProfile) => round.known.push(case),
                Step::Ask(Question::Claim) => round.claims.push(case),
                Step::Ask(Question::FindAlias(alias)) => round.aliases.push((case, alias)),
                Step::Ask(Question::FindProfile) => round.profiles.push(case),
                Step::Ask(Question::Subscription(group)) => round.subscriptions.push((case, group)),
                Step::Ask(Question::EventRecorded { profile, event, since }) => {
                    round.events.push((case, ProfileEventQuestion { profile, event, since }));
                }
                Step::Tell { state, command } => {
                    case.participation.state = state;
                    case.facts.before_a_command();
                    match command {
                        Command::Write(write) => round.writes.push((case, write)),
                        Command::Subscribe { group, double_opt_in } => {
                            round.subscribes.push(subscription::Job { case, group, double_opt_in });
                        }
                    }
                }
                Step::Wait { state, until } => {
                    case.participation.wait(state, until, now);
                    resting.push(case);
                }
                Step::Done(outcome) => {
                    case.end(outcome, now);
                    round.again.push(case);
                }
                Step::NotOffered(way) => round.missing.push((case, Missing::Way(way))),
                Step::Settle(verdict) => round.settles.push((case, verdict)),
                Step::Show { shown, command } => {
                    case.participation.shown = shown;
                    case.facts.before_a_command();
                    match command {
                        Command::Write(write) => round.writes.push((case, write)),
                        Command::Subscribe { group, double_opt_in } => {
                            round.subscribes.push(subscription::Job { case, group, double_opt_in });
                        }
                    }
                }
                Step::Defer { shown, until } => {
                    case.participation.shown = shown;
                    case.put_off(until, now);
                    resting.push(case);
                }
                Step::StopWaiting => {
                    case.participation.stop_waiting(now);
                    round.again.push(case);
                }
                Step::Rest => {
                    case.participation.rest();
                    resting.push(case);
                }
            }
        }
        round
    }

    async fn perform(&self, brand: &Brand, round: Round) -> ports::Result<Performed> {
        let resting = without_terms::rest(self, (&brand.id, Some(brand)), round.missing).await?;
        let mut performed = Performed { active: round.again, resting };
        performed.active.extend(award::settle(self, brand, round.settles).await?);
        performed.active.extend(knowledge::known_profiles(self, brand, round.known).await?);
        performed.active.extend(knowledge::claims(self, brand, round.claims).await?);
        // Side by side: an endpoint that does not answer holds up no other.
        let (read, aliases, profiles, events, written, subscribed) = join!(
            subscription::read(self, brand, round.subscriptions),
            look_up::aliases(self, brand, round.aliases),
            look_up::profiles(self, brand, round.profiles),
            look_up::events(self, brand, round.events),
            write::profiles(self, brand, round.writes),
            subscription::subscribe(self, brand, round.subscribes),
        );
        for one in [read, aliases, profiles, events, written?] {
            performed.extend(one);
        }
        performed.active.extend(subscribed);
        Ok(performed)
    }

    /// Follow-up messages first, then the state: a crash in between costs a look, not a participation.
    async fn finish(&self, cases: Vec<Case>) -> ports::Result<Stepped> {
        knowledge::remember(self, &cases).await;
        let participations: Vec<Participation> =
            cases.iter().map(|case| case.participation.clone()).collect();
        wake::later(self, &participations).await;
        let mut stepped = Stepped::default();
        let mut seen = Vec::new();
        for (cases, some) in cases.chunks(MOST_ITEMS).zip(participations.chunks(MOST_ITEMS)) {
            let saved = self.outside.store.save(some).await?;
            for (case, saved) in cases.iter().zip(saved) {
                match saved {
                    Saved::Conflict => {
                        stepped.left_alone += 1;
                        continue;
                    }
                    Saved::Saved if case.participation.due_at.is_none() => stepped.ended += 1,
                    Saved::Saved => {
                        stepped.waiting += 1;
                        self.tallied.deferred();
                    }
                }
                self.seen.rests(&case.participation);
                // What still waits is looked at again anyway, and then with its award as it stands.
                seen.extend(case.changed_award());
                if case.ended {
                    self.tallied.ended(case);
                    log_end(&case.participation);
                }
            }
        }
        award::noted(self, &seen).await?;
        Ok(stepped)
    }
}

/// A new participation is looked at when a message says so; afterwards it is left alone until it is due, however many
/// messages come. An award that somebody else's participation changed is due, too, and so is what was put off under a clock that has been
/// set back since: nobody knows when its time is.
fn wants_a_look(case: &Case, now: Timestamp) -> bool {
    let participation = &case.participation;
    case.changed_award().is_some()
        || participation.due_at.is_some_and(|due| {
            participation.version == 0 || due <= now || is_of_the_future(participation.updated_at, now)
        })
}

fn log_end(participation: &Participation) {
    let (id, scope) = (participation.id, &participation.scope);
    match &participation.state {
        State::Rejected { reason } | State::Failed { reason } => {
            tracing::warn!(participation = %id, %scope, state = participation.state.name(), reason, "connector.ended");
        }
        state => tracing::info!(participation = %id, %scope, state = state.name(), "connector.ended"),
    }
}
