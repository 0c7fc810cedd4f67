//! A brand and its activations, already checked. Only [`crate::brand_file`] can make them.

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
    BrazeLimits, BrazeUrl, BrazeUrlError, BrazeWorkspace, Identity, IdentityByPhone, LookUp, PhoneMismatch,
    SecretRef, SettleBy,
};

use crate::Timestamp;
use crate::answers::AnswerRules;
use crate::attributes::Attributes;
use crate::consent::ConsentRules;
use crate::contact::Contact;
use crate::ids::{BrandId, Channel, IncentiveId, LedgerKey, Scope, SubscriptionGroup};
use crate::incentive::{Incentive, Pool};
use crate::participation::{BrazeEvent, Forgotten, ForgottenEvent, Way};
use crate::token::TokenHash;

/// When an e-mail participation is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditMoment {
    /// As soon as the participation is accepted.
    OnReceipt,
    /// As soon as Braze has accepted the profile.
    OnEnrollment,
}

/// How consumers take part by e-mail.
#[derive(Debug, Clone)]
pub struct EmailActivation {
    /// Attributes that are written to every participant's profile.
    pub attributes: Attributes,
    /// The custom event that is logged on the profile.
    pub event: Option<String>,
    /// When the consumer is credited.
    pub credit: CreditMoment,
    /// The incentive that can be won.
    pub incentive: Option<IncentiveId>,
    /// How consumers confirm, if they must. The event makes the brand ask them by e-mail.
    pub opt_in: Option<EmailOptIn>,
}

/// How a consumer confirms who takes part by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailOptIn {
    /// The e-mail group that the confirmation subscribes to. Without one, the confirmation sets the address to `opted_in`.
    pub group: Option<SubscriptionGroup>,
    /// How long the consumer has to confirm.
    pub window: Duration,
    /// When Braze is asked meanwhile.
    pub poll: Vec<PollStage>,
}

/// How consumers take part by an event that Braze reports.
#[derive(Debug, Clone, Default)]
pub struct EventActivation {
    /// Attributes that are written to every participant's profile.
    pub attributes: Attributes,
    /// Values of the webhook that are written to the profile, too.
    pub extras: Vec<Extra>,
    /// Whether each occurrence counts; the webhook's `dispatch_id` tells them apart.
    pub repeatable: bool,
    /// The incentive that can be won.
    pub incentive: Option<IncentiveId>,
}

/// The names under which rewards are written to profiles. A value without a name is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RewardsToBraze {
    /// The attribute for the reward.
    pub reward: Option<String>,
    /// The attribute for the place.
    pub position: Option<String>,
    /// The attribute for the incentive's id.
    pub incentive: Option<String>,
    /// The custom event that is logged once with the reward, or with the credit if no incentive is
    /// configured.
    pub event: Option<String>,
}

/// One urgency campaign.
#[derive(Debug, Clone)]
pub struct Activation {
    /// The activation's id, unique across all brands.
    pub scope: Scope,
    /// When consumers can begin to take part.
    pub opens: Timestamp,
    /// When consumers can no longer take part.
    pub closes: Timestamp,
    /// The most participations that it accepts, in all ways together; `None` for no limit.
    pub most_participations: Option<NonZeroU32>,
    /// How to take part by e-mail, if that is offered.
    pub email: Option<EmailActivation>,
    /// How to take part by mobile number, if that is offered.
    pub sms: Option<SmsActivation>,
    /// The events that consumers can take part by, by name.
    pub events: BTreeMap<String, EventActivation>,
    /// The attributes that callers may send with a participation; `None` if the brand file does not list any.
    pub answers: Option<AnswerRules>,
    /// Which consent consumers are asked for; `None` if none is written to their profiles.
    pub consent: Option<ConsentRules>,
    /// The incentives that can be won.
    pub incentives: BTreeMap<IncentiveId, Arc<Incentive>>,
    /// How rewards are written to profiles.
    pub rewards: RewardsToBraze,
}

/// Whether an activation accepts participations at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The activation has not opened yet.
    Upcoming,
    /// The activation accepts participations.
    Open,
    /// The activation has closed.
    Closed,
}

