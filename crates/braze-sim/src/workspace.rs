//! A workspace: its contents, its settings, and the writes that have not settled yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::Value;

use crate::applied::{self, OnApplied};
use crate::clock::SimClock;
use crate::consumer::{self, ConsumerAction};
use crate::contact::SimContact;
use crate::contacts;
use crate::effects::Effect;
use crate::endpoints::{SimLimit, fixed_windows};
use crate::faults::FaultSet;
use crate::identity::{self, IdentityChange};
use crate::profiles::ProfileStore;
use crate::seed::{SeedError, SeedFile};
use crate::subscription::{DoubleOptIn, GroupStates, StateChange, StatusKeys};
use crate::subscription_requests::state_of;
use crate::track::Object;
use crate::unconfirmed::Unconfirmed;
use crate::windows::{HeaderStyle, Window, WindowCount};

/// A callback for every REST request that was answered.
pub type OnRequest = Arc<dyn Fn(&ObservedRequest) + Send + Sync>;

/// One REST request and its answer, in a form that can be shown: without keys, and without whole contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRequest {
    /// When it arrived.
    pub at: Timestamp,
    /// The method: `POST`, `GET`…
    pub method: String,
    /// The path.
    pub path: String,
    /// The status; 0 when the connection was dropped.
    pub status: u16,
    /// A summary of the request and its result.
    pub summary: String,
}

/// How a workspace behaves.
#[derive(Clone)]
pub struct Settings {
    /// The REST API keys that it accepts.
    pub api_keys: Vec<String>,
    /// How long a write takes to appear.
    pub settle: Duration,
    /// How long a merge, a deletion, a rename or a consumer's action takes to appear; as long as a write when absent.
    pub change_delay: Option<Duration>,
    /// How many requests to `/users/export/ids` a window allows.
    pub export_ids_per_minute: u32,
    /// The length of a window of those requests: a minute, or a second under some contracts.
    pub export_ids_window: Duration,
    /// How many requests of a window others in the workspace use.
    pub export_ids_by_others: u32,
    /// How many requests to `/users/track` three seconds allow.
    pub track_per_3s: u32,
    /// How many requests to `/users/track` an hour allows beside that, under some contracts.
    pub track_per_hour: Option<u32>,
    /// The most objects in one `/users/track` request.
    pub max_objects: u32,
    /// Whether that limit applies to each array on its own.
    pub objects_per_array: bool,
    /// The form in which it reports its limits.
    pub header_style: HeaderStyle,
    /// The subscription groups of numbers that exist. When the list is empty, every group exists.
    pub subscription_groups: Vec<String>,
    /// The subscription groups of e-mail addresses. Every other group is one of numbers.
    pub email_groups: Vec<String>,
    /// What the answers about numbers are keyed by.
    pub status_keys: StatusKeys,
    /// The brand's double opt-in.
    pub double_opt_in: Option<DoubleOptIn>,
    /// How it behaves where Braze's pages do not say.
    pub unconfirmed: Unconfirmed,
    /// Called with every REST request.
    pub on_request: Option<OnRequest>,
    /// Called with every object of a write when it is applied.
    pub on_applied: Option<OnApplied>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_keys: vec!["sim-key".to_owned()],
            settle: Duration::from_secs(120),
            change_delay: None,
            export_ids_per_minute: 250,
            export_ids_window: Duration::from_secs(60),
            export_ids_by_others: 0,
            track_per_3s: 3_000,
            track_per_hour: None,
            max_objects: 75,
            objects_per_array: false,
            header_style: HeaderStyle::Epoch,
            subscription_groups: Vec::new(),
            email_groups: Vec::new(),
            status_keys: StatusKeys::Phone,
            double_opt_in: None,
            unconfirmed: Unconfirmed::default(),
            on_request: None,
            on_applied: None,
        }
    }
}

/// A simulated Braze workspace. Clones are the same workspace.
#[derive(Clone)]
pub struct Workspace {
    state: Arc<Mutex<WorkspaceState>>,
    clock: SimClock,
}

/// A write that was accepted and has not settled yet.
enum Pending {
    Objects(Vec<Object>),
    Changes(Vec<StateChange>),
    Identity(Vec<IdentityChange>),
    Action(ConsumerAction),
}

pub(crate) struct WorkspaceState {
    pub(crate) settings: Settings,
    pub(crate) keys: BTreeSet<String>,
    /// Permissions that no key has.
    pub(crate) withheld: BTreeSet<String>,
    pub(crate) profiles: ProfileStore,
    pub(crate) faults: FaultSet,
    pub(crate) requests: Requests,
    pub(crate) windows: BTreeMap<SimLimit, Window>,
    pub(crate) subscriptions: GroupStates,
    /// Numbers that make a whole subscription request fail.
    pub(crate) bad_phones: BTreeSet<String>,
    pending: BTreeMap<(Timestamp, u64), Pending>,
    writes: u64,
}

/// The requests that the workspace has answered.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Requests {
    /// How many, by method and path, and by status.
    pub(crate) answered: BTreeMap<String, BTreeMap<u16, u64>>,
    /// The number of objects in all `/users/track` requests.
    pub(crate) track_objects: u64,
    /// The number of objects in the largest of these requests.
    pub(crate) most_objects: u64,
}

