//! Converts TOML to a checked brand, with one function for each table.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use crate::brand::{
    Activation, Brand, BrazeLimits, BrazeUrl, BrazeWorkspace, Identity, IdentityByPhone, LookUp,
    PhoneMismatch, SettleBy,
};
use crate::brand_file::claims::Unique;
use crate::brand_file::duration::{OF_HINTS, OF_RETENTION, OF_SETTLE};
use crate::brand_file::keys;
use crate::brand_file::reading::Reading;
use crate::brand_file::secrets::SecretPurpose;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::{count, private, secret};
use crate::brand_file::{Resolver, access, activation, pools};
use crate::ids::BrandId;

/// How long participations are kept unless the brand file says otherwise.
const RETENTION: Duration = Duration::from_secs(90 * 86_400);

const DEFAULT_SETTLE: Duration = Duration::from_secs(120);
const DEFAULT_HINT_FRESH: Duration = Duration::from_secs(10 * 60);
const DEFAULT_EXPORTS: NonZeroU32 = NonZeroU32::new(250).unwrap();

/// Braze's documented limit of `/users/track`, for contracts that name none.
const DEFAULT_TRACK_PER_3S: NonZeroU32 = NonZeroU32::new(3_000).unwrap();
/// Braze's hard limit on the objects of one `/users/track` request.
const MOST_TRACK_OBJECTS: NonZeroU32 = NonZeroU32::new(75).unwrap();

/// Reads one file.
pub(super) fn brand<'a>(table: &'a Spanned<DeTable<'a>>, reading: &mut Reading<'a, '_>) -> Option<Brand> {
    let resolver = reading.resolver;
    let mut root = Section::new(reading.source, String::new(), 0..0, (keys::TOP, table.get_ref()));
    let id = root.required("id").and_then(|field| {
        let id = field.parsed(BrandId::parse)?;
        reading.claims.add(&field, Unique::Id(id.clone())).then_some(id)
    });
    let braze_field = root.required("braze");
    let braze = braze_field.as_ref().and_then(|field| workspace(field.section(keys::BRAZE)?, resolver));
    let webhook_field = root.optional("webhook");
    let webhook = webhook_field
        .as_ref()
        .and_then(|field| Some(access::webhook(field.section(keys::WEBHOOK)?, reading)));
    reading.has_tokens = webhook_field.is_some();
    let intake =
        root.optional("intake").and_then(|field| Some(access::intake(field.section(keys::INTAKE)?, reading)));
    let callback = root
        .optional("callback")
        .and_then(|field| access::callback(field.section(keys::CALLBACK)?, resolver));
    let retention = root.optional("retention").map_or(Some(RETENTION), |field| OF_RETENTION.read(&field));
    let mut activations = BTreeMap::new();
    for section in root.sections("activation", keys::ACTIVATION) {
        if let Some(activation) = activation::activation(section, reading) {
            activations.insert(activation.scope.clone(), activation);
        }
    }
    pools::check(&activations, reading);
    let without_events = activations.values().all(|activation| activation.events.is_empty());
    if let Some(field) = webhook_field.filter(|_| without_events && reading.source.faults() == 0) {
        field.doubt("is of no use: no activation has events");
    }
    let by_address = braze.as_ref().is_some_and(|braze| braze.identity == Identity::Email);
    if let Some(field) =
        braze_field.as_ref().filter(|_| by_address && activations.values().any(asks_profiles))
    {
        field.fault("identity = \"email\" does not go with opt_in = \"double\" in [activation.email] unless that names a subscription_group_id: Braze shows no profile by its address in a request with others");
    }
    if let Some(field) =
        braze_field.filter(|_| by_address && activations.values().any(Activation::is_read_back))
    {
        field.doubt("identity = \"email\" means that rewards and events are not read back: Braze takes one for a profile that is merged or deleted at that moment, and it is lost");
    }
    root.finish();
    Some(Brand {
        id: id?,
        braze: braze?,
        webhook_tokens: webhook.unwrap_or_default(),
        intake: intake.unwrap_or_default(),
        callback,
        retention: retention?,
        activations,
    })
}

