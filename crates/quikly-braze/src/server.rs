//! The server: intake, connector and one SQLite file in one process.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use connector::{Connector, LINGER, TICK, Worker};
use domain::brand::{Brands, SecretRef};
use embedded::{DataFile, Expired};
use futures::future::BoxFuture;
use ports::clock::{SystemChance, SystemClock};
use ports::error::in_full;
use ports::health::Subject;
use ports::operations::Storage;
use ports::{BrandsInUse, Chance, Clock, Secrets, Troubles};
use supervision::Supervisor;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;

use crate::arguments::{self};
use crate::connections::{self, Clients};
use crate::reload::{Reloading, With};
use crate::watch::Watch;
use crate::widget::with_widget;
use crate::{console, id_key, listen, metrics_page, watch};

/// How long a stop may take. Work that is still in progress then is cut off. It was not acknowledged, so the next start does it again.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// The variable with the secret that our content delivery network sends.
const EDGE_SECRET: &str = "QUIKLY_EDGE_SECRET";

const EXPIRES_EVERY: Duration = Duration::from_secs(3_600);

/// One process, ready to serve.
pub(crate) struct Server {
    listener: TcpListener,
    routes: axum::Router,
    clients: Clients,
    connector: Arc<Connector>,
    /// Where the metrics are served, if anywhere.
    metrics: Option<TcpListener>,
    file: Arc<DataFile>,
    troubles: Troubles,
    supervisor: Supervisor,
    brands: BrandsInUse,
    /// The requests that wait for a change; they are answered when the server stops.
    held: intake::HeldRequests,
    /// What reports count of requests.
    figures: intake::IntakeFigures,
    /// The source of the brands, if they can change.
    reloading: Option<(Reloading, Signal)>,
}

impl Server {
    /// Opens the data file and assembles the server.
    pub(crate) async fn open(
        brands: Brands,
        secrets: Arc<dyn Secrets>,
        data: &Path,
        listener: TcpListener,
        clients: &arguments::ClientArguments,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let file = Arc::new(open(data, clock.clone())?);
        let id_key = file.id_key(id_key::in_environment()?, &*chance).await;
        let id_key = id_key.with_context(|| format!("the data file {}", data.display()))?;
        file.take_over_slots().await.context("the request slots cannot be taken over")?;
        let brands = BrandsInUse::from(Arc::new(brands));
        let troubles = Troubles::default();
        let supervisor = Supervisor::new(clock.clone(), chance.clone(), troubles.clone());
        let intake = intake::IntakeDeps {
            troubles: troubles.clone(),
            edge_secret: edge_secret(),
            limits: Arc::new(intake::RequestLimits::new(clients.rates())),
            counts_fresh_for: intake::COUNTS_FRESH_FOR,
            ..intake::IntakeDeps::over(&file, secrets.clone(), clock.clone())
        };
        let (held, figures) = (intake.held.clone(), intake.figures.clone());
        let routes = intake::router_under(&supervisor, intake, brands.clone(), id_key.clone());
        let to_braze = Arc::new(braze::HttpTransport::new(braze::Timeouts::default())?);
        let to_quikly = Arc::new(callback::HttpCallbacks::new()?);
        let deps = connector::Deps::over(&file, secrets, (clock, chance), to_braze, to_quikly);
        let deps = connector::Deps { troubles: troubles.clone(), ..deps };
        let connector = Arc::new(Connector::new(deps, brands.clone(), id_key));
        let routes = with_widget(routes);
        let routes = metrics_page::counted(routes, connector.metrics().clone());
        let clients = match clients.behind_proxy {
            Some(by) => Clients::AreForwarded(by),
            None => Clients::Connect(NonZeroU32::new(clients.connections_per_client)),
        };
        Ok(Self {
            listener,
            routes,
            clients,
            connector,
            file,
            brands,
            troubles,
            supervisor,
            held,
            figures,
            metrics: None,
            reloading: None,
        })
    }

