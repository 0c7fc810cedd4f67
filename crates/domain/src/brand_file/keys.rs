//! Every table that a brand file may have, with its keys. The reader accepts no other key, and
//! docs/brand-file.md has a row for each.

/// A table of a brand file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// How the table is written in a file, such as `[[activation]]`, or a phrase for a table without a
    /// heading of its own. docs/brand-file.md uses it as the heading of the table's keys.
    pub title: &'static str,
    /// The keys; empty if the brand chooses the names, as in a table of attributes.
    pub keys: &'static [&'static str],
}

const fn table(title: &'static str, keys: &'static [&'static str]) -> Table {
    Table { title, keys }
}

pub(super) const TOP: Table =
    table("Top of the file", &["id", "retention", "braze", "webhook", "intake", "callback", "activation"]);
pub(super) const BRAZE: Table = table(
    "[braze]",
    &[
        "endpoint",
        "api_key",
        "settle",
        "settle_by",
        "hint_fresh",
        "identity",
        "identity_by_phone",
        "look_up",
        "on_phone_mismatch",
        "limits",
    ],
);
pub(super) const LIMITS: Table = table(
    "[braze.limits]",
    &["export_ids_per_minute", "track_objects", "track_per_array", "track_per_3s", "track_per_hour"],
);
pub(super) const SECRET: Table = table("A secret", &["env", "ssm"]);
pub(super) const WEBHOOK: Table = table("[webhook]", &["tokens_sha256"]);
pub(super) const INTAKE: Table =
    table("[intake]", &["origins", "signing_secret", "open_to_anybody", "repeats"]);
pub(super) const CALLBACK: Table = table("[callback]", &["url", "secret", "allow_private"]);
pub(super) const ACTIVATION: Table = table(
    "[[activation]]",
    &[
        "scope",
        "opens",
        "closes",
        "most_participations",
        "email",
        "sms",
        "events",
        "attributes",
        "consent",
        "incentive",
        "rewards_to_braze",
    ],
);
pub(super) const EMAIL: Table = table(
    "[activation.email]",
    &["attributes", "event", "credit", "incentive", "opt_in", "subscription_group_id", "window", "poll"],
);
pub(super) const SMS: Table = table(
    "[activation.sms]",
    &[
        "subscription_group_id",
        "default_region",
        "regions",
        "fixed_lines",
        "incentive",
        "opt_in",
        "subscribe",
        "double_opt_in_event",
        "double_opt_in",
        "window",
        "poll",
    ],
);
pub(super) const DOUBLE_OPT_IN: Table = table("double_opt_in", &["event", "braze_logic"]);
pub(super) const POLL: Table = table("A stage of poll", &["every", "for"]);
pub(super) const EVENT: Table =
    table("[activation.events.NAME]", &["attributes", "extras", "repeatable", "incentive"]);
pub(super) const EXTRA: Table = table("An entry of extras", &["name", "type"]);
/// The other keys of this table are names of attributes.
pub(super) const ATTRIBUTES: Table = table("[activation.attributes]", &["overwrite"]);
pub(super) const ATTRIBUTE: Table = table(
    "[activation.attributes.NAME]",
    &["type", "required", "min_length", "max_length", "pattern", "choices", "min", "max", "most"],
);
pub(super) const CONSENT: Table = table(
    "[activation.consent]",
    &["texts", "email", "sms", "email_subscribe", "email_groups", "sms_groups", "source"],
);
pub(super) const CONSENT_EMAIL: Table = table("[activation.consent.email]", &["email"]);
pub(super) const CONSENT_SMS: Table = table("[activation.consent.sms]", &["email", "sms"]);
pub(super) const REWARDS_TO_BRAZE: Table =
    table("[activation.rewards_to_braze]", &["reward", "position", "incentive", "event"]);
pub(super) const INCENTIVE: Table = table(
    "[[activation.incentive]]",
    &[
        "id",
        "kind",
        "opens",
        "closes",
        "quantity",
        "reward",
        "codes",
        "consolation",
        "tiers",
        "since",
        "steps",
        "from",
        "to",
        "over",
        "step",
        "round_to",
        "round",
        "odds",
        "draw_after",
    ],
);
pub(super) const TIER: Table = table("An entry of tiers", &["up_to", "reward", "codes"]);
pub(super) const STEP: Table = table("An entry of steps", &["within", "reward", "codes"]);

/// A table with names that the brand chooses: of attributes or events.
pub(super) const NAMES: Table = table("Names", &[]);

/// Every table with fixed keys, in the order of a file.
pub const TABLES: [Table; 23] = [
    TOP,
    BRAZE,
    LIMITS,
    SECRET,
    WEBHOOK,
    INTAKE,
    CALLBACK,
    ACTIVATION,
    EMAIL,
    SMS,
    DOUBLE_OPT_IN,
    POLL,
    EVENT,
    EXTRA,
    ATTRIBUTES,
    ATTRIBUTE,
    CONSENT,
    CONSENT_EMAIL,
    CONSENT_SMS,
    REWARDS_TO_BRAZE,
    INCENTIVE,
    TIER,
    STEP,
];
