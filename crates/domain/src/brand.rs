//! A brand and its activations, already checked. [`crate::brand_file`] is the only way to make them.

mod access;
mod broken;
mod extra;
mod sms;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

pub use access::{CallbackTarget, IntakeAccess, Repeats};
pub use broken::BrokenBrand;
pub use extra::{Extra, ExtraKind};
pub use sms::{DoubleOptInStart, OptIn, PollStage, SmsActivation, Subscribe};
pub use workspace::{
    BrazeLimits, BrazeUrl, BrazeUrlError, BrazeWorkspace, Identity, LookUp, PhoneMismatch, SecretRef,
    SettleBy,
};

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::contact::Contact;
use crate::ids::{BrandId, IncentiveId, LedgerKey, Scope};
use crate::incentive::{Incentive, Pool};
use crate::participation::{BrazeEvent, Forgotten, ForgottenEvent, Way};
use crate::token::TokenHash;

/// When an e-mail participation is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditMoment {
    /// As soon as it is accepted.
    OnReceipt,
    /// Once Braze has taken the profile.
    OnEnrollment,
}

/// Taking part by e-mail.
#[derive(Debug, Clone)]
pub struct EmailActivation {
    /// Written to every participant's profile.
    pub attributes: Attributes,
    /// Custom event logged on the profile.
    pub event: Option<String>,
    /// When the consumer is credited.
    pub credit: CreditMoment,
    /// What can be won.
    pub incentive: Option<IncentiveId>,
}

/// Taking part by something that Braze tells us of.
#[derive(Debug, Clone, Default)]
pub struct EventActivation {
    /// Written to every participant's profile.
    pub attributes: Attributes,
    /// Which of the webhook's own values are written to the profile, too.
    pub extras: Vec<Extra>,
    /// Whether each occasion counts: the webhook's `dispatch_id` tells them apart.
    pub repeatable: bool,
    /// What can be won.
    pub incentive: Option<IncentiveId>,
}

/// By which names rewards are written to profiles. What has no name is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RewardsToBraze {
    /// Attribute of the reward.
    pub reward: Option<String>,
    /// Attribute of the place.
    pub position: Option<String>,
    /// Attribute of the incentive's id.
    pub incentive: Option<String>,
    /// Custom event, logged once with the reward; with the credit where no incentive is configured.
    pub event: Option<String>,
}

/// One urgency campaign.
#[derive(Debug, Clone)]
pub struct Activation {
    /// Its id, unique over all brands.
    pub scope: Scope,
    /// From when on consumers can take part.
    pub opens: Timestamp,
    /// From when on they cannot any more.
    pub closes: Timestamp,
    /// How many participations it takes, of all ways together; `None` for any number.
    pub most_participations: Option<NonZeroU32>,
    /// Taking part by e-mail, where it is offered.
    pub email: Option<EmailActivation>,
    /// Taking part by mobile number, where it is offered.
    pub sms: Option<SmsActivation>,
    /// Taking part by events, by their names.
    pub events: BTreeMap<String, EventActivation>,
    /// What can be won.
    pub incentives: BTreeMap<IncentiveId, Arc<Incentive>>,
    /// How it is written to profiles.
    pub rewards: RewardsToBraze,
}

/// Whether an activation takes participations at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The activation opens later.
    Upcoming,
    /// The activation takes participations.
    Open,
    /// The activation has closed.
    Closed,
}

