//! What an erasure erases, or has erased. A receipt contains no contact, so it can be filed.

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::participation::Participation;
use domain::profile::ProfileRef;
use ports::operations::ErasureReport;
use ports::pages::StoredParticipation;
use serde_json::{Value, json};

use super::gathered::{Gathered, Sought};

/// A receipt, or the preview of one.
pub(super) struct ErasureReceipt {
    found_by: &'static str,
    at: Timestamp,
    /// Who erased; `None` for a preview.
    by: Option<String>,
    participations: Vec<Value>,
    hints: u64,
    erased: ErasureReport,
    erased_earlier: u64,
    /// The profiles that the brand has to delete in Braze.
    profiles: Vec<Value>,
}

impl ErasureReceipt {
    /// What would be erased.
    pub(super) fn preview(gathered: &Gathered, sought: &Sought, now: Timestamp) -> Self {
        let profiles: BTreeSet<String> = gathered
            .records
            .iter()
            .flat_map(|record| {
                let one = &record.participation;
                let hints = gathered.hints.iter().map(|hint| hint.profile.clone());
                one.profiles().into_iter().chain(hints).map(|profile| to_delete(one, &profile).to_string())
            })
            .collect();
        Self {
            found_by: sought.by(),
            at: now,
            by: None,
            participations: gathered.records.iter().map(participation).collect(),
            hints: gathered.hints.len() as u64,
            erased: ErasureReport { unreadable: gathered.unreadable, ..ErasureReport::default() },
            erased_earlier: gathered.earlier.len() as u64,
            profiles: profiles.iter().filter_map(|profile| serde_json::from_str(profile).ok()).collect(),
        }
    }

    /// What was erased.
    pub(super) fn of(
        gathered: &Gathered,
        sought: &Sought,
        (who, now): (&str, Timestamp),
        erased: &ErasureReport,
    ) -> Self {
        Self { by: Some(who.to_owned()), erased: erased.clone(), ..Self::preview(gathered, sought, now) }
    }

    /// The figures, for the audit log.
    pub(super) fn in_figures(&self) -> String {
        let ErasureReport { participations, profiles, unreadable, .. } = self.erased;
        format!(
            "erased {participations} participations and {profiles} profile hints; {unreadable} participations cannot be read"
        )
    }

    pub(super) fn as_json(&self) -> Value {
        let ErasureReport { participations, profiles, unreadable, remains, earlier, .. } = self.erased;
        let is_preview = self.by.is_none();
        let counts = match is_preview {
            true => json!({ "participations": self.participations.len(), "profile_hints": self.hints }),
            false => json!({ "participations": participations, "profile_hints": profiles }),
        };
        json!({
            "preview": is_preview,
            "at": self.at.to_string(),
            "by": self.by,
            "found_by": self.found_by,
            "erased": counts,
            "participations": self.participations,
            "kept": KEPT,
            "erased_earlier": if is_preview { self.erased_earlier } else { earlier },
            "unreadable_participations": unreadable,
            "remains_in_log": remains,
            "to_delete_in_braze": self.profiles,
            "out_of_reach": OUT_OF_REACH,
        })
    }

    pub(super) fn as_text(&self) -> String {
        let mut lines = Vec::new();
        match &self.by {
            None => lines.push(format!(
                "This would erase {} participation(s) and {} profile hint(s):",
                self.participations.len(),
                self.hints
            )),
            Some(who) => lines.push(format!(
                "{}: {who} erased {} participation(s) and {} profile hint(s):",
                self.at, self.erased.participations, self.erased.profiles
            )),
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        for one in &self.participations {
            let erased: Vec<String> = one["erases"].as_array().into_iter().flatten().map(text).collect();
            lines.push(format!(
                "  {}  {} {}  {}  {} (otherwise kept until {})",
                text(&one["id"]),
                text(&one["brand"]),
                text(&one["activation"]),
                text(&one["state"]),
                erased.join(", "),
                text(&one["kept_until"])
            ));
        }
        lines.push(format!("What stays: {KEPT}."));
        if self.erased_earlier > 0 {
            lines.push(format!(
                "{} participation(s) of this person were erased earlier.",
                self.erased_earlier
            ));
        }
        if self.erased.unreadable > 0 {
            lines.push(format!(
                "{} participation(s) cannot be read, so it is unknown whose they are. `forget --id` erases one.",
                self.erased.unreadable
            ));
        }
        lines.push("The brand has to delete in Braze:".to_owned());
        lines.extend(self.profiles.iter().map(|profile| format!("  {profile}")));
        if self.profiles.is_empty() {
            lines.push("  the profile with the person's address or number, if there is one".to_owned());
        }
        lines.push(format!("Out of reach: {OUT_OF_REACH}."));
        lines.join("\n")
    }
}

const KEPT: &str = "an id that only the id key leads to, and for a consent its time, its text, its page and a keyed hash of the contact";

const OUT_OF_REACH: &str = "Braze's own profile, and backups of the storage";

fn participation(record: &StoredParticipation) -> Value {
    let one = &record.participation;
    let parts = [
        ("address", one.email().is_some()),
        ("number", one.phone().is_some()),
        ("attributes", !one.attributes().is_empty()),
        ("reference to the profile", !one.profiles().is_empty()),
        ("place that is given back", record.award.as_ref().is_some_and(|award| !award.is_resolved())),
    ];
    let erases: Vec<&str> = parts.iter().filter(|(_, is_there)| *is_there).map(|(part, _)| *part).collect();
    json!({
        "id": one.id().to_string(),
        "brand": one.brand().as_str(),
        "activation": one.scope().as_str(),
        "way": one.channel().name(),
        "state": one.state().name(),
        "accepted_at": one.accepted_at().to_string(),
        "kept_until": one.keep_until().to_string(),
        "erases": erases,
        "keeps_consent": one.consent().is_some(),
    })
}

/// A profile in Braze. An alias or an address may be the contact itself, which a receipt must not contain.
fn to_delete(one: &Participation, profile: &ProfileRef) -> Value {
    let brand = one.brand().as_str();
    match profile {
        ProfileRef::ExternalId(id) if is_shown(one, id) => json!({ "brand": brand, "external_id": id }),
        ProfileRef::BrazeId(id) => json!({ "brand": brand, "braze_id": id }),
        ProfileRef::ExternalId(_) => {
            json!({ "brand": brand, "profile": "whose external id is the person's contact" })
        }
        ProfileRef::Alias(alias) => {
            json!({ "brand": brand, "profile": "with our alias of the person", "alias_label": alias.label() })
        }
        ProfileRef::Email(_) => json!({ "brand": brand, "profile": "with the person's address" }),
        ProfileRef::Phone(_) => json!({ "brand": brand, "profile": "with the person's number" }),
    }
}

/// Whether an external id contains no contact. Some brands use the address as the id.
fn is_shown(one: &Participation, id: &str) -> bool {
    let (id, digits) = (id.to_lowercase(), id.chars().filter(char::is_ascii_digit).collect::<String>());
    !id.contains('@')
        && one.phone().is_none_or(|phone| !digits.contains(phone.as_str().trim_start_matches('+')))
}
