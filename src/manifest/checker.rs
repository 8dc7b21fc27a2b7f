//! What the checks of every table share: its heading, the names that exist, and where problems go.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::document::{self, Document, Section, Table};
use super::error::Problems;
use super::idle::Idle;
use super::shape::{self, Subject};
use super::span::{Span, Spanned};
use crate::intake::Limit;
use crate::name::Name;
use crate::registry::suggest;

/// Checks one table of the manifest. Whatever is wrong goes to the problems of the whole manifest.
pub(super) struct Checker<'a> {
    problems: &'a mut Problems,
    /// The names that references may use.
    pub(super) known: &'a Known,
    /// What the table is called in messages: "stage `gateway`".
    pub(super) what: String,
    /// Where its header stands.
    pub(super) span: Span,
    /// Keys that are there and wrong, so that they are not missing.
    wrong: BTreeSet<String>,
}

/// The names that references may use. A section that is wrong inside still has its name.
#[derive(Debug, Default)]
pub(super) struct Known {
    environments: Vec<String>,
    stages: Vec<String>,
    pipelines: Vec<String>,
    loads: Vec<String>,
    evals: Vec<String>,
    faults: Vec<String>,
}

/// What a reference may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Environment,
    Stage,
    /// A stage or a pipeline: what a load or an eval can call.
    Target,
    Load,
    Eval,
    Fault,
}

impl<'a> Checker<'a> {
    /// Makes the checker of the manifest as a whole.
    pub(super) fn new(known: &'a Known, problems: &'a mut Problems) -> Self {
        Self {
            problems,
            known,
            what: "the manifest".to_owned(),
            span: 0..0,
            wrong: BTreeSet::new(),
        }
    }

    /// Returns the checker of a table inside this one.
    pub(super) fn inside(&mut self, what: String, span: Span) -> Checker<'_> {
        Checker {
            problems: self.problems,
            known: self.known,
            what,
            span,
            wrong: BTreeSet::new(),
        }
    }

    /// Reads a table without the keys that are wrong; `shared` are keys that have been taken out.
    /// The value is `None` when too little was right.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        table: Table,
        shared: &[&str],
    ) -> (Option<T>, Checker<'_>) {
        let subject = Subject {
            what: &table.what,
            span: &table.span,
            shared,
        };
        let read = shape::read(table.entries, subject, self.problems);
        let mut checker = self.inside(table.what, table.span);
        checker.wrong = read.wrong;
        (read.value, checker)
    }

    /// Reads the value of a key, which has been taken out of the table, without what is wrong in
    /// it; returns also whether nothing was.
    pub(super) fn read_key<T>(
        &mut self,
        key: &'static str,
        value: document::Value,
        read: impl Fn(document::Value) -> Result<T, toml::de::Error>,
    ) -> (Option<T>, bool) {
        let mut table = DeTable::new();
        table.insert(toml::Spanned::new(0..0, key.into()), value);
        let subject = Subject {
            what: &self.what,
            span: &self.span,
            shared: &[],
        };
        let read = shape::read_with(table, subject, self.problems, |mut table| {
            let value = match table.get_mut() {
                DeValue::Table(table) => table.remove(key),
                _ => None,
            };
            value.map(&read).transpose()
        });
        (read.value.flatten(), read.clean)
    }

    /// Returns where problems are added to, for what checks without a checker.
    pub(super) fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// Reports a problem at a place.
    pub(super) fn at(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.problems.at(span, message, help);
    }

    /// Reports a problem of the table as a whole, at its header.
    pub(super) fn here(&mut self, message: impl Into<String>, help: Option<String>) {
        self.problems.at(self.span.clone(), message, help);
    }

    /// Reports a problem of one key: "`seed` of load `peak` …".
    pub(super) fn bad(&mut self, key: &str, span: &Span, reason: &str, help: Option<String>) {
        let message = format!("{} {reason}", self.key(key));
        self.problems.at(span.clone(), message, help);
    }

    /// Says of those keys of a table that are there that they do nothing yet.
    pub(super) fn idle(&mut self, table: &Table, keys: &[&str]) {
        for name in table.entries.keys() {
            let key = name.get_ref().as_ref();
            if keys.contains(&key) {
                self.problems.idle(Idle {
                    span: name.span(),
                    key: format!("{}.{key}", table.path),
                    what: format!("`{key}` of {}", table.what),
                });
            }
        }
    }

    /// Says of a whole table that it does nothing yet.
    pub(super) fn idle_table(&mut self, table: &Table) {
        self.problems.idle(Idle {
            span: table.span.clone(),
            key: table.path.clone(),
            what: table.what.clone(),
        });
    }

    /// Returns a key as messages name it: "`seed` of load `peak`".
    pub(super) fn key(&self, key: &str) -> String {
        format!("`{key}` of {}", self.what)
    }

    /// Returns whether a key is there and wrong, which has been reported.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        self.wrong.contains(key)
    }

    /// Returns whether any key is.
    pub(super) fn has_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// Reports a key that must be there and is not.
    pub(super) fn required<T>(&mut self, value: Option<T>, key: &str) -> Option<T> {
        if value.is_none() && !self.is_wrong(key) {
            let message = format!("{} has no `{key}`", self.what);
            self.here(message, Some(format!("Add `{key} = …`.")));
        }
        value
    }

    /// Checks that a name exists, and reports where it is used when it does not. `by` is what uses
    /// it, for messages.
    pub(super) fn exists(&mut self, name: &str, span: &Span, family: Family, by: &str) -> bool {
        let known = self.known.names(family);
        if known.contains(&name) {
            return true;
        }
        let message = format!("{by}: there is no {} `{name}`", family.word());
        let help = suggest(name, &known);
        self.problems.at(span.clone(), message, help);
        false
    }

    /// Checks the name that a key holds.
    pub(super) fn reference(&mut self, key: &str, name: &Spanned<Name>, family: Family) -> bool {
        let by = self.key(key);
        self.exists(name.value.as_str(), &name.span, family, &by)
    }

    /// Checks every name that a key holds, and returns them without their places.
    pub(super) fn references(
        &mut self,
        key: &str,
        names: Vec<Spanned<Name>>,
        family: Family,
    ) -> Vec<Name> {
        for name in &names {
            self.reference(key, name, family);
        }
        names.into_iter().map(|name| name.value).collect()
    }

    /// Returns what a word of a fixed set stands for, and reports one that is not in it.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        written: &Spanned<String>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let word = written.value.as_str();
        let found = choices.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            let reason = format!("cannot be `{word}`");
            self.bad(key, &written.span, &reason, suggest(word, &known));
        }
        found.map(|(_, choice)| *choice)
    }

    /// Checks that a number is at least 1 and within a limit.
    pub(super) fn within(
        &mut self,
        key: &str,
        number: Option<&Spanned<u32>>,
        limit: &Limit,
    ) -> Option<u32> {
        let written = number?;
        if limit.is_passed_by(u64::from(written.value)) {
            self.bad(
                key,
                &written.span,
                &format!("must be at most {limit}"),
                None,
            );
        }
        self.positive(key, number)
    }

    /// Reports a whole number that must be positive and is not; `None` stands for the default.
    pub(super) fn positive<T: Default + PartialEq + Copy>(
        &mut self,
        key: &str,
        number: Option<&Spanned<T>>,
    ) -> Option<T> {
        let number = number?;
        if number.value == T::default() {
            self.bad(key, &number.span, "must be at least 1", None);
        }
        Some(number.value)
    }
}

