//! `[[activation.incentive]]`: what can be won, and by which rule.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use crate::Timestamp;
use crate::attributes::LONGEST_TEXT;
use crate::brand_file::duration::{OF_DECAY, OF_OTHERS, OF_WINDOW};
use crate::brand_file::keys::{self, Table};
use crate::brand_file::pools;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::{count, moment};
use crate::ids::{Channel, IncentiveId};
use crate::incentive::{
    Amount, Decay, Incentive, Kind, Odds, Prize, Quantity, Reward, Rounding, Since, SpeedTier, Tier,
};
use crate::invisible::{is_invisible, is_meaningless};

/// One less than a ledger's counters can hold. Files have always had this limit.
const MOST_REWARDS: u32 = u32::MAX - 1;

/// How long a raffle's draw waits at most, if the file does not say.
const A_DAY: Duration = Duration::from_secs(86_400);

/// The incentives of an activation.
pub(super) struct Incentives<'a> {
    usable: BTreeMap<IncentiveId, Arc<Incentive>>,
    /// All incentives with an id, usable or not, with the field of the id.
    declared: Vec<(IncentiveId, Field<'a>)>,
    /// Whether there may be more, with ids that cannot be read.
    more: bool,
    used: RefCell<BTreeSet<IncentiveId>>,
}

