//! How long people's questions take over a data file with a million participations: `find`, `report`, `status`, `winners` and an export, each as the
//! real command, with its own start.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use benches::disk;
use benches::spread::{Spread, milliseconds};
use domain::Timestamp;
use domain::award::{Award, Resolution};
use domain::brand::Brands;
use domain::id_key::IdKey;
use domain::ids::{BrandId, Channel, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Offer, Pool};
use domain::ledger::{Entry, Rules};
use domain::participation::{Outcome, Participation, State};
use domain::rollup::{Rollup, RollupKey, minute};
use embedded::DataFile;
use futures::future::try_join_all;
use ports::clock::{SystemChance, SystemClock};
use ports::store::MOST_ITEMS;
use ports::{Clock, Ledger, Rollups, Store};
use testkit::brand_text::BrandText;
use testkit::{changed, participation};

/// Those who take part in `spring`, of whom a tenth gets a place.
const IN_SPRING: usize = 900_000;
const PLACES: usize = 100_000;
/// Those who take part in `summer`, each of whom gets a code.
const IN_SUMMER: usize = 100_000;
const TOGETHER: usize = 1_000;
const ROUNDS: usize = 15;
/// Minutes of a week.
const WEEK: i64 = 7 * 24 * 60;

fn brand() -> BrandText {
    let acme = BrandText::acme();
    let spring = acme.activation("spring").email("attributes = { quikly_participant = true }");
    let summer = spring.first("many", PLACES, "reward = \"A\"").activation("summer");
    let summer = summer.email("attributes = { quikly_participant = true }");
    summer.first("codes", IN_SUMMER, "codes = \"codes.txt\"")
}

fn code(number: usize) -> String {
    format!("SUMMER-{number:06}")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let begun = Instant::now();
    let questioned = QuestionedFile::make(directory.path()).await?;
    let megabytes = fs::metadata(&questioned.data)?.len() / 1_000_000;
    println!(
        "{} participations in {megabytes} MB, made in {:.0} s",
        IN_SPRING + IN_SUMMER,
        begun.elapsed().as_secs_f64()
    );
    println!("disk: fdatasync p50 {:.2} ms\n", milliseconds(disk::probe(directory.path())?));
    questioned.ask(&binary)
}

fn ledger(scope: &str, incentive: &str) -> anyhow::Result<LedgerKey> {
    Ok(LedgerKey { scope: Scope::parse(scope)?, incentive: Some(IncentiveId::parse(incentive)?) })
}

/// Makes participations that have ended, with their lines.
struct Author {
    file: DataFile,
    id_key: IdKey,
    brands: Brands,
}

impl Author {
    async fn accept(
        &self,
        scope: &str,
        incentive: &str,
        count: usize,
    ) -> anyhow::Result<Vec<ParticipationId>> {
        let rules = self.rules(scope, incentive)?;
        let mut ids = Vec::with_capacity(count);
        for from in (0..count).step_by(TOGETHER) {
            let some: Vec<(Participation, Entry)> = (from..count.min(from + TOGETHER))
                .map(|number| self.one(scope, number, &rules))
                .collect::<anyhow::Result<_>>()?;
            ids.extend(some.iter().map(|(participation, _)| participation.id()));
            try_join_all(some.iter().map(|(one, entry)| self.file.insert(one, Some(entry)))).await?;
        }
        Ok(ids)
    }

    fn one(&self, scope: &str, number: usize, rules: &Rules) -> anyhow::Result<(Participation, Entry)> {
        let one = participation("acme", scope, &format!("c{number}@example.com"));
        let contact = one.contact().context("a contact")?;
        let id = self.id_key.participation(one.scope(), &contact);
        let one = changed(&one, |kept| {
            (kept.id, kept.has_award) = (id, true);
            (kept.state, kept.due_at) = (State::Ended(Outcome::Enrolled), None);
        });
        let participant = self.id_key.contact(one.brand(), &contact);
        let award =
            Award::new((one.id(), one.brand().clone()), rules.ledger.clone(), participant, Offer::ByPlace);
        Ok((one, Entry { award, rules: rules.clone() }))
    }

    fn rules(&self, scope: &str, incentive: &str) -> anyhow::Result<Rules> {
        let brand = self.brands.iter().next().context("a brand")?;
        let rules = Rules::of(brand, &ledger(scope, incentive)?, &self.id_key);
        Ok(Rules { call_back: false, ..rules })
    }

    async fn credit(&self, scope: &str, incentive: &str, ids: &[ParticipationId]) -> anyhow::Result<()> {
        let (rules, now) = (self.rules(scope, incentive)?, SystemClock.now());
        for some in ids.chunks(MOST_ITEMS) {
            let resolutions: Vec<_> = some.iter().map(|id| (*id, Resolution::Credit)).collect();
            self.file.resolve(&rules, &resolutions, now).await?;
        }
        Ok(())
    }

