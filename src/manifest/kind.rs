//! A `kind = "…"` table kept with its spans, to be parsed later by the owner of the kind.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checker::Checker;
use super::document::Table;
use super::error::Problems;
use super::shape::{self, Subject};
use super::span::Span;
use crate::registry::did_you_mean;
use crate::template::{Reference, Template};

/// A table of the manifest whose keys belong to whoever owns its `kind`. The keys that every kind
/// shares, and `kind` itself, have been taken out.
#[derive(Clone, Debug)]
pub(crate) struct KindTable {
    /// The value of `kind`.
    pub(crate) kind: String,
    /// Where `kind`'s value stands in the text.
    pub(crate) kind_span: Span,
    /// Where the table's header stands in the text.
    pub(crate) span: Span,
    /// Keys that are legal beside the kind's own, for suggestions.
    pub(crate) shared: &'static [&'static str],
    /// For messages: "stage `gateway`".
    what: String,
    table: DeTable<'static>,
}

/// Returns the key with a text that `kind` may have been meant by, and its place.
fn misspelled(table: &Table) -> Option<(&str, Span)> {
    let near = |(key, value): &(&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        matches!(value.get_ref(), DeValue::String(_))
            && did_you_mean(key.get_ref(), ["kind"]).is_some()
    };
    let (key, _) = table.entries.iter().find(near)?;
    Some((key.get_ref(), key.span()))
}

impl KindTable {
    /// Takes `kind` out of a table, whose other keys are left to the owner of the kind.
    pub(super) fn check(
        mut table: Table,
        shared: &'static [&'static str],
        parent: &mut Checker<'_>,
    ) -> Option<Self> {
        let mut checker = parent.inside(table.what.clone(), table.span.clone());
        let kind = table.entries.remove("kind");
        if kind.is_none()
            && let Some((written, place)) = misspelled(&table)
        {
            let message = format!("{} has no `kind`, but `{written}`", checker.what);
            checker.at(place, message, Some("Did you mean `kind`?".to_owned()));
            return None;
        }
        let kind = checker.required(kind, "kind")?;
        let kind_span = kind.span();
        let DeValue::String(kind) = kind.into_inner() else {
            let message = format!("{}: expected a string", checker.key("kind"));
            checker.at(kind_span, message, None);
            return None;
        };
        Some(Self {
            kind: kind.into_owned(),
            kind_span,
            span: table.span,
            shared,
            what: table.what,
            table: table.entries,
        })
    }

    /// Reads the kind's own keys into its owner's type; `None` when anything was wrong, all of
    /// which has been added to `problems`.
    pub(crate) fn parse<T: DeserializeOwned>(&self, problems: &mut Problems) -> Option<T> {
        let subject = Subject {
            what: &self.what,
            span: &self.span,
            shared: self.shared,
        };
        let read = shape::read(self.table.clone(), subject, problems);
        read.value.filter(|_| read.clean)
    }

    /// Returns what the table describes, for messages: "stage `gateway`".
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Returns the table without a key, whose owner has read it, and with that key known for
    /// suggestions.
    pub(crate) fn without(&self, key: &'static str) -> Self {
        let mut rest = self.clone();
        rest.table.remove(key);
        rest
    }

    /// Returns the table with one key alone, to be read apart from the others.
    pub(crate) fn only(&self, key: &str) -> Self {
        let mut one = self.clone();
        let entry = one.table.remove_entry(key);
        one.table = entry.into_iter().collect();
        one
    }

    /// Returns where a key's value stands in the text, else the table's header.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        let value = self.table.get(key);
        value.map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Returns where the value of a key inside a key's table stands in the text, else that of the
    /// outer key.
    pub(crate) fn span_inside(&self, key: &str, inner: &str) -> Span {
        let table = self.table.get(key).and_then(|it| it.as_ref().as_table());
        let value = table.and_then(|table| table.get(inner));
        value.map_or_else(|| self.span_of(key), Spanned::span)
    }

    /// Returns where a key inside a key's table stands in the text, else the value of the outer
    /// key.
    pub(crate) fn key_span_inside(&self, key: &str, inner: &str) -> Span {
        let table = self.table.get(key).and_then(|it| it.as_ref().as_table());
        let found = table.and_then(|table| table.get_key_value(inner));
        found.map_or_else(|| self.span_of(key), |(key, _)| key.span())
    }

    /// Returns a key's value as it was written, where it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.table.get(key)?.as_ref().as_str().map(str::to_owned)
    }

    /// Returns the texts of a list; none where the key is not there or is no list.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.table.get(key).and_then(|it| it.as_ref().as_array());
        let texts = items.into_iter().flatten();
        texts
            .filter_map(|it| it.as_ref().as_str().map(str::to_owned))
            .collect()
    }

    /// Returns every reference in every string that is a template, with the string's place. Strings
    /// that are no templates are left to the kind's owner, who knows whether they should be.
    pub(crate) fn references(&self) -> Vec<(Reference, Span)> {
        let mut found = Vec::new();
        for value in self.table.values() {
            collect(value, &|_| true, &mut found);
        }
        found
    }

    /// Returns those references whose value a request cannot do without: of strings without a
    /// filter, a block, or a subscript, any of which may stand in for what is not there.
    pub(crate) fn needed_references(&self) -> Vec<(Reference, Span)> {
        let is_plain = |text: &str| !text.contains("{%") && !text.contains(['|', '[']);
        let mut found = Vec::new();
        for value in self.table.values() {
            collect(value, &is_plain, &mut found);
        }
        found
    }

    /// Makes a table from TOML text, as if it were a stage called `test`.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn from_toml(kind: &str, text: &str) -> Self {
        let text: &'static str = text.to_owned().leak();
        let table = DeTable::parse(text).expect("TOML").into_inner();
        Self {
            kind: kind.to_owned(),
            kind_span: 0..0,
            span: 0..0,
            shared: &["kind"],
            what: "stage `test`".to_owned(),
            table,
        }
    }
}

