//! What a person at a terminal reads. Logs go through `tracing`.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use parking_lot::Mutex;
use ports::error::in_full;

/// Why standard output takes no more. Work goes on without it: what a command does must not depend on who reads what it says.
static BROKEN: Mutex<Option<io::Error>> = Mutex::new(None);

/// Says something on standard output. What cannot be written is reported by [`finish`].
pub(crate) fn say(text: &str) {
    let mut broken = BROKEN.lock();
    if broken.is_none() {
        *broken = line(&mut io::stdout().lock(), text).err();
    }
}

fn line(output: &mut impl Write, text: &str) -> io::Result<()> {
    output.write_all(text.as_bytes())?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Whether everything was said.
///
/// # Errors
/// When standard output could not be written, unless its reader has only gone away.
pub(crate) fn finish() -> anyhow::Result<()> {
    read_or_full(BROKEN.lock().take().map_or(Ok(()), Err))
}

/// Says what clap has to say: help and the version on standard output, what is wrong with the arguments on standard error.
///
/// # Errors
/// As [`finish`].
pub(crate) fn say_of_arguments(said: &clap::Error) -> anyhow::Result<()> {
    read_or_full(said.print())
}

/// A reader that has seen enough, such as `head`, is no fault.
fn read_or_full(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// Says on standard error why the program ends. When that cannot be written either, only the exit code is left to tell.
pub(crate) fn complain(error: &anyhow::Error) {
    let _nobody_reads = line(&mut io::stderr().lock(), &format!("quikly-braze: {}", in_full(&**error)));
}

/// Asks for something that is typed next. Standard output is for what a command says.
pub(crate) fn ask(what: &str) {
    let mut terminal = io::stderr().lock();
    let _nobody_reads = write!(terminal, "{what}: ").and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests;
