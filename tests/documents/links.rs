//! Tests that every link leads somewhere.

use std::path::{Component, Path, PathBuf};

use crate::markdown::{Document, all, root};

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let documents = all();
    let mut dead = Vec::new();
    for document in &documents {
        for link in &document.links {
            if link.contains("://") || link.starts_with("mailto:") || is_to_code(document, link) {
                continue;
            }
            let (path, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(path, at)| (path, Some(at)));
            let target = if path.is_empty() { document.path.clone() } else { beside(&document.path, path) };
            let leads = match anchor {
                None => root().join(&target).exists(),
                Some(anchor) => documents
                    .iter()
                    .any(|other| other.path == target && other.anchors().iter().any(|known| known == anchor)),
            };
            if !leads {
                dead.push(format!("{}: {link}", document.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "these links lead nowhere:\n  {}", dead.join("\n  "));
}

/// Whether a link names an item of the code. In a crate's README, the front page of its documentation, it may; `cargo doc` checks those.
fn is_to_code(document: &Document, link: &str) -> bool {
    document.path.starts_with("crates") && (link.contains("::") || !link.contains(['.', '/', '#']))
}

/// The path of a link's target, from the root of the repository.
fn beside(document: &Path, link: &str) -> PathBuf {
    let mut path = document.parent().unwrap().to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{}: {link} leads out", document.display()),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_document_is_in_the_book() {
    let summary = Document::read("docs/SUMMARY.md");
    let listed: Vec<PathBuf> = summary.links.iter().map(|link| beside(&summary.path, link)).collect();
    let pages = all().into_iter().map(|document| document.path).filter(|path| {
        let top = path.parent() == Some(Path::new(""));
        (top || path.starts_with("docs")) && *path != summary.path
    });
    let missing: Vec<PathBuf> = pages.filter(|path| !listed.contains(path)).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not list {missing:?}");
}
