//! All assertions of a suite: parsed once, each with the key under which its scores are reported.

use std::collections::BTreeMap;
use std::path::Path;

use super::assertion::{self, ASSERTIONS, Check, Negated, Scored, Subject};
use super::error::EvalError;
use super::question::{Question, Told};
use crate::manifest::{KindTable, Problem, Problems};
use crate::name::Name;
use crate::protocol::{CallFailure, Reply};
use crate::registry::did_you_mean;

/// The assertions of a suite, in the order of the manifest.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    named: Vec<(String, Box<dyn Check>)>,
}

/// What all assertions together say of one answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grade {
    /// Every assertion passed.
    pub(crate) passed: bool,
    /// The mean over the assertions that were scored; 0 where none was.
    pub(crate) score: f64,
    /// By key; without those that could not be scored.
    pub(crate) scores: BTreeMap<String, f64>,
    /// Keys of the assertions that do not count for this case.
    pub(crate) not_counted: Vec<String>,
    /// Key of each assertion that has something to tell about how it read the answer, and what.
    pub(crate) notes: Vec<(String, String)>,
    /// Key and reason of each assertion that could not be scored.
    pub(crate) unscored: Vec<(String, String)>,
    /// Key and reason of each assertion that did not pass.
    pub(crate) missed: Vec<(String, String)>,
    /// Whether the ids that came are among what was not right.
    pub(super) ids_missed: bool,
}

impl Checks {
    /// Parses a suite's assertions. Everything that is wrong is added to `problems`, and what is
    /// right is kept.
    pub(crate) fn parse(tables: &[KindTable], problems: &mut Problems) -> Self {
        let mut checks = Self::default();
        for table in tables {
            let Some((assertion, is_negated)) = assertion::find(&table.kind) else {
                problems.extend([unknown(table)]);
                continue;
            };
            if let Some(parsed) = assertion.parse(table, problems) {
                let name = parsed.name.as_ref().map(Name::as_str);
                let key = checks.free_key(name.unwrap_or(&table.kind));
                let check = if is_negated {
                    Box::new(Negated(parsed.check))
                } else {
                    parsed.check
                };
                checks.named.push((key, check));
            }
        }
        checks
    }

    /// Makes a suite's only assertion.
    #[cfg(test)]
    pub(super) fn of(key: &str, check: Box<dyn Check>) -> Self {
        Self {
            named: vec![(key.to_owned(), check)],
        }
    }

    /// Returns the keys under which scores are reported, in the order of the manifest.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(key, _)| key.as_str())
    }

    /// Reads what the assertions need besides the manifest, from that folder.
    pub(crate) fn prepare(&self, folder: &Path) -> Result<(), EvalError> {
        self.named
            .iter()
            .try_for_each(|(_, check)| check.prepare(folder))
    }

    /// Returns the names of the stages that the assertions ask, some perhaps more than once.
    pub(crate) fn stages(&self) -> impl Iterator<Item = &str> {
        self.named.iter().flat_map(|(_, check)| check.stages())
    }

    /// Returns what each assertion asks before it scores that answer, without those that ask
    /// nothing.
    pub(super) fn questions(&self, subject: &Subject<'_>) -> Vec<(String, Vec<Question>)> {
        let named = self.named.iter();
        named
            .map(|(key, check)| (key.clone(), questions(check.as_ref(), subject)))
            .filter(|(_, questions)| !questions.is_empty())
            .collect()
    }

    /// Grades an answer, for which the questions of the assertions brought what was told.
    pub(crate) fn grade(&self, subject: &Subject<'_>, told: &Told) -> Grade {
        let mut grade = Grade::default();
        let mut otherwise = Vec::new();
        for (key, check) in &self.named {
            let note = check.note(subject).map(|note| (key.clone(), note));
            grade.notes.extend(note);
            let told = told.get(key).map_or(&[][..], Vec::as_slice);
            match score(check.as_ref(), subject, told) {
                Scored::Score { value, passed, why } => {
                    grade.scores.insert(key.clone(), value);
                    if !passed {
                        grade.missed.push((key.clone(), why));
                        grade.ids_missed |= check.reads_ids();
                    }
                }
                Scored::NotCounted { passed, why } => {
                    otherwise.push((key.clone(), passed, why));
                    grade.not_counted.push(key.clone());
                }
                Scored::Unscored(reason) => grade.unscored.push((key.clone(), reason)),
            }
        }
        let mut scores: Vec<f64> = grade.scores.values().copied().collect();
        if scores.is_empty() {
            // Nothing else judges the case, and a case that nothing judged must not pass.
            for (key, passed, why) in otherwise {
                scores.push(f64::from(u8::from(passed)));
                if !passed {
                    grade.missed.push((key, why));
                }
            }
        }
        grade.passed = grade.missed.is_empty() && grade.unscored.is_empty();
        // The sum of no floats is -0.
        grade.score = (0.0 + scores.iter().sum::<f64>()) / scores.len().max(1) as f64;
        grade
    }

    /// Returns `name`, or `name-2` and so on where it is taken.
    fn free_key(&self, name: &str) -> String {
        let taken = |key: &str| self.keys().any(|other| other == key);
        if !taken(name) {
            return name.to_owned();
        }
        (2..=self.named.len() + 1)
            .map(|number| format!("{name}-{number}"))
            .find(|key| !taken(key))
            .expect("there are more numbers than assertions")
    }
}

