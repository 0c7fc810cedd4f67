//! Brand files and codes, read again while `serve` runs: on SIGHUP, and with `--watch` when they change.
//!
//! Changes are found by looking at the directory once a second. That works on network file systems and mounted configuration maps, too,
//! where there are no notifications, and it cannot miss one.

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

/// How often the directory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What could not be done is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Codes that are imported in one transaction: what else wants to write waits for no more than these.
const AT_ONCE: usize = 5_000;

/// How often it is said how far an import is.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// The directory cannot be read.
const UNREAD: &str = "brands_unread";

/// Which file is which, and when it was changed.
type Fingerprint = BTreeMap<PathBuf, (u64, u64, i64, i64)>;

/// A directory of brand files, and what is in use of it.
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
    /// Reads a directory for the first time.
    pub(crate) fn start(directory: BrandDirectory, watch: bool) -> anyhow::Result<Self> {
        let seen = fingerprint(directory.path());
        let (loaded, codes) = directory.read_with_codes(None)?;
        say_doubts(&loaded, None);
        Ok(Self { directory, watch, loaded, codes, imports: Imports::default(), seen })
    }

    /// What was read.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Imports the codes of pools that have none: whoever wins shall get one at once. Other pools can wait.
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

    /// Keeps brands and codes as the directory has them, until `stop` turns true.
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

    /// Whether the directory is another one than was read, and no one is at it any more.
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

    /// Reads everything again. When to try again what could not be done.
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
                tracing::error!(event = "serve.codes_not_imported", brand = %codes.0, pool = codes.1.file(), error = %in_full(&error), "Codes could not be imported; it is tried again in a minute.");
                failed.push(codes);
            }
        }
        self.codes = failed;
        (!self.codes.is_empty()).then(in_a_minute)
    }
}

/// What is kept as the directory has it.
pub(crate) struct With {
    pub(crate) in_use: BrandsInUse,
    pub(crate) troubles: Troubles,
    pub(crate) file: Arc<DataFile>,
    pub(crate) connector: Arc<Connector>,
}

fn in_a_minute() -> domain::Timestamp {
    later(SystemClock.now(), AGAIN_AFTER)
}

/// Whoever is owed a code, or waits for a place, gets it now if there is one.
async fn refill(with: &With) -> Option<domain::Timestamp> {
    let error = with.connector.refill().await.err()?;
    tracing::error!(event = "serve.refill_failed", error = %in_full(&error), "Places and codes that are free could not be given out; it is tried again in a minute.");
    Some(in_a_minute())
}

/// Says what is doubtful about files in use, unless it was doubtful before.
fn say_doubts(loaded: &Loaded, former: Option<&Loaded>) {
    let known: Vec<&Finding> =
        former.iter().flat_map(|former| &former.files).flat_map(|file| &file.findings).collect();
    let used = loaded.files.iter().filter(|file| file.standing == FileStanding::Used);
    for finding in used.flat_map(|file| &file.findings).filter(|finding| !known.contains(finding)) {
        tracing::warn!(event = "serve.brand_doubted", %finding, "The brand file is in use, and something in it is doubtful.");
    }
}

fn say(loaded: &Loaded) {
    let count = |standing| loaded.files.iter().filter(|file| file.standing == standing).count();
    let (used, former, broken) =
        (count(FileStanding::Used), count(FileStanding::Former), count(FileStanding::Broken));
    tracing::info!(event = "serve.brands_reloaded", used, former, broken, "The brand files were read again.");
    console::say(&format!(
        "Brand files read again: {used} in use, {former} as they were before, {broken} not usable"
    ));
}

/// Which codes are imported already, so that a file is not gone through again because another one has changed.
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
                "The brand has had the other codes under another name of a file, and gives them out under that one only."
            );
        }
        self.0.insert(key, hash);
        Ok(())
    }
}

/// Every file of a directory, be it a brand's or one with codes. Links are followed: a mounted configuration map is all links.
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
