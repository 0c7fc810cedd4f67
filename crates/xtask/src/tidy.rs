//! Checks the house rules.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

use crate::cycles;
use crate::names::TypeNames;
use crate::rules::{
    EMPTY_NAMES, FUNCTIONS, LONGEST_FILE, LONGEST_MAIN, MAY_USE, NEVER_IN_DOMAIN, ONLY_IN, SAME_NAME,
};

/// Runs all checks. The error lists every fault.
pub(crate) fn check() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec().context("cargo metadata")?;
    let mut faults = Vec::new();
    let mut types = TypeNames::default();
    for package in metadata.workspace_packages() {
        faults.extend(dependencies(package));
        let directory = package.manifest_path.as_std_path().parent().context("a manifest has a directory")?;
        faults.extend(crate_files(package, directory)?);
        for target in &package.targets {
            let cycles = cycles::of_crate(&target.name, target.src_path.as_std_path())?;
            faults.extend(cycles.into_iter().map(|cycle| cycle.to_string()));
        }
        for file in sources(directory)? {
            faults.extend(source(&file)?);
            let shown = file.strip_prefix(&metadata.workspace_root).unwrap_or(&file);
            types.add(shown, &fs::read_to_string(&file)?);
        }
    }
    faults.extend(types.twice(SAME_NAME));
    faults.extend(types.needlessly(SAME_NAME));
    ensure!(faults.is_empty(), "{} rule(s) broken:\n  {}", faults.len(), faults.join("\n  "));
    Ok(())
}

fn dependencies(package: &Package) -> Vec<String> {
    let is_function = package.manifest_path.iter().any(|part| part == FUNCTIONS);
    let name = package.name.as_str();
    let ruled = if is_function { FUNCTIONS } else { name };
    let Some((_, may_use)) = MAY_USE.iter().find(|(of, _)| *of == ruled) else {
        return vec![format!("{name}: crates/xtask/src/rules.rs does not say what it may use")];
    };
    let outside_tests =
        package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    outside_tests.filter_map(|dependency| forbidden(name, may_use, dependency)).collect()
}

fn forbidden(name: &str, may_use: &[&str], dependency: &Dependency) -> Option<String> {
    let used = dependency.name.as_str();
    let is_ours = dependency.path.is_some();
    if is_ours && !may_use.contains(&used) {
        return Some(format!("{name} must not use {used}"));
    }
    let reserved = ONLY_IN.iter().find(|(start, _)| used.starts_with(start));
    if reserved.is_some_and(|(_, only)| !only.contains(&name)) {
        return Some(format!("{name} must not use {used}"));
    }
    let impure = name == "domain" && NEVER_IN_DOMAIN.contains(&used);
    impure.then(|| format!("domain is pure: it must not use {used}"))
}

fn crate_files(package: &Package, directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    if !directory.join("README.md").exists() {
        faults.push(format!("{} has no README.md", package.name));
    }
    let manifest = fs::read_to_string(directory.join("Cargo.toml"))?;
    if !manifest.contains("[lints]\nworkspace = true") {
        faults.push(format!("{} does not use the workspace's lints", package.name));
    }
    Ok(faults)
}

fn sources(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn source(path: &Path) -> anyhow::Result<Vec<String>> {
    let shown = path.display();
    let text = fs::read_to_string(path)?;
    let mut faults = Vec::new();
    if text.lines().count() > LONGEST_FILE {
        faults.push(format!("{shown} has over {LONGEST_FILE} lines: split it"));
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        faults.push(format!("{shown}: the name says nothing about the contents"));
    }
    if let Some(length) = main_length(&text)
        && length > LONGEST_MAIN
    {
        faults.push(format!("{shown}: main has {length} lines, {LONGEST_MAIN} are allowed"));
    }
    Ok(faults)
}

/// The number of lines of `fn main`, up to its closing brace.
fn main_length(text: &str) -> Option<usize> {
    let mut lines = text.lines().skip_while(|line| !line.contains("fn main("));
    lines.next()?;
    lines.position(|line| line == "}").map(|position| position + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_main_is_counted_to_its_brace() {
        assert_eq!(main_length("use a;\n\nfn main() {\n    b();\n}\n\nfn b() {}\n"), Some(3));
        assert_eq!(main_length("fn b() {}\n"), None);
    }

    #[test]
    fn this_workspace_keeps_the_rules() {
        check().unwrap();
    }
}
