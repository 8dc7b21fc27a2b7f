//! Integers of JSON that no machine word holds. Read as a number they would be rounded, and equal
//! to their neighbours; as the text of their digits they stay what they are.

use std::borrow::Cow;

/// The shortest integer that a machine word may not hold is -9223372036854775809: so many digits.
const LONG: usize = 19;

/// Returns JSON with its integers of more than 64 bits in quotes; other numbers, and what is in
/// texts already, stay as they are.
pub(crate) fn with_long_integers_as_texts(json: &[u8]) -> Cow<'_, [u8]> {
    if !may_hold_one(json) {
        return Cow::Borrowed(json);
    }
    let mut out = Vec::with_capacity(json.len() + 2);
    let mut copied = 0;
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'"' => at = end_of_text(json, at),
            b'-' | b'0'..=b'9' => {
                let end = at + number(&json[at..]);
                if is_long_integer(&json[at..end]) {
                    out.extend_from_slice(&json[copied..at]);
                    out.push(b'"');
                    out.extend_from_slice(&json[at..end]);
                    out.push(b'"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(&json[copied..]);
    Cow::Owned(out)
}

/// Returns whether so many digits follow each other anywhere: of those, one stands at a multiple of
/// their count.
fn may_hold_one(json: &[u8]) -> bool {
    let is_digit = |at: &usize| json[*at].is_ascii_digit();
    let run = |at: usize| {
        let before = json[..at].iter().rev();
        let before = before.take_while(|byte| byte.is_ascii_digit()).take(LONG);
        let after = json[at..].iter();
        let after = after.take_while(|byte| byte.is_ascii_digit()).take(LONG);
        before.count() + after.count()
    };
    let mut places = (LONG - 1..json.len()).step_by(LONG);
    places.any(|at| is_digit(&at) && run(at) >= LONG)
}

/// Returns where the text ends that begins at `at`, behind its quote.
fn end_of_text(json: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Returns how long the number is that a text begins with.
fn number(json: &[u8]) -> usize {
    let belongs = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    json.iter().take_while(belongs).count()
}

/// Returns whether a number is an integer, written as JSON wants it, that neither `i64` nor `u64`
/// holds.
pub(crate) fn is_long_integer(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    if digits.len() < LONG || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(json: &str) -> String {
        String::from_utf8(with_long_integers_as_texts(json.as_bytes()).into_owned()).unwrap()
    }

    /// field 10
    #[test]
    fn an_integer_that_would_be_rounded_is_its_digits() {
        for (json, kept) in [
            ("12345678901234567890123", "\"12345678901234567890123\""),
            ("18446744073709551616", "\"18446744073709551616\""),
            ("-9223372036854775809", "\"-9223372036854775809\""),
            (
                "{\"id\":100000000000000000001,\"n\":[1,100000000000000000000 ]}",
                "{\"id\":\"100000000000000000001\",\"n\":[1,\"100000000000000000000\" ]}",
            ),
            (
                "{\"a\\\"\":\"\\\\\",\"id\":99999999999999999999}",
                "{\"a\\\"\":\"\\\\\",\"id\":\"99999999999999999999\"}",
            ),
        ] {
            assert_eq!(read(json), kept);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for json in [
            "18446744073709551615",
            "-9223372036854775808",
            "9999999999999999999",
            "0.12345678901234567890123",
            "12345678901234567890123.5",
            "12345678901234567890e3",
            "6.02214076e23",
            "[\"12345678901234567890123\"]",
            "{\"12345678901234567890123\":\"a \\\" 12345678901234567890123\"}",
            // Not JSON, before and after.
            "00000000000000000000001",
            "\"12345678901234567890123",
            "12345678901234567890123-1",
            "",
        ] {
            assert!(matches!(
                with_long_integers_as_texts(json.as_bytes()),
                Cow::Borrowed(_)
            ));
            assert_eq!(read(json), json);
        }
    }

    proptest! {
        #[test]
        fn what_is_json_stays_json_and_what_is_not_does_not_become_it(
            text in "(\\[|,|\"|\\\\|-|1234567890123456789|[0-9]{1,25}|\\]|e|\\.| ){0,12}"
        ) {
            let before = serde_json::from_str::<Value>(&text);
            let after = serde_json::from_str::<Value>(&read(&text));
            prop_assert_eq!(before.is_ok(), after.is_ok());
        }

        #[test]
        fn neighbours_are_told_apart_wherever_they_stand(
            number in (1_u128 << 64)..u128::MAX, before in "[ ]{0,40}"
        ) {
            let first: Value = serde_json::from_str(&read(&format!("[{before}{number}]"))).unwrap();
            let second: Value = serde_json::from_str(&read(&format!("[{before}{}]", number - 1))).unwrap();
            prop_assert_ne!(&first, &second);
            let digits = number.to_string();
            prop_assert_eq!(first[0].as_str(), Some(digits.as_str()));
        }
    }
}
