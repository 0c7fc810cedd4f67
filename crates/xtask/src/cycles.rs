//! Cycles of modules. In a crate, and among the modules of a directory, dependencies must run one way.

mod source;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use source::{ModuleSource, Segments};

/// The modules of a crate by their paths. The crate's root has the empty path.
type Modules = BTreeMap<Segments, ModuleSource>;

/// Which child of a module uses which other child, with the use that shows it.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// Modules that use each other in a cycle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// The crate or the module that the cycle's modules belong to.
    pub(crate) place: String,
    /// The modules, in the order in which they use each other.
    modules: Vec<String>,
    /// For each of the modules, a use of the next one.
    uses: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round: Vec<&str> = self.modules.iter().chain(self.modules.first()).map(String::as_str).collect();
        write!(
            f,
            "{}: its modules form a cycle: {} ({})",
            self.place,
            round.join(" → "),
            self.uses.join("; ")
        )
    }
}

/// The cycles in the crate with this root file.
pub(crate) fn of_crate(name: &str, root: &Path) -> anyhow::Result<Vec<Cycle>> {
    let modules = modules(root)?;
    let parents: BTreeSet<Segments> =
        modules.keys().filter_map(|path| path.split_last()).map(|(_, parent)| parent.to_vec()).collect();
    let mut found = Vec::new();
    for parent in parents {
        let uses = among_children(&modules, &parent);
        for cycle in cycles(&uses) {
            found.push(described(name, &parent, cycle, &uses));
        }
    }
    Ok(found)
}

/// Reads the root file and, recursively, every module that it declares.
fn modules(root: &Path) -> anyhow::Result<Modules> {
    let mut modules = Modules::new();
    let mut waiting = vec![(Segments::new(), root.to_owned())];
    while let Some((path, file)) = waiting.pop() {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let source = source::read(&text);
        let directory = directory_of_children(&file, path.is_empty());
        for child in &source.declared {
            let mut path = path.clone();
            path.push(child.clone());
            let beside = directory.join(format!("{child}.rs"));
            let inside = directory.join(child).join("mod.rs");
            waiting.push((path, if beside.exists() { beside } else { inside }));
        }
        modules.insert(path, source);
    }
    Ok(modules)
}

fn directory_of_children(file: &Path, is_root: bool) -> PathBuf {
    let owns_its_directory = is_root || file.file_stem().is_some_and(|stem| stem == "mod");
    if owns_its_directory { file.with_file_name("") } else { file.with_extension("") }
}

/// The uses among the children of a module. A use deeper inside counts as the child's.
fn among_children(modules: &Modules, parent: &[String]) -> Uses {
    let mut uses = Uses::new();
    for (path, source) in modules {
        let Some(from) = child(path, parent) else { continue };
        for (inside, used) in &source.used {
            let here = [path.as_slice(), inside.as_slice()].concat();
            let targets = resolve(modules, &here, used);
            for to in targets.iter().filter_map(|target| child(target, parent)).filter(|to| *to != from) {
                let text = format!("{} uses {}", path.join("::"), used.join("::"));
                uses.entry(from.to_owned()).or_default().entry(to.to_owned()).or_insert(text);
            }
        }
    }
    uses
}

/// The child of `parent` that a path leads through.
fn child<'a>(path: &'a [String], parent: &[String]) -> Option<&'a str> {
    path.strip_prefix(parent)?.first().map(String::as_str)
}

/// The modules that a path leads to: the one that it names, and, if that re-exports the item, the one that has it.
fn resolve(modules: &Modules, here: &[String], used: &[String]) -> Vec<Segments> {
    let Some((named, item)) = named(modules, here, used) else { return Vec::new() };
    let passed_on = item.and_then(|item| {
        let from = &modules.get(&named)?.passed_on;
        from.iter().find(|path| path.last() == Some(item))
    });
    let mut targets = match passed_on {
        Some(path) if named != here => resolve(modules, &named, path),
        Some(_) | None => Vec::new(),
    };
    targets.push(named);
    targets
}

