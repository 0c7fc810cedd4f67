//! How many participations of one hot incentive are credited per second, each with a unique code, by concurrent workers that credit a
//! given number of participations in one transaction.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::disk;
use benches::spread::Spread;
use domain::accept;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::award::Resolution;
use domain::brand::Brands;
use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::{ParticipationId, Scope};
use domain::incentive::Reward;
use domain::ledger::Rules;
use domain::participation::BrazeEvent;
use embedded::DataFile;
use futures::future::try_join_all;
use ports::clock::SystemClock;
use ports::{Clock, Ledger, Store};
use testkit::brand_text::BrandText;

const ROUNDS: usize = 5;
const WORKERS: usize = 4;
const PARTICIPATIONS: usize = 10_000;
const QUANTITY: u32 = 5_000;

fn brands() -> Brands {
    let callback = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";
    let spring = BrandText::acme().with(callback).activation("spring");
    let spring = spring.event("signed_in", "incentive = \"first\"");
    spring.first("first", QUANTITY as usize, "codes = \"codes.txt\"").brands()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let brands = brands();
    println!(
        "{PARTICIPATIONS} participations, {QUANTITY} codes, {WORKERS} workers, a callback each; {ROUNDS} rounds; min / median / max\n"
    );
    println!("| in a transaction | entered per second | awards per second | disk: fdatasync p50 ms |");
    println!("| --- | --- | --- | --- |");
    let batches = [1, 10, 100];
    let mut rows = vec![(Spread::default(), Spread::default(), Spread::default()); batches.len()];
    for _ in 0..ROUNDS {
        for ((entered, awarded, probed), batch) in rows.iter_mut().zip(batches) {
            let directory = tempfile::tempdir()?;
            probed.add(disk::probe(directory.path())?.as_secs_f64() * 1_000.0);
            let (entering, awarding) = round(directory.path(), &brands, batch).await?;
            entered.add(a_second(entering));
            awarded.add(a_second(awarding));
        }
    }
    for ((entered, awarded, probed), batch) in rows.iter().zip(batches) {
        println!("| {batch} | {entered:.0} | {awarded:.0} | {probed:.2} |");
    }
    Ok(())
}

fn a_second(time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let count = PARTICIPATIONS as f64;
    count / time.as_secs_f64()
}

/// First everyone is accepted, then everyone is credited.
async fn round(directory: &Path, brands: &Brands, batch: usize) -> anyhow::Result<(Duration, Duration)> {
    let file = DataFile::open(&directory.join("data.sqlite"), Arc::new(SystemClock))?;
    let (brand, activation) = brands.activation(&Scope::parse("spring")?).context("the activation")?;
    let incentive = activation.incentives.keys().next();
    let (key, ledger) = (IdKey::new([7; 32]), activation.ledger(incentive));
    for pool in activation.incentives.values().flat_map(|incentive| incentive.pools()) {
        let codes: Vec<String> = (0..QUANTITY).map(|number| format!("CODE-{number:06}")).collect();
        file.import_codes(&brand.id, pool.0, &codes).await?;
    }
    let started = Instant::now();
    let numbers: Vec<usize> = (0..PARTICIPATIONS).collect();
    let (file_ref, key_ref) = (&file, &key);
    let accepts = numbers.chunks(PARTICIPATIONS / 64).map(|some| async move {
        let mut ids = Vec::with_capacity(some.len());
        for number in some {
            let email = Email::parse(&format!("consumer-{number}@example.com"))?;
            let contact = Contact::Email(email.clone());
            let id = key_ref.event(&activation.scope, "signed_in", &contact, None);
            let event = BrazeEvent { name: "signed_in".to_owned(), profile: None, sent_at: None };
            let (terms, now) = ((brand, activation), SystemClock.now());
            let participation = Acceptance::new(id, terms, now).by_event(event, email, Attributes::default());
            let entry = accept::entry(&participation, terms, key_ref);
            file_ref.insert(&participation, entry.as_ref()).await?;
            ids.push(id);
        }
        anyhow::Ok(ids)
    });
    let ids: Vec<ParticipationId> = try_join_all(accepts).await?.concat();
    let entering = started.elapsed();
    let rules = Rules::of(brand, &ledger, &key);
    let started = Instant::now();
    try_join_all(ids.chunks(ids.len().div_ceil(WORKERS)).map(|some| work(&file, &rules, some, batch)))
        .await?;
    let awarding = started.elapsed();
    nothing_is_oversold(&file, &ids).await?;
    Ok((entering, awarding))
}

async fn work(file: &DataFile, rules: &Rules, ids: &[ParticipationId], batch: usize) -> anyhow::Result<()> {
    for some in ids.chunks(batch) {
        let resolutions: Vec<_> = some.iter().map(|id| (*id, Resolution::Credit)).collect();
        file.resolve(rules, &resolutions, SystemClock.now()).await?;
    }
    Ok(())
}

async fn nothing_is_oversold(file: &DataFile, ids: &[ParticipationId]) -> anyhow::Result<()> {
    let mut codes = HashSet::new();
    for some in ids.chunks(100) {
        for award in file.awards(some).await?.found {
            if let Some((Reward::Code(code), _)) = award.reward() {
                ensure!(codes.insert(code.clone()), "a code was given out twice");
            }
        }
    }
    ensure!(codes.len() == usize::try_from(QUANTITY)?, "{} codes were given out", codes.len());
    Ok(())
}