    /// The address at which it takes participations.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Also serves its metrics at this address, which must not be public.
    pub(crate) async fn show_metrics_at(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let listener = listen::on(address).await.context("--metrics")?;
        let url = format!("http://{}{}", listener.local_addr()?, metrics_page::PATH);
        console::say(&format!("Showing metrics at {url}"));
        self.metrics = Some(listener);
        Ok(())
    }

    /// Fills the empty pools, and from then on keeps brands and codes up to date with their directory. A signal makes it read them at once.
    pub(crate) async fn reload_by(&mut self, mut reloading: Reloading, hangup: Signal) -> anyhow::Result<()> {
        reloading.fill_empty_pools(&self.file).await.context("the codes cannot be imported")?;
        self.reloading = Some((reloading, hangup));
        Ok(())
    }

    /// Serves until `stop` turns true. Requests and steps in progress are finished if that does not take too long. The next start continues
    /// with everything that waits.
    pub(crate) async fn run(self, stop: Receiver<bool>) -> anyhow::Result<()> {
        let held = self.held.clone();
        let too_long = async {
            listen::stopped(stop.clone()).await;
            held.release();
            SystemClock.sleep(STOPS_WITHIN).await;
        };
        tokio::select! {
            done = self.work(stop.clone()) => done,
            () = too_long => {
                tracing::warn!(event = "serve.cut_off", "Work took too long and was cut off; the next start does it again.");
                Ok(())
            }
        }
    }

    async fn work(self, stop: Receiver<bool>) -> anyhow::Result<()> {
        let worker = Worker::new(self.connector.clone(), LINGER).under(self.supervisor.clone());
        let working = tokio::spawn({
            let stop = stop.clone();
            async move { worker.run(stop).await }
        });
        let keep = |name: &'static str, task: RestartedTask| {
            let (supervisor, stop) = (self.supervisor.clone(), stop.clone());
            tokio::spawn(async move { supervisor.keep(name, stop.clone(), || task(stop.clone())).await })
        };
        let refilled = Arc::new(AtomicBool::new(false));
        let reloading = self.reloading.map(|reloading| {
            let with = With {
                in_use: self.brands,
                troubles: self.troubles.clone(),
                file: self.file.clone(),
                connector: self.connector.clone(),
            };
            let kept = Arc::new((Mutex::new(reloading), with));
            keep("brand-files", Box::new(move |stop| Box::pin(keep_brands(kept.clone(), stop))))
        });
        let (connector, file) = (self.connector.clone(), self.file.clone());
        let watch = Watch {
            connector: connector.clone(),
            file: file.clone(),
            figures: self.figures,
            troubles: self.troubles.clone(),
        };
        let ticking =
            keep("tick", Box::new(move |stop| Box::pin(tick(connector.clone(), refilled.clone(), stop))));
        let expiring = keep("expire", Box::new(move |stop| Box::pin(expire(file.clone(), stop))));
        let (file, troubles) = (self.file, self.troubles);
        let log =
            keep("log", Box::new(move |stop| Box::pin(watch_log(file.clone(), troubles.clone(), stop))));
        let watching = keep("watch", Box::new(move |stop| Box::pin(watch::run(watch.clone(), stop))));
        let metrics = self.metrics.map(|listener| {
            let routes = metrics_page::routes(self.connector.clone());
            tokio::spawn(connections::serve(listener, routes, Clients::Scrape, stop.clone()))
        });
        tokio::select! {
            () = connections::serve(self.listener, self.routes, self.clients, stop) => {}
            gave_up = self.supervisor.gave_up() => return Err(gave_up.into()),
        }
        for task in [working, ticking, expiring, log, watching].into_iter().chain(reloading).chain(metrics) {
            task.await?;
        }
        self.connector.metrics().take().log();
        Ok(())
    }
}

