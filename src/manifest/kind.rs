//! A `kind = "…"` table kept with its spans, to be parsed later by the owner of the kind.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checker::Checker;
use super::document::Table;
use super::error::Problems;
use super::shape::{self, Subject};
use super::span::Span;
use crate::template::{Reference, Template};

/// A table of the manifest whose keys belong to whoever owns its `kind`. The keys that every kind shares, and `kind`
/// itself, have been taken out.
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

impl KindTable {
    /// Takes `kind` out of a table, whose other keys are left to the owner of the kind.
    pub(super) fn check(
        mut table: Table,
        shared: &'static [&'static str],
        parent: &mut Checker<'_>,
    ) -> Option<Self> {
        let mut checker = parent.inside(table.what.clone(), table.span.clone());
        let kind = checker.required(table.entries.remove("kind"), "kind")?;
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

    /// Reads the kind's own keys into its owner's type; `None` when anything was wrong, all of which has been added to
    /// `problems`.
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

    /// Returns the table without a key, whose owner has read it, and with that key known for suggestions.
    pub(crate) fn without(&self, key: &'static str) -> Self {
        let mut rest = self.clone();
        rest.table.remove(key);
        rest
    }

    /// Returns where a key's value stands in the text, else the table's header.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        let value = self.table.get(key);
        value.map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Returns a key's value as it was written, where it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.table.get(key)?.as_ref().as_str().map(str::to_owned)
    }

    /// Returns every reference in every string that is a template, with the string's place. Strings that are no
    /// templates are left to the kind's owner, who knows whether they should be.
    pub(super) fn references(&self) -> Vec<(Reference, Span)> {
        let mut found = Vec::new();
        for value in self.table.values() {
            collect(value, &mut found);
        }
        found
    }

    /// Makes a table from TOML text, as if it were a stage called `test`.
    #[cfg(test)]
    pub(crate) fn from_toml(kind: &str, text: &str) -> Self {
        let text: &'static str = text.to_owned().leak();
        let table = DeTable::parse(text).unwrap().into_inner();
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

fn collect(value: &Spanned<DeValue<'_>>, found: &mut Vec<(Reference, Span)>) {
    match value.get_ref() {
        DeValue::String(text) => {
            let references = Template::parse(text).map(|it| it.references());
            let references: BTreeSet<Reference> = references.unwrap_or_default();
            found.extend(references.into_iter().map(|it| (it, value.span())));
        }
        DeValue::Array(items) => items.iter().for_each(|item| collect(item, found)),
        DeValue::Table(table) => table.values().for_each(|item| collect(item, found)),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}
