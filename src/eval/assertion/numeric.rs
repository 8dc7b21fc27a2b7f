//! `numeric`: the answer is a number, near enough.

use std::sync::LazyLock;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::value::{show, text};
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::protocol::{OutputPath, Reply};
use crate::registry::Entry;
use crate::template::{Scope, ValueTemplate};

pub(super) struct Numeric;

impl Entry for Numeric {
    fn name(&self) -> &'static str {
        "numeric"
    }

    fn summary(&self) -> &'static str {
        "The number in the answer, or at `path`, is `value`, give or take `tolerance`"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    /// Without it the case's `expected`.
    value: Option<ValueTemplate>,
    /// Where the number is in the body; without it, in the text.
    path: Option<OutputPath>,
    #[serde(default)]
    tolerance: Tolerance,
}

/// How far the number may be off, the limit included.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tolerance {
    Absolute(f64),
    /// A share of the expected number.
    Relative(f64),
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::Absolute(0.0)
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Tolerance;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of zero or more, or a share such as `\"5%\"`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tolerance, E> {
                let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
                let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?;
                let share: f64 = percent.trim().parse().map_err(|_| wrong())?;
                let legal = share.is_finite() && share >= 0.0;
                legal
                    .then_some(Tolerance::Relative(share / 100.0))
                    .ok_or_else(wrong)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tolerance, E> {
                let legal = number.is_finite() && number >= 0.0;
                let wrong = || E::invalid_value(de::Unexpected::Float(number), &self);
                legal
                    .then_some(Tolerance::Absolute(number))
                    .ok_or_else(wrong)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tolerance, E> {
                self.visit_f64(number as f64)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Assertion for Numeric {
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

    fn is_yes_or_no(&self) -> bool {
        true
    }
}

impl Check for Spec {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let wanted = match self.wanted(subject.scope) {
            Ok(wanted) => wanted,
            Err(reason) => return Scored::Unscored(reason),
        };
        let found = match self.found(subject.reply) {
            Found::One(number) => number,
            Found::None(why) => return Scored::binary(false, || why),
            Found::Several(reason) => return Scored::Unscored(reason),
        };
        let allowed = match self.tolerance {
            Tolerance::Absolute(most) => most,
            Tolerance::Relative(share) => share * wanted.abs(),
        };
        let off = (found - wanted).abs();
        // Decimal fractions are not exact in binary: 0.3 is within 0.1 of 0.2.
        let slack = 1e-12 * wanted.abs().max(found.abs());
        Scored::binary(off <= allowed + slack, || match self.tolerance {
            Tolerance::Absolute(0.0) => format!("expected {wanted}, got {found}"),
            _ => format!("expected {wanted} give or take {allowed}, got {found}"),
        })
    }
}

enum Found {
    One(f64),
    None(String),
    Several(String),
}

impl Spec {
    fn wanted(&self, scope: &Scope) -> Result<f64, String> {
        let wanted = match &self.value {
            Some(value) => value.value(scope).map_err(|error| error.to_string())?,
            None => scope.expected.clone(),
        };
        number(&wanted).ok_or_else(|| match (&self.value, wanted.is_null()) {
            (None, true) => "the case has no `expected`".to_owned(),
            _ => format!("{} is not a number to compare with", show(&text(&wanted))),
        })
    }

    fn found(&self, reply: &Reply) -> Found {
        let answer = reply.text.as_deref().unwrap_or_default();
        let Some(path) = &self.path else {
            return in_text(answer);
        };
        let parsed: Option<Value> = serde_json::from_str(answer).ok();
        let selected = reply
            .body
            .iter()
            .chain(&parsed)
            .find_map(|body| path.select(body));
        match selected {
            None => Found::None(format!("`{}` selects nothing", path.as_str())),
            Some(value) => number(&value).map_or_else(
                || {
                    Found::None(format!(
                        "`{}` selects {}, which is not a number",
                        path.as_str(),
                        show(&text(&value))
                    ))
                },
                Found::One,
            ),
        }
    }
}

/// Reads a number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse(text.trim()),
        _ => None,
    }
}

/// A number in a text: with a sign that is no hyphen inside a word, commas between thousands, a fraction, an exponent.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\w.])([-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)")
        .expect("it is a pattern")
});

fn parse(text: &str) -> Option<f64> {
    let plain = text.replace('−', "-").replace(',', "");
    let number: f64 = plain.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Returns the one number of a text. The same number several times is one; different ones cannot be told apart.
fn in_text(answer: &str) -> Found {
    let mut found: Vec<f64> = Vec::new();
    for captures in NUMBER.captures_iter(answer) {
        if let Some(number) = captures.get(1).and_then(|it| parse(it.as_str()))
            && !found.contains(&number)
        {
            found.push(number);
        }
    }
    match found[..] {
        [one] => Found::One(one),
        [] => Found::None(format!("no number in {}", show(answer))),
        [first, second, ..] => Found::Several(format!(
            "there are several numbers in {} ({first}, {second}…); say with `path` which one is meant",
            show(answer)
        )),
    }
}

schema_is!(Tolerance, "Tolerance", {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$"}],
    "description": "how far the number may be off: absolute, or a share of it as in `5%`"
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed, problems, why};
    use super::*;

    #[test]
    fn a_number_is_found_in_a_text() {
        for (text, number) in [
            ("42", 42.0),
            ("It is 42.", 42.0),
            ("about 1,234.5 km", 1234.5),
            ("−3 °C", -3.0),
            ("1e3", 1000.0),
            ("42, yes, 42", 42.0),
            ("It costs $7.50", 7.5),
        ] {
            let scored = on_text("numeric", "", json!(number), text);
            assert!(passed(&scored), "{text}: {scored:?}");
        }
        assert_eq!(
            why(&on_text("numeric", "", json!(1), "none")),
            "no number in `none`"
        );
        let several = on_text("numeric", "", json!(1), "1 or 2");
        assert!(matches!(several, Scored::Unscored(_)));
        assert!(matches!(
            on_text("numeric", "", json!(null), "1"),
            Scored::Unscored(_)
        ));
        assert!(matches!(
            on_text("numeric", "", json!("abc"), "1"),
            Scored::Unscored(_)
        ));
    }

    #[test]
    fn tolerances_are_absolute_or_relative_and_include_their_limit() {
        let run = |toml: &str, text: &str| on_text("numeric", toml, json!("200"), text);
        assert!(passed(&run("tolerance = 0.5", "200.5")));
        assert_eq!(
            why(&run("tolerance = 0.5", "201")),
            "expected 200 give or take 0.5, got 201"
        );
        assert!(passed(&run("tolerance = '5%'", "190")));
        assert!(!passed(&run("tolerance = '5%'", "189")));
        assert_eq!(why(&run("", "201")), "expected 200, got 201");
        assert!(passed(&on_text(
            "numeric",
            "value = 0.2\ntolerance = 0.1",
            json!(null),
            "0.3"
        )));
        for wrong in ["tolerance = -1", "tolerance = 'x'", "tolerance = '-5%'"] {
            assert_eq!(problems("numeric", wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_path_says_which_number_is_meant() {
        let run = |path: &str| {
            on_text(
                "numeric",
                &format!("path = '{path}'"),
                json!(2),
                r#"{"a": 1, "b": "2", "c": []}"#,
            )
        };
        assert!(passed(&run("$.b")));
        assert_eq!(why(&run("$.a")), "expected 2, got 1");
        assert_eq!(
            why(&run("$.c")),
            "`$.c` selects `[]`, which is not a number"
        );
        assert_eq!(why(&run("$.d")), "`$.d` selects nothing");
    }
}