/// A task that is restarted when it fails.
type RestartedTask = Box<dyn Fn(Receiver<bool>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Keeps brands and codes up to date with their directory. After a panic, the restarted task can take the lock again.
async fn keep_brands(kept: Arc<(Mutex<(Reloading, Signal)>, With)>, stop: Receiver<bool>) {
    let (reloading, with) = &*kept;
    let (reloading, hangup) = &mut *reloading.lock().await;
    reloading.run(with, hangup, stop).await;
}

/// Runs a tick at the start and then every minute, and logs what was done. While more is due than one tick takes, the next one follows at
/// once.
async fn tick(connector: Arc<Connector>, refilled: Arc<AtomicBool>, mut stop: Receiver<bool>) {
    let clock = SystemClock;
    if let Err(error) = connector.catch_up().await {
        tracing::error!(event = "serve.catch_up_failed", error = %in_full(&error), "Work that an earlier run left behind could not be processed; the tick does it.");
    }
    while !*stop.borrow() {
        if !refilled.load(Ordering::Relaxed) {
            refilled.store(refill(&connector).await, Ordering::Relaxed);
        }
        match connector.tick().await {
            Ok(ticked) if ticked.more => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(event = "serve.tick_failed", error = %in_full(&error), "A tick failed; the next one tries again.");
            }
        }
        connector.metrics().take().log();
        tokio::select! {
            () = clock.sleep(TICK) => {}
            _changed = stop.changed() => {}
        }
    }
}

/// Gives out what brand files and codes have made free since the last start. Returns whether that succeeded.
async fn refill(connector: &Connector) -> bool {
    let refilled = connector.refill().await;
    if let Err(error) = &refilled {
        tracing::error!(event = "serve.refill_failed", error = %in_full(error), "Free places and codes could not be given out; the next tick tries again.");
    }
    refilled.is_ok()
}

/// Deletes expired rows, at the start and then every hour.
async fn expire(file: Arc<DataFile>, mut stop: Receiver<bool>) {
    let clock = SystemClock;
    while !*stop.borrow() {
        match file.expire(clock.now()).await {
            Ok(expired) if expired == Expired::default() => {}
            Ok(Expired { participations, profiles, calls }) => {
                tracing::info!(
                    event = "serve.expired",
                    participations,
                    profiles,
                    calls,
                    "Rows past their retention were deleted."
                );
            }
            Err(error) => {
                tracing::error!(event = "serve.expire_failed", error = %in_full(&error), "Rows past their retention could not be deleted; the next attempt is in an hour.");
            }
        }
        tokio::select! {
            () = clock.sleep(EXPIRES_EVERY) => {}
            _changed = stop.changed() => {}
        }
    }
}

/// Checks once a minute whether the data file's log has grown large.
async fn watch_log(file: Arc<DataFile>, troubles: Troubles, mut stop: Receiver<bool>) {
    const KIND: &str = "large_log";
    let clock = SystemClock;
    while !*stop.borrow() {
        let length = file.log_length();
        if length > Storage::LARGE_LOG {
            let text = format!(
                "the data file's log has {} MB and cannot be reset: a reader holds the file open",
                length / 1_000_000
            );
            tracing::warn!(
                event = "serve.large_log",
                length,
                "A reader holds the data file open, so its log grows."
            );
            troubles.report(KIND, Subject::Process, clock.now(), text);
        } else {
            troubles.clear(KIND, Subject::Process);
        }
        tokio::select! {
            () = clock.sleep(TICK) => {}
            _changed = stop.changed() => {}
        }
    }
}

fn open(path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<DataFile> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let shown = directory.display();
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the data directory {shown}"))?;
    }
    DataFile::open(path, clock).with_context(|| format!("the data file {}", path.display()))
}

/// The secret that our content delivery network sends, if there is one.
fn edge_secret() -> Option<SecretRef> {
    std::env::var_os(EDGE_SECRET).map(|_value| SecretRef::Env(EDGE_SECRET.to_owned()))
}
