//! The pipeline: each participation is asked for its next step, equal steps go to their endpoint together,
//! and participations that one endpoint has served are decided again while other endpoints still work.

use std::time::Duration;

use domain::Timestamp;
use domain::award::Resolution;
use domain::brand::Brand;
use domain::decide::{Command, ProfileWrite, Question, Step, Terms, decide, participant};
use domain::ids::SubscriptionGroup;
use domain::profile::{Alias, ProfileRef};
use domain::time::later;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use crate::award;
use crate::budget::Rank;
use crate::connector::Connector;
use crate::endpoints::built::BuiltProfiles;
use crate::endpoints::consent_groups::{ConsentGroups, GroupsJob};
use crate::endpoints::look_up::{Aliases, Confirmations, ProfileEventQuestion, Profiles, RecordedEvents};
use crate::endpoints::statuses::Subscriptions;
use crate::endpoints::subscribe::{self, SubscribeNumbers};
use crate::endpoints::write::Writes;
use crate::endpoints::{BrandAccess, BrazeEndpoint};
use crate::glimpses;
use crate::profile_cache;
use crate::without_terms::{self, Missing};
use crate::work_item::{Performed, WorkItem};

/// A participation that goes round in circles is processed again after this time.
const ENDLESS: Duration = Duration::from_secs(3_600);

/// No flow needs more turns than this in one run. A participation that takes more is put off.
const MOST_TURNS: usize = 12;

/// Takes the participations of a brand as far as they go, until all of them rest. All of them have the same rank.
pub(crate) async fn take(
    connector: &Connector,
    (brand, rank): (&Brand, Rank),
    items: Vec<WorkItem>,
) -> ports::Result<Vec<WorkItem>> {
    let mut resting = Vec::with_capacity(items.len());
    let mut under_way = FuturesUnordered::new();
    let turns = Turns { connector, brand, rank };
    turns.begin(items, &mut resting, &mut under_way);
    let mut failed = None;
    while let Some(performed) = under_way.next().await {
        let mut performed = vec![performed];
        // Groups that are done at the same moment continue together, so that they need fewer requests.
        while let Some(Some(more)) = under_way.next().now_or_never() {
            performed.push(more);
        }
        let mut active = Vec::new();
        for performed in performed {
            match performed {
                Ok(performed) => {
                    resting.extend(performed.resting);
                    active.extend(performed.active);
                }
                // Work in flight is waited for, since it may be half done.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if failed.is_none() {
            turns.begin(active, &mut resting, &mut under_way);
        }
    }
    failed.map_or(Ok(resting), Err)
}

/// Work items grouped by their next step.
#[derive(Default)]
struct Groups {
    known: Vec<WorkItem>,
    confirmations: Vec<(WorkItem, ProfileRef)>,
    built: Vec<(WorkItem, ProfileRef)>,
    claims: Vec<WorkItem>,
    glimpsed: Vec<WorkItem>,
    aliases: Vec<(WorkItem, Alias)>,
    profiles: Vec<WorkItem>,
    events: Vec<(WorkItem, ProfileEventQuestion)>,
    subscriptions: Vec<(WorkItem, SubscriptionGroup)>,
    consent_groups: Vec<GroupsJob>,
    writes: Vec<(WorkItem, ProfileWrite)>,
    subscribes: Vec<subscribe::SubscribeJob>,
    resolutions: Vec<(WorkItem, Resolution)>,
    missing: Vec<(WorkItem, Missing)>,
    resting: Vec<WorkItem>,
}

impl Groups {
    fn command(&mut self, item: WorkItem, command: Command) {
        match command {
            Command::Write(write) => self.writes.push((item, write)),
            Command::Subscribe { group, double_opt_in } => {
                self.subscribes.push(subscribe::SubscribeJob { item, group, double_opt_in });
            }
        }
    }

    fn question(&mut self, item: WorkItem, question: Question) {
        match question {
            Question::ProfileHint => self.known.push(item),
            Question::Confirm(profile) => self.confirmations.push((item, profile)),
            Question::Built(profile) => self.built.push((item, profile)),
            Question::Claim => self.claims.push(item),
            Question::FindAlias(alias) => self.aliases.push((item, alias)),
            Question::FindProfile => self.profiles.push(item),
            Question::Subscription(group) => self.subscriptions.push((item, group)),
            Question::ConsentGroups { channel, groups } => {
                self.consent_groups.push(GroupsJob { item, channel, groups });
            }
            Question::EventRecorded { profile, event, since } => {
                self.events.push((item, ProfileEventQuestion { profile, event, since }));
            }
        }
    }
}

/// Whether a step may follow from a glimpse of a participation: a question, or a wait.
fn is_for_a_glimpse(step: &Step) -> bool {
    matches!(step, Step::Ask(question) if *question != Question::Claim) || matches!(step, Step::Wait { .. })
}

/// The groups that are being performed.
type UnderWay<'a> = FuturesUnordered<BoxFuture<'a, ports::Result<Performed>>>;

#[derive(Clone, Copy)]
struct Turns<'a> {
    connector: &'a Connector,
    brand: &'a Brand,
    rank: Rank,
}

