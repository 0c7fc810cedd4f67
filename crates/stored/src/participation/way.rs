//! The stored form of the way a consumer takes part. It consists of fields of the participation's record.

use domain::Timestamp;
use domain::contact::{Contact, Email, Phone};
use domain::participation::{BrazeEvent, Forgotten, ForgottenEvent, Way};
use serde::{Deserialize, Serialize};

use super::consent::{ConsentRecord, consent, consent_record};
use crate::error::Why;
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::{contact_key, moment};

/// The fields that store how a consumer takes part.
#[derive(Default)]
pub(super) struct WayRecord {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) event: Option<BrazeEventRecord>,
    pub(super) consent: Option<ConsentRecord>,
    pub(super) proof: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BrazeEventRecord {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<i64>,
}

pub(super) fn way_record(way: &Way) -> WayRecord {
    match way {
        Way::Email { email, consent } => WayRecord {
            email: Some(email.as_str().to_owned()),
            consent: consent.as_ref().map(consent_record),
            ..WayRecord::default()
        },
        Way::Sms { phone, email, consent } => WayRecord {
            email: email.as_ref().map(|email| email.as_str().to_owned()),
            phone: Some(phone.as_str().to_owned()),
            consent: Some(consent_record(consent)),
            ..WayRecord::default()
        },
        Way::Event { event, email } => WayRecord {
            email: Some(email.as_str().to_owned()),
            event: Some(BrazeEventRecord {
                name: event.name.clone(),
                profile: event.profile.as_ref().map(profile_record),
                sent_at: event.sent_at.map(Timestamp::as_millisecond),
            }),
            ..WayRecord::default()
        },
        Way::Forgotten(forgotten) => WayRecord {
            // Earlier versions can read a participation only if it has a contact.
            email: Contact::nobody().email().map(|email| email.as_str().to_owned()),
            phone: None,
            event: forgotten.event.as_ref().map(|event| BrazeEventRecord {
                name: event.name.clone(),
                profile: None,
                sent_at: event.sent_at.map(Timestamp::as_millisecond),
            }),
            consent: forgotten.consent.as_ref().map(consent_record),
            proof: forgotten.proof.iter().map(ToString::to_string).collect(),
        },
    }
}

/// The way of a participation whose flow has ended or not. Only a participation that has ended can be
/// forgotten; before that, a consumer really gave the address that stands for nobody.
pub(super) fn way(record: WayRecord, is_over: bool) -> Result<Way, Why> {
    let email = record.email.as_deref().map(Email::from_stored).transpose()?;
    let phone = record.phone.as_deref().map(Phone::from_e164).transpose()?;
    let consent = record.consent.map(consent).transpose()?;
    match (phone, email, record.event) {
        (Some(_), _, Some(_)) => Err("an event that happened to a number".into()),
        (Some(phone), email, None) => {
            let consent = consent.ok_or_else(|| Why::from("a number without consent"))?;
            Ok(Way::Sms { phone, email, consent })
        }
        (None, Some(email), event) if is_over && Contact::Email(email.clone()) == Contact::nobody() => {
            let event = event.map(forgotten_event).transpose()?;
            let proof = record.proof.iter().map(|proof| contact_key(proof)).collect::<Result<_, Why>>()?;
            Ok(Way::Forgotten(Forgotten { event, consent, proof }))
        }
        (None, Some(email), Some(event)) => Ok(Way::Event { event: braze_event(event)?, email }),
        (None, Some(email), None) => Ok(Way::Email { email, consent }),
        (None, None, _) => Err("a participation without a contact".into()),
    }
}

fn braze_event(record: BrazeEventRecord) -> Result<BrazeEvent, Why> {
    Ok(BrazeEvent {
        name: record.name,
        profile: record.profile.map(profile).transpose()?,
        sent_at: record.sent_at.map(moment).transpose()?,
    })
}

fn forgotten_event(record: BrazeEventRecord) -> Result<ForgottenEvent, Why> {
    Ok(ForgottenEvent { name: record.name, sent_at: record.sent_at.map(moment).transpose()? })
}
