//! Which crate may use which. Dependencies run downwards: what is not listed here is not allowed.

/// Stands for every crate in `crates/functions`.
pub(crate) const FUNCTIONS: &str = "functions";

/// Each crate of ours, and the crates of ours that it may use outside of its tests.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("aws", &["domain", "ports", "stored"]),
    ("braze", &[]),
    ("metrics", &["domain"]),
    ("braze-sim", &[]),
    ("callback", &[]),
    ("ports", &["domain", "stored"]),
    ("reports", &["domain", "ports"]),
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
            "reports",
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

/// Third-party crates that only some of ours may use: the start of the name, and the crates that may use it.
pub(crate) const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["benches", "embedded"]),
    ("aws-", &["aws"]),
    ("reqwest", &["braze", "callback", "testkit"]),
    ("axum", &["benches", "braze-sim", "fuzz", "intake", "lambda", "quikly-braze", "testkit"]),
];

/// What the pure crate must not use: async, I/O, clocks, randomness, and formats that would tie it to a protocol.
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

/// File names that say nothing about the contents.
pub(crate) const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

/// The most lines of a source file. A longer file should be split.
pub(crate) const LONGEST_FILE: usize = 400;

/// The most lines of a `main`. A longer one does work that belongs elsewhere.
pub(crate) const LONGEST_MAIN: usize = 40;

/// Names that several types have, with the reason.
pub(crate) const SAME_NAME: &[(&str, &str)] = &[(
    "Error",
    "a crate that can fail has one error, which is named with its crate: `braze::Error`, `ports::Error`",
)];
