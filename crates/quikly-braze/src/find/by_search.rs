//! Participations by a code, a number or a place, which the store looks for.

use std::num::{NonZeroU32, NonZeroU64};

use anyhow::{Context, bail};
use domain::brand::{Activation, Brands};
use domain::ids::{IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Kind, Prize};
use ports::search::{SearchResult, SearchTerm};
use reports::language::Language;

use super::Candidates;
use crate::arguments::Find;
use crate::storage::Opened;

/// A line of an activation's ledger.
pub(super) struct WantedLine {
    which: LineTerm,
    incentive: Option<IncentiveId>,
}

enum LineTerm {
    Arrival(NonZeroU64),
    Position(NonZeroU32),
}

impl WantedLine {
    /// The line that the arguments name, if they name one.
    pub(super) fn of(arguments: &Find) -> anyhow::Result<Option<Self>> {
        let arrival = arguments.arrival.map(LineTerm::Arrival);
        let Some(which) = arrival.or(arguments.position.map(LineTerm::Position)) else { return Ok(None) };
        let incentive = arguments.incentive.as_deref().map(IncentiveId::parse).transpose();
        Ok(Some(Self { which, incentive: incentive.context("--incentive")? }))
    }

    fn in_ledger(&self, ledger: LedgerKey) -> SearchTerm {
        match self.which {
            LineTerm::Arrival(number) => SearchTerm::Arrival(ledger, number),
            LineTerm::Position(place) => SearchTerm::Place(ledger, place.get()),
        }
    }
}

/// Those who have a line with this number or place in one of the activation's ledgers.
pub(super) async fn of_line(
    opened: &Opened,
    brands: &Brands,
    (scope, line): (&Scope, &WantedLine),
    scan: bool,
    language: Language,
) -> anyhow::Result<Candidates> {
    let incentives = match &line.incentive {
        Some(incentive) => vec![incentive.clone()],
        None => incentives(opened, brands, scope).await?,
    };
    let mut ids = Vec::new();
    for incentive in incentives {
        let ledger = LedgerKey { scope: scope.clone(), incentive: Some(incentive) };
        ids.extend(searched(opened, &line.in_ledger(ledger), scan).await?.ids);
    }
    Ok(Candidates { ids, otherwise: no_such_line(line, language) })
}

/// Every incentive that has figures, or that the brand file names.
async fn incentives(opened: &Opened, brands: &Brands, scope: &Scope) -> anyhow::Result<Vec<IncentiveId>> {
    let activation = brands.activation(scope).map(|(_, activation)| activation);
    let configured: Vec<IncentiveId> =
        activation.map(|activation| activation.incentives.keys().cloned().collect()).unwrap_or_default();
    let figures = opened.reports().activation(scope, &configured).await?;
    Ok(figures.ledgers.into_keys().collect())
}

/// The participations that got a code.
pub(super) async fn of_code(
    opened: &Opened,
    brands: &Brands,
    (scope, code): (Option<&Scope>, &str),
    scan: bool,
    language: Language,
) -> anyhow::Result<Candidates> {
    let everybodys = everybodys(brands, scope, code);
    if let Some((activation, _)) = everybodys.first() {
        let one = |(activation, incentive): &(&Activation, &IncentiveId)| {
            format!("`{incentive}` in {}", activation.scope)
        };
        let won: Vec<String> = everybodys.iter().map(one).collect();
        bail!(
            "everybody who wins {} gets this code; `quikly-braze winners {}` lists them",
            won.join(", or "),
            activation.scope
        );
    }
    let finding = searched(opened, &SearchTerm::Code(code.to_owned()), scan).await?;
    let otherwise = match (finding.ids.is_empty(), finding.is_unused_code, language) {
        (true, true, Language::English) => "nobody: the code is in a pool and was not given out yet",
        (true, true, Language::French) => {
            "personne : ce code est dans une réserve et n’a pas encore été donné"
        }
        (true, false, Language::English) => {
            "nobody: no pool has given out this code; is it spelled as in the file of codes, with capitals and hyphens?"
        }
        (true, false, Language::French) => {
            "personne : aucune réserve n’a donné ce code ; est-il écrit comme dans le fichier, avec majuscules et traits d’union ?"
        }
        (false, _, Language::English) => "the participation that got this code is no longer kept",
        (false, _, Language::French) => "la participation qui a reçu ce code n’est plus conservée",
    };
    Ok(Candidates { ids: finding.ids, otherwise: otherwise.to_owned() })
}

/// The incentives whose every winner gets this code, in one activation or in all.
fn everybodys<'a>(
    brands: &'a Brands,
    scope: Option<&Scope>,
    code: &str,
) -> Vec<(&'a Activation, &'a IncentiveId)> {
    let activations = brands.iter().flat_map(|brand| brand.activations.values());
    let wanted = activations.filter(|activation| scope.is_none_or(|scope| *scope == activation.scope));
    let incentives = wanted.flat_map(|activation| {
        activation.incentives.iter().map(move |(id, incentive)| (activation, id, incentive))
    });
    let is_fixed = |prize: &Prize| matches!(prize, Prize::Fixed(reward) if reward.is_code(code));
    incentives
        .filter(|(_, _, incentive)| {
            let of_rule = match &incentive.kind {
                Kind::First(prize) | Kind::Draw { prize, .. } | Kind::Raffle { prize, .. } => is_fixed(prize),
                Kind::Tiers(tiers) => tiers.iter().any(|tier| is_fixed(&tier.prize)),
                Kind::Speed { speed_tiers, .. } => speed_tiers.iter().any(|tier| is_fixed(&tier.prize)),
                Kind::Decay { .. } => false,
            };
            of_rule || incentive.consolation.as_ref().is_some_and(|reward| reward.is_code(code))
        })
        .map(|(activation, id, _)| (activation, id))
        .collect()
}

/// What the store finds. If that would take a pass over everything, it is said what that costs.
async fn searched(opened: &Opened, sought: &SearchTerm, scan: bool) -> anyhow::Result<SearchResult> {
    let finding = opened.search().search(sought, scan).await?;
    if let Some(bytes) = finding.unread_bytes {
        // Two eventually consistent reads of four kilobytes are one unit, and a million units cost 12.5 cents.
        let units = bytes.div_ceil(8 * 1024);
        let dollars = units as f64 * 0.125 / 1e6;
        bail!(
            "no index has it, and reading all participations takes some {units} read units (${dollars:.2}); \
             repeat the command with --scan to do that"
        );
    }
    Ok(finding)
}

pub(super) fn no_such_id(id: ParticipationId, language: Language) -> String {
    match language {
        Language::English => format!("nobody: there is no participation {id}; is the id complete?"),
        Language::French => {
            format!("personne : la participation {id} n’existe pas ; l’identifiant est-il complet ?")
        }
    }
}

fn no_such_line(line: &WantedLine, language: Language) -> String {
    match (&line.which, language) {
        (LineTerm::Arrival(number), Language::English) => {
            format!("nobody: no participation with an incentive has the number {number} in this activation")
        }
        (LineTerm::Arrival(number), Language::French) => {
            format!(
                "personne : aucune participation avec un avantage n’a le numéro {number} dans cette activation"
            )
        }
        (LineTerm::Position(place), Language::English) => {
            format!("nobody has the place {place}: it was not given, or it was released and nobody waited")
        }
        (LineTerm::Position(place), Language::French) => {
            format!(
                "personne n’a la place {place} : elle n’a pas été donnée, ou a été libérée sans que personne n’attende"
            )
        }
    }
}
