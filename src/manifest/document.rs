//! Text → TOML with spans → named sections; nothing here knows what a section means.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::depth;
use super::error::Problems;
use super::overrides;
use super::source::Source;
use super::span::Span;
use crate::intake;
use crate::name::Name;
use crate::registry::suggest;

/// The tables and keys a manifest may have at its top.
const TOP_LEVEL: [&str; 10] = [
    "version",
    "deployment",
    "env",
    "release",
    "stage",
    "pipeline",
    "load",
    "eval",
    "fault",
    "gate",
];

/// The one top-level array of tables.
const ACCEPT: &str = "accept";

/// A value of the manifest with its place.
pub(super) type Value = Spanned<DeValue<'static>>;

/// A table with what messages need.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// For instance "stage `gateway`".
    pub(super) what: String,
    /// Its dotted key: `stage.gateway`.
    pub(super) path: String,
    /// The header, or where there is none, the key.
    pub(super) span: Span,
    pub(super) entries: DeTable<'static>,
}

/// A table under a name of its own: `[stage.gateway]`.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: Name,
    pub(super) table: Table,
}

/// The manifest, cut into its sections.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) version: Option<Value>,
    pub(super) deployment: Option<Table>,
    pub(super) environments: Vec<Section>,
    /// Entry of `[release]` to its table.
    pub(super) release: Vec<Section>,
    pub(super) stages: Vec<Section>,
    pub(super) pipelines: Vec<Section>,
    pub(super) loads: Vec<Section>,
    pub(super) evals: Vec<Section>,
    pub(super) faults: Vec<Section>,
    pub(super) gate: Option<Table>,
    pub(super) accept: Vec<Table>,
}

/// Parses a text and lays overrides over it; `None` when the text is not TOML.
pub(super) fn read(
    source: &Source,
    written: &[(String, String)],
    problems: &mut Problems,
) -> Option<Document> {
    if let Some(at) = depth::deep_at(source.text()) {
        let message = format!("a key has more than {} parts", intake::MANIFEST_KEYS);
        problems.at(at..at, message, None);
        return None;
    }
    let (root, errors) = DeTable::parse_recoverable(source.text());
    // What follows the first error, or was recovered, is mostly caused by it.
    if let Some(first) = errors
        .iter()
        .min_by_key(|it| it.span().map_or(0, |span| span.start))
    {
        let span = first.span().unwrap_or(0..0);
        problems.at(span, format!("not valid TOML: {}", first.message()), None);
        return None;
    }
    let mut root = root.into_inner();
    for ((key, _), (offset, shown)) in written.iter().zip(source.overrides()) {
        overrides::apply(&mut root, shown, key.len(), offset, problems);
    }
    let mut counted = Problems::default();
    depth::count(&root, &mut counted);
    if !counted.is_empty() {
        problems.extend(counted.into_items());
        return None;
    }
    Some(cut(root, problems))
}

fn cut(mut root: DeTable<'static>, problems: &mut Problems) -> Document {
    let mut sections = |key: &str, family: &str| {
        let value = root.remove_entry(key);
        value.map_or_else(Vec::new, |entry| sections(entry, family, problems))
    };
    let mut document = Document {
        environments: sections("env", "environment"),
        release: sections("release", "release part"),
        stages: sections("stage", "stage"),
        pipelines: sections("pipeline", "pipeline"),
        loads: sections("load", "load"),
        evals: sections("eval", "eval"),
        faults: sections("fault", "fault"),
        ..Document::default()
    };
    document.version = root.remove("version");
    document.deployment = single(&mut root, "deployment", problems);
    document.gate = single(&mut root, "gate", problems);
    if let Some((key, value)) = root.remove_entry(ACCEPT) {
        document.accept = tables(&key, value, ("`[[accept]]`", ACCEPT), problems);
    }
    for key in root.keys() {
        let known = [&TOP_LEVEL[..], &[ACCEPT]].concat();
        let message = format!("unknown key `{}`", key.get_ref());
        problems.at(key.span(), message, suggest(key.get_ref(), &known));
    }
    document
}

type Entry = (Spanned<std::borrow::Cow<'static, str>>, Value);

/// Cuts `[stage.a]`, `[stage.b]`, … apart, in the order of the text.
fn sections((key, value): Entry, family: &str, problems: &mut Problems) -> Vec<Section> {
    let span = span_of(&key, &value);
    let DeValue::Table(entries) = value.into_inner() else {
        let message = format!("`{}` is not a table", key.get_ref());
        let help = format!("Write `[{}.NAME]`.", key.get_ref());
        problems.at(span, message, Some(help));
        return Vec::new();
    };
    let mut sections = Vec::new();
    for (name_key, value) in entries {
        let name = match name_key.get_ref().parse::<Name>() {
            Ok(name) => name,
            Err(error) => {
                let message = format!("a {family} has a wrong name: {error}");
                problems.at(name_key.span(), message, None);
                continue;
            }
        };
        let what = format!("{family} `{name}`");
        let path = format!("{}.{name}", key.get_ref());
        if let Some(table) = table(&name_key, value, (what, path), problems) {
            sections.push(Section { name, table });
        }
    }
    sections.sort_by_key(|section| section.table.span.start);
    sections
}

fn single(root: &mut DeTable<'static>, key: &str, problems: &mut Problems) -> Option<Table> {
    let (key, value) = root.remove_entry(key)?;
    let what = format!("`[{}]`", key.get_ref());
    let path = key.get_ref().to_string();
    table(&key, value, (what, path), problems)
}

fn table(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: Value,
    (what, path): (String, String),
    problems: &mut Problems,
) -> Option<Table> {
    let span = span_of(key, &value);
    let DeValue::Table(entries) = value.into_inner() else {
        problems.at(span, format!("{what} is not a table"), None);
        return None;
    };
    Some(Table {
        what,
        path,
        span,
        entries,
    })
}

/// Takes an array of tables with a dotted key apart: `[[gate.rule]]`, `[[eval.answers.assert]]`,
/// `[[accept]]`.
pub(super) fn tables(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: Value,
    (what, path): (&str, &str),
    problems: &mut Problems,
) -> Vec<Table> {
    let span = span_of(key, &value);
    let DeValue::Array(items) = value.into_inner() else {
        let message = format!("`{}` is not an array of tables", key.get_ref());
        problems.at(span, message, None);
        return Vec::new();
    };
    let many = items.len() > 1;
    let mut found = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let what = if many {
            format!("{what} {}", at + 1)
        } else {
            what.to_owned()
        };
        let path = format!("{path}.{at}");
        found.extend(table(key, item, (what, path), problems));
    }
    found
}

/// Returns where a value stands; a table made of dotted keys stands at its key.
fn span_of(key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Span {
    let span = value.span();
    if span.is_empty() { key.span() } else { span }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::wrong;

    // stumbles S27
    #[test]
    fn only_the_first_syntax_error_is_shown() {
        insta::assert_snapshot!(wrong("version = \n[deployment\nname = \"x\"\nowner = 'a\n"), @r#"
x not valid TOML: string values must be quoted, expected literal string
   ,-[stagegate.toml:1:11]
 1 | version =
   :           ^
 2 | [deployment
   `----
"#);
        for broken in [
            "version = 1\n[deployment\nname = \"x\"\n",
            "version = 1\n[deployment]\nname = x y z\n",
            "version = 1\n[deployment]\nname = \"x\nowner = 'a\n",
        ] {
            let said = wrong(broken);
            assert_eq!(said.matches("not valid TOML").count(), 1, "{said}");
        }
    }
}
