//! `contains`: the answer holds a text, or several.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::fold::Fold;
use super::value::{expected, show, text};
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::measure::Share;
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct Contains;

impl Entry for Contains {
    fn name(&self) -> &'static str {
        "contains"
    }

    fn summary(&self) -> &'static str {
        "The answer's text contains `value`; of an array, every text or with `any` one of them"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    value: Option<ValueTemplate>,
    #[serde(default)]
    ignore_case: bool,
    /// How characters are encoded or typeset does not count.
    #[serde(default)]
    normalize: bool,
    #[serde(default)]
    any: bool,
    /// The share of the texts that must be found.
    min: Option<Share>,
}

impl Assertion for Contains {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        if spec.any && spec.min.is_some() {
            problems.at(
                table.span_of("min"),
                format!("{}: `any` and `min` exclude each other", table.what()),
                Some("Use `any` for one of the texts, `min` for a share of them.".to_owned()),
            );
            return None;
        }
        Some(Parsed {
            name: spec.name.clone(),
            check: Box::new(spec),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

/// The texts to look for, and where each stands.
struct Looked {
    /// In the order of `value`, with whether it is in the answer. Never empty.
    texts: Vec<(String, bool)>,
    answer: String,
}

impl Looked {
    /// Names the texts that are there, or are not.
    fn named(&self, is_there: bool) -> String {
        let those = self.texts.iter().filter(|(_, found)| *found == is_there);
        let those: Vec<String> = those.map(|(text, _)| show(text)).collect();
        those.join(", ")
    }

    fn found(&self) -> usize {
        self.texts.iter().filter(|(_, found)| *found).count()
    }
}

impl Spec {
    fn look(&self, subject: &Subject<'_>) -> Result<Looked, Scored> {
        let wanted: Vec<String> = match expected(self.value.as_ref(), subject.scope)? {
            Value::Array(items) => items.iter().map(text).collect(),
            one => vec![text(&one)],
        };
        if wanted.is_empty() || wanted.iter().any(|text| text.trim().is_empty()) {
            let reason = "there is no text to look for".to_owned();
            return Err(Scored::Unscored(reason));
        }
        let fold = Fold {
            ignore_case: self.ignore_case,
            normalize: self.normalize,
        };
        let answer = subject.reply.text.clone().unwrap_or_default();
        let folded = fold.text(&answer);
        let texts = wanted.into_iter().map(|text| {
            let is_in = folded.contains(&fold.text(&text));
            (text, is_in)
        });
        Ok(Looked {
            texts: texts.collect(),
            answer,
        })
    }
}

impl Check for Spec {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let looked = match self.look(subject) {
            Ok(looked) => looked,
            Err(unscored) => return unscored,
        };
        let found = looked.found();
        let why = || format!("{} not in {}", looked.named(false), show(&looked.answer));
        if self.any {
            return Scored::binary(found > 0, why);
        }
        let share = found as f64 / looked.texts.len() as f64;
        Scored::graded(share, self.min.map_or(1.0, Share::value), why)
    }

    /// None of the texts may be there, whatever `any` and `min` say.
    fn score_negated(&self, subject: &Subject<'_>) -> Scored {
        match self.look(subject) {
            Err(unscored) => unscored,
            Ok(looked) => Scored::binary(looked.found() == 0, || {
                format!("{} in {}", looked.named(true), show(&looked.answer))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed, problems, value, why};
    use super::*;

    #[test]
    fn a_text_is_found_or_not() {
        let toml = "value = '{{ expected.answer }}'";
        let paris = json!({"answer": "Paris"});
        assert!(passed(&on_text(
            "contains",
            toml,
            paris.clone(),
            "It is Paris."
        )));
        let missed = on_text("contains", toml, paris, "It is paris.");
        assert_eq!(why(&missed), "`Paris` not in `It is paris.`");
        let folded = on_text("contains", "ignore_case = true", json!("ÄPFEL"), "äpfel");
        assert!(passed(&folded));
    }

    #[test]
    fn of_several_texts_all_or_any_or_a_share_must_be_found() {
        let wanted = json!(["a", "b", "c"]);
        let run = |toml: &str, answer: &str| on_text("contains", toml, wanted.clone(), answer);
        let all = run("value = '{{ expected }}'", "a c");
        assert!(!passed(&all));
        assert!((value(&all) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(why(&all), "`b` not in `a c`");
        assert!(passed(&run("value = '{{ expected }}'\nany = true", "x c")));
        assert!(!passed(&run("value = '{{ expected }}'\nany = true", "x")));
        assert!(passed(&run("value = '{{ expected }}'\nmin = 0.6", "a c")));
        assert!(passed(&run("value = ['x', 7]", "x 7")));
    }

    #[test]
    fn without_something_to_look_for_it_is_unscored() {
        let cases = [
            ("", json!(null), "the case has no `expected`"),
            (
                "",
                json!({"a": 1}),
                "`expected` is not a text, so that the assertion needs a `value`",
            ),
            ("", json!(" "), "there is no text to look for"),
            ("value = []", json!("x"), "there is no text to look for"),
        ];
        for (toml, expected, reason) in cases {
            let scored = on_text("contains", toml, expected, "x");
            assert_eq!(scored, Scored::Unscored(reason.to_owned()));
        }
        let missing = on_text(
            "contains",
            "value = '{{ expected.a }}'",
            json!({"b": 1}),
            "x",
        );
        assert!(matches!(missing, Scored::Unscored(_)), "{missing:?}");
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        assert_eq!(problems("contains", "any = true\nmin = 0.5").len(), 1);
        assert_eq!(problems("contains", "vaule = 'x'").len(), 1);
    }
}
