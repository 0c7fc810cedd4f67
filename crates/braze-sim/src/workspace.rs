//! A workspace: its contents, its settings, and the writes that have not settled yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use crate::clock::SimClock;
use crate::faults::FaultSet;
use crate::profiles::ProfileStore;
use crate::seed::{self, SeedError};
use crate::subscription::{self, DoubleOptIn, GroupStates, StateChange, StatusKeys};
use crate::track::{self, Effect, Object};
use crate::windows::{HeaderStyle, Window};

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
    /// How many requests to `/users/export/ids` a window allows.
    pub export_ids_per_minute: u32,
    /// The length of a window of those requests: a minute, or a second under some contracts.
    pub export_ids_window: Duration,
    /// How many requests of a window others in the workspace use.
    pub export_ids_by_others: u32,
    /// How many requests to `/users/track` three seconds allow.
    pub track_per_3s: u32,
    /// The most objects in one `/users/track` request.
    pub max_objects: u32,
    /// Whether that limit applies to each array on its own.
    pub objects_per_array: bool,
    /// The form in which it reports its limits.
    pub header_style: HeaderStyle,
    /// The subscription groups that exist. When the list is empty, every group exists.
    pub subscription_groups: Vec<String>,
    /// What the answers about numbers are keyed by.
    pub status_keys: StatusKeys,
    /// The brand's double opt-in.
    pub double_opt_in: Option<DoubleOptIn>,
    /// Called with every REST request.
    pub on_request: Option<OnRequest>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_keys: vec!["sim-key".to_owned()],
            settle: Duration::from_secs(120),
            export_ids_per_minute: 250,
            export_ids_window: Duration::from_secs(60),
            export_ids_by_others: 0,
            track_per_3s: 3_000,
            max_objects: 75,
            objects_per_array: false,
            header_style: HeaderStyle::Epoch,
            subscription_groups: Vec::new(),
            status_keys: StatusKeys::Phone,
            double_opt_in: None,
            on_request: None,
        }
    }
}

/// A simulated Braze workspace. Clones are the same workspace.
#[derive(Clone)]
pub struct Workspace {
    state: Arc<Mutex<WorkspaceState>>,
    clock: SimClock,
}

/// The simulated endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SimEndpoint {
    Track,
    ExportIds,
    StatusGet,
    StatusSet,
}

impl SimEndpoint {
    /// The permission that it needs, by Braze's name.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Track => "users.track",
            Self::ExportIds => "users.export.ids",
            Self::StatusGet => "subscription.status.get",
            Self::StatusSet => "subscription.status.set",
        }
    }
}

/// A write that was accepted and has not settled yet.
enum Pending {
    Objects(Vec<Object>),
    Changes(Vec<StateChange>),
}

pub(crate) struct WorkspaceState {
    pub(crate) settings: Settings,
    pub(crate) keys: BTreeSet<String>,
    /// Permissions that no key has.
    pub(crate) withheld: BTreeSet<String>,
    pub(crate) profiles: ProfileStore,
    pub(crate) faults: FaultSet,
    pub(crate) requests: Requests,
    pub(crate) windows: BTreeMap<SimEndpoint, Window>,
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

    /// Adds profiles from JSON: `{"profiles": [{"external_id", "user_aliases", "email", …, "custom_attributes"}]}`.
    ///
    /// # Errors
    /// When the JSON is wrong; the error says where. In that case nothing is added.
    pub fn seed(&self, json: &str) -> Result<usize, SeedError> {
        let now = self.now();
        seed::plant(json, &mut self.lock().profiles, now)
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

    /// Whether the workspace has a subscription group.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        let groups = &self.settings.subscription_groups;
        groups.is_empty() || groups.iter().any(|known| known == group)
    }

    /// Accepts objects, which appear once they have settled.
    pub(crate) fn accept(&mut self, objects: Vec<Object>, now: Timestamp) {
        self.pend(Pending::Objects(objects), now);
    }

    /// Accepts changes of subscriptions, which appear once they have settled.
    pub(crate) fn accept_changes(&mut self, changes: Vec<StateChange>, now: Timestamp) {
        self.pend(Pending::Changes(changes), now);
    }

    fn pend(&mut self, pending: Pending, now: Timestamp) {
        self.writes += 1;
        self.pending.insert((now + self.settings.settle, self.writes), pending);
        self.settle(now);
    }

    /// How many accepted objects and changes have not appeared yet.
    pub(crate) fn pending(&self) -> usize {
        let count = |pending: &Pending| match pending {
            Pending::Objects(objects) => objects.len(),
            Pending::Changes(changes) => changes.len(),
        };
        self.pending.values().map(count).sum()
    }

    fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.pending.first_entry() {
            let (due, _) = *first.key();
            if due > now {
                break;
            }
            match first.remove() {
                Pending::Changes(changes) => self.change(changes, due),
                Pending::Objects(objects) => {
                    for effect in track::apply(&mut self.profiles, objects, due) {
                        self.follow(effect, due);
                    }
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

    fn follow(&mut self, effect: Effect, now: Timestamp) {
        match effect {
            Effect::HasPhone(phone) => self.subscriptions.inherit(&phone, now),
            Effect::Groups { phone, groups } => {
                let change = |group: &serde_json::Value| {
                    let (group, subscribed, double_opt_in) = subscription::state_of(group).ok()?;
                    Some(StateChange { group, phone: phone.clone(), subscribed, double_opt_in })
                };
                self.change(groups.iter().filter_map(change).collect(), now);
            }
            Effect::Event { name, phone } => {
                if let Some(opt_in) =
                    self.settings.double_opt_in.as_ref().filter(|opt_in| opt_in.event == name)
                {
                    self.subscriptions.prompt(&opt_in.subscription_group_id, &phone);
                }
            }
        }
    }
}

fn windows(settings: &Settings) -> BTreeMap<SimEndpoint, Window> {
    BTreeMap::from([
        (SimEndpoint::Track, Window::new(settings.track_per_3s, Duration::from_secs(3))),
        (
            SimEndpoint::ExportIds,
            Window::new(settings.export_ids_per_minute, settings.export_ids_window)
                .shared_with(settings.export_ids_by_others),
        ),
        (SimEndpoint::StatusGet, Window::new(250_000, Duration::from_secs(3_600))),
        (SimEndpoint::StatusSet, Window::new(5_000, Duration::from_secs(60))),
    ])
}