impl Activation {
    /// The phase at `now`. At the moment of closing, the activation is closed.
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

    /// Whether rewards or events are written, which are read back where the profile's identity allows it.
    #[must_use]
    pub fn is_read_back(&self) -> bool {
        let event = self.email.as_ref().is_some_and(|email| email.event.is_some());
        event || self.rewards != RewardsToBraze::default()
    }

    /// The incentive for participations in this way.
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

    /// How long a consumer who takes part in this way has to confirm, if they must.
    #[must_use]
    pub fn answers_within(&self, way: Channel) -> Option<Duration> {
        match way {
            Channel::Email => Some(self.email.as_ref()?.opt_in.as_ref()?.window),
            Channel::Sms => match self.sms.as_ref()?.opt_in {
                OptIn::Double { window, .. } => Some(window),
                OptIn::Single { .. } => None,
            },
            Channel::Event => None,
        }
    }

    /// The least number of times that a consumer with such a contact can take part. A repeatable way counts
    /// twice.
    #[must_use]
    pub fn ways_in(&self, contact: &Contact) -> usize {
        let by_phone = usize::from(self.sms.is_some());
        if contact.email().is_none() {
            return by_phone;
        }
        let repeatable = self.events.values().filter(|event| event.repeatable).count();
        by_phone + usize::from(self.email.is_some()) + self.events.len() + repeatable
    }

    /// The ledger of an incentive of this activation, or of credits without an incentive.
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
    /// The brand's Braze workspace.
    pub braze: BrazeWorkspace,
    /// The tokens that the brand's webhooks carry.
    pub webhook_tokens: Vec<TokenHash>,
    /// What the brand's front end may do.
    pub intake: IntakeAccess,
    /// Where callbacks are sent, if the brand wants any.
    pub callback: Option<CallbackTarget>,
    /// How long participations are kept after their activation has closed. At least a day, since raffles are
    /// drawn after the close.
    pub retention: Duration,
    /// The brand's activations by scope.
    pub activations: BTreeMap<Scope, Activation>,
}

impl Brand {
    /// Whether the consumer may take part again, in another way or in another activation that has not closed.
    /// Only then is a profile hint useful.
    #[must_use]
    pub fn may_see_again(&self, contact: &Contact, now: Timestamp) -> bool {
        let open = self.activations.values().filter(|activation| now < activation.closes);
        open.map(|activation| activation.ways_in(contact)).sum::<usize>() > 1
    }

    /// The pools that the brand gives codes from.
    #[must_use]
    pub fn pools(&self) -> BTreeSet<&Pool> {
        let incentives = self.activations.values().flat_map(|activation| activation.incentives.values());
        incentives.flat_map(|incentive| incentive.pools()).map(|(pool, _)| pool).collect()
    }
}

/// All brands. Every scope belongs to exactly one of them.
#[derive(Debug, Clone, Default)]
pub struct Brands {
    brands: BTreeMap<BrandId, Brand>,
    owners: BTreeMap<Scope, BrandId>,
    broken: Vec<BrokenBrand>,
}

impl Brands {
    /// Collects brands whose ids and scopes are distinct, as [`crate::brand_file`] has checked.
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

    /// Whether a brand with a file that cannot be used may have this id. Its participations are not given up,
    /// since the file will be repaired.
    #[must_use]
    pub fn may_be_broken(&self, id: &BrandId) -> bool {
        !self.brands.contains_key(id) && self.broken.iter().any(|broken| broken.may_be(id))
    }

    /// Whether a brand with a file that cannot be used may have this scope.
    #[must_use]
    pub fn may_be_broken_scope(&self, scope: &Scope) -> bool {
        !self.owners.contains_key(scope) && self.broken.iter().any(|broken| broken.may_have_scope(scope))
    }

    /// Whether a brand with a file that cannot be used may have this token.
    #[must_use]
    pub fn may_be_broken_token(&self, token: &str) -> bool {
        let hash = TokenHash::of(token);
        self.broken.iter().fold(false, |known, broken| known | broken.may_have_token(&hash))
    }

    /// The brand with this id.
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
        assert_eq!(known, [true, true, false], "a token that is listed twice counts once");
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
