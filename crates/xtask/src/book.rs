//! The book of all documents, which mdbook builds from docs/SUMMARY.md.
//!
//! The documents link to each other by their paths in the repository, and some lie outside of `docs/`. So the pages of the summary, and
//! the files that they link to, are copied to the same paths under `target/book/src`. Every link then works there as it does here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::tool::Tool;

const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    // The server and the watcher are left out, because they are half of the build.
    features: &["--no-default-features", "--features", "search"],
};

const SUMMARY: &str = "docs/SUMMARY.md";
const PAGES: &str = "target/book/src";

/// Copies the pages together and builds the book.
pub(crate) fn make() -> anyhow::Result<()> {
    let program = MDBOOK.installed()?;
    gather()?;
    let status = Command::new(program).arg("build").status().context("mdbook does not start")?;
    ensure!(status.success(), "the book cannot be built");
    Ok(())
}

fn gather() -> anyhow::Result<()> {
    if Path::new(PAGES).exists() {
        fs::remove_dir_all(PAGES)?;
    }
    let summary = fs::read_to_string(SUMMARY).context(SUMMARY)?;
    let mut chapters = BTreeSet::new();
    let mut moved = summary.clone();
    for target in targets(&summary) {
        let path = beside(Path::new(SUMMARY), target).with_context(|| format!("{SUMMARY}: {target}"))?;
        moved = moved.replace(&format!("]({target})"), &format!("]({})", path.display()));
        chapters.insert(path);
    }
    let mut linked = BTreeSet::new();
    for chapter in &chapters {
        let text = fs::read_to_string(chapter).with_context(|| chapter.display().to_string())?;
        linked.extend(
            targets(&text).filter_map(|target| beside(chapter, target)).filter(|path| path.is_file()),
        );
    }
    for path in chapters.union(&linked) {
        let to = Path::new(PAGES).join(path);
        fs::create_dir_all(to.parent().context("a page has a directory")?)?;
        if chapters.contains(path) {
            fs::write(to, as_index(&fs::read_to_string(path)?))?;
        } else {
            fs::copy(path, to).with_context(|| path.display().to_string())?;
        }
    }
    fs::write(Path::new(PAGES).join("SUMMARY.md"), moved)?;
    Ok(())
}

/// Rewrites links to READMEs: mdbook turns every README into an index, but leaves the links to it.
fn as_index(page: &str) -> String {
    page.replace("README.md)", "index.md)").replace("README.md#", "index.md#")
}

/// The link targets of a page that are in the repository. Whether every link leads somewhere is checked in tests/documents.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()).filter(|target| {
        let outside = target.contains("://") || target.is_empty() || target.contains(char::is_whitespace);
        !outside
    })
}

/// The path of a link's target from the root of the repository; `None` when it leads out of it.
fn beside(page: &Path, target: &str) -> Option<PathBuf> {
    let mut path = page.parent()?.to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir if path.pop() => {}
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_from_its_pages_directory() {
        let beside =
            |page: &str, target| beside(Path::new(page), target).map(|path| path.display().to_string());
        assert_eq!(beside("docs/aws.md", "../README.md").as_deref(), Some("README.md"));
        assert_eq!(beside("crates/domain/README.md", "../../deny.toml").as_deref(), Some("deny.toml"));
        assert_eq!(beside("README.md", "docs/aws.md").as_deref(), Some("docs/aws.md"));
        assert_eq!(beside("README.md", "../else.md"), None);
    }

    #[test]
    fn links_out_of_the_repository_are_left_out() {
        let text = "[a](a.md) [b](https://b.example) [c](#c) [d](d.md#e)";
        assert_eq!(targets(text).collect::<Vec<_>>(), ["a.md", "d.md"]);
    }
}
