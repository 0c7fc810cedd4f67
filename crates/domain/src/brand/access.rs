//! Who may come in from a brand's side, and where its news go.

use url::Url;

use crate::brand::SecretRef;

/// What a caller without a signature is told who posts a consumer that takes part already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    /// That it is a repeat, and no more: whoever knows an address must not see what it won.
    #[default]
    Quiet,
    /// The participation's id and state.
    Tell,
}

/// What a brand's front end may do.
#[derive(Debug, Clone, Default)]
pub struct IntakeAccess {
    /// The origins whose pages may call us.
    pub origins: Vec<String>,
    /// The secret that participations must be signed with, if they must.
    pub signing_secret: Option<SecretRef>,
    /// Whether callers that do not sign may take part for what is limited: the brand says that it means this.
    pub open_to_anybody: bool,
    /// What callers that do not sign are told of a repeat.
    pub repeats: Repeats,
}

/// Where Quikly is told of credits.
#[derive(Debug, Clone)]
pub struct CallbackTarget {
    /// The address. It is https, unless private addresses are allowed.
    pub url: Url,
    /// What notices are signed with (Standard Webhooks).
    pub secret: SecretRef,
    /// Whether the address may be a private one, which is for tests and closed networks.
    pub allow_private: bool,
}