impl Activation {
    /// The phase at `now`; the moment of closing is closed.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        if now < self.opens {
            Phase::Upcoming
        } else if now < self.closes {
            Phase::Open
        } else {
            Phase::Closed
        }
    }

    /// The incentive that somebody takes part for who comes this way.
    #[must_use]
    pub fn incentive_of(&self, way: &Way) -> Option<&IncentiveId> {
        match way {
            Way::Email { .. } | Way::Forgotten(Forgotten { event: None, .. }) => {
                self.email.as_ref()?.incentive.as_ref()
            }
            Way::Sms { .. } => self.sms.as_ref()?.incentive.as_ref(),
            Way::Event { event: BrazeEvent { name, .. }, .. }
            | Way::Forgotten(Forgotten { event: Some(ForgottenEvent { name, .. }), .. }) => {
                self.events.get(name)?.incentive.as_ref()
            }
        }
    }

    /// How often a consumer with such a contact can take part, at least; a way that can be taken again counts twice.
    #[must_use]
    pub fn ways_in(&self, contact: &Contact) -> usize {
        let by_phone = usize::from(self.sms.is_some());
        if contact.email().is_none() {
            return by_phone;
        }
        let repeatable = self.events.values().filter(|event| event.repeatable).count();
        by_phone + usize::from(self.email.is_some()) + self.events.len() + repeatable
    }

    /// The books of an incentive of this activation, or of credits without one.
    #[must_use]
    pub fn ledger(&self, incentive: Option<&IncentiveId>) -> LedgerKey {
        LedgerKey { scope: self.scope.clone(), incentive: incentive.cloned() }
    }
}

/// A brand: its workspace and its activations.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The brand's id.
    pub id: BrandId,
    /// Its Braze workspace.
    pub braze: BrazeWorkspace,
    /// The tokens that its webhooks carry.
    pub webhook_tokens: Vec<TokenHash>,
    /// What its front end may do.
    pub intake: IntakeAccess,
    /// Where Quikly is told of credits, if it wants to be.
    pub callback: Option<CallbackTarget>,
    /// For how long participations are kept once their activation has closed. Not shorter than a day: raffles are drawn after it.
    pub retention: Duration,
    /// Its activations by scope.
    pub activations: BTreeMap<Scope, Activation>,
}

impl Brand {
    /// Whether whoever took part may do so again, in another way or another activation that has not closed: what we know of their
    /// profile is of use only then.
    #[must_use]
    pub fn may_see_again(&self, contact: &Contact, now: Timestamp) -> bool {
        let open = self.activations.values().filter(|activation| now < activation.closes);
        open.map(|activation| activation.ways_in(contact)).sum::<usize>() > 1
    }

    /// The pools that it gives codes from.
    #[must_use]
    pub fn pools(&self) -> BTreeSet<&Pool> {
        let incentives = self.activations.values().flat_map(|activation| activation.incentives.values());
        incentives.flat_map(|incentive| incentive.pools()).map(|(pool, _)| pool).collect()
    }
}

/// All brands; every scope belongs to exactly one.
#[derive(Debug, Clone, Default)]
pub struct Brands {
    brands: BTreeMap<BrandId, Brand>,
    owners: BTreeMap<Scope, BrandId>,
    broken: Vec<BrokenBrand>,
}

impl Brands {
    /// Collects brands whose ids and scopes are known to be distinct: [`crate::brand_file`] has seen to that.
    pub(crate) fn new(brands: impl IntoIterator<Item = Brand>, broken: Vec<BrokenBrand>) -> Self {
        let mut all = Self { broken, ..Self::default() };
        for brand in brands {
            all.owners.extend(brand.activations.keys().map(|scope| (scope.clone(), brand.id.clone())));
            all.brands.insert(brand.id.clone(), brand);
        }
        all
    }

    /// The brands whose files cannot be used.
    #[must_use]
    pub fn broken(&self) -> &[BrokenBrand] {
        &self.broken
    }

    /// Whether this may be a brand whose file cannot be used. Nothing of it is given up then: the file will be repaired.
    #[must_use]
    pub fn may_be_broken(&self, id: &BrandId) -> bool {
        !self.brands.contains_key(id) && self.broken.iter().any(|broken| broken.may_be(id))
    }