impl Incentives<'_> {
    pub(super) fn into_usable(self) -> BTreeMap<IncentiveId, Arc<Incentive>> {
        self.usable
    }

    /// Whether there are certainly none.
    pub(super) fn are_none(&self) -> bool {
        self.declared.is_empty() && !self.more
    }

    /// Raises a doubt about each incentive that nobody can win.
    pub(super) fn doubt_unused(&self, is_over: bool) {
        let used = self.used.borrow();
        for (id, field) in &self.declared {
            if !used.contains(id) {
                field.doubt("is not used by any way to take part: nobody can win it");
            }
            let closes = self.usable.get(id).map(|incentive| incentive.closes);
            let closed = closes.zip(field.source.reviewed_at).is_some_and(|(closes, now)| closes <= now);
            if closed && !is_over {
                field.doubt("is over before its activation: nobody can win it any more");
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Rule {
    First,
    Tiers,
    Speed,
    Decay,
    Draw,
    Raffle,
}

/// Reads all incentives of an activation. `phase` is when the activation opens and closes, if that is known.
pub(super) fn all<'a>(section: &mut Section<'a>, phase: Option<(Timestamp, Timestamp)>) -> Incentives<'a> {
    let mut incentives = Incentives {
        usable: BTreeMap::new(),
        declared: Vec::new(),
        more: !section.source.legible,
        used: RefCell::default(),
    };
    let tables = section.optional("incentive").map(|field| field.sections(keys::INCENTIVE));
    incentives.more |= tables.as_ref().is_some_and(Option::is_none);
    for mut section in tables.flatten().unwrap_or_default() {
        let field = section.required("id");
        let id = field.as_ref().and_then(|field| {
            let id = field.parsed(IncentiveId::parse)?;
            let taken = incentives.declared.iter().any(|(known, _)| *known == id);
            if taken {
                field.fault("is already taken in this activation");
            }
            (!taken).then_some(id)
        });
        match (&id, field) {
            (Some(id), Some(field)) => incentives.declared.push((id.clone(), field)),
            _ => incentives.more = true,
        }
        if let Some(incentive) = incentive(section, id, phase) {
            incentives.usable.insert(incentive.id.clone(), Arc::new(incentive));
        }
    }
    incentives
}

fn incentive(
    mut section: Section<'_>,
    id: Option<IncentiveId>,
    phase: Option<(Timestamp, Timestamp)>,
) -> Option<Incentive> {
    let rule = section.required("kind").and_then(|field| {
        field.word(&[
            ("first", Rule::First),
            ("tiers", Rule::Tiers),
            ("speed", Rule::Speed),
            ("decay", Rule::Decay),
            ("draw", Rule::Draw),
            ("raffle", Rule::Raffle),
        ])
    });
    let opens = section.optional("opens").map(|field| moment(&field));
    let closes = section.optional("closes").map(|field| moment(&field));
    let quantity = section.optional("quantity").map(|field| count(&field, MOST_REWARDS));
    let Some(rule) = rule else {
        // It is not known which of the other keys belong here.
        return None;
    };
    let kind = kind(rule, &mut section);
    let consolation = section.optional("consolation").map(|field| reward(&field));
    if matches!(rule, Rule::Raffle) && consolation.is_some() {
        section.fault(
            "consolation",
            "is not offered with a raffle, because it is known only at the close who did not win",
        );
    }
    let quantity = match (rule, quantity, &kind) {
        (Rule::First | Rule::Draw | Rule::Raffle, None, _) => {
            section.missing("quantity");
            None
        }
        (_, Some(quantity), _) => quantity.map(Quantity::Limited),
        (Rule::Tiers, None, Some(Kind::Tiers(tiers))) => {
            tiers.last().and_then(|tier| Some(Quantity::Limited(NonZeroU32::new(tier.up_to)?)))
        }
        (Rule::Tiers | Rule::Speed | Rule::Decay, None, _) => Some(Quantity::Unlimited),
    };
    let consolation = consolation.map_or(Some(None), |reward| reward.map(Some));
    // If the activation's own times are wrong, these cannot be checked.
    let Some((activation_opens, activation_closes)) = phase else {
        section.finish();
        return None;
    };
    let opens = opens.unwrap_or(Some(activation_opens));
    let closes = closes.unwrap_or(Some(activation_closes));
    if let (Some(opens), Some(closes)) = (opens, closes)
        && (closes <= opens || opens < activation_opens || closes > activation_closes)
    {
        section.fault("opens", "and closes must lie within the activation, in this order");
    }
    section.finish();
    Some(Incentive {
        id: id?,
        opens: opens?,
        closes: closes?,
        quantity: quantity?,
        kind: kind?,
        consolation: consolation?,
    })
}

fn kind(rule: Rule, section: &mut Section<'_>) -> Option<Kind> {
    match rule {
        Rule::First => prize(section).map(Kind::First),
        Rule::Raffle => {
            let prize = prize(section);
            let draw_after =
                section.optional("draw_after").map_or(Some(A_DAY), |field| OF_WINDOW.read(&field));
            Some(Kind::Raffle { prize: prize?, draw_after: draw_after? })
        }
        Rule::Draw => {
            let odds = section.required("odds").and_then(|field| field.parsed(odds));
            let prize = prize(section);
            Some(Kind::Draw { odds: odds?, prize: prize? })
        }
        Rule::Tiers => {
            let tier = |mut section: Section<'_>| {
                let up_to = section.required("up_to").and_then(|field| count(&field, u32::MAX - 1));
                let prize = prize(&mut section);
                section.finish();
                Some(Tier { up_to: up_to?.get(), prize: prize? })
            };
            rising(section, ("tiers", keys::TIER), tier, |tier| u128::from(tier.up_to)).map(Kind::Tiers)
        }
        Rule::Speed => {
            let since = since(section);
            let pace = |mut section: Section<'_>| {
                let within = section.required("within").and_then(|field| OF_OTHERS.read(&field));
                let prize = prize(&mut section);
                section.finish();
                Some(SpeedTier { within: within?, prize: prize? })
            };
            let speed_tiers = rising(section, ("steps", keys::STEP), pace, |pace| pace.within.as_millis());
            Some(Kind::Speed { since: since?, speed_tiers: speed_tiers? })
        }
        Rule::Decay => {
            let since = since(section);
            let decay = decay(section);
            Some(Kind::Decay { since: since?, decay: decay? })
        }
    }
}

