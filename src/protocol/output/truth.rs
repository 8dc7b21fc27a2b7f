//! When an output says yes.

use serde_json::Value;

use super::hit;

/// What of a value means yes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Truth {
    /// Anything but false, 0, "", "0", "false", "none", null, and empty lists.
    Truthy,
    /// One of these.
    Equals(Vec<Value>),
    /// None of these.
    Not(Vec<Value>),
    /// The word `hit`, as caches say it in a header.
    HitWord,
}

impl Truth {
    /// Judges what was found. Of a path that may select several values, any one decides.
    pub(super) fn says(&self, found: &Value, several: bool) -> bool {
        match found {
            Value::Array(values) if several => values.iter().any(|value| self.of_one(value)),
            one => self.of_one(one),
        }
    }

    fn of_one(&self, value: &Value) -> bool {
        match self {
            Self::Truthy => is_truthy(value),
            Self::Equals(values) => values.iter().any(|it| is_same(value, it)),
            Self::Not(values) => !values.iter().any(|it| is_same(value, it)),
            Self::HitWord => value.as_str().is_some_and(hit::says_hit),
        }
    }
}

/// Returns whether a value counts as true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim();
            let falsy = ["", "0", "false", "none"];
            !falsy.iter().any(|it| text.eq_ignore_ascii_case(it))
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    }
}

/// Returns whether a value is the one that was meant. A text, as every header is, may stand for a
/// number or a word of any case.
fn is_same(found: &Value, meant: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match (found, meant) {
        (Value::Number(found), Value::Number(meant)) => {
            found == meant || found.as_f64() == meant.as_f64()
        }
        (Value::String(found), _) => text(meant).is_some_and(|meant| {
            [found.as_str(), hit::nearest(found)]
                .iter()
                .any(|found| found.trim().eq_ignore_ascii_case(meant.trim()))
        }),
        _ => found == meant,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn truthy_is_anything_but_what_says_no() {
        for no in [
            json!(false),
            json!(0),
            json!(0.0),
            json!(""),
            json!("0"),
            json!("false"),
            json!("False"),
            json!("none"),
            json!("None"),
            json!(null),
            json!([]),
        ] {
            assert!(!is_truthy(&no), "{no}");
        }
        for yes in [
            json!(true),
            json!(1),
            json!("1"),
            json!("true"),
            json!("no"),
            json!("gpt-x"),
            json!({"code": 0}),
            json!([0]),
        ] {
            assert!(is_truthy(&yes), "{yes}");
        }
    }

    #[test]
    fn a_value_or_any_other_can_mean_yes() {
        let not = Truth::Not(vec![json!("gpt-x"), json!("gpt-x-2026")]);
        assert!(!not.says(&json!("gpt-x"), false));
        assert!(!not.says(&json!("GPT-X-2026"), false));
        assert!(not.says(&json!("small"), false));
        let equals = Truth::Equals(vec![json!(2)]);
        for (found, says) in [(json!(2), true), (json!(2.0), true), (json!("2"), true)] {
            assert_eq!(equals.says(&found, false), says, "{found}");
        }
        assert!(!equals.says(&json!([2]), false));
        assert!(equals.says(&json!([1, 2]), true));
    }

    #[test]
    fn of_several_values_any_decides() {
        assert!(!Truth::Truthy.says(&json!([null, false]), true));
        assert!(Truth::Truthy.says(&json!([null, "x"]), true));
        assert!(Truth::Truthy.says(&json!([false]), false));
    }
}
