//! The files of codes that a brand file names. Each belongs to one brand, and needs a code for every reward
//! that it may give.

use std::collections::BTreeMap;

use crate::brand::Activation;
use crate::brand_file::Severity;
use crate::brand_file::claims::{Unique, unique};
use crate::brand_file::named_pool::NamedPool;
use crate::brand_file::reading::Reading;
use crate::brand_file::section::Field;
use crate::ids::Scope;
use crate::incentive::Pool;

/// Reads `codes = "file"`.
pub(super) fn named(field: &Field<'_>) -> Option<Pool> {
    let pool = field.parsed(|name| Pool::of_file(name).ok_or("must name a file"))?;
    field.source.names_pool(NamedPool {
        pool: pool.clone(),
        place: field.value.span(),
        field: field.name.clone(),
    });
    Some(pool)
}

/// Checks that every pool is a file of this brand only, with a code for every reward that it may give, even
/// if several incentives share it.
pub(super) fn check(activations: &BTreeMap<Scope, Activation>, reading: &mut Reading<'_, '_>) {
    let needs = needs(activations);
    let mut claimed: Vec<(Pool, Vec<Unique>)> = Vec::new();
    for named in reading.source.take_pools() {
        if let Some(flaw) = named.pool.flaw() {
            // The file that the name leads to is not opened.
            reading.source.note(Severity::Rule, Some(&named.place), &named.field, flaw);
            continue;
        }
        let stock = reading.resolver.codes(&named.pool);
        let unique = unique(&named.pool, stock.as_ref().ok());
        if let Some((other, _)) = claimed.iter().find(|(_, has)| has.iter().any(|one| unique.contains(one))) {
            let file = other.file();
            reading.source.note(
                Severity::Rule,
                Some(&named.place),
                &named.field,
                format!(
                    "is the same file as \"{file}\", or its name differs in case only: name it \"{file}\""
                ),
            );
            continue;
        }
        for one in &unique {
            reading.claims.add_at(
                one.clone(),
                named.pool.file(),
                reading.source.line(&named.place),
                &named.field,
            );
        }
        let field = format!("codes \"{}\"", named.pool.file());
        let note = |severity, message: String| reading.source.note(severity, None, &field, message);
        match stock {
            Err(doubt) => note(doubt.severity, doubt.message),
            Ok(stock) => {
                let needed = needs.get(&named.pool).copied().unwrap_or(Some(0));
                if let Some(shortage) = shortage(stock.count, needed) {
                    note(Severity::Error, shortage);
                }
                let wanted = reading.source.reviewed_at.is_some();
                for doubt in stock.doubts.into_iter().filter(|_| wanted) {
                    note(Severity::Warning, doubt);
                }
            }
        }
        claimed.push((named.pool, unique));
    }
}

/// How many codes each pool may have to give; `None` for no limit.
fn needs(activations: &BTreeMap<Scope, Activation>) -> BTreeMap<Pool, Option<u64>> {
    let mut needs: BTreeMap<Pool, Option<u64>> = BTreeMap::new();
    let incentives = activations.values().flat_map(|activation| activation.incentives.values());
    for (pool, needed) in incentives.flat_map(|incentive| incentive.pools()) {
        let before = needs.entry(pool.clone()).or_insert(Some(0));
        *before = before.zip(needed).map(|(before, needed)| before.saturating_add(u64::from(needed)));
    }
    needs
}

fn shortage(count: u32, needed: Option<u64>) -> Option<String> {
    match needed {
        None => Some("is given out without a quantity: say how many".to_owned()),
        Some(needed) if needed > u64::from(count) => {
            Some(format!("has {count} codes, and {needed} may be given out"))
        }
        Some(_) => None,
    }
}