/// The module that a path names, and the item of it that follows, if one does.
fn named<'a>(
    modules: &Modules,
    here: &[String],
    used: &'a [String],
) -> Option<(Segments, Option<&'a String>)> {
    let mut at: Segments = here.to_vec();
    let mut rest = used;
    let mut anchored = false;
    while let Some((first, behind)) = rest.split_first() {
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop()?;
            }
            _ => break,
        }
        (rest, anchored) = (behind, true);
    }
    // A path without an anchor is relative only if it begins with a module that is declared here. Otherwise it belongs to another crate.
    if !anchored && !modules.contains_key(&[at.as_slice(), rest.get(..1)?].concat()) {
        return None;
    }
    while let Some((first, behind)) = rest.split_first() {
        let deeper = [at.as_slice(), std::slice::from_ref(first)].concat();
        if !modules.contains_key(&deeper) {
            break;
        }
        (at, rest) = (deeper, behind);
    }
    Some((at, rest.first()))
}

/// The shortest cycle through each module that is in a cycle and was not reported before.
fn cycles(uses: &Uses) -> Vec<Vec<String>> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut cycles = Vec::new();
    for module in uses.keys() {
        if named.contains(module.as_str()) {
            continue;
        }
        if let Some(cycle) = way_back(uses, module) {
            named.extend(cycle.iter().copied());
            cycles.push(cycle.into_iter().map(str::to_owned).collect());
        }
    }
    cycles
}

/// The shortest path of uses from a module back to itself.
fn way_back<'a>(uses: &'a Uses, module: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([module]);
    while let Some(at) = waiting.pop_front() {
        for next in uses.get(at).into_iter().flat_map(BTreeMap::keys) {
            if next == module {
                let mut way = vec![at];
                while let Some(before) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, at);
                waiting.push_back(next);
            }
        }
    }
    None
}

fn described(name: &str, parent: &[String], modules: Vec<String>, uses: &Uses) -> Cycle {
    let place = [&[name.replace('-', "_")], parent].concat().join("::");
    let steps = modules.iter().zip(modules.iter().cycle().skip(1));
    let uses = steps.filter_map(|(from, to)| uses.get(from)?.get(to)).cloned().collect();
    Cycle { place, modules, uses }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycles of a crate with these files, as they are reported.
    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = of_crate("demo", &directory.path().join("lib.rs")).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cycle_is_named_with_the_uses_that_make_it() {
        let found = faults(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { crate::c::g() }"),
            ("c.rs", "use crate::{a::{A}};"),
        ]);
        assert_eq!(
            found,
            [
                "demo: its modules form a cycle: a → b → c → a (a uses crate::b::B; b uses crate::c::g; c uses crate::a::A)"
            ]
        );
    }

    #[test]
    fn uses_in_one_direction_are_not_a_cycle() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", "use crate::b::B; mod deep;"),
            ("a/deep.rs", "use super::A; use crate::B;"),
            ("b.rs", "use std::fmt; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(faults(&files), Vec::<String>::new());
    }

    #[test]
    fn a_use_deep_inside_counts_as_its_modules() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod deep;"),
            ("a/deep.rs", "use crate::b;"),
            ("b.rs", "use super::a;"),
        ];
        assert_eq!(faults(&files).len(), 1);
    }

    #[test]
    fn a_cycle_through_a_reexport_of_the_root_is_found() {
        let files =
            [("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", "use crate::B;"), ("b.rs", "use crate::a;")];
        assert_eq!(faults(&files).len(), 1);
    }

    #[test]
    fn a_use_through_a_module_that_reexports_the_item_counts_as_that_modules_too() {
        let files = [
            ("lib.rs", "mod decide; mod steps;"),
            ("decide.rs", "pub use crate::steps::Step;"),
            ("steps.rs", "mod read;"),
            ("steps/read.rs", "use crate::decide::Step;"),
        ];
        assert!(faults(&files).iter().any(|fault| fault.contains("decide → steps → decide")));
    }

    #[test]
    fn a_cycle_among_the_modules_of_a_directory_is_found() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; mod c;"),
            ("a/b.rs", "use super::c::C;"),
            ("a/c.rs", "use crate::a::b::B;"),
        ];
        let found = faults(&files);
        assert!(
            found.len() == 1 && found[0].starts_with("demo::a: its modules form a cycle: b → c → b"),
            "{found:?}"
        );
    }

    #[test]
    fn a_parent_and_its_child_may_use_each_other() {
        let files = [("lib.rs", "mod a;"), ("a.rs", "mod b; fn f() { b::g() }"), ("a/b.rs", "use super::f;")];
        assert_eq!(faults(&files), Vec::<String>::new());
    }
}
