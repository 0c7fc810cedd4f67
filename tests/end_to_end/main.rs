//! The real binary and a simulated workspace: real processes, real sockets, real files.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod abuse;
mod aws;
mod bad_input;
mod brand_files;
mod callbacks;
mod check_secrets;
mod codes;
mod details;
mod disk;
mod enrollment;
mod front_end;
mod hot_incentive;
mod http_rules;
mod kills;
mod logs;
mod lost_log;
mod metrics;
mod mismatch;
mod on_aws;
mod operations;
mod output;
mod people;
mod process;
mod quikly;
mod refusals;
mod room;
mod safekeeping;
mod secrets;
mod server;
mod sms;
mod start_and_stop;
mod stopping;
mod unanswered;
mod webhook;
mod workspace;
