//! The documents, parsed as Markdown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A document.
pub(crate) struct Document {
    /// Its path, from the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) headings: Vec<Heading>,
    pub(crate) links: Vec<String>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) tables: Vec<MarkdownTable>,
}

pub(crate) struct Heading {
    pub(crate) level: HeadingLevel,
    /// The text, without markup.
    pub(crate) text: String,
}

/// A block of code.
pub(crate) struct Block {
    /// The language that its fence names; empty for an indented block.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// A table under a heading.
pub(crate) struct MarkdownTable {
    /// The last heading before it.
    pub(crate) under: String,
    /// The text of the first cell of each row, without the header.
    pub(crate) first_cells: Vec<String>,
}

impl Document {
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self::parse(PathBuf::from(path), &text)
    }

    fn parse(path: PathBuf, text: &str) -> Self {
        let mut document =
            Self { path, headings: Vec::new(), links: Vec::new(), blocks: Vec::new(), tables: Vec::new() };
        let (mut said, mut cell) = (String::new(), 0);
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    said.clear();
                    document.headings.push(Heading { level, text: String::new() });
                }
                Event::End(TagEnd::Heading(_)) => {
                    document.headings.last_mut().unwrap().text = said.clone();
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.to_string());
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    said.clear();
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    document.blocks.push(Block { language, text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => {
                    document.blocks.last_mut().unwrap().text = said.clone();
                }
                Event::Start(Tag::Table(_)) => {
                    let under = document.headings.last().map(|heading| heading.text.clone());
                    document
                        .tables
                        .push(MarkdownTable { under: under.unwrap_or_default(), first_cells: Vec::new() });
                }
                Event::Start(Tag::TableRow) => cell = 0,
                Event::Start(Tag::TableCell) => said.clear(),
                Event::End(TagEnd::TableCell) => {
                    cell += 1;
                    let table = document.tables.last_mut().unwrap();
                    if cell == 1 {
                        table.first_cells.push(said.clone());
                    }
                }
                Event::End(TagEnd::TableHead) => {
                    document.tables.last_mut().unwrap().first_cells.clear();
                }
                Event::Start(Tag::TableHead) => cell = 0,
                Event::Text(text) | Event::Code(text) => said.push_str(&text),
                _ => {}
            }
        }
        document
    }

    /// The anchors of its headings, as Git hosts and mdbook make them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let anchor = |heading: &Heading| {
            let plain = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
            let base: String = heading.text.to_lowercase().chars().filter(plain).collect();
            let base = base.replace(' ', "-");
            let times = seen.entry(base.clone()).or_default();
            *times += 1;
            if *times == 1 { base } else { format!("{base}-{}", *times - 1) }
        };
        self.headings.iter().map(anchor).collect()
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Markdown document of the repository.
pub(crate) fn all() -> Vec<Document> {
    let documents: Vec<Document> =
        files("md").iter().map(|path| Document::read(&path.display().to_string())).collect();
    assert!(documents.len() > 20, "only {} documents were found", documents.len());
    documents
}

/// Every file with this ending, by its path from the root of the repository, in the order of names.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let (mut found, mut directories) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (directory.join(entry.file_name()), entry.file_name());
            let is_made = ["target", ".git", "node_modules"].iter().any(|made| name == *made);
            if entry.path().is_dir() && !is_made {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn headings_tables_blocks_and_links_are_found() {
    let text = "# A `b.c`\n\n[x](y.md#z)\n\n| k | v |\n| --- | --- |\n| `k1` | 1 |\n| `k2` | [a](b) |\n\n## A b.c\n\n```json\n{}\n```\n";
    let document = Document::parse(PathBuf::new(), text);
    assert_eq!(document.anchors(), ["a-bc", "a-bc-1"]);
    assert_eq!(document.links, ["y.md#z", "b"]);
    assert_eq!(document.tables[0].first_cells, ["k1", "k2"]);
    assert_eq!(document.tables[0].under, "A b.c");
    assert_eq!((document.blocks[0].language.as_str(), document.blocks[0].text.as_str()), ("json", "{}\n"));
}