impl Workspace {
    /// Creates an empty workspace.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { state: Arc::new(Mutex::new(WorkspaceState::new(settings))), clock: SimClock::start() }
    }

    /// Creates an empty workspace whose clock shows `origin` now. Under a paused clock, every run is then the same.
    #[must_use]
    pub fn starting_at(settings: Settings, origin: Timestamp) -> Self {
        Self { state: Arc::new(Mutex::new(WorkspaceState::new(settings))), clock: SimClock::at(origin) }
    }

    /// Creates an empty workspace that goes by another clock.
    #[must_use]
    pub fn timed_by(settings: Settings, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { state: Arc::new(Mutex::new(WorkspaceState::new(settings))), clock: SimClock::of(now) }
    }

    /// Adds profiles from JSON: `{"profiles": [{"external_id", "user_aliases", "email", …, "custom_attributes"}]}`.
    ///
    /// # Errors
    /// When the JSON is wrong; the error says where. In that case nothing is added.
    pub fn seed(&self, json: &str) -> Result<usize, SeedError> {
        let seed = SeedFile::read(json)?;
        let (planted, now) = (seed.count(), self.now());
        self.lock().act(ConsumerAction::Appear(seed), Some(Duration::ZERO), now);
        Ok(planted)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The state, after applying everything that has settled by now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, WorkspaceState> {
        let mut state = self.state.lock();
        state.settle(self.now());
        state
    }
}

impl WorkspaceState {
    fn new(settings: Settings) -> Self {
        Self {
            keys: settings.api_keys.iter().cloned().collect(),
            windows: windows(&settings),
            settings,
            withheld: BTreeSet::new(),
            profiles: ProfileStore::default(),
            faults: FaultSet::default(),
            requests: Requests::default(),
            subscriptions: GroupStates::default(),
            bad_phones: BTreeSet::new(),
            pending: BTreeMap::new(),
            writes: 0,
        }
    }

    /// Empties the workspace. Settings and keys stay.
    pub(crate) fn reset(&mut self) {
        let settings = Settings { api_keys: self.keys.iter().cloned().collect(), ..self.settings.clone() };
        *self = Self::new(settings);
    }

    /// Applies the limits of the settings and starts new windows.
    pub(crate) fn apply_limits(&mut self) {
        self.windows = windows(&self.settings);
    }

    /// Counts a request, unless it is over a limit. Where an hour is counted beside seconds, the answer is about the hour, unless the
    /// seconds refuse the request.
    pub(crate) fn count(&mut self, limit: SimLimit, now: Timestamp) -> Option<WindowCount> {
        let beside = (limit == SimLimit::Track).then_some(SimLimit::TrackHour);
        let full = beside.and_then(|hour| self.windows.get_mut(&hour)?.refuses(now));
        if full.is_some() {
            return full;
        }
        let counted = self.windows.get_mut(&limit)?.count(now);
        match beside.and_then(|hour| self.windows.get_mut(&hour)) {
            Some(hour) if counted.within => Some(hour.count(now)),
            Some(_) | None => Some(counted),
        }
    }

