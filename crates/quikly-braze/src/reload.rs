//! Rereads brand files and codes while `serve` runs: on SIGHUP, and with `--watch` when they change.
//!
//! Changes are found by polling the directory once a second. Polling also works on network file systems and mounted configuration maps,
//! which send no notifications, and it cannot miss a change.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::Connector;
use domain::brand_file::{FileStanding, Finding, Loaded};
use domain::ids::BrandId;
use domain::incentive::Pool;
use domain::time::{between, later};
use embedded::DataFile;
use metrics::Metric;
use ports::brands::report;
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::health::Subject;
use ports::{BrandsInUse, Clock, Ledger, Troubles};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use crate::brand_directory::BrandDirectory;
use crate::code_files::PoolCodes;
use crate::console;

/// How often the directory is polled.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long to wait before a failed import or refill is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How many codes are imported in one transaction. Another write waits for one such transaction at most.
const AT_ONCE: usize = 5_000;

/// How often the progress of an import is printed.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// The kind under which health reports show a directory that cannot be read.
const UNREAD: &str = "brands_unread";

/// The files of a directory, with what identifies each version of them.
type Fingerprint = BTreeMap<PathBuf, (u64, u64, i64, i64)>;

/// A directory of brand files, and what of it is in use.
pub(crate) struct Reloading {
    directory: BrandDirectory,
    watch: bool,
    loaded: Loaded,
    /// Codes that are still to be imported.
    codes: Vec<PoolCodes>,
    imports: Imports,
    seen: Fingerprint,
}

impl Reloading {
    /// Reads the directory for the first time.
    pub(crate) fn start(directory: BrandDirectory, watch: bool) -> anyhow::Result<Self> {
        let seen = fingerprint(directory.path());
        let (loaded, codes) = directory.read_with_codes(None)?;
        say_doubts(&loaded, None);
        Ok(Self { directory, watch, loaded, codes, imports: Imports::default(), seen })
    }

    /// What was read last.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Imports the codes of pools that have none, so that a winner gets a code at once. Other pools can wait.
    pub(crate) async fn fill_empty_pools(&mut self, file: &DataFile) -> ports::Result<()> {
        for codes in std::mem::take(&mut self.codes) {
            let (brand, pool, _) = &codes;
            if file.import_codes(brand, pool, &[]).await?.codes == 0 {
                self.imports.import(file, &codes).await?;
            } else {
                self.codes.push(codes);
            }
        }
        Ok(())
    }

    /// Keeps brands and codes up to date with the directory, until `stop` turns true.
    pub(crate) async fn run(&mut self, with: &With, hangup: &mut Signal, mut stop: watch::Receiver<bool>) {
        let clock = SystemClock;
        let (mut again_at, mut settling) = (None, None);
        if !self.codes.is_empty() {
            again_at = self.import_and_refill(with).await;
        }
        while !*stop.borrow() {
            let refused = report(&self.loaded, &with.troubles, clock.now());
            with.connector.metrics().set(Metric::BrandsRefused, None, refused);
            if refused > 0 && with.troubles.repeats().line("serve.brands", "", clock.now()).is_some() {
                tracing::info!(
                    event = "serve.brands",
                    BrandsRefused = refused,
                    "Some brand files cannot be used as they are."
                );
            }
            let asked = tokio::select! {
                hung_up = hangup.recv() => hung_up.is_some(),
                () = clock.sleep(LOOK_EVERY) => false,
                _changed = stop.changed() => continue,
            };
            let changed = self.watch && self.has_changed(&mut settling).await;
            if asked || changed {
                again_at = self.reload(with).await;
            } else if again_at.is_some_and(|at| clock.now() >= at) {
                again_at = self.import_and_refill(with).await;
            }
        }
    }

    /// Whether the directory differs from what was read, and has been stable since the last poll.
    async fn has_changed(&self, settling: &mut Option<Fingerprint>) -> bool {
        let directory = self.directory.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || fingerprint(directory.path())).await else {
            return false;
        };
        if now == self.seen {
            *settling = None;
            return false;
        }
        let settled = settling.as_ref() == Some(&now);
        *settling = Some(now);
        settled
    }

    /// Reads everything again. Returns when to retry what has failed.
    async fn reload(&mut self, with: &With) -> Option<domain::Timestamp> {
        let (directory, former) = (self.directory.clone(), self.loaded.clone());
        let read = tokio::task::spawn_blocking(move || {
            (fingerprint(directory.path()), directory.read_with_codes(Some(&former)))
        });
        let read = match read.await {
            Ok((seen, read)) => {
                self.seen = seen;
                read
            }
            Err(error) => Err(error.into()),
        };
        match read {
            Ok((loaded, codes)) => {
                with.troubles.clear(UNREAD, Subject::Process);
                say_doubts(&loaded, Some(&self.loaded));
                self.loaded = loaded;
                self.codes = codes;
                let again_at = self.import(with).await;
                with.in_use.replace(Arc::new(self.loaded.brands.clone()));
                say(&self.loaded);
                again_at.or(refill(with).await)
            }
            Err(error) => {
                let error = format!("{error:#}");
                with.troubles.report(
                    UNREAD,
                    Subject::Process,
                    SystemClock.now(),
                    "the brand directory cannot be read",
                );
                tracing::error!(
                    event = "serve.brands_unread",
                    error,
                    "The directory of brand files cannot be read; the brands stay as they are."
                );
                None
            }
        }
    }

    async fn import_and_refill(&mut self, with: &With) -> Option<domain::Timestamp> {
        let again_at = self.import(with).await;
        again_at.or(refill(with).await)
    }

    async fn import(&mut self, with: &With) -> Option<domain::Timestamp> {
        let mut failed = Vec::new();
        for codes in std::mem::take(&mut self.codes) {
            if let Err(error) = self.imports.import(&with.file, &codes).await {
                tracing::error!(event = "serve.codes_not_imported", brand = %codes.0, pool = codes.1.file(), error = %in_full(&error), "Codes could not be imported; the next attempt is in a minute.");
                failed.push(codes);
            }
        }
        self.codes = failed;
        (!self.codes.is_empty()).then(in_a_minute)
    }
}

