//! The stored form of a consent.

use domain::Timestamp;
use domain::consent::{ChannelConsent, Consent, ConsentProgress, Page, TextHash};
use serde::{Deserialize, Serialize};

use crate::error::Why;
use crate::values::{is_false, moment};

#[derive(Serialize, Deserialize)]
pub(super) struct ConsentRecord {
    at: i64,
    /// Stored only for a refusal. Records from before refusals were stored have no such field and mean
    /// consent.
    #[serde(default, skip_serializing_if = "is_false")]
    refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<ChannelRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sms: Option<ChannelRecord>,
}

/// The consent in one channel.
#[derive(Serialize, Deserialize)]
struct ChannelRecord {
    #[serde(default, skip_serializing_if = "is_false")]
    refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

/// The name and the time of a progress.
fn progress_record(progress: ConsentProgress) -> (Option<&'static str>, Option<Timestamp>) {
    match progress {
        ConsentProgress::Stored => (None, None),
        ConsentProgress::Pending => (Some("pending"), None),
        ConsentProgress::Attempted { at, again: false } => (Some("attempted"), Some(at)),
        ConsentProgress::Attempted { at, again: true } => (Some("attempted_again"), Some(at)),
        ConsentProgress::Written { at } => (Some("written"), Some(at)),
        ConsentProgress::NotWritten => (Some("not_written"), None),
        ConsentProgress::Withdrawing { at } => (Some("withdrawing"), Some(at)),
        ConsentProgress::Withdrawn { at } => (Some("withdrawn"), Some(at)),
    }
}

fn progress(name: Option<&str>, at: Option<i64>) -> Result<ConsentProgress, Why> {
    let at = || moment(at.ok_or_else(|| Why::from("a consent's progress without its time"))?);
    Ok(match name {
        None => ConsentProgress::Stored,
        Some("pending") => ConsentProgress::Pending,
        Some("attempted") => ConsentProgress::Attempted { at: at()?, again: false },
        Some("attempted_again") => ConsentProgress::Attempted { at: at()?, again: true },
        Some("written") => ConsentProgress::Written { at: at()? },
        Some("not_written") => ConsentProgress::NotWritten,
        Some("withdrawing") => ConsentProgress::Withdrawing { at: at()? },
        Some("withdrawn") => ConsentProgress::Withdrawn { at: at()? },
        Some(_) => return Err("a consent's progress that is not known".into()),
    })
}

fn channel_record(channel: ChannelConsent) -> ChannelRecord {
    let (name, at) = progress_record(channel.progress);
    ChannelRecord {
        refused: !channel.given,
        progress: name.map(str::to_owned),
        at: at.map(Timestamp::as_millisecond),
    }
}

fn channel(record: &ChannelRecord) -> Result<ChannelConsent, Why> {
    let progress = progress(record.progress.as_deref(), record.at)?;
    Ok(ChannelConsent { given: !record.refused, progress })
}

pub(super) fn consent_record(consent: &Consent) -> ConsentRecord {
    ConsentRecord {
        at: consent.at.as_millisecond(),
        refused: !consent.given,
        text_id: consent.text_id.clone(),
        text_sha256: consent.text.map(|text| text.to_string()),
        page: consent.page.as_ref().map(|page| page.as_str().to_owned()),
        email: consent.email.map(channel_record),
        sms: consent.sms.map(channel_record),
    }
}

pub(super) fn consent(record: ConsentRecord) -> Result<Consent, Why> {
    let text = record.text_sha256.as_deref();
    let text = text.map(|text| TextHash::parse(text).ok_or_else(|| Why::from("a hash that is none")));
    Ok(Consent {
        given: !record.refused,
        at: moment(record.at)?,
        text_id: record.text_id,
        text: text.transpose()?,
        page: record.page.as_deref().map(Page::parse).transpose()?,
        email: record.email.as_ref().map(channel).transpose()?,
        sms: record.sms.as_ref().map(channel).transpose()?,
    })
}
