//! Whether a consumer's answer suffices to take part.

use thiserror::Error;

use super::{ChannelConsent, Consent, ConsentProgress, ConsentRules, Demand, Page, TextHash};
use crate::Timestamp;
use crate::ids::Channel;

/// What a caller says that the consumer answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// The page on which the consumer answered.
    pub page: Option<Page>,
    /// The answer about e-mail.
    pub email: Option<bool>,
    /// The answer about messages to the number. The short form `true` answers about them too, if the consumer gave a
    /// number.
    pub sms: Option<bool>,
    /// The id of the text that the consumer was shown.
    pub text_id: Option<String>,
}

/// Whom the answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Respondent {
    /// The channel in which the consumer takes part.
    pub way: Channel,
    /// Whether the consumer gave an address.
    pub has_email: bool,
}

/// Why an answer does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InsufficientConsent {
    /// The part of the answer: `email`, `sms` or `text_id`.
    pub part: &'static str,
    /// Why.
    pub why: InsufficientReason,
}

/// Why a part of an answer does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InsufficientReason {
    /// Taking part requires this consent.
    #[error("must be true: taking part requires this consent")]
    Missing,
    /// Taking part by number requires this consent.
    #[error("must be true when a phone is given")]
    MissingForPhone,
    /// The activation does not ask for this consent.
    #[error("is not a consent that the activation asks for")]
    NotAsked,
    /// Consent to e-mail needs an address.
    #[error("needs an email to send to")]
    NoAddress,
    /// The answer does not say which text it is about.
    #[error("is missing: a consent names the text that the consumer was shown")]
    TextMissing,
    /// The activation has no text of this id.
    #[error("is not a text of the activation")]
    TextUnknown,
}

impl InsufficientReason {
    /// A stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing | Self::MissingForPhone => "consent_missing",
            Self::NotAsked => "consent_not_asked",
            Self::NoAddress => "consent_without_email",
            Self::TextMissing => "consent_text_missing",
            Self::TextUnknown => "consent_text_unknown",
        }
    }
}

impl Answers {
    /// Whether the consumer takes the consent to e-mail back, or never gave it.
    #[must_use]
    pub fn declines_email(&self) -> bool {
        self.email == Some(false)
    }

    /// The consent to store, under the rules of the activation; `None` if the consumer was not asked.
    ///
    /// # Errors
    /// Everything that does not suffice.
    pub fn consent(
        self,
        rules: Option<&ConsentRules>,
        asked: Respondent,
        now: Timestamp,
    ) -> Result<Option<Consent>, Vec<InsufficientConsent>> {
        let of_way = rules.filter(|rules| rules.asks(asked.way));
        let mut refusals = self.of_channels(of_way, asked);
        let (email, sms) = (self.email == Some(true), self.sms == Some(true));
        let text = self.text_id.as_ref().and_then(|id| rules?.texts.get(id)).copied();
        if of_way.is_some() {
            let why = match &self.text_id {
                None if email || sms => Some(InsufficientReason::TextMissing),
                Some(_) if text.is_none() => Some(InsufficientReason::TextUnknown),
                None | Some(_) => None,
            };
            refusals.extend(why.map(|why| InsufficientConsent { part: "text_id", why }));
        }
        if refusals.is_empty() {
            Ok(self.into_consent(of_way, (asked.way, text), now))
        } else {
            Err(refusals)
        }
    }

    fn of_channels(&self, rules: Option<&ConsentRules>, asked: Respondent) -> Vec<InsufficientConsent> {
        let email = |why| InsufficientConsent { part: "email", why };
        let sms = |why| InsufficientConsent { part: "sms", why };
        let demand = rules.and_then(|rules| rules.email_of(asked.way));
        let mut refusals = Vec::new();
        match (asked.way, self.sms) {
            (Channel::Sms, Some(true)) | (Channel::Email | Channel::Event, Some(false) | None) => {}
            (Channel::Sms, Some(false) | None) => refusals.push(sms(InsufficientReason::MissingForPhone)),
            (Channel::Email | Channel::Event, Some(true)) => refusals.push(sms(InsufficientReason::NotAsked)),
        }
        match (self.email == Some(true), demand) {
            (true, _) if !asked.has_email => refusals.push(email(InsufficientReason::NoAddress)),
            (true, None) if rules.is_some() => refusals.push(email(InsufficientReason::NotAsked)),
            (false, Some(Demand::Required)) => refusals.push(email(InsufficientReason::Missing)),
            (true | false, _) => {}
        }
        refusals
    }

    fn into_consent(
        self,
        rules: Option<&ConsentRules>,
        (way, text): (Channel, Option<TextHash>),
        now: Timestamp,
    ) -> Option<Consent> {
        let given = match way {
            Channel::Sms => self.sms,
            Channel::Email | Channel::Event => self.email,
        };
        let is_written = |given: bool, is_there: bool| match given && is_there {
            true => ConsentProgress::Pending,
            false => ConsentProgress::Stored,
        };
        let email = self.email.filter(|_| rules.is_some() || way == Channel::Sms);
        let email = email.map(|given| ChannelConsent { given, progress: is_written(given, rules.is_some()) });
        let groups = rules.filter(|rules| way == Channel::Sms && !rules.sms_groups.is_empty());
        let sms = groups.and(self.sms);
        let sms = sms.map(|given| ChannelConsent { given, progress: is_written(given, true) });
        let (text_id, page) = (self.text_id, self.page);
        Some(Consent { given: given?, at: now, text_id, text, page, email, sms })
    }
}