    /// Whether this may be an activation of a brand whose file cannot be used.
    #[must_use]
    pub fn may_be_broken_scope(&self, scope: &Scope) -> bool {
        !self.owners.contains_key(scope) && self.broken.iter().any(|broken| broken.may_have_scope(scope))
    }

    /// Whether this may be a token of a brand whose file cannot be used.
    #[must_use]
    pub fn may_be_broken_token(&self, token: &str) -> bool {
        let hash = TokenHash::of(token);
        self.broken.iter().fold(false, |known, broken| known | broken.may_have_token(&hash))
    }

    /// A brand by its id.
    #[must_use]
    pub fn brand(&self, id: &BrandId) -> Option<&Brand> {
        self.brands.get(id)
    }

    /// The activation of a scope and the brand that runs it.
    #[must_use]
    pub fn activation(&self, scope: &Scope) -> Option<(&Brand, &Activation)> {
        let brand = self.brands.get(self.owners.get(scope)?)?;
        brand.activations.get(scope).map(|activation| (brand, activation))
    }

    /// The brand that a token belongs to. Every token is compared, each in constant time.
    #[must_use]
    pub fn of_token(&self, token: &str) -> Option<&Brand> {
        let hash = TokenHash::of(token);
        let knows =
            |brand: &&Brand| brand.webhook_tokens.iter().fold(false, |known, token| known | token.is(&hash));
        self.iter().fold(None, |found, brand| if knows(&brand) { Some(brand) } else { found })
    }

    /// Every brand.
    pub fn iter(&self) -> impl Iterator<Item = &Brand> {
        self.brands.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{activation, brand};

    fn broken(legible: bool) -> BrokenBrand {
        BrokenBrand {
            file: "acme.toml".into(),
            id: BrandId::parse("acme").ok(),
            scopes: [Scope::parse("spring").unwrap()].into(),
            tokens: vec![TokenHash::of("one"), TokenHash::of("two"), TokenHash::of("one")],
            origins: Vec::new(),
            legible,
        }
    }

    #[test]
    fn a_file_that_is_toml_has_no_more_scopes_and_tokens_than_it_shows() {
        let (spring, autumn) = (Scope::parse("spring").unwrap(), Scope::parse("autumn").unwrap());
        let legible = broken(true);
        assert!(legible.may_have_scope(&spring) && !legible.may_have_scope(&autumn));
        let known = ["one", "two", "three"].map(|token| legible.may_have_token(&TokenHash::of(token)));
        assert_eq!(known, [true, true, false], "be it there twice");
        let illegible = broken(false);
        assert!(illegible.may_have_scope(&autumn));
        assert!(["one", "three"].iter().all(|token| illegible.may_have_token(&TokenHash::of(token))));
    }

    #[test]
    fn a_token_of_a_broken_brand_is_known_however_many_files_have_it() {
        let brands = Brands::new([], vec![broken(true), broken(true)]);
        assert!(brands.may_be_broken_token("one") && !brands.may_be_broken_token("three"));
    }

    #[test]
    fn a_brand_is_found_by_any_of_its_tokens_be_it_there_twice() {
        let tokens = ["one", "two", "one"].map(TokenHash::of).to_vec();
        let brand = Brand { webhook_tokens: tokens, ..brand(Identity::Alias) };
        let brands = Brands::new([brand], Vec::new());
        let found = ["one", "two", "three"].map(|token| brands.of_token(token).is_some());
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn nobody_comes_again_once_an_activation_is_over() {
        let mut brand = brand(Identity::Alias);
        let events = [("signed_in".to_owned(), EventActivation::default())].into();
        let activation = Activation { events, ..activation(true, false) };
        let closes = activation.closes;
        brand.activations.insert(activation.scope.clone(), activation);
        let contact = Contact::Email(crate::contact::Email::parse("ada@example.com").unwrap());
        assert!(brand.may_see_again(&contact, crate::time::earlier(closes, Duration::from_secs(1))));
        assert!(!brand.may_see_again(&contact, closes));
    }
}
