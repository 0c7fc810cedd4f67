//! Who may know whom. Dependencies run downward: what is not listed here is not allowed.

/// Stands for every crate in `crates/functions`.
pub(crate) const FUNCTIONS: &str = "functions";

/// A crate of ours, and which of ours it may use outside of its tests.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("aws", &["domain", "ports", "stored"]),
    ("braze", &[]),
    ("metrics", &["domain"]),
    ("braze-sim", &[]),
    ("callback", &[]),
    ("ports", &["domain", "stored"]),
    ("stored", &["domain"]),
    ("supervision", &["domain", "ports"]),
    ("intake", &["domain", "ports", "stored", "supervision"]),
    ("connector", &["braze", "callback", "domain", "metrics", "ports", "supervision"]),
    ("embedded", &["domain", "ports", "stored", "supervision"]),
    ("memory", &["domain", "ports", "stored"]),
    (
        "lambda",
        &["aws", "braze", "callback", "connector", "domain", "intake", "metrics", "ports", "supervision"],
    ),
    (FUNCTIONS, &["lambda"]),
    (
        "quikly-braze",
        &[
            "aws",
            "braze",
            "braze-sim",
            "callback",
            "connector",
            "domain",
            "embedded",
            "intake",
            "metrics",
            "ports",
            "supervision",
        ],
    ),
    ("xtask", &[]),
    (
        "testkit",
        &[
            "aws",
            "braze",
            "braze-sim",
            "callback",
            "connector",
            "domain",
            "intake",
            "lambda",
            "memory",
            "ports",
            "supervision",
        ],
    ),
    ("fuzz", &["braze", "domain", "intake", "memory", "ports"]),
    ("tests", &[]),
    ("hello-world", &[]),
    ("benches", &["domain", "embedded", "intake", "ports", "supervision", "testkit"]),
];

/// Crates of others that only some of ours may name: the start of the name, and who may.
pub(crate) const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["benches", "embedded"]),
    ("aws-", &["aws"]),
    ("reqwest", &["braze", "callback", "testkit"]),
    ("axum", &["benches", "braze-sim", "fuzz", "intake", "lambda", "quikly-braze", "testkit"]),
];

/// What the pure half must not name: async, I/O, clocks, randomness, and formats that would tie it to a wire.
pub(crate) const NEVER_IN_DOMAIN: &[&str] = &[
    "async-trait",
    "axum",
    "fastrand",
    "futures",
    "getrandom",
    "http",
    "hyper",
    "rand",
    "reqwest",
    "rusqlite",
    "serde",
    "serde_json",
    "tokio",
    "tracing",
];

/// Names that say nothing of what is inside.
pub(crate) const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

/// A source file longer than this is two rooms.
pub(crate) const LONGEST_FILE: usize = 400;

/// A `main` longer than this does something that belongs elsewhere.
pub(crate) const LONGEST_MAIN: usize = 40;

/// Modules whose children still form cycles, and tests whose modules do. Nothing is to be added here.
pub(crate) const TANGLED: &[&str] = &["contract", "domain::brand_file", "end_to_end"];

/// Names that several types have, and why.
pub(crate) const SAME_NAME: &[(&str, &str)] = &[(
    "Error",
    "a crate that can fail has one error, which is named with its crate: `braze::Error`, `ports::Error`",
)];
