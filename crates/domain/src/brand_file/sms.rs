//! `[activation.sms]`: how consumers are subscribed by number.

use crate::brand::{DoubleOptInStart, OptIn, SmsActivation, Subscribe};
use crate::brand_file::incentive::Ways;
use crate::brand_file::keys;
use crate::brand_file::opt_in;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::event_name;
use crate::contact::{Region, Regions, Texting};
use crate::ids::Channel;
use crate::ids::SubscriptionGroup;

/// Reads the section; `None` if a required value is missing or wrong.
pub(super) fn activation(mut section: Section<'_>, ways: &Ways<'_, '_>) -> Option<SmsActivation> {
    let group =
        section.required("subscription_group_id").and_then(|field| field.parsed(SubscriptionGroup::parse));
    let region = section.required("default_region").and_then(|field| field.parsed(Region::parse));
    let regions = regions(&mut section, region);
    let fixed_lines = section.optional("fixed_lines").map_or(Some(false), |field| field.boolean());
    let incentive = ways.incentive(&mut section, Channel::Sms);
    let double =
        section.required("opt_in").and_then(|field| field.word(&[("single", false), ("double", true)]));
    let opt_in = match double {
        Some(false) => single(&mut section),
        Some(true) => self::double(&mut section),
        // It is not known which of the other keys belong here.
        None => return None,
    };
    section.finish();
    let texting = Texting { regions: regions?, fixed_lines: fixed_lines? };
    Some(SmsActivation { group: group?, region: region?, texting, opt_in: opt_in?, incentive })
}

/// Reads `regions = ["US", "CA"]` or `"any"`. The default is the country of numbers without a country code.
fn regions(section: &mut Section<'_>, default: Option<Region>) -> Option<Regions> {
    let Some(field) = section.optional("regions") else {
        let default = default?;
        if !default.others_with_its_code().is_empty() {
            let others = default.others_with_its_code().join(", ");
            section.warn("regions", format!("is missing, so only numbers of {default} are taken, and none of {others}, which share its country code; list the countries, or say \"any\""));
        }
        return Some(Regions::Only(vec![default]));
    };
    if field.is_text() {
        return field.word(&[("any", ())]).map(|()| Regions::Any);
    }
    let items = field.items()?;
    if items.is_empty() {
        field.fault("must name at least one country, or be \"any\"");
        return None;
    }
    items.iter().map(|item| item.parsed(Region::parse)).collect::<Option<Vec<_>>>().map(Regions::Only)
}

fn single(section: &mut Section<'_>) -> Option<OptIn> {
    let subscribe = section.optional("subscribe").map_or(Some(Subscribe::AfterProfile), |field| {
        field.word(&[("after_profile", Subscribe::AfterProfile), ("with_profile", Subscribe::WithProfile)])
    });
    Some(OptIn::Single { subscribe: subscribe? })
}

fn double(section: &mut Section<'_>) -> Option<OptIn> {
    let start = start(section);
    let wait = opt_in::wait(section);
    let (window, poll) = wait?;
    Some(OptIn::Double { start: start?, window, poll })
}

/// Reads `double_opt_in = { event = "…" }` or `{ braze_logic = true }`; `double_opt_in_event = "…"` is the
/// short form.
fn start(section: &mut Section<'_>) -> Option<DoubleOptInStart> {
    let short = section.optional("double_opt_in_event");
    let long = section.optional("double_opt_in");
    match (short, long) {
        (Some(short), None) => short.parsed(event_name).map(DoubleOptInStart::Event),
        (None, Some(long)) => long_form(&long),
        (Some(_), Some(long)) => {
            long.fault("says the same as double_opt_in_event: give one of them");
            None
        }
        (None, None) => {
            section.missing("double_opt_in_event");
            None
        }
    }
}

fn long_form(field: &Field<'_>) -> Option<DoubleOptInStart> {
    let before = field.source.faults();
    let mut section = field.section(keys::DOUBLE_OPT_IN)?;
    let event = section.optional("event").map(|event| event.parsed(event_name));
    let logic = section.optional("braze_logic").map(|logic| logic.boolean());
    section.finish();
    match (event, logic) {
        (Some(event), None) => event.map(DoubleOptInStart::Event),
        (None, Some(Some(true))) => Some(DoubleOptInStart::BrazeLogic),
        // The fault inside was reported already.
        _ if field.source.faults() > before => None,
        _ => {
            field.fault("must be { event = \"name\" } or { braze_logic = true }");
            None
        }
    }
}
