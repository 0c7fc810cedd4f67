//! Changes of a profile's contacts, and of the e-mail state that profiles with one address share (braze-docs, duplicate emails).

use serde_json::Value;

use crate::contact::SimContact;
use crate::effects::Effect;
use crate::profiles::ProfileStore;

/// The field that holds whether a profile's address is subscribed. Without it, the address is `subscribed`.
pub(crate) const EMAIL_STATE: &str = "email_subscribe";

/// Sets the field `email` or `phone` of a profile. A profile that changes to an address of another profile takes over the state of that
/// address; otherwise its own state follows it.
pub(crate) fn set(profiles: &mut ProfileStore, index: usize, field: &str, value: Value) -> Vec<Effect> {
    let old = profiles.contact_of(index, field);
    let new = value.as_str().and_then(|text| SimContact::of_field(field, text));
    let held = new.as_ref().filter(|_| new != old).and_then(|new| {
        let holder = profiles.with_contact(new).into_iter().next()?;
        Some(holder.fields.get(EMAIL_STATE).cloned().unwrap_or(Value::Null))
    });
    profiles.set_field(index, field, value);
    let Some(to) = new else { return Vec::new() };
    match (old, held) {
        (_, Some(state)) if field == "email" => profiles.set_field(index, EMAIL_STATE, state),
        (_, Some(_)) | (None, None) => {}
        (Some(from), None) if from == to => {}
        (Some(from), None) => return vec![Effect::Has(to.clone()), Effect::Moved { from, to }],
    }
    vec![Effect::Has(to)]
}

/// Sets the e-mail state of a profile, and of every other profile with its address.
pub(crate) fn set_email_state(profiles: &mut ProfileStore, index: usize, state: &Value) {
    let email = profiles.contact_of(index, "email");
    for holder in email.map_or_else(|| vec![index], |email| profiles.holders(&email)) {
        profiles.set_field(holder, EMAIL_STATE, state.clone());
    }
}
