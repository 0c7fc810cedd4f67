//! A brand's Braze workspace: its address, and what the contract allows.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use url::Url;

/// Whether a host serves Braze's REST API. Each instance has a host of its own, `rest.ZONE-NN.braze.com` or
/// `rest.ZONE-NN.braze.eu`, and Braze opens new ones (braze-docs, API basics). A key works only on its own instance.
fn is_rest_host(host: &str) -> bool {
    let instance = host
        .strip_prefix("rest.")
        .and_then(|rest| rest.strip_suffix(".braze.com").or_else(|| rest.strip_suffix(".braze.eu")));
    let Some((zone, number)) = instance.and_then(|instance| instance.split_once('-')) else { return false };
    let is_zone = (2..=3).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_lowercase());
    is_zone && number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The address of a brand's Braze workspace: one of Braze's own hosts over TLS, or loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrazeUrl(Url);

/// Why a URL is not a Braze endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrazeUrlError {
    /// The text is not a URL.
    #[error("is not a URL")]
    NotAUrl,
    /// The URL has more than a host and port: a path, query, fragment or user name.
    #[error("must be a scheme and a host, nothing more")]
    NotABase,
    /// The URL is not https, and a key must not travel unencrypted.
    #[error("must be https")]
    NotHttps,
    /// The host is not Braze's, and a key must be sent only to Braze.
    #[error("is not a Braze REST host (https://rest.….braze.com or .braze.eu) nor loopback")]
    NotBraze,
}

impl BrazeUrl {
    /// # Errors
    /// If the URL is not the base URL of a Braze instance or on loopback.
    pub fn parse(text: &str) -> Result<Self, BrazeUrlError> {
        let url = Url::parse(text).map_err(|_| BrazeUrlError::NotAUrl)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(BrazeUrlError::NotABase);
        }
        let loopback = is_loopback(url.host().ok_or(BrazeUrlError::NotABase)?);
        match url.scheme() {
            "https" | "http" if loopback => Ok(Self(url)),
            "https" if url.host_str().is_some_and(is_rest_host) && url.port().is_none() => Ok(Self(url)),
            "https" => Err(BrazeUrlError::NotBraze),
            _ => Err(BrazeUrlError::NotHttps),
        }
    }

    /// Whether the address is on this machine, where Braze has no workspace.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(is_loopback)
    }

    /// The base URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

fn is_loopback(host: url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Where a secret is stored. It never contains the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A SecureString parameter of AWS Systems Manager.
    Ssm(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Ssm(name) => write!(f, "SSM parameter {name}"),
        }
    }
}

/// How profiles are identified when we write to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Look the profile up, and create it under an alias.
    Alias,
    /// Address the profile by e-mail and let Braze choose. This needs no look-ups, and profiles that it
    /// creates have no alias.
    Email,
}

/// How the profile of a consumer with a number is identified when we write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityByPhone {
    /// Look the profile up, and create it under an alias.
    Alias,
    /// Address the profile by number and let Braze choose. This needs no look-ups. Whether Braze creates a profile for a
    /// number that it does not know is not confirmed.
    Phone,
}

/// How profiles are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// By address or number, with one in each request. This finds every profile that has it.
    ByContact,
    /// By the alias that we would create, with fifty in each request, and by address or number if there is no
    /// such alias. This pays off if more than one in fifty profiles was created under such an alias.
    ByAliasFirst,
}

/// What a brand's contract with Braze allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrazeLimits {
    /// The most requests a minute to `/users/export/ids`.
    pub export_ids_per_minute: NonZeroU32,
    /// The most objects in one `/users/track` request, 1 to 75.
    pub track_objects: NonZeroU32,
    /// Whether that number applies to each array separately.
    pub track_per_array: bool,
    /// The most requests to `/users/track` in three seconds.
    pub track_per_3s: NonZeroU32,
    /// The most requests to `/users/track` in an hour, if the contract has such a limit.
    pub track_per_hour: Option<NonZeroU32>,
}

/// A brand's Braze workspace.
#[derive(Debug, Clone)]
pub struct BrazeWorkspace {
    /// The workspace's address.
    pub endpoint: BrazeUrl,
    /// The REST API key.
    pub api_key: SecretRef,
    /// What the contract allows.
    pub limits: BrazeLimits,
    /// How long Braze may take to build a profile that it has accepted.
    pub settle: Duration,
    /// How profiles are addressed.
    pub identity: Identity,
    /// How the profiles of consumers with a number are addressed.
    pub identity_by_phone: IdentityByPhone,
    /// How profiles are looked up.
    pub look_up: LookUp,
    /// What happens to a profile's number if the consumer gives another one.
    pub on_phone_mismatch: PhoneMismatch,
    /// What carries the wait for settling.
    pub settle_by: SettleBy,
    /// How old a remembered profile may be when a participation first writes to it. An older one is confirmed
    /// first, because the brand may have merged or deleted it.
    pub hint_fresh: Duration,
}

/// What happens to a profile's number if the consumer gives another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneMismatch {
    /// The new one is written to the profile.
    Update,
    /// The profile is not changed, and the participation is rejected.
    Skip,
}

/// What carries the wait for settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleBy {
    /// A one-time schedule for all that are due in a minute.
    Schedule,
    /// A delayed message, precise to the second, for up to fifteen minutes.
    Queue,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_to_braze_over_tls_or_to_loopback_only() {
        for good in [
            "https://rest.iad-03.braze.com",
            "https://rest.fra-02.braze.eu/",
            "https://rest.us-10.braze.com",
            "https://REST.us-11.braze.com",
            "https://rest.sg-01.braze.com",
            "http://127.0.0.1:9000",
            "http://localhost:1",
            "http://[::1]:9000",
        ] {
            assert!(BrazeUrl::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("https://rest.braze.com", BrazeUrlError::NotBraze),
            ("https://rest.iad-1.braze.com", BrazeUrlError::NotBraze),
            ("https://rest.iad-001.braze.com", BrazeUrlError::NotBraze),
            ("https://rest.iad-01.fra-01.braze.eu", BrazeUrlError::NotBraze),
            ("https://rest.internal-01.braze.com", BrazeUrlError::NotBraze),
            ("https://sdk.iad-01.braze.com", BrazeUrlError::NotBraze),
            ("https://rest.iad-01.braze.example", BrazeUrlError::NotBraze),
            ("https://rest.iad-01xbraze.com", BrazeUrlError::NotBraze),
            ("https://rest.iad-01.braze.com.evil.example", BrazeUrlError::NotBraze),
            ("https://rest.iad-01.braze.com:8443", BrazeUrlError::NotBraze),
            ("https://10.0.0.1", BrazeUrlError::NotBraze),
            ("http://rest.iad-01.braze.com", BrazeUrlError::NotHttps),
            ("https://rest.iad-01.braze.com/users", BrazeUrlError::NotABase),
            ("https://key@rest.iad-01.braze.com", BrazeUrlError::NotABase),
            ("rest.iad-01.braze.com", BrazeUrlError::NotAUrl),
        ] {
            assert_eq!(BrazeUrl::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_named_by_where_it_is() {
        assert_eq!(SecretRef::Env("ACME_KEY".into()).to_string(), "environment variable ACME_KEY");
        assert_eq!(SecretRef::Ssm("/acme/key".into()).to_string(), "SSM parameter /acme/key");
    }
}