impl<'a> Turns<'a> {
    /// Asks every participation for its next step, and begins these steps.
    fn begin(self, items: Vec<WorkItem>, resting: &mut Vec<WorkItem>, under_way: &mut UnderWay<'a>) {
        let now = self.connector.deps.clock.now();
        let mut groups = Groups::default();
        for item in items {
            self.sort(item, now, &mut groups);
        }
        resting.append(&mut groups.resting);
        self.perform(groups, under_way);
    }

    /// Puts a work item into the group of its next step.
    fn sort(self, mut item: WorkItem, now: Timestamp, groups: &mut Groups) {
        loop {
            item.turns += 1;
            if item.turns > MOST_TURNS {
                tracing::error!(event = "connector.endless", participation = %item.participation.id(), "A participation took too many steps in one round and is put off.");
                item.participation.put_off(later(now, ENDLESS), now);
                groups.resting.push(item);
                return;
            }
            let Some(activation) = self.brand.activations.get(item.participation.scope()) else {
                if item.is_glimpsed {
                    groups.glimpsed.push(item);
                } else {
                    groups.missing.push((item, Missing::Activation));
                }
                return;
            };
            let terms = Terms { brand: self.brand, activation };
            let who = participant(&item.participation, &terms, &item.facts, &self.connector.id_key);
            if let Some(who) = who {
                item.participation.learns_who(who);
            }
            let step = decide(&item.participation, &terms, &item.facts, now);
            if item.is_glimpsed && !is_for_a_glimpse(&step) {
                groups.glimpsed.push(item);
                return;
            }
            if !matches!(step, Step::NotOffered(_)) {
                item.participation.has_terms();
            }
            item.apply(&step, now);
            match step {
                Step::Ask(question) => return groups.question(item, question),
                Step::Tell { command, .. } => return groups.command(item, command),
                Step::Show { write, .. } => return groups.writes.push((item, write)),
                Step::NotOffered(way) => return groups.missing.push((item, Missing::Way(way))),
                Step::Resolve(resolution) => return groups.resolutions.push((item, resolution)),
                // After these steps the participation is decided again at once.
                Step::Done(_) | Step::StopWaiting | Step::Consent(..) => {}
                Step::Wait { .. }
                | Step::Defer { .. }
                | Step::NoProfile { .. }
                | Step::GiveUp(_)
                | Step::Rest => return groups.resting.push(item),
            }
        }
    }

    /// Begins the work of each group. An endpoint that does not answer does not hold up the others.
    fn perform(self, groups: Groups, under_way: &mut UnderWay<'a>) {
        let Turns { connector, brand, .. } = self;
        if !groups.missing.is_empty() {
            let rest = without_terms::rest(connector, (&brand.id, Some(brand)), groups.missing);
            under_way.push(rest.map(|done| done.map(Performed::rests)).boxed());
        }
        if !groups.resolutions.is_empty() {
            let resolve = award::resolve(connector, brand, groups.resolutions);
            under_way.push(resolve.map(|done| done.map(Performed::goes_on)).boxed());
        }
        if !groups.known.is_empty() {
            let known = profile_cache::profile_hints(connector, brand, groups.known);
            under_way.push(known.map(|done| done.map(Performed::goes_on)).boxed());
        }
        if !groups.claims.is_empty() {
            let claims = profile_cache::claims(connector, brand, groups.claims);
            under_way.push(claims.map(|done| done.map(Performed::goes_on)).boxed());
        }
        if !groups.glimpsed.is_empty() {
            under_way.push(glimpses::read_again(connector, &brand.id, groups.glimpsed).boxed());
        }
        self.at::<Subscriptions>(groups.subscriptions, under_way);
        self.at::<ConsentGroups>(groups.consent_groups, under_way);
        self.at::<Confirmations>(groups.confirmations, under_way);
        self.at::<Aliases>(groups.aliases, under_way);
        self.at::<Profiles>(groups.profiles, under_way);
        self.at::<RecordedEvents>(groups.events, under_way);
        self.at::<BuiltProfiles>(groups.built, under_way);
        self.at::<Writes>(groups.writes, under_way);
        self.at::<SubscribeNumbers>(groups.subscribes, under_way);
    }

    /// Begins the jobs of an endpoint, if there are any.
    fn at<E: BrazeEndpoint>(self, jobs: Vec<E::Job>, under_way: &mut UnderWay<'a>)
    where
        E::Job: 'a,
    {
        if !jobs.is_empty() {
            let Turns { connector, brand, rank } = self;
            let perform =
                async move { E::perform(&BrandAccess { access: &connector.braze, brand, rank }, jobs).await };
            under_way.push(perform.boxed());
        }
    }
}