fn questions(check: &dyn Check, subject: &Subject<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    check.questions(subject, &mut |stage, scope| {
        let stage = stage.to_owned();
        questions.push(Question { stage, scope });
    });
    questions
}

/// Scores an answer. While a question of the assertion has no answer, there is no score.
fn score(check: &dyn Check, subject: &Subject<'_>, told: &[Result<Reply, CallFailure>]) -> Scored {
    let replies: Result<Vec<Reply>, &CallFailure> =
        told.iter().map(|told| told.as_ref().cloned()).collect();
    let replies = match replies {
        Ok(replies) => replies,
        Err(failure) => {
            return Scored::Unscored(format!("{}: {}", failure.failure, failure.detail));
        }
    };
    if replies.len() != questions(check, subject).len() {
        return Scored::Unscored("a stage that it asks was not asked".to_owned());
    }
    check.score(&Subject {
        told: &replies,
        ..*subject
    })
}

fn unknown(table: &KindTable) -> Problem {
    let known = assertion::names();
    let help = match did_you_mean(&table.kind, known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Write one of `{}`.", known.join("`, `")),
    };
    let message = format!("unknown {} `{}`", ASSERTIONS.family(), table.kind);
    Problem::new(&table.kind_span, message, Some(help))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::manifest::Manifest;
    use crate::template::Scope;

    fn parse(tables: &[(&str, &str)]) -> (Checks, Vec<String>) {
        let tables: Vec<KindTable> = tables
            .iter()
            .map(|(kind, text)| KindTable::from_toml(kind, text))
            .collect();
        let mut problems = Problems::default();
        let checks = Checks::parse(&tables, &mut problems);
        let problems = problems
            .iter()
            .map(|it| format!("{} ({})", it.message, it.help.as_deref().unwrap_or("")));
        (checks, problems.collect())
    }

    fn grade(tables: &[(&str, &str)], text: &str) -> Grade {
        let (checks, problems) = parse(tables);
        assert_eq!(problems, Vec::<String>::new());
        let scope = Scope {
            expected: json!({"answer": "Paris"}),
            ..Scope::default()
        };
        let reply = Reply {
            text: Some(text.to_owned()),
            ..Reply::default()
        };
        checks.grade(
            &Subject {
                scope: &scope,
                reply: &reply,
                response_time_ms: 1.0,
                told: &[],
            },
            &Told::new(),
        )
    }

    #[test]
    fn a_negated_assertion_must_not_hold() {
        let holds = |kind: &str, toml: &str, text: &str| grade(&[(kind, toml)], text).passed;
        assert!(holds("not_contains", "value = 'x'", "abc"));
        assert!(!holds("not_contains", "value = 'a'", "abc"));
        // None of several texts may be there, not just one of them be missing.
        assert!(!holds("not_contains", "value = ['a', 'x']", "abc"));
        assert!(holds("not_matches", "pattern = '^b'", "abc"));
        assert!(!holds("not_equals", "value = 'abc'", "abc"));
        let grade = grade(&[("not_contains", "value = '{{ expected.none }}'")], "x");
        assert_eq!((grade.passed, grade.unscored.len()), (false, 1));
        let (_, problems) = parse(&[("not_recall", "k = 5"), ("not_contians", "value = 'a'")]);
        assert_eq!(problems.len(), 2);
        assert!(
            problems[1].contains("Did you mean `not_contains`?"),
            "{}",
            problems[1]
        );
    }

    #[test]
    fn keys_are_those_that_rules_may_name() {
        let assert = |text: &str| format!("[[eval.e.assert]]\nvalue = 'a'\n{text}\n");
        let asserts = [
            "kind = 'contains'",
            "kind = 'contains'\nname = 'x'",
            "kind = 'contains'",
        ];
        let text = "version = 1\n[stage.s]\nkind = 'http'\nurl = 'x'\n[eval.e]\nstage = 's'\ngolden = 'g'\n"
            .to_owned()
            + &asserts.map(assert).concat();
        let manifest = Manifest::parse(Path::new("stagegate.toml"), &text, &[]).unwrap();

        let mut problems = Problems::default();
        let checks = Checks::parse(&manifest.evals[0].asserts, &mut problems);
        assert!(checks.keys().eq(manifest.evals[0].assertion_names()));
        assert_eq!(
            manifest.evals[0].assertion_names(),
            ["contains", "x", "contains-2"]
        );
    }

    #[test]
    fn keys_are_names_or_kinds_and_unique() {
        let (checks, problems) = parse(&[
            ("contains", "value = 'a'"),
            ("contains", "value = 'b'"),
            ("contains", "value = 'c'\nname = 'polite'"),
            ("equals", "value = 'd'\nname = 'contains'"),
        ]);
        let keys: Vec<&str> = checks.keys().collect();
        assert_eq!(keys, ["contains", "contains-2", "polite", "contains-3"]);
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let (_, problems) = parse(&[
            ("contians", "value = 'a'"),
            ("rouge", ""),
            ("contains", "vlaue = 'a'"),
        ]);
        insta::assert_snapshot!(problems.join("\n"), @r"
unknown assertion `contians` (Did you mean `contains`?)
unknown assertion `rouge` (Write one of `contains`, `equals`, `finish_reason`, `json_path`, `json_schema`, `latency`, `matches`, `mrr`, `ndcg`, `numeric`, `precision`, `recall`, `not_contains`, `not_equals`, `not_finish_reason`, `not_json_path`, `not_json_schema`, `not_matches`, `not_numeric`.)
unknown key `vlaue` in stage `test` (Did you mean `value`?)
");
    }

    #[test]
    fn a_case_passes_when_every_assertion_does() {
        let both = [
            ("contains", "value = 'Paris'"),
            ("matches", "pattern = '\\.$'"),
        ];
        let good = grade(&both, "It is Paris.");
        assert!(good.passed && good.missed.is_empty());
        assert_eq!(good.score, 1.0);
        let half = grade(&both, "It is Paris");
        assert!(!half.passed);
        assert_eq!((half.score, half.missed.len()), (0.5, 1));
    }

    /// field 26, 29
    #[test]
    fn what_does_not_count_judges_only_where_nothing_else_does() {
        let run = |tables: &[(&str, &str)], ids: &[&str]| {
            let scope = Scope {
                expected: json!({"ids": [], "none": true}),
                ..Scope::default()
            };
            let mut reply = Reply::of_text("I do not know");
            reply.outputs.insert("ids".to_owned(), json!(ids));
            parse(tables).0.grade(
                &Subject {
                    scope: &scope,
                    reply: &reply,
                    response_time_ms: 1.0,
                    told: &[],
                },
                &Told::new(),
            )
        };
        let with_text = [("contains", "value = 'not know'"), ("recall", "k = 5")];
        let found = run(&with_text, &["a"]);
        assert!(found.passed, "{found:?}");
        assert_eq!((found.score, found.scores.len()), (1.0, 1));
        assert_eq!(found.not_counted, ["recall"]);
        let alone = [("recall", "k = 5"), ("ndcg", "")];
        let (empty, found) = (run(&alone, &[]), run(&alone, &["a"]));
        assert!(empty.passed && empty.score == 1.0 && empty.scores.is_empty());
        assert!(!found.passed && found.score == 0.0 && found.missed.len() == 2);
        let unscored = run(&[("equals", "value = '{{ expected.none.x }}'")], &[]);
        assert!(unscored.score.is_sign_positive());
    }

    #[test]
    fn what_cannot_be_scored_is_neither_right_nor_wrong() {
        let grade = grade(
            &[("contains", "value = 'Paris'"), ("recall", "k = 5")],
            "Paris",
        );
        assert!(!grade.passed);
        assert_eq!(grade.scores, BTreeMap::from([("contains".to_owned(), 1.0)]));
        assert_eq!(grade.unscored.len(), 1);
        assert_eq!(grade.unscored[0].0, "recall");
    }
}
