//! Reads many files independently: usable files are used, and an unusable file harms only its own brand.

use toml::de::DeTable;

use crate::brand::{Brand, Brands, BrokenBrand};
use crate::brand_file::claims::{Claims, Taken};
use crate::brand_file::read;
use crate::brand_file::reading::Reading;
use crate::brand_file::secrets::NamedSecret;
use crate::brand_file::section::FileSource;
use crate::brand_file::{Finding, Given, Resolver, Severity, remains};
use crate::ids::BrandId;

/// The only TOML error without a line.
const TOO_DEEP: &str = "tables or arrays are nested too deeply";

/// Which findings make a file unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Errors and rules, because an operator is at hand.
    Strict,
    /// Only errors, because the files were accepted before, perhaps by an earlier version.
    Lenient,
}

impl Strictness {
    fn refuses(self, findings: &[Finding]) -> bool {
        let least = match self {
            Self::Strict => Severity::Rule,
            Self::Lenient => Severity::Error,
        };
        findings.iter().any(|finding| finding.severity >= least)
    }
}

/// The outcome of loading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStanding {
    /// It is in use.
    Used,
    /// The file cannot be used; its brand continues with the earlier file.
    Former,
    /// Neither the file nor its brand can be used.
    Broken,
}

/// A file with the outcome of loading it.
#[derive(Debug, Clone)]
pub struct LoadedFile {
    /// The file's name.
    pub name: String,
    /// The file's brand, if it is known.
    pub brand: Option<BrandId>,
    /// The outcome.
    pub standing: FileStanding,
    /// The findings in the file, in the order of lines.
    pub findings: Vec<Finding>,
}

/// The brands of many files.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The brands.
    pub brands: Brands,
    /// Every file, in the given order.
    pub files: Vec<LoadedFile>,
}

impl Loaded {
    /// All findings.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.files.into_iter().flat_map(|file| file.findings).collect()
    }

    /// The files that cannot be used in their current form.
    pub fn refused(&self) -> impl Iterator<Item = &LoadedFile> {
        self.files.iter().filter(|file| file.standing != FileStanding::Used)
    }

    fn is_used(&self, file: &str) -> bool {
        self.files.iter().any(|known| known.name == file && known.standing != FileStanding::Broken)
    }

    /// The brand that the file described until now.
    fn former(&self, file: &str, remains: Option<&BrokenBrand>) -> Option<&Brand> {
        self.brands.brand(remains.and_then(|remains| remains.id.as_ref()).or(self.brand_of(file))?)
    }

    fn brand_of(&self, file: &str) -> Option<&BrandId> {
        self.files.iter().find(|known| known.name == file)?.brand.as_ref()
    }
}

/// The content of one file, before it is compared with the others.
struct Draft<'a> {
    name: &'a str,
    brand: Option<Brand>,
    remains: Option<BrokenBrand>,
    claims: Claims,
    secrets: Vec<NamedSecret>,
    findings: Vec<Finding>,
    standing: FileStanding,
}

impl Draft<'_> {
    fn id(&self) -> Option<&BrandId> {
        let remains = || self.remains.as_ref()?.id.as_ref();
        self.brand.as_ref().map(|brand| &brand.id).or_else(remains)
    }

    fn is_refused(&self, strictness: Strictness) -> bool {
        self.brand.is_none() || strictness.refuses(&self.findings)
    }
}

/// Reads all brand files. A file that cannot be used is left out; if `former` has its brand, that brand
/// continues unchanged.
///
/// Only one file can have an id, scope, token or file of codes. A file that had it in `former` keeps it.
/// Otherwise the first file in the given order gets it, usable or not: what is meant for one brand must not
/// reach another because a file broke.
#[must_use]
pub fn read_each(
    files: &[Given],
    resolver: &dyn Resolver,
    strictness: Strictness,
    former: Option<&Loaded>,
) -> Loaded {
    let mut drafts: Vec<Draft<'_>> = files.iter().map(|file| draft(file, resolver)).collect();
    name_owners(&mut drafts, resolver.reviewed_at().is_some());
    let mut combining = Combining { resolver, strictness, former, taken: Taken::default() };
    let (known, new): (Vec<_>, Vec<_>) =
        drafts.iter_mut().partition(|draft| former.is_some_and(|former| former.is_used(draft.name)));
    for draft in &known {
        combining.keep(draft);
    }
    for draft in known.into_iter().chain(new) {
        combining.combine(draft);
    }
    let mut loaded = Vec::new();
    let (mut brands, mut broken) = (Vec::new(), Vec::new());
    for mut draft in drafts {
        draft.findings.sort_by_key(|finding| finding.line);
        loaded.push(LoadedFile {
            name: draft.name.to_owned(),
            brand: match (&draft.brand, &draft.remains) {
                (Some(brand), _) => Some(brand.id.clone()),
                (None, remains) => remains.as_ref().and_then(|remains| remains.id.clone()),
            },
            standing: draft.standing,
            findings: draft.findings,
        });
        match draft.standing {
            FileStanding::Used | FileStanding::Former => brands.extend(draft.brand),
            FileStanding::Broken => broken.extend(draft.remains),
        }
    }
    Loaded { brands: Brands::new(brands, broken), files: loaded }
}