/// The parts of the process that a reload of the directory updates.
pub(crate) struct With {
    pub(crate) in_use: BrandsInUse,
    pub(crate) troubles: Troubles,
    pub(crate) file: Arc<DataFile>,
    pub(crate) connector: Arc<Connector>,
}

fn in_a_minute() -> domain::Timestamp {
    later(SystemClock.now(), AGAIN_AFTER)
}

/// Gives free codes to those who are owed one, and free places to those who wait for one. Returns when to retry after a failure.
async fn refill(with: &With) -> Option<domain::Timestamp> {
    let error = with.connector.refill().await.err()?;
    tracing::error!(event = "serve.refill_failed", error = %in_full(&error), "Free places and codes could not be given out; the next attempt is in a minute.");
    Some(in_a_minute())
}

/// Logs new doubts about the files in use.
fn say_doubts(loaded: &Loaded, former: Option<&Loaded>) {
    let known: Vec<&Finding> =
        former.iter().flat_map(|former| &former.files).flat_map(|file| &file.findings).collect();
    let used = loaded.files.iter().filter(|file| file.standing == FileStanding::Used);
    for finding in used.flat_map(|file| &file.findings).filter(|finding| !known.contains(finding)) {
        tracing::warn!(event = "serve.brand_doubted", %finding, "The brand file is in use, but something in it is doubtful.");
    }
}

fn say(loaded: &Loaded) {
    let count = |standing| loaded.files.iter().filter(|file| file.standing == standing).count();
    let (used, former, broken) =
        (count(FileStanding::Used), count(FileStanding::Former), count(FileStanding::Broken));
    tracing::info!(event = "serve.brands_reloaded", used, former, broken, "The brand files were read again.");
    console::say(&format!(
        "Brand files read again: {used} in use, {former} in use as they were before, {broken} not usable"
    ));
}

/// Which codes are imported already, so that a file is not processed again because another file has changed.
#[derive(Default)]
struct Imports(HashMap<(BrandId, Pool), u64>);

impl Imports {
    async fn import(&mut self, file: &DataFile, (brand, pool, codes): &PoolCodes) -> ports::Result<()> {
        let mut hasher = DefaultHasher::new();
        codes.hash(&mut hasher);
        let (key, hash) = ((brand.clone(), pool.clone()), hasher.finish());
        if self.0.get(&key) == Some(&hash) {
            return Ok(());
        }
        let begun = SystemClock.now();
        let (mut said, mut done, mut there) = (Duration::ZERO, 0, 0);
        for some in codes.chunks(AT_ONCE) {
            there = file.import_codes(brand, pool, some).await?.codes;
            done = some.len().saturating_add(done);
            let takes = between(begun, SystemClock.now());
            if takes.saturating_sub(said) >= SAID_EVERY {
                said = takes;
                console::say(&format!("{brand}: {}: {done} of {} codes imported", pool.file(), codes.len()));
            }
        }
        tracing::info!(event = "serve.codes_imported", %brand, pool = pool.file(), codes = codes.len(), "The codes of a file are imported.");
        if usize::try_from(there).is_ok_and(|there| there < codes.len()) {
            tracing::error!(
                event = "serve.codes_elsewhere", %brand, pool = pool.file(), codes = codes.len(), there,
                "The brand has imported the other codes under another file name, and gives them out only under that name."
            );
        }
        self.0.insert(key, hash);
        Ok(())
    }
}

/// The files of a directory, brand files and code files alike. Links are followed, because in a mounted configuration map every file is
/// a link.
fn fingerprint(directory: &Path) -> Fingerprint {
    let mut files = Fingerprint::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if let Ok(is) = std::fs::metadata(&path)
            && is.is_file()
        {
            let changed = is.mtime().wrapping_mul(1_000_000_000).wrapping_add(is.mtime_nsec());
            let moved = is.ctime().wrapping_mul(1_000_000_000).wrapping_add(is.ctime_nsec());
            files.insert(path, (is.ino(), is.len(), changed, moved));
        }
    }
    files
}
