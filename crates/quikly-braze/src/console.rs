//! Output for a person at a terminal. Logs go through `tracing`.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use ports::error::in_full;

/// Why standard output can no longer be written. A command continues without it, so that its effect does not depend on its reader.
static BROKEN: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line on standard output. [`finish`] reports it if it cannot be written.
pub(crate) fn say(text: &str) {
    let mut broken = BROKEN.lock();
    if broken.is_none() {
        *broken = line(&mut io::stdout().lock(), text).err();
    }
}

/// Whether standard output can no longer be written, for example because its reader has closed it.
pub(crate) fn is_broken() -> bool {
    BROKEN.lock().is_some()
}

fn line(output: &mut impl Write, text: &str) -> io::Result<()> {
    output.write_all(text.as_bytes())?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Reports whether everything was printed.
///
/// # Errors
/// When standard output could not be written, unless its reader has simply closed it.
pub(crate) fn finish() -> anyhow::Result<()> {
    read_or_full(BROKEN.lock().take().map_or(Ok(()), Err))
}

/// Prints clap's message: help and the version on standard output, faults in the arguments on standard error.
///
/// # Errors
/// The same as [`finish`].
pub(crate) fn say_of_arguments(said: &clap::Error) -> anyhow::Result<()> {
    read_or_full(said.print())
}

/// A reader that has read enough, such as `head`, is not a failure.
pub(crate) fn read_or_full(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// Prints on standard error why the program ends. If that cannot be written either, the exit code remains.
pub(crate) fn complain(error: &anyhow::Error) {
    let _nobody_reads = line(&mut io::stderr().lock(), &format!("quikly-braze: {}", in_full(&**error)));
}

/// Prints a warning on standard error.
pub(crate) fn warn(text: &str) {
    let _nobody_reads = line(&mut io::stderr().lock(), &format!("quikly-braze: {text}"));
}

/// Shows how far a long piece of work is, on standard error. If that is not a terminal, nothing is shown.
#[expect(clippy::expect_used, reason = "the template is a constant, and a test draws it")]
pub(crate) fn progress(what: String, steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {human_pos} of {human_len}, {eta} left");
    let style = style.expect("the template of progress bars is correct").progress_chars("=> ");
    ProgressBar::new(steps as u64).with_style(style).with_message(what)
}

/// Prompts for a line of input. The prompt goes to standard error, because standard output is for results.
pub(crate) fn ask(what: &str) {
    let mut terminal = io::stderr().lock();
    let _nobody_reads = write!(terminal, "{what}: ").and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests;
