//! `completions` and `man`: what shells and people read about the commands.

use clap::CommandFactory;
use clap_complete::generate;

use crate::arguments::{Arguments, Completions};
use crate::console;

const NAME: &str = "quikly-braze";

/// Prints a script for a shell.
pub(crate) fn completions(arguments: &Completions) {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    console::say(String::from_utf8_lossy(&script).trim_end());
}

/// Prints the manual page.
///
/// # Errors
/// If it cannot be rendered.
pub(crate) fn page() -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command().name(NAME)).render(&mut page)?;
    console::say(String::from_utf8_lossy(&page).trim_end());
    Ok(())
}
