//! What a person at a terminal reads. Logs go through `tracing`.

/// Says something on standard output.
#[expect(clippy::print_stdout, reason = "this is what the command line says to its user")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Says on standard error why the program ends.
#[expect(clippy::print_stderr, reason = "this is what the command line says to its user")]
pub(crate) fn complain(text: &str) {
    eprintln!("quikly-braze: {text}");
}