    /// Counts what happened in each minute of a week, by each way.
    async fn count_a_week(&self, now: Timestamp) -> anyhow::Result<()> {
        let (scope, incentive) = (Scope::parse("spring")?, IncentiveId::parse("many")?);
        for from in (0..WEEK).step_by(TOGETHER) {
            let mut rollup = Rollup::default();
            for number in from..WEEK.min(from + i64::try_from(TOGETHER)?) {
                for channel in [Channel::Email, Channel::Sms, Channel::Event] {
                    for name in ["accepted", "credited", "rewarded"] {
                        let minute = Some(minute(now) - WEEK + number);
                        let (scope, incentive) = (scope.clone(), Some(incentive.clone()));
                        rollup
                            .add(RollupKey { scope, minute, channel, incentive, name: name.to_owned() }, 30);
                    }
                }
            }
            self.file.add_rollup(&rollup, now).await?;
        }
        let mut totals = Rollup::default();
        for name in ["accepted", "credited", "rewarded", "on_profile", "credited in 40", "rewarded in 41"] {
            let (scope, incentive) = (scope.clone(), Some(incentive.clone()));
            let key =
                RollupKey { scope, minute: None, channel: Channel::Email, incentive, name: name.to_owned() };
            totals.add(key, 100_000);
        }
        Ok(self.file.add_rollup(&totals, now).await?)
    }
}

/// The file that is asked about.
struct QuestionedFile {
    brands: PathBuf,
    data: PathBuf,
    /// One of those who wait, far behind.
    id: ParticipationId,
}

impl QuestionedFile {
    async fn make(directory: &Path) -> anyhow::Result<Self> {
        let (brands, data) = (directory.join("brands"), directory.join("data.sqlite"));
        fs::create_dir(&brands)?;
        let codes: Vec<String> = (0..IN_SUMMER).map(code).collect();
        fs::write(brands.join("acme.toml"), brand().to_string())?;
        fs::write(brands.join("codes.txt"), codes.join("\n"))?;
        let file = DataFile::open(&data, Arc::new(SystemClock))?;
        let id_key = file.id_key(None, &SystemChance).await?;
        let author = Author { file, id_key, brands: brand().brands() };
        let pool = Pool::of_file("codes.txt").context("a pool")?;
        author.file.import_codes(&BrandId::parse("acme")?, &pool, &codes).await?;
        let in_spring = author.accept("spring", "many", IN_SPRING).await?;
        let winners = in_spring.get(..PLACES).context("the winners")?;
        author.credit("spring", "many", winners).await?;
        let in_summer = author.accept("summer", "codes", IN_SUMMER).await?;
        author.credit("summer", "codes", &in_summer).await?;
        author.count_a_week(SystemClock.now()).await?;
        let id = in_spring.get(IN_SPRING - 10).copied().context("a participation")?;
        Ok(Self { brands, data, id })
    }

    fn ask(&self, binary: &Path) -> anyhow::Result<()> {
        let (brands, id) = (self.brands.display().to_string(), self.id.to_string());
        let code = code(77_777);
        let page = self.data.with_file_name("report.html").display().to_string();
        let with_brands: [(&str, Vec<&str>); 8] = [
            ("find --email", vec!["find", "--email", "c899000@example.com"]),
            ("find --id", vec!["find", "--id", &id]),
            ("find --arrival", vec!["find", "--scope", "spring", "--arrival", "850000"]),
            ("find --position", vec!["find", "--scope", "spring", "--position", "99000"]),
            ("find --code", vec!["find", "--code", &code]),
            ("report", vec!["report", "spring"]),
            ("report --json", vec!["report", "spring", "--json"]),
            ("report --html", vec!["report", "spring", "--html", &page]),
        ];
        let alone = [
            ("status", vec!["status"]),
            ("show", vec!["show", &id]),
            ("winners --csv", vec!["winners", "summer", "--csv"]),
            ("export participations", vec!["export", "participations", "--scope", "summer"]),
        ];
        println!("| command | ms | peak MiB | bytes |");
        println!("| --- | --- | --- | --- |");
        for (name, command) in with_brands {
            self.time(binary, name, &[command.as_slice(), &["--brands", &brands]].concat())?;
        }
        for (name, command) in alone {
            self.time(binary, name, &command)?;
        }
        println!("\nminimum / median / maximum of {ROUNDS}, with the start of the command.");
        Ok(())
    }

    fn time(&self, binary: &Path, name: &str, command: &[&str]) -> anyhow::Result<()> {
        let (mut times, mut bytes) = (Spread::default(), 0);
        let output = self.data.with_file_name("output");
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let mut asked = Command::new(binary);
            asked.args(command).arg("--data").arg(&self.data).stdout(fs::File::create(&output)?);
            ensure!(asked.status()?.success(), "{name}");
            times.add(milliseconds(started.elapsed()));
            bytes = fs::metadata(&output)?.len();
        }
        let peak = self.peak(binary, command)?;
        println!("| `{name}` | {times:.1} | {peak:.0} | {bytes} |");
        Ok(())
    }

    /// The most memory that the command takes, in MiB.
    fn peak(&self, binary: &Path, command: &[&str]) -> anyhow::Result<f64> {
        let mut asked = Command::new(binary);
        let mut child = asked.args(command).arg("--data").arg(&self.data).stdout(Stdio::null()).spawn()?;
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0.0_f64;
        while child.try_wait()?.is_none() {
            let Ok(text) = fs::read_to_string(&status) else { continue };
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            peak = peak.max(kibibytes.unwrap_or_default() / 1_024.0);
        }
        Ok(peak)
    }
}