fn collect(
    value: &Spanned<DeValue<'_>>,
    wanted: &dyn Fn(&str) -> bool,
    found: &mut Vec<(Reference, Span)>,
) {
    match value.get_ref() {
        DeValue::String(text) if wanted(text) => {
            let references = Template::parse(text).map(|it| it.references());
            let references: BTreeSet<Reference> = references.unwrap_or_default();
            found.extend(references.into_iter().map(|it| (it, value.span())));
        }
        DeValue::Array(items) => items.iter().for_each(|item| collect(item, wanted, found)),
        DeValue::Table(table) => table.values().for_each(|item| collect(item, wanted, found)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::manifest::testing::{parse, render, spoilt, wrong};
    use crate::template::{Scope, ValueTemplate};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Spec {
        url: Template,
        #[serde(default)]
        body: Option<ValueTemplate>,
        #[serde(default)]
        stream: bool,
    }

    // stumbles S27
    #[test]
    fn a_slip_in_the_word_kind_is_named() {
        for (key, near) in [
            ("knid", true),
            ("kin", true),
            ("Kind", true),
            ("url", false),
        ] {
            let said = wrong(&format!("version = 1\n[stage.a]\n{key} = \"http\"\n"));
            assert_eq!(said.contains("Did you mean `kind`?"), near, "{said}");
            assert_eq!(said.contains(&format!("but `{key}`")), near, "{said}");
            assert!(said.contains("stage `a` has no `kind`"), "{said}");
        }
        let said = spoilt("[stage.", "[stage.other]\nkidn = \"http\"\n[stage.");
        assert!(
            said.contains("stage `other` has no `kind`, but `kidn`"),
            "{said}"
        );
        let number = wrong("version = 1\n[stage.a]\nknid = 3\n");
        assert!(!number.contains("Did you mean"), "{number}");
    }

    #[test]
    fn a_draft_lets_owners_of_kinds_add_to_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stagegate.toml");
        let text = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"x\"\ntimout = \"1s\"\ncalls = [\"b\"]\n\
                owner = 3\n[eval.e]\ngolden = \"g\"\nrepeats = 0\n[[eval.e.assert]]\nkind = \"equals\"\n";
        std::fs::write(&path, text).unwrap();
        let (manifest, mut problems) = Manifest::load_draft(&path, &[]).unwrap();

        let spec: Option<Spec> = manifest.stages[0].kind.parse(&mut problems);
        assert!(spec.is_none());
        assert_eq!(manifest.evals[0].asserts[0].kind, "equals");
        let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`owner` of stage `a`: expected a string, found integer `3`",
                "`calls` of stage `a`: there is no stage `b`",
                "eval `e` has no `stage`",
                "`repeats` of eval `e` must be at least 1",
                "unknown key `timout` in stage `a`",
            ]
        );
    }

    /// What the owner of a kind says of the first stage of a manifest.
    fn owner_says(stage: &str) -> String {
        let text = format!("version = 1\n[stage.a]\nkind = \"http\"\n{stage}");
        let manifest = parse(&text).unwrap_or_else(|error| panic!("{}", render(&error)));
        let mut problems = Problems::default();
        let spec: Option<Spec> = manifest.stages[0].kind.parse(&mut problems);
        assert!(spec.is_none());
        render(&problems.into_error(&manifest.source))
    }

    #[test]
    fn owners_of_kinds_report_into_the_same_text() {
        insta::assert_snapshot!(
            owner_says("uri = \"{{ input }}\"\nstream = \"yes\"\nbody = { a = [1, \"{{ input\"], b = \"{{ inputt.x }}\" }\ntimeouts = 3\n"),
            @r#"
x 6 problems in `stagegate.toml`

Error:
  x stage `a` has no `url`
   ,-[stagegate.toml:2:1]
 1 | version = 1
 2 | [stage.a]
   : ^^^^^^^^^
 3 | kind = "http"
   `----
  help: Add `url = …`.

Error:
  x unknown key `uri` in stage `a`
   ,-[stagegate.toml:4:1]
 3 | kind = "http"
 4 | uri = "{{ input }}"
   : ^^^
 5 | stream = "yes"
   `----
  help: Did you mean `url`?

Error:
  x `stream` of stage `a`: expected `true` or `false`, found string "yes"
   ,-[stagegate.toml:5:10]
 4 | uri = "{{ input }}"
 5 | stream = "yes"
   :          ^^^^^
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   `----

Error:
  x `body.a` of stage `a`: `{{ input` is not a template: unexpected end of
  | input, expected end of variable block
   ,-[stagegate.toml:6:18]
 5 | stream = "yes"
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   :                  ^^^^^^^^^^
 7 | timeouts = 3
   `----

Error:
  x `body.b` of stage `a`: `{{ inputt.x }}` is not a template: `inputt` is not
  | known; did you mean `input`?
   ,-[stagegate.toml:6:35]
 5 | stream = "yes"
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   :                                   ^^^^^^^^^^^^^^^^
 7 | timeouts = 3
   `----

Error:
  x unknown key `timeouts` in stage `a`
   ,-[stagegate.toml:7:1]
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
 7 | timeouts = 3
   : ^^^^^^^^
   `----
  help: Did you mean `timeout`?
"#
        );
    }

    #[test]
    fn owners_of_kinds_say_what_is_unknown_and_missing() {
        insta::assert_snapshot!(owner_says("url = \"{{ input | urlencod }}\"\n"), @r#"
x `url` of stage `a`: `{{ input | urlencod }}` is not a template: there is
  | no filter `urlencod`
   ,-[stagegate.toml:4:7]
 3 | kind = "http"
 4 | url = "{{ input | urlencod }}"
   :       ^^^^^^^^^^^^^^^^^^^^^^^^
   `----
"#);
        insta::assert_snapshot!(owner_says("stream = true\n"), @r#"
x stage `a` has no `url`
   ,-[stagegate.toml:2:1]
 1 | version = 1
 2 | [stage.a]
   : ^^^^^^^^^
 3 | kind = "http"
   `----
  help: Add `url = …`.
"#);
    }

    #[test]
    fn owners_of_kinds_get_their_type() {
        let table = KindTable::from_toml(
            "http",
            "url = \"x\"\nbody = { b = 1, a = \"{{ input }}\" }\nstream = true",
        );
        let mut problems = Problems::default();
        let spec: Spec = table.parse(&mut problems).unwrap();

        assert!(problems.is_empty() && spec.stream);
        assert_eq!(spec.url, Template::plain("x"));
        let scope = Scope {
            input: "q".into(),
            ..Scope::default()
        };
        let body = spec.body.unwrap().value(&scope).unwrap();
        assert_eq!(body.to_string(), r#"{"b":1,"a":"q"}"#);
    }
}
