//! `numeric`: the answer is a number, near enough.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};

use super::json::{Place, find, in_both};
use super::number::{Decimal, Found, Number, in_text, in_value};
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
    /// Where the number is in the JSON of the answer; without it, in the text.
    path: Option<OutputPath>,
    /// Which JSON of the answer is meant; without it, the body, else the text.
    #[serde(rename = "in")]
    place: Option<Place>,
    #[serde(default)]
    tolerance: Tolerance,
    /// Which mark stands before the fraction.
    #[serde(default)]
    decimal: Decimal,
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
        if spec.value.as_ref().is_some_and(ValueTemplate::is_literal)
            && let Err(reason) = spec.wanted(&Scope::default())
        {
            let message = format!("{}: {reason}", table.what());
            problems.at(table.span_of("value"), message, None);
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
            Ok(number) => number,
            Err(otherwise) => return otherwise,
        };
        let allowed = self.tolerance.allowed(wanted);
        let close = found == wanted || allowed > 0.0 && is_within(found, wanted, allowed);
        Scored::binary(close, || match self.tolerance {
            Tolerance::Absolute(0.0) => format!("expected {wanted}, got {found}"),
            _ => format!("expected {wanted} give or take {allowed}, got {found}"),
        })
    }

    fn reads(&self, subject: &Subject<'_>) -> Result<(), String> {
        match self.found(subject.reply) {
            Err(Scored::Score { why, .. }) => Err(why),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn note(&self, subject: &Subject<'_>) -> Option<String> {
        let path = self.path.as_ref()?;
        in_both(subject.reply, self.place, path.as_str(), |json| {
            path.select(json)
        })
    }
}

impl Tolerance {
    fn allowed(self, wanted: Number) -> f64 {
        match self {
            Self::Absolute(most) => most,
            Self::Relative(share) => {
                let allowed = share * wanted.as_f64().abs();
                // 29 % of 100 is a little below 29 in binary.
                allowed + 2.0 * f64::EPSILON * allowed
            }
        }
    }
}

/// Returns whether two numbers are at most `allowed` apart.
///
/// Decimal fractions are not exact in binary, 0.3 is within 0.1 of 0.2: two roundings of half an
/// ulp each, and that of `allowed`, are let pass. Whole numbers are exact.
fn is_within(found: Number, wanted: Number, allowed: f64) -> bool {
    let slack = match (found, wanted) {
        (Number::Whole(_), Number::Whole(_)) => 0.0,
        (found, wanted) => 2.0 * f64::EPSILON * found.as_f64().abs().max(wanted.as_f64().abs()),
    };
    found.distance(wanted) <= allowed + slack
}

impl Spec {
    fn wanted(&self, scope: &Scope) -> Result<Number, String> {
        let wanted = match &self.value {
            Some(value) => value.value(scope).map_err(|error| error.to_string())?,
            None => scope.expected.clone(),
        };
        match in_value(&wanted, self.decimal) {
            Found::One(number) => Ok(number),
            Found::Unclear(reason) => Err(format!("nothing to compare with: {reason}")),
            Found::Nothing if self.value.is_none() && wanted.is_null() => {
                Err("the case has no `expected`".to_owned())
            }
            Found::Nothing => Err(format!(
                "{} is not a number to compare with",
                show(&text(&wanted))
            )),
        }
    }

    /// Returns the number of the answer; without one, the score.
    fn found(&self, reply: &Reply) -> Result<Number, Scored> {
        let answer = reply.text.as_deref().unwrap_or_default();
        let (found, missing) = match &self.path {
            None => (
                in_text(answer, self.decimal),
                format!("no number in {}", show(answer)),
            ),
            Some(path) => {
                let value = find(reply, self.place, path.as_str(), |json| path.select(json))?;
                let missing = format!(
                    "`{}` selects {}, which is not a number",
                    path.as_str(),
                    show(&text(&value))
                );
                (in_value(&value, self.decimal), missing)
            }
        };
        match found {
            Found::One(number) => Ok(number),
            Found::Nothing => Err(Scored::binary(false, || missing)),
            Found::Unclear(reason) => Err(Scored::Unscored(reason)),
        }
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

    /// field 9
    #[test]
    fn what_can_be_read_in_two_ways_is_unscored() {
        let unscored = |toml: &str, expected: &str, answer: &str| {
            let scored = on_text("numeric", toml, json!(expected), answer);
            assert!(matches!(scored, Scored::Unscored(_)), "{scored:?}");
        };
        unscored("", "3,14", "314");
        unscored("", "0,5", "5");
        unscored("", "314", "3,14");
        unscored("", "5", "($5)");
        unscored("", "1.234", "1.234.567");
        unscored("path = '$.a'", "314", r#"{"a": "3,14"}"#);
        let comma = "decimal = 'comma'";
        assert!(passed(&on_text(
            "numeric",
            comma,
            json!("3,14"),
            "etwa 3,14"
        )));
        assert!(passed(&on_text("numeric", comma, json!(0.5), "0,5")));
        assert_eq!(problems("numeric", "value = '3,14'").len(), 1);
        assert_eq!(problems("numeric", "value = 'many'").len(), 1);
        assert_eq!(problems("numeric", "decimal = 'dot'").len(), 1);
    }

    /// field 9 b, c, f
    #[test]
    fn expected_values_and_answers_are_read_alike() {
        let run = |expected: serde_json::Value, answer: &str| {
            passed(&on_text("numeric", "", expected, answer))
        };
        for (text, number) in [
            ("20%", 20.0),
            ("$1,200", 1200.0),
            ("-$5", -5.0),
            (".5", 0.5),
        ] {
            assert!(run(json!(number), text), "{text}");
            assert!(run(json!(text), &number.to_string()), "{text}");
            let body = json!({"a": text}).to_string();
            assert!(passed(&on_text(
                "numeric",
                "path = '$.a'",
                json!(number),
                &body
            )));
        }
        assert!(!run(json!(5), "-$5"));
        assert!(!run(json!(5), "−€5"));
    }

    /// field 9 e
    #[test]
    fn no_tolerance_means_equal() {
        let run = |toml: &str, expected: serde_json::Value, answer: &str| {
            passed(&on_text("numeric", toml, expected, answer))
        };
        let stamp = 1_700_000_000_001_i64;
        assert!(run("", json!(stamp), "1700000000001"));
        assert!(!run("", json!(stamp), "1700000000002"));
        assert!(!run("tolerance = 0.0", json!(stamp), "1700000000002"));
        assert!(!run(
            "",
            json!(9_007_199_254_740_993_i64),
            "9007199254740992"
        ));
        assert!(!run("", json!(1.0e15), "1000000000000000.5"));
        assert!(run("tolerance = 1", json!(stamp), "1700000000002"));
        assert!(!run("tolerance = 1", json!(stamp), "1700000000003"));
        assert!(!run(
            "tolerance = 1",
            json!(10_i64.pow(18)),
            "1000000000000000002"
        ));
        assert!(run("tolerance = '29%'", json!(100), "71"));
        assert!(!run("tolerance = 0.1", json!(0.2), "0.3000001"));
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
