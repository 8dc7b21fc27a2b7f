//! `equals`: the answer is exactly this.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::fold::Fold;
use super::json::{Place, find};
use super::same::same;
use super::value::{expected, show, text};
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct Equals;

impl Entry for Equals {
    fn name(&self) -> &'static str {
        "equals"
    }

    fn summary(&self) -> &'static str {
        "The answer's text is `value`, spaces around it aside; a value that is no text is compared as JSON"
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
    /// Which JSON of the answer a value that is no text is compared with; the text's without it.
    #[serde(rename = "in")]
    place: Option<Place>,
}

impl Assertion for Equals {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        Some(Parsed {
            name: spec.name.clone(),
            check: Box::new(spec),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Check for Spec {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Subject { scope, reply, .. } = subject;
        let wanted = match expected(self.value.as_ref(), scope) {
            Ok(wanted) => wanted,
            Err(unscored) => return unscored,
        };
        let answer = reply.text.as_deref().unwrap_or_default();
        let equal = match &wanted {
            Value::String(text) => {
                let fold = Fold {
                    ignore_case: self.ignore_case,
                    normalize: self.normalize,
                };
                // Folded first: behind a mark that counts for nothing may stand a space.
                fold.text(text).trim() == fold.text(answer).trim()
            }
            other => {
                let place = self.place.or(Some(Place::Text));
                match find(reply, place, "$", |json| Some(json.clone())) {
                    Ok(answer) => same(&answer, other),
                    Err(unscored @ Scored::Unscored(_)) => return unscored,
                    Err(_) => false,
                }
            }
        };
        Scored::binary(equal, || {
            format!("expected {}, got {}", show(&text(&wanted)), show(answer))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed, problems, why};
    use super::*;

    #[test]
    fn texts_are_equal_but_for_the_spaces_around_them() {
        assert!(passed(&on_text("equals", "", json!("Paris"), " Paris\n")));
        let other = on_text("equals", "", json!("Paris"), "paris");
        assert_eq!(why(&other), "expected `Paris`, got `paris`");
        assert!(passed(&on_text(
            "equals",
            "ignore_case = true",
            json!("Paris"),
            "pARIS"
        )));
        assert!(!passed(&on_text("equals", "", json!("Paris"), "Paris.")));
    }

    #[test]
    fn what_is_no_text_is_compared_as_json() {
        let whole = "value = '{{ expected }}'";
        assert!(passed(&on_text("equals", whole, json!(4), "4.0")));
        assert!(passed(&on_text(
            "equals",
            whole,
            json!({"a": [1]}),
            r#"{ "a": [1.0] }"#
        )));
        assert!(!passed(&on_text("equals", whole, json!(4), "four")));
        assert!(passed(&on_text(
            "equals",
            "value = true",
            json!(null),
            "true"
        )));
    }

    #[test]
    fn without_an_expected_text_it_is_unscored() {
        let scored = on_text("equals", "", json!({"answer": "x"}), "x");
        assert!(matches!(scored, Scored::Unscored(_)));
        assert_eq!(problems("equals", "min = 0.5").len(), 1);
    }
}