/// Whether profiles are asked whether their consumers have confirmed by e-mail.
fn asks_profiles(activation: &Activation) -> bool {
    let opt_in = activation.email.as_ref().and_then(|email| email.opt_in.as_ref());
    opt_in.is_some_and(|opt_in| opt_in.group.is_none())
}

fn workspace(mut section: Section<'_>, resolver: &dyn Resolver) -> Option<BrazeWorkspace> {
    let endpoint = section.required("endpoint").and_then(|field| {
        let endpoint = field.parsed(BrazeUrl::parse)?;
        if endpoint.is_loopback() {
            private(&field, resolver, "is on this machine");
        }
        Some(endpoint)
    });
    let api_key =
        section.required("api_key").and_then(|field| secret(&field, SecretPurpose::BrazeKey, resolver));
    let limits = match section.optional("limits") {
        Some(field) => field.section(keys::LIMITS).map(limits),
        None => Some(BrazeLimits {
            export_ids_per_minute: DEFAULT_EXPORTS,
            track_objects: MOST_TRACK_OBJECTS,
            track_per_array: false,
            track_per_3s: DEFAULT_TRACK_PER_3S,
            track_per_hour: None,
        }),
    };
    let settle = section.optional("settle").map_or(Some(DEFAULT_SETTLE), |field| OF_SETTLE.read(&field));
    let hint_fresh =
        section.optional("hint_fresh").map_or(Some(DEFAULT_HINT_FRESH), |field| OF_HINTS.read(&field));
    let identity = section.optional("identity").map_or(Some(Identity::Alias), |field| {
        field.word(&[("alias", Identity::Alias), ("email", Identity::Email)])
    });
    let identity_by_phone =
        section.optional("identity_by_phone").map_or(Some(IdentityByPhone::Alias), |field| by_phone(&field));
    let look_up = section.optional("look_up").map_or(Some(LookUp::ByContact), |field| {
        field.word(&[("contact", LookUp::ByContact), ("alias_first", LookUp::ByAliasFirst)])
    });
    let on_phone_mismatch =
        section.optional("on_phone_mismatch").map_or(Some(PhoneMismatch::Skip), |field| {
            field.word(&[("update", PhoneMismatch::Update), ("skip", PhoneMismatch::Skip)])
        });
    let settle_by = section.optional("settle_by").map_or(Some(SettleBy::Schedule), |field| {
        field.word(&[("schedule", SettleBy::Schedule), ("queue", SettleBy::Queue)])
    });
    section.finish();
    Some(BrazeWorkspace {
        endpoint: endpoint?,
        api_key: api_key?,
        limits: limits?,
        settle: settle?,
        identity: identity?,
        identity_by_phone: identity_by_phone?,
        look_up: look_up?,
        on_phone_mismatch: on_phone_mismatch?,
        settle_by: settle_by?,
        hint_fresh: hint_fresh?,
    })
}

fn by_phone(field: &Field<'_>) -> Option<IdentityByPhone> {
    let identity = field.word(&[("alias", IdentityByPhone::Alias), ("phone", IdentityByPhone::Phone)])?;
    if identity == IdentityByPhone::Phone {
        field.doubt("is risky: Braze does not confirm that a write by number creates a profile; nothing is read back; an address that comes with the number is not written");
    }
    Some(identity)
}

fn limits(mut section: Section<'_>) -> BrazeLimits {
    let per_minute = section.optional("export_ids_per_minute").and_then(|field| count(&field, u32::MAX));
    let objects = section.optional("track_objects").and_then(|field| count(&field, MOST_TRACK_OBJECTS.get()));
    let per_array = section.optional("track_per_array").and_then(|field| field.boolean());
    let per_3s = section.optional("track_per_3s").and_then(|field| count(&field, u32::MAX));
    let per_hour = section.optional("track_per_hour").and_then(|field| count(&field, u32::MAX));
    section.finish();
    BrazeLimits {
        export_ids_per_minute: per_minute.unwrap_or(DEFAULT_EXPORTS),
        track_objects: objects.unwrap_or(MOST_TRACK_OBJECTS),
        track_per_array: per_array.unwrap_or(false),
        track_per_3s: per_3s.unwrap_or(DEFAULT_TRACK_PER_3S),
        track_per_hour: per_hour,
    }
}
