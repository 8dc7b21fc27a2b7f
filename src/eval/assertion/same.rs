//! When two JSON values are the same.

use serde_json::Value;

use super::number::Number;
use crate::intake::is_long_integer;

/// Compares as JSON means it: `1` and `1.0` are the same number. Integers are compared exactly;
/// those of more than 64 bits are read as the text of their digits.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Number::of_json(a) == Number::of_json(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => {
            is_long_integer(text.as_bytes())
                && text
                    .parse()
                    .is_ok_and(|whole| Number::of_json(number) == Some(Number::Whole(whole)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::TextJson;

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        assert!(same(&json!({"a": [1, 2.5]}), &json!({"a": [1.0, 2.5]})));
        assert!(!same(&json!([1]), &json!(["1"])));
        assert!(!same(&json!({"a": null}), &json!({"b": null})));
        assert!(!same(&json!([1, 2]), &json!([1])));
    }

    /// field 10: beyond 64 bits too
    #[test]
    fn long_integers_are_compared_exactly() {
        let parse = |text: &str| match TextJson::read(text) {
            TextJson::Bare(value) => value,
            other => panic!("{other:?}"),
        };
        for (a, b, equal) in [
            ("12345678901234567890123", "12345678901234567890123", true),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("[100000000000000000000]", "[100000000000000000001]", false),
            (
                "{\"n\":-9223372036854775809}",
                "{\"n\":-9223372036854775808}",
                false,
            ),
            ("10000000000000000000000", "1e22", true),
            ("10000000000000000000001", "1e22", false),
            ("6.02214076e23", "6.02214076E+23", true),
        ] {
            assert_eq!(same(&parse(a), &parse(b)), equal, "{a} {b}");
        }
    }

    /// field 10
    #[test]
    fn integers_are_compared_exactly() {
        let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        for (a, b, equal) in [
            ("9007199254740993", "9007199254740992", false),
            ("1234567890123456789", "1234567890123456788", false),
            ("9007199254740993", "9007199254740992.0", false),
            ("18446744073709551615", "18446744073709551614", false),
            ("[-9007199254740993]", "[-9007199254740992]", false),
            ("9007199254740992", "9007199254740992.0", true),
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0", "-0.0", true),
            ("0.1", "0.10", true),
        ] {
            assert_eq!(same(&parse(a), &parse(b)), equal, "{a} {b}");
        }
    }
}