impl Family {
    fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Stage => "stage",
            Self::Target => "stage or pipeline",
            Self::Load => "load",
            Self::Eval => "eval",
            Self::Fault => "fault",
        }
    }
}

impl Known {
    /// Returns the names of every section of a document.
    pub(super) fn new(document: &Document) -> Self {
        let names = |sections: &[Section]| -> Vec<String> {
            let names = sections.iter().map(|section| section.name.to_string());
            names.collect()
        };
        Self {
            environments: names(&document.environments),
            stages: names(&document.stages),
            pipelines: names(&document.pipelines),
            loads: names(&document.loads),
            evals: names(&document.evals),
            faults: names(&document.faults),
        }
    }

    /// Returns the names of a family.
    pub(super) fn names(&self, family: Family) -> Vec<&str> {
        let (names, more) = match family {
            Family::Environment => (&self.environments, None),
            Family::Stage => (&self.stages, None),
            Family::Target => (&self.stages, Some(&self.pipelines)),
            Family::Load => (&self.loads, None),
            Family::Eval => (&self.evals, None),
            Family::Fault => (&self.faults, None),
        };
        let names = names.iter().chain(more.into_iter().flatten());
        names.map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, wrong};

    #[test]
    fn references_to_nothing_are_named_with_what_was_meant() {
        let text = SMALL
            .replace("entry = \"gateway\"", "entry = \"gatway\"")
            .replace("calls = [\"retrieve\"]", "calls = [\"retrive\", \"other\"]")
            .replace("evals = [\"answers\"]", "evals = [\"answer\"]");
        insta::assert_snapshot!(wrong(&text), @r#"
x 4 problems in `stagegate.toml`

Error:
  x `entry` of `[deployment]`: there is no stage or pipeline `gatway`
   ,-[stagegate.toml:5:9]
 4 | name = "small"
 5 | entry = "gatway"
   :         ^^^^^^^^
 6 | env = "local"
   `----
  help: Did you mean `gateway`?

Error:
  x `calls` of stage `gateway`: there is no stage `retrive`
    ,-[stagegate.toml:20:10]
 19 | url = "{{ env.api }}/chat"
 20 | calls = ["retrive", "other"]
    :          ^^^^^^^^^
 21 | timeout = "10s"
    `----
  help: Did you mean `retrieve`?

Error:
  x `calls` of stage `gateway`: there is no stage `other`
    ,-[stagegate.toml:20:21]
 19 | url = "{{ env.api }}/chat"
 20 | calls = ["retrive", "other"]
    :                     ^^^^^^^
 21 | timeout = "10s"
    `----
  help: Known are `gateway`, `retrieve`.

Error:
  x `evals` of `[gate]`: there is no eval `answer`
    ,-[stagegate.toml:42:10]
 41 | loads = ["peak"]
 42 | evals = ["answer"]
    :          ^^^^^^^^
 43 | [[gate.rule]]
    `----
  help: Did you mean `answers`?
"#);
    }
}
