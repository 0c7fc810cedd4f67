//! Third-party programs, built into `target/tools`.

use std::path::PathBuf;
use std::process::Command;

/// A program in a fixed version, so that runs can be repeated.
pub(crate) struct Tool {
    /// The name of the crate and of its program.
    pub(crate) name: &'static str,
    /// The version that is installed.
    pub(crate) version: &'static str,
    /// Further arguments for `cargo install`.
    pub(crate) features: &'static [&'static str],
}

impl Tool {
    /// The path of the program. It is built first unless this version is there, without optimisation, since it only runs for a second.
    ///
    /// # Errors
    /// When it cannot be built.
    pub(crate) fn installed(&self) -> anyhow::Result<PathBuf> {
        let root = PathBuf::from("target/tools");
        let program = root.join("bin").join(self.name);
        let version = Command::new(&program).arg("--version").output();
        if version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(self.version)) {
            return Ok(program);
        }
        let root = root.to_string_lossy().into_owned();
        let mut install = vec!["install", "--quiet", "--locked", "--debug", "--force", "--root", &root];
        install.extend(self.features);
        install.extend(["--version", self.version, self.name]);
        crate::cargo(&install)?;
        Ok(program)
    }
}
