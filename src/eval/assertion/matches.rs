//! `matches`: the answer's text matches a regular expression.

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::fold::Fold;
use super::patterns;
use super::value::show;
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::registry::Entry;
use crate::template::Template;

pub(super) struct Matches;

impl Entry for Matches {
    fn name(&self) -> &'static str {
        "matches"
    }

    fn summary(&self) -> &'static str {
        "The answer's text matches the regular expression `pattern` somewhere"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    /// Also written `value`, as other assertions call it.
    #[serde(alias = "value")]
    pattern: Template,
    #[serde(default)]
    ignore_case: bool,
    /// How characters are encoded or typeset does not count.
    #[serde(default)]
    normalize: bool,
}

/// A pattern that is the same for every case is compiled once.
#[derive(Debug)]
enum Pattern {
    Fixed(Regex),
    PerCase(Template),
}

#[derive(Debug)]
struct Ready {
    pattern: Pattern,
    fold: Fold,
}

impl Assertion for Matches {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let fold = Fold {
            ignore_case: spec.ignore_case,
            normalize: spec.normalize,
        };
        let pattern = if spec.pattern.references().is_empty() {
            match compile(spec.pattern.source(), fold) {
                Ok(regex) => Pattern::Fixed(regex),
                Err(reason) => {
                    let key = ["pattern", "value"]
                        .map(|key| table.span_of(key))
                        .into_iter()
                        .find(|span| *span != table.span);
                    problems.at(
                        key.unwrap_or_else(|| table.span.clone()),
                        format!("{}: not a regular expression: {reason}", table.what()),
                        Some(
                            "Write a pattern of Rust's `regex`; it has no look-around and no back-references."
                                .to_owned(),
                        ),
                    );
                    return None;
                }
            }
        } else {
            Pattern::PerCase(spec.pattern)
        };
        let ready = Ready { pattern, fold };
        Some(Parsed {
            name: spec.name,
            check: Box::new(ready),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

fn compile(pattern: &str, fold: Fold) -> Result<Regex, String> {
    // Lowercase would turn `\W` into `\w`: the engine ignores the case itself.
    let pattern = fold.case_kept().text(pattern);
    patterns::compile(&pattern, fold.ignore_case)
}

impl Check for Ready {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Subject { scope, reply, .. } = subject;
        let answer = reply.text.as_deref().unwrap_or_default();
        let judge = |regex: &Regex| {
            Scored::binary(regex.is_match(&self.fold.case_kept().text(answer)), || {
                format!("{} does not match {}", show(answer), show(regex.as_str()))
            })
        };
        let template = match &self.pattern {
            Pattern::Fixed(regex) => return judge(regex),
            Pattern::PerCase(template) => template,
        };
        match template.text(scope) {
            Err(error) => Scored::Unscored(error.to_string()),
            Ok(pattern) => match compile(&pattern, self.fold) {
                Ok(regex) => judge(&regex),
                Err(reason) => Scored::Unscored(format!(
                    "{} is not a regular expression: {reason}",
                    show(&pattern)
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed, problems, why};
    use super::*;

    #[test]
    fn a_pattern_may_match_anywhere_unless_anchored() {
        let run = |toml: &str, answer: &str| on_text("matches", toml, json!({"n": 42}), answer);
        assert!(passed(&run(r"pattern = '\d{2}'", "it is 42")));
        assert!(!passed(&run(r"pattern = '^\d{2}$'", "it is 42")));
        assert!(passed(&run("value = 'PARIS'\nignore_case = true", "paris")));
        assert!(passed(&run("pattern = '^{{ expected.n }}$'", "42")));
        assert_eq!(
            why(&run("pattern = 'x+'", "abc")),
            "`abc` does not match `x+`"
        );
    }

    #[test]
    fn a_broken_pattern_is_a_problem_of_the_manifest() {
        insta::assert_snapshot!(
            problems("matches", "pattern = 'a('").join("\n"), @"stage `test`: not a regular expression: unclosed group");
        insta::assert_snapshot!(problems("matches", "").join("\n"), @"stage `test` has no `pattern`");
    }

    #[test]
    fn a_pattern_that_breaks_for_one_case_is_unscored() {
        let scored = on_text("matches", "pattern = '{{ expected }}'", json!("a("), "a(");
        assert!(matches!(scored, Scored::Unscored(_)));
    }

    /// field 29
    #[test]
    fn a_text_in_a_pattern_can_be_quoted() {
        let run = |pattern: &str, expected: serde_json::Value, answer: &str| {
            let toml = format!("pattern = '{pattern}'");
            passed(&on_text("matches", &toml, expected, answer))
        };
        let quoted = "^{{ expected | regex_escape }}$";
        assert!(run(quoted, json!("3.5"), "3.5"));
        assert!(!run(quoted, json!("3.5"), "345"));
        assert!(!run(quoted, json!(3.5), "345"));
        assert!(run(quoted, json!("a(b)*[c]|$"), "a(b)*[c]|$"));
        assert!(run("^{{ expected }}$", json!("3.5"), "345"));
        assert!(run(
            "total: {{ expected.n | regex_escape }}",
            json!({"n": "1+1"}),
            "total: 1+1"
        ));
    }
}
