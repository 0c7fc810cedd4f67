//! The real connector and a simulated workspace in one process, under a paused clock: hours pass in milliseconds, and every run is the
//! same.

mod answers;
mod awards;
mod certainty;
mod consent;
mod consent_register;
mod details;
mod drain;
mod every_message;
mod fairness;
mod mail_opt_in;
mod one_person;
mod panics;
mod people;
mod read_back;
mod refused_key;
mod removals;
mod requests;
mod sms;
mod speed;
mod stop;
mod surveys;
mod together;
mod unchanged;
mod unreadable;
mod writes;
