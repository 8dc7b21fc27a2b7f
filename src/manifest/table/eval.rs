//! `[eval.NAME]` and its assertions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::intake;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{self, Section};
use crate::manifest::kind::KindTable;
use crate::manifest::span::{Span, Spanned};
use crate::name::Name;

/// The keys that every assertion has.
const SHARED: [&str; 1] = ["kind"];

/// One answer a case, unless the suite says that answers vary.
const DEFAULT_REPEATS: u32 = 1;

/// Enough to hide the latency of a chat model, few enough not to trip its rate limit.
const DEFAULT_CONCURRENCY: u32 = 8;

// What may be written, but for `assert`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawEval {
    stage: Option<Spanned<Name>>,
    golden: Option<PathBuf>,
    repeats: Option<Spanned<u32>>,
    concurrency: Option<Spanned<u32>>,
    #[serde(default)]
    slice_by: Vec<String>,
    #[serde(default)]
    must_pass: Vec<String>,
}

/// `[eval.NAME]`.
#[derive(Debug)]
pub(crate) struct Eval {
    pub(crate) name: Name,
    /// A stage or a pipeline.
    pub(crate) stage: Name,
    pub(crate) golden: PathBuf,
    pub(crate) repeats: u32,
    pub(crate) concurrency: u32,
    pub(crate) slice_by: Vec<String>,
    pub(crate) must_pass: Vec<String>,
    pub(crate) asserts: Vec<KindTable>,
    /// The table's header in the text.
    pub(crate) span: Span,
}

impl Eval {
    /// Checks the table. What is wrong has been reported; the suite is kept so that the owners of
    /// its assertions can report the rest.
    pub(in crate::manifest) fn check(section: Section, manifest: &mut Checker<'_>) -> Self {
        let Section { name, mut table } = section;
        let asserts = table.entries.remove_entry("assert");
        let (raw, mut checker) = manifest.read::<RawEval>(table, &["assert"]);
        if asserts.is_none() {
            let what = &checker.what;
            let message = format!("{what} has no assertion, so that every answer would pass");
            let help = format!("Add `[[eval.{name}.assert]]` with a `kind`.");
            checker.here(message, Some(help));
        }
        let asserts = asserts.map_or_else(Vec::new, |(key, value)| {
            let what = format!("assertion of {}", checker.what);
            let path = format!("eval.{name}.assert");
            document::tables(&key, value, (&what, &path), checker.problems())
        });
        let asserts = asserts.into_iter();
        let asserts = asserts.filter_map(|it| KindTable::check(it, &SHARED, &mut checker));
        let asserts = asserts.collect();
        if let Some(raw) = &raw {
            checker.required(raw.stage.as_ref(), "stage");
            checker.required(raw.golden.as_ref(), "golden");
        }
        let raw = raw.unwrap_or_default();
        if let Some(stage) = &raw.stage {
            checker.reference("stage", stage, Family::Target);
        }
        no_repetition("slice_by", &raw.slice_by, &mut checker);
        no_repetition("must_pass", &raw.must_pass, &mut checker);
        let repeats = checker.within("repeats", raw.repeats.as_ref(), &intake::REPEATS);
        let concurrency = checker.within(
            "concurrency",
            raw.concurrency.as_ref(),
            &intake::CONCURRENCY,
        );
        Self {
            stage: raw.stage.map_or_else(|| name.clone(), |stage| stage.value),
            golden: raw.golden.unwrap_or_default(),
            repeats: repeats.unwrap_or(DEFAULT_REPEATS),
            concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
            slice_by: raw.slice_by,
            must_pass: raw.must_pass,
            asserts,
            name,
            span: checker.span,
        }
    }

    /// Returns the names of the assertions in documents and metrics: `name`, else the kind; where
    /// that is taken, with `-2` and so on.
    pub(crate) fn assertion_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for assert in &self.asserts {
            let name = assert.text("name").unwrap_or_else(|| assert.kind.clone());
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut free = [name.clone()].into_iter().chain(numbered);
            names.extend(free.find(|free| !names.contains(free)));
        }
        names
    }
}

/// A word that stands in a list twice is a slip of the hand.
fn no_repetition(key: &str, words: &[String], checker: &mut Checker<'_>) {
    for (at, word) in words.iter().enumerate() {
        if words[..at].contains(word) {
            let message = format!("{} names `{word}` twice", checker.key(key));
            checker.here(message, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, parse};

    #[test]
    fn assertions_go_by_their_name_else_by_their_kind() {
        let more = "[[eval.answers.assert]]\nkind = \"contains\"\n[[eval.answers.assert]]\nkind = \"equals\"\n\
                name = \"exact\"\n";
        let rule = "[[gate.rule]]\nmetric = \"eval.answers.exact.score\"\nmin = 0.5\n";
        let manifest =
            parse(&(SMALL.replacen("[gate]", &format!("{more}[gate]"), 1) + rule)).unwrap();

        let names = manifest.evals[0].assertion_names();
        assert_eq!(names, ["contains", "contains-2", "exact"]);
    }
}
