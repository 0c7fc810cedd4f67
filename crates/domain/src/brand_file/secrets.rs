//! Where a brand's secrets may be stored: under the brand's own name, so that no file can refer to another
//! brand's secrets, or to ours.

use crate::brand::SecretRef;
use crate::brand_file::{Finding, Severity};
use crate::ids::BrandId;

/// The purpose of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretPurpose {
    /// To call Braze's REST API.
    BrazeKey,
    /// To verify what a brand's back end has signed.
    Intake,
    /// To sign callbacks.
    Callback,
}

impl SecretPurpose {
    const ALL: [Self; 3] = [Self::BrazeKey, Self::Intake, Self::Callback];

    /// The part of a parameter's path that names its purpose, and so decides which functions may read it.
    #[must_use]
    pub fn room(self) -> &'static str {
        match self {
            Self::BrazeKey => "braze",
            Self::Intake => "intake",
            Self::Callback => "callback",
        }
    }
}

/// A secret that a file names, with the field that names it.
pub(super) struct NamedSecret {
    pub(super) reference: SecretRef,
    pub(super) purpose: SecretPurpose,
    pub(super) line: usize,
    pub(super) field: String,
}

impl NamedSecret {
    /// What is wrong with the name in a file of the brand `own`, among all these brands.
    pub(super) fn finding(
        &self,
        file: &str,
        own: &BrandId,
        all: &[BrandId],
        reviewed: bool,
    ) -> Option<Finding> {
        let (severity, message) = match &self.reference {
            SecretRef::Env(name) => of_variable(name, own, all)?,
            SecretRef::Ssm(name) => of_parameter(name, self.purpose, own)?,
        };
        (severity > Severity::Warning || reviewed).then(|| Finding {
            severity,
            file: file.to_owned(),
            line: Some(self.line),
            field: self.field.clone(),
            message,
        })
    }
}

/// The prefix of a brand's variables.
fn prefix(brand: &BrandId) -> String {
    brand.as_str().to_uppercase().replace(['-', '.'], "_")
}

/// Whether a variable belongs to a prefix: it is the prefix, or continues after an underscore.
fn begins(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn of_variable(name: &str, own: &BrandId, all: &[BrandId]) -> Option<(Severity, String)> {
    let ours = format!("a variable of brand {own} begins with {}_", prefix(own));
    let capitals = name.to_uppercase().replace(['-', '.'], "_");
    let reserved = [("AWS_", "AWS's tools"), ("QUIKLY_", "quikly-braze itself")];
    if let Some((_, whose)) = reserved.into_iter().find(|(beginning, _)| capitals.starts_with(beginning)) {
        return Some((Severity::Rule, format!("names a variable of {whose}; {ours}")));
    }
    // Of the brands `acme` and `acme-uk`, ACME_UK_KEY belongs to the second.
    let fits = |brand: &&BrandId| begins(&capitals, &prefix(brand));
    let longest = all.iter().filter(fits).map(|brand| prefix(brand).len()).max();
    let owners: Vec<&BrandId> =
        all.iter().filter(fits).filter(|brand| Some(prefix(brand).len()) == longest).collect();
    match owners.first() {
        Some(_) if owners.contains(&own) && begins(name, &prefix(own)) => None,
        Some(other) if !owners.contains(&own) => {
            Some((Severity::Rule, format!("names a variable of brand {other}; {ours}")))
        }
        _ => Some((Severity::Warning, format!("{ours}; a later release refuses other names"))),
    }
}

/// Checks a parameter's name: `/quikly-braze/NAME/ROOM/ID`, or below.
fn of_parameter(name: &str, purpose: SecretPurpose, own: &BrandId) -> Option<(Severity, String)> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    // An environment may be named like a purpose.
    let parts = if parts.first() == Some(&"quikly-braze") { parts.get(2..)? } else { &parts[..] };
    let room =
        parts.iter().position(|part| SecretPurpose::ALL.iter().any(|purpose| purpose.room() == *part))?;
    let here = parts.get(room) == Some(&purpose.room()) && parts.get(room + 1) == Some(&own.as_str());
    let room = purpose.room();
    let message = format!("must be the parameter …/{room}/{own}, or one under …/{room}/{own}/");
    (!here).then_some((Severity::Rule, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand(id: &str) -> BrandId {
        BrandId::parse(id).unwrap()
    }

    fn severity(name: &str, own: &str) -> Option<Severity> {
        let all = ["acme", "acme-uk", "zest", "zest.fr"].map(brand);
        of_variable(name, &brand(own), &all).map(|(severity, _)| severity)
    }

    #[test]
    fn a_variable_is_the_brands_whose_name_it_begins_with_and_the_longest_name_counts() {
        for (name, own) in [
            ("ACME_KEY", "acme"),
            ("ACME", "acme"),
            ("ACME_UK_KEY", "acme-uk"),
            ("ACME_UKULELE", "acme"),
            ("ZEST_FR_KEY", "zest.fr"),
        ] {
            assert_eq!(severity(name, own), None, "{name} {own}");
        }
        for (name, own) in [
            ("ACME_UK_KEY", "acme"),
            ("ACME_UK", "acme"),
            ("ACME_KEY", "acme-uk"),
            ("ZEST_KEY", "acme"),
            ("zest_key", "acme"),
            ("ZEST_FR_KEY", "zest"),
            ("AWS_SECRET_ACCESS_KEY", "acme"),
            ("aws_session_token", "acme"),
            ("QUIKLY_BRAZE_ID_KEY", "acme"),
        ] {
            assert_eq!(severity(name, own), Some(Severity::Rule), "{name} {own}");
        }
        for (name, own) in
            [("BRAZE_KEY", "acme"), ("acme_key", "acme"), ("ACMEKEY", "acme"), ("KEY_ACME", "acme")]
        {
            assert_eq!(severity(name, own), Some(Severity::Warning), "{name} {own}");
        }
    }

    #[test]
    fn a_brand_with_a_reserved_name_has_no_variables_of_ours() {
        let aws = brand("aws");
        let found = of_variable("AWS_SECRET_ACCESS_KEY", &aws, std::slice::from_ref(&aws));
        assert_eq!(found.map(|(severity, _)| severity), Some(Severity::Rule));
    }

    #[test]
    fn a_parameter_lies_under_its_purpose_and_its_brand() {
        let of =
            |name: &str, purpose| of_parameter(name, purpose, &brand("acme")).map(|(severity, _)| severity);
        for good in [
            "/quikly-braze/dev/braze/acme",
            "/quikly-braze/braze/braze/acme/key",
            "/other/braze/acme",
            "/key",
        ] {
            assert_eq!(of(good, SecretPurpose::BrazeKey), None, "{good}");
        }
        for bad in [
            "/quikly-braze/dev/braze/zest",
            "/quikly-braze/dev/braze/acme-uk",
            "/quikly-braze/dev/braze/zest/braze/acme",
            "/quikly-braze/dev/braze",
            "/quikly-braze/dev/intake/acme",
            "/quikly-braze/dev/intake/id-key",
        ] {
            assert_eq!(of(bad, SecretPurpose::BrazeKey), Some(Severity::Rule), "{bad}");
        }
        assert_eq!(of("/quikly-braze/dev/intake/id-key", SecretPurpose::Intake), Some(Severity::Rule));
        assert_eq!(of("/quikly-braze/dev/callback/acme/2", SecretPurpose::Callback), None);
    }
}