/// Reads the tables of a list whose values must rise.
fn rising<T>(
    section: &mut Section<'_>,
    (key, table): (&str, Table),
    read: impl Fn(Section<'_>) -> Option<T>,
    measure: impl Fn(&T) -> u128,
) -> Option<Vec<T>> {
    let field = section.required(key)?;
    let items = field.items()?;
    let steps: Option<Vec<T>> = items.iter().map(|item| read(item.section(table)?)).collect();
    let steps = steps?;
    let rises = steps.is_sorted_by(|one, next| measure(one) < measure(next));
    if steps.is_empty() || !rises {
        field.fault("must have at least one entry, each reaching further than the one before");
        return None;
    }
    Some(steps)
}

fn decay(section: &mut Section<'_>) -> Option<Decay> {
    let from = section.required("from").and_then(|field| amount(&field));
    let to = section.required("to").and_then(|field| amount(&field));
    let over = section.required("over").and_then(|field| OF_DECAY.read(&field));
    let step = section.optional("step").map(|field| OF_DECAY.read(&field));
    let multiple = section.optional("round_to").map_or(Amount::from_parts(10_000), |field| {
        let multiple = amount(&field)?;
        if multiple.parts() == 0 {
            field.fault("must be more than 0");
        }
        Some(multiple)
    });
    let rounding = section.optional("round").map_or(Some(Rounding::Nearest), |field| {
        field.word(&[("nearest", Rounding::Nearest), ("up", Rounding::Up), ("down", Rounding::Down)])
    });
    if let (Some(from), Some(to)) = (from, to)
        && to > from
    {
        section.fault("to", "must not be more than from");
    }
    let step = step.map_or(Some(None), |step| step.map(Some));
    Some(Decay { from: from?, to: to?, over: over?, step: step?, multiple: multiple?, rounding: rounding? })
}

fn since(section: &mut Section<'_>) -> Option<Since> {
    section.optional("since").map_or(Some(Since::Opens), |field| {
        field.word(&[("opens", Since::Opens), ("sent_at", Since::SentAt)])
    })
}

/// Reads odds such as `"1/20"`: one in twenty.
fn odds(text: &str) -> Result<Odds, &'static str> {
    const FORM: &str = "must be a chance, as \"1/20\"";
    let (wins, of) = text.split_once('/').ok_or(FORM)?;
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| FORM);
    Odds::new(number(wins)?, number(of)?).ok_or(FORM)
}

/// Reads `reward = …`, the same for everyone, or `codes = "file"`, a different code for each.
fn prize(section: &mut Section<'_>) -> Option<Prize> {
    let fixed = section.optional("reward");
    let codes = section.optional("codes");
    match (fixed, codes) {
        (Some(fixed), None) => reward(&fixed).map(Prize::Fixed),
        (None, Some(codes)) => pools::named(&codes).map(Prize::Codes),
        (Some(_), Some(codes)) => {
            codes.fault("is given together with reward: give one of them");
            None
        }
        (None, None) => {
            section.missing("reward");
            None
        }
    }
}

fn reward(field: &Field<'_>) -> Option<Reward> {
    match field.value.get_ref() {
        DeValue::String(text) => {
            let fits = (1..=LONGEST_TEXT).contains(&text.chars().count());
            if !fits {
                field.fault("must be 1 to 255 characters");
            } else if let Some(c) = text.chars().find(|c| is_invisible(*c) || is_meaningless(*c)) {
                let code_point = u32::from(c);
                field.doubt(format!(
                    "has an invisible character (U+{code_point:04X}), which is part of the reward"
                ));
            } else if text.trim() != text {
                field.doubt("has space at its ends, which is part of the reward");
            }
            fits.then(|| Reward::Code(text.to_string()))
        }
        _ => amount(field).map(Reward::Value),
    }
}

fn amount(field: &Field<'_>) -> Option<Amount> {
    let number = match field.value.get_ref() {
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "",
    };
    number.parse().map_err(|error: crate::incentive::AmountError| field.fault(error.to_string())).ok()
}

/// What the ways to take part have in common.
pub(super) struct Ways<'w, 'a> {
    /// The incentives that can be won.
    pub(super) incentives: &'w Incentives<'a>,
    /// Whether callers can take part without a signature although the file does not allow that explicitly.
    pub(super) unguarded: bool,
}

impl Ways<'_, '_> {
    /// Reads `incentive = "id"` of a way to take part. Braze's webhooks carry a token; all other callers would have to sign.
    pub(super) fn incentive(&self, section: &mut Section<'_>, channel: Channel) -> Option<IncentiveId> {
        let field = section.optional("incentive")?;
        let id = field.parsed(IncentiveId::parse)?;
        self.incentives.used.borrow_mut().insert(id.clone());
        let is_declared = self.incentives.declared.iter().any(|(declared, _)| *declared == id);
        match self.incentives.usable.get(&id) {
            // The fault in the incentive has been reported already.
            None if is_declared || self.incentives.more => {}
            None => field.fault("is not an incentive of this activation"),
            Some(incentive) if incentive.needs_sent_at() && channel != Channel::Event => {
                field.fault("measures from sent_at, which only webhooks have");
            }
            Some(incentive) if self.unguarded && channel != Channel::Event && incentive.is_limited() => {
                field.rule(
                    "has codes or a limited quantity, and one script without a signature could take all of it: \
                     set signing_secret in [intake], or open_to_anybody = true there, which keeps the old behaviour",
                );
            }
            Some(_) => {}
        }
        Some(id)
    }
}
