//! `serve`: intake, connector and one SQLite file in one process.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use connector::{Connector, LINGER, TICK, Worker};
use domain::brand::Brands;
use embedded::{DataFile, EnvSecrets, Expired};
use ports::clock::{SystemChance, SystemClock};
use ports::error::in_full;
use ports::{Chance, Clock, Ledger, Secrets, Troubles};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::arguments::{self, Serve};
use crate::code_files::{CodeFiles, Codes};
use crate::connections::{self, Clients};
use crate::tally::Counting;
use crate::{brand_directory, console, demo, id_key, listen, tally};

/// How long a stop may take. What is under way then is cut off; it was not acknowledged, so it is done again at the next start.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

const EXPIRES_EVERY: Duration = Duration::from_secs(3_600);

/// Serves the demo or the brands of a directory until told to stop.
pub(crate) async fn run(arguments: Serve) -> anyhow::Result<()> {
    if arguments.demo {
        return demo::run(arguments).await;
    }
    let directory = arguments.brands.context("--brands is missing")?;
    let data = arguments.data.context("--data is missing")?;
    let brands = brand_directory::all_usable(brand_directory::read(&directory)?)?;
    let codes = CodeFiles::in_directory(&directory).all(&brands)?;
    let listener = listen::on(arguments.listen).await?;
    let server =
        Server::open(brands, codes, Arc::new(EnvSecrets), &data, listener, &arguments.clients).await?;
    let address = server.listener.local_addr()?;
    console::say(&format!("Taking participations at http://{address}, data in {}", data.display()));
    server.run(listen::stop_signal()?).await
}

/// One process, ready to serve.
pub(crate) struct Server {
    listener: TcpListener,
    routes: axum::Router,
    clients: Clients,
    connector: Arc<Connector>,
    braze: Arc<Counting<braze::HttpTransport>>,
    file: Arc<DataFile>,
}

impl Server {
    /// Opens the data file and puts everything together.
    pub(crate) async fn open(
        brands: Brands,
        codes: Vec<Codes>,
        secrets: Arc<dyn Secrets>,
        data: &Path,
        listener: TcpListener,
        clients: &arguments::Clients,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let file = Arc::new(open(data, clock.clone())?);
        let id_key = file.id_key(id_key::in_environment()?, &*chance).await;
        let id_key = id_key.with_context(|| format!("the data file {}", data.display()))?;
        for (brand, pool, codes) in codes {
            file.import_codes(&brand, &pool, &codes).await.context("the codes cannot be imported")?;
        }
        let brands = Arc::new(brands);
        let troubles = Troubles::default();
        let intake = intake::Outside {
            store: file.clone(),
            ledger: file.clone(),
            queues: file.clone(),
            entering: intake::Entering::AtOnce,
            secrets: secrets.clone(),
            clients: NonZeroU32::new(clients.requests_per_client)
                .map(|requests| Arc::new(intake::ClientLimit::a_second(requests))),
            troubles: troubles.clone(),
            clock: clock.clone(),
        };
        let routes = intake::router(intake, brands.clone(), id_key.clone());
        let braze = Arc::new(Counting::on(braze::HttpTransport::new(braze::Timeouts::default())?));
        let outside = connector::Outside {
            store: file.clone(),
            ledger: file.clone(),
            notices: file.clone(),
            queues: file.clone(),
            schedule: file.clone(),
            limits: file.clone(),
            secrets,
            troubles,
            clock,
            chance,
            transport: braze.clone(),
            callbacks: Arc::new(callback::HttpTransport::new()?),
        };
        let connector = Arc::new(Connector::new(outside, brands, id_key));
        let clients = if clients.behind_proxy {
            Clients::AreForwarded
        } else {
            Clients::Connect(NonZeroU32::new(clients.connections_per_client))
        };
        Ok(Self { listener, routes, clients, connector, braze, file })
    }

    /// Serves until `stop` turns true. Requests and steps under way are finished, if that does not take too long; what waits is picked
    /// up at the next start.
    pub(crate) async fn run(self, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let too_long = async {
            listen::stopped(stop.clone()).await;
            SystemClock.sleep(STOPS_WITHIN).await;
        };
        tokio::select! {
            done = self.work(stop.clone()) => done,
            () = too_long => {
                tracing::warn!("serve.cut_off: something took too long; it is done again at the next start");
                Ok(())
            }
        }
    }

    async fn work(self, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let worker = Worker::new(self.connector.clone(), LINGER);
        let working = tokio::spawn({
            let stop = stop.clone();
            async move { worker.run(stop).await }
        });
        let ticking = tokio::spawn(tick(self.connector.clone(), self.braze.clone(), stop.clone()));
        let expiring = tokio::spawn(expire(self.file, stop.clone()));
        connections::serve(self.listener, self.routes, self.clients, stop).await;
        working.await?;
        ticking.await?;
        expiring.await?;
        tally::say(&self.connector, &self.braze);
        Ok(())
    }
}

/// Looks at everything due, at the start and then every minute, and says what was done; at once again while more is due than one tick
/// takes.
async fn tick(
    connector: Arc<Connector>,
    braze: Arc<Counting<braze::HttpTransport>>,
    mut stop: watch::Receiver<bool>,
) {
    let clock = SystemClock;
    let mut refilled = false;
    if let Err(error) = connector.catch_up().await {
        tracing::error!(error = %in_full(&error), "serve.catch_up_failed");
    }
    while !*stop.borrow() {
        if !refilled {
            refilled = refill(&connector).await;
        }
        match connector.tick().await {
            Ok(ticked) if ticked.more => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %in_full(&error), "serve.tick_failed: the next one tries again");
            }
        }
        tally::say(&connector, &braze);
        tokio::select! {
            () = clock.sleep(TICK) => {}
            _changed = stop.changed() => {}
        }
    }
}

/// Gives what brand files and codes have made free since the last start; whether all of it was.
async fn refill(connector: &Connector) -> bool {
    let refilled = connector.refill().await;
    if let Err(error) = &refilled {
        tracing::error!(error = %in_full(error), "serve.refill_failed: the next tick tries again");
    }
    refilled.is_ok()
}

/// Deletes what is kept no longer, at the start and then every hour.
async fn expire(file: Arc<DataFile>, mut stop: watch::Receiver<bool>) {
    let clock = SystemClock;
    while !*stop.borrow() {
        match file.expire(clock.now()).await {
            Ok(expired) if expired == Expired::default() => {}
            Ok(Expired { participations, profiles }) => {
                tracing::info!(participations, profiles, "serve.expired: what is kept no longer is deleted");
            }
            Err(error) => {
                tracing::error!(error = %in_full(&error), "serve.expire_failed: the next hour tries again");
            }
        }
        tokio::select! {
            () = clock.sleep(EXPIRES_EVERY) => {}
            _changed = stop.changed() => {}
        }
    }
}

fn open(path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<DataFile> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let shown = directory.display();
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make the data directory {shown}"))?;
    }
    DataFile::open(path, clock).with_context(|| format!("the data file {}", path.display()))
}