    /// Whether the workspace has a subscription group.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        let groups = &self.settings.subscription_groups;
        groups.is_empty() || groups.iter().chain(&self.settings.email_groups).any(|known| known == group)
    }

    /// Accepts objects, which appear once they have settled.
    pub(crate) fn accept(&mut self, objects: Vec<Object>, now: Timestamp) {
        let objects = match self.settings.unconfirmed.phone_creates {
            true => objects,
            false => objects.into_iter().map(Object::without_creation_by_phone).collect(),
        };
        self.pend(Pending::Objects(objects), self.settings.settle, now);
    }

    /// Accepts changes of subscriptions, which appear once they have settled.
    pub(crate) fn accept_changes(&mut self, changes: Vec<StateChange>, now: Timestamp) {
        self.pend(Pending::Changes(changes), self.settings.settle, now);
    }

    /// Accepts changes of identities, which appear later.
    pub(crate) fn accept_identity(&mut self, changes: Vec<IdentityChange>, now: Timestamp) {
        self.pend(Pending::Identity(changes), self.change_delay(), now);
    }

    /// Takes note of an action, which appears after a while: `after` it, or as late as other changes.
    pub(crate) fn act(&mut self, action: ConsumerAction, after: Option<Duration>, now: Timestamp) {
        self.pend(Pending::Action(action), after.unwrap_or(self.change_delay()), now);
    }

    fn change_delay(&self) -> Duration {
        self.settings.change_delay.unwrap_or(self.settings.settle)
    }

    fn pend(&mut self, pending: Pending, delay: Duration, now: Timestamp) {
        self.writes += 1;
        let due = now.checked_add(delay).unwrap_or(Timestamp::MAX);
        self.pending.insert((due, self.writes), pending);
        self.settle(now);
    }

    /// How many accepted objects and changes have not appeared yet.
    pub(crate) fn pending(&self) -> usize {
        let count = |pending: &Pending| match pending {
            Pending::Objects(objects) => objects.len(),
            Pending::Changes(changes) => changes.len(),
            Pending::Identity(changes) => changes.len(),
            Pending::Action(_) => 1,
        };
        self.pending.values().map(count).sum()
    }

    fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.pending.first_entry() {
            let (due, _) = *first.key();
            if due > now {
                break;
            }
            self.profiles.is_at(due);
            match first.remove() {
                Pending::Changes(changes) => self.change(changes, due),
                Pending::Objects(objects) => {
                    let effects = {
                        let witness = self.settings.on_applied.as_ref();
                        applied::apply(&mut self.profiles, objects, due, witness)
                    };
                    self.follow(effects, due);
                }
                Pending::Identity(changes) => {
                    for change in changes {
                        let effects = identity::apply(&mut self.profiles, change, due);
                        self.follow(effects, due);
                    }
                }
                Pending::Action(action) => {
                    let effects = consumer::apply(&mut self.profiles, action, due);
                    self.follow(effects, due);
                }
            }
        }
    }

    /// Applies changes of subscriptions at once.
    pub(crate) fn change(&mut self, changes: Vec<StateChange>, now: Timestamp) {
        for change in changes {
            self.subscriptions.apply(change, &self.profiles, now);
        }
    }

    fn follow(&mut self, effects: Vec<Effect>, now: Timestamp) {
        for effect in effects {
            match effect {
                Effect::Has(contact) => self.subscriptions.inherit(&contact, now),
                Effect::Moved { from, to } => self.subscriptions.follow(&from, &to),
                Effect::Gone(contact) => self.subscriptions.forget(&contact),
                Effect::Groups { contacts, groups, created } => {
                    let ignored = created && !self.settings.unconfirmed.opt_in_at_creation;
                    let changes = groups.iter().filter_map(|group| self.change_of(group, &contacts));
                    let changes = changes.filter(|change| !(ignored && change.double_opt_in));
                    self.change(changes.collect(), now);
                }
                Effect::OptedOut { phone, group } => self.opt_out(&phone, group, now),
                Effect::Event { name, contacts } => self.ask_to_confirm(&name, &contacts),
            }
        }
    }

    /// Asks the consumer to confirm, by a message to the number or, for a group of addresses, by a mail with a link.
    fn ask_to_confirm(&mut self, event: &str, contacts: &[SimContact]) {
        let Some(opt_in) = self.settings.double_opt_in.as_ref().filter(|opt_in| opt_in.event == event) else {
            return;
        };
        let group = &opt_in.subscription_group_id;
        let field = if self.settings.email_groups.contains(group) { "email" } else { "phone" };
        if let Some(contact) = contacts.iter().find(|contact| contact.field() == field) {
            self.subscriptions.prompt(group, contact.clone());
        }
    }

    /// The consumer follows the link of a mail that asks to confirm: the address joins the group and has opted in. Returns
    /// whether there was such a mail.
    pub(crate) fn confirm(&mut self, email: &SimContact, now: Timestamp) -> bool {
        let confirmed = self.subscriptions.reply(email, "yes", now);
        if let Some(&holder) = self.profiles.holders(email).first().filter(|_| confirmed) {
            contacts::set_email_state(&mut self.profiles, holder, &"opted_in".into());
        }
        confirmed
    }

    /// The change that an entry of `subscription_groups` asks for. A group of addresses applies to the address, any other to the number.
    fn change_of(&self, entry: &Value, contacts: &[SimContact]) -> Option<StateChange> {
        let (group, subscribed, double_opt_in) = state_of(entry).ok()?;
        let field = if self.settings.email_groups.contains(&group) { "email" } else { "phone" };
        let contact = contacts.iter().find(|contact| contact.field() == field)?.clone();
        Some(StateChange { group, contact, subscribed, double_opt_in })
    }

    /// Unsubscribes a number from one group, or from every group that exists or that it has a state in.
    fn opt_out(&mut self, phone: &SimContact, group: Option<String>, now: Timestamp) {
        self.subscriptions.decline(phone, group.as_deref());
        let groups = group.map_or_else(
            || {
                let mut groups = self.subscriptions.groups_of(phone);
                groups.extend(self.settings.subscription_groups.iter().cloned());
                groups
            },
            |group| BTreeSet::from([group]),
        );
        let change =
            |group| StateChange { group, contact: phone.clone(), subscribed: false, double_opt_in: false };
        self.change(groups.into_iter().map(change).collect(), now);
    }
}

fn windows(settings: &Settings) -> BTreeMap<SimLimit, Window> {
    let export_ids = Window::new(settings.export_ids_per_minute, settings.export_ids_window);
    let export_ids = (SimLimit::ExportIds, export_ids.shared_with(settings.export_ids_by_others));
    let track = (SimLimit::Track, Window::new(settings.track_per_3s, Duration::from_secs(3)));
    let hour = |limit| (SimLimit::TrackHour, Window::new(limit, Duration::from_secs(3_600)));
    fixed_windows().into_iter().chain([track, export_ids]).chain(settings.track_per_hour.map(hour)).collect()
}