/// Checks which brand each secret belongs to, which requires that all brands are known.
fn name_owners(drafts: &mut [Draft<'_>], reviewed: bool) {
    let all: Vec<BrandId> = drafts.iter().filter_map(|draft| draft.id().cloned()).collect();
    for draft in drafts {
        let Some(own) = draft.id().cloned() else { continue };
        let finding = |secret: &NamedSecret| secret.finding(draft.name, &own, &all, reviewed);
        let findings: Vec<Finding> = draft.secrets.iter().filter_map(finding).collect();
        draft.findings.extend(findings);
    }
}

fn draft<'a>(file: &'a Given, resolver: &dyn Resolver) -> Draft<'a> {
    let file = match file {
        Ok(file) => file,
        Err(unreadable) => {
            let source = FileSource::new(&unreadable.name, "", None);
            source.note(Severity::Error, None, "", &unreadable.why);
            return Draft {
                name: &unreadable.name,
                brand: None,
                remains: unreadable
                    .remains
                    .as_ref()
                    .map(|text| remains::of(&unreadable.name, text, None, false)),
                claims: Claims::default(),
                secrets: Vec::new(),
                findings: source.into_parts().0,
                standing: FileStanding::Broken,
            };
        }
    };
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    let legible = errors.is_empty();
    let mut source = FileSource::new(&file.name, &file.text, resolver.reviewed_at());
    source.legible = legible;
    for error in errors {
        // The parser does not say where a file is nested too deeply.
        let message = if error.span().is_some() { error.message() } else { TOO_DEEP };
        source.note(Severity::Error, error.span().as_ref(), "", message);
    }
    let syntax = source.faults();
    let mut reading = Reading {
        source: &source,
        resolver,
        claims: Claims::default(),
        unguarded: true,
        signs: false,
        has_tokens: true,
    };
    let brand = read::brand(&table, &mut reading);
    let claims = reading.claims;
    let (mut findings, secrets) = source.into_parts();
    // The parser's guess about a line that it cannot read is not what the line says.
    let others = findings.split_off(syntax);
    let unread: Vec<Option<usize>> = findings.iter().map(|finding| finding.line).collect();
    findings.extend(others.into_iter().filter(|finding| !unread.contains(&finding.line)));
    let remains = Some(remains::of(&file.name, &file.text, Some(table.get_ref()), legible));
    Draft { name: &file.name, brand, remains, claims, secrets, findings, standing: FileStanding::Broken }
}

/// Decides which file has which thing.
struct Combining<'a> {
    resolver: &'a dyn Resolver,
    strictness: Strictness,
    former: Option<&'a Loaded>,
    taken: Taken,
}

impl<'a> Combining<'a> {
    fn former(&self, draft: &Draft<'_>) -> Option<(&'a Brand, Claims)> {
        let brand = self.former?.former(draft.name, draft.remains.as_ref())?;
        Some((brand, Claims::of(brand, self.resolver)))
    }

    /// Lets a file that was in use for the same brand keep what it had, as far as the file still claims it.
    fn keep(&mut self, draft: &Draft<'_>) {
        let Some((brand, had)) = self.former(draft) else { return };
        if self.former.and_then(|former| former.brand_of(draft.name)) != Some(&brand.id) {
            return;
        }
        let kept = if draft.is_refused(self.strictness) { had } else { had.shared_with(&draft.claims) };
        self.taken.give(draft.name, &kept);
    }

    /// Decides whether a file is used, and which things it has.
    fn combine(&mut self, draft: &mut Draft<'_>) {
        let mut lost = self.taken.lost(draft.name, &draft.claims);
        let refused = draft.is_refused(self.strictness) || self.strictness.refuses(&lost);
        if refused && let Some((brand, claims)) = self.former(draft) {
            let lost_of_former = self.taken.lost(draft.name, &claims);
            if !self.strictness.refuses(&lost_of_former) {
                draft.brand = Some(brand.clone());
                draft.standing = FileStanding::Former;
                draft.findings.append(&mut lost);
                self.taken.give(draft.name, &claims);
                return;
            }
            let told = |finding: &Finding| lost.iter().any(|known| known.message == finding.message);
            draft.findings.extend(lost_of_former.into_iter().filter(|finding| !told(finding)));
        }
        draft.findings.append(&mut lost);
        self.taken.give(draft.name, &draft.claims);
        if refused {
            draft.brand = None;
        } else {
            draft.standing = FileStanding::Used;
        }
    }
}
