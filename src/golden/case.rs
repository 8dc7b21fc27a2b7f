//! One case of a golden set, its identity, and the digest of the whole set.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The id of the one case of a load without data.
pub(crate) const NO_CASE: &str = "-";

/// Hex digits of a content id: 64 bits, so that a clash within a million cases is a
/// one-in-ten-million event.
const ID_DIGITS: usize = 16;

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// As written, else a hash of `input` and `expected`.
    pub(crate) id: String,
    pub(crate) input: Value,
    /// Null where the set says nothing.
    pub(crate) expected: Value,
    pub(crate) tags: BTreeMap<String, String>,
    /// Marks cases that are not independent.
    pub(crate) group: Option<String>,
    /// How often a load sends it beside the others, where it sends by weight; 1 where the set says
    /// nothing. Positive.
    pub(crate) weight: Option<f64>,
}

impl Case {
    /// Returns the one case of a load without data: it has no input.
    pub(crate) fn without_data() -> Self {
        Self {
            id: NO_CASE.to_owned(),
            input: Value::Null,
            expected: Value::Null,
            tags: BTreeMap::new(),
            group: None,
            weight: None,
        }
    }
}

/// A golden set, in the order of its file.
#[derive(Clone, Debug)]
pub(crate) struct GoldenSet {
    /// As the manifest or the command line names it.
    pub(crate) path: String,
    /// `blake3:…` of the canonical cases: spaces, key order, and line ends do not count.
    pub(crate) digest: String,
    pub(crate) cases: Vec<Case>,
}

impl GoldenSet {
    /// Makes a set from cases whose ids are unique.
    pub(super) fn new(path: String, cases: Vec<Case>) -> Self {
        Self {
            path,
            digest: digest(&cases),
            cases,
        }
    }

    /// Returns the case of that id.
    pub(crate) fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// Returns the cases that `keep` selects, as a set with a digest of its own: a part is never
    /// taken for the whole.
    #[must_use]
    pub(crate) fn only(&self, keep: impl Fn(&Case) -> bool) -> Self {
        let cases = self.cases.iter().filter(|case| keep(case)).cloned();
        Self::new(self.path.clone(), cases.collect())
    }
}

/// Returns the id of a case that was written without one.
///
/// Tags and the group are left out: they say how a case is counted, not what is asked, so that
/// tagging a set does not tear its cases from those of earlier runs.
pub(super) fn content_id(input: &Value, expected: &Value) -> String {
    let mut text = String::new();
    canonical(input, &mut text);
    text.push('\n');
    canonical(expected, &mut text);
    let mut hex = blake3::hash(text.as_bytes()).to_hex().to_string();
    hex.truncate(ID_DIGITS);
    hex
}

fn digest(cases: &[Case]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut line = String::new();
    for case in cases {
        line.clear();
        write_case(case, &mut line);
        hasher.update(line.as_bytes());
    }
    format!("blake3:{}", hasher.finalize().to_hex())
}

fn write_case(case: &Case, out: &mut String) {
    write_text(&case.id, out);
    out.push(' ');
    canonical(&case.input, out);
    out.push(' ');
    canonical(&case.expected, out);
    for (key, value) in &case.tags {
        out.push(' ');
        write_text(key, out);
        out.push('=');
        write_text(value, out);
    }
    out.push(' ');
    if let Some(group) = &case.group {
        write_text(group, out);
    }
    out.push('\n');
}

/// Writes JSON without spaces and with sorted keys, so that equal values have equal text.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(table) => canonical_table(table, out),
    }
}

fn canonical_table(table: &Map<String, Value>, out: &mut String) {
    let sorted: BTreeMap<&String, &Value> = table.iter().collect();
    out.push('{');
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(key, out);
        out.push(':');
        canonical(value, out);
    }
    out.push('}');
}

/// Writes a JSON string.
fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn case(id: &str, input: Value) -> Case {
        Case {
            id: id.to_owned(),
            input,
            expected: Value::Null,
            tags: BTreeMap::new(),
            group: None,
            weight: None,
        }
    }

    #[test]
    fn a_content_id_ignores_the_order_of_keys_and_nothing_else() {
        let id = |input: Value| content_id(&input, &json!({"answer": "x"}));
        let written: Value = serde_json::from_str(r#"{"b": {"d": 1, "c": 2}, "a": 1}"#).unwrap();
        let turned: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 1}}"#).unwrap();
        assert_eq!(id(written.clone()), id(turned));
        assert_eq!(id(written.clone()).len(), 16);
        assert_ne!(id(written), id(json!({"a": 1, "b": {"c": 2, "d": "1"}})));
        assert_ne!(
            content_id(&json!("a"), &json!(null)),
            content_id(&json!(null), &json!("a"))
        );
    }

    #[test]
    fn the_digest_follows_every_field() {
        let set = |case: Case| GoldenSet::new("g".into(), vec![case]).digest;
        let plain = case("q1", json!("hello"));
        let mut variants = vec![
            plain.clone(),
            case("q2", json!("hello")),
            case("q1", json!("x")),
        ];
        variants.push(Case {
            expected: json!("hello"),
            ..plain.clone()
        });
        variants.push(Case {
            tags: BTreeMap::from([("lang".to_owned(), "de".to_owned())]),
            ..plain.clone()
        });
        variants.push(Case {
            group: Some("g".into()),
            ..plain.clone()
        });
        let digests: std::collections::BTreeSet<_> = variants.iter().cloned().map(set).collect();
        assert_eq!(digests.len(), variants.len());
        assert_eq!(set(plain.clone()), set(plain));
    }

    #[test]
    fn a_part_of_a_set_has_another_digest() {
        let whole = GoldenSet::new("g".into(), vec![case("a", json!(1)), case("b", json!(2))]);
        let part = whole.only(|case| case.id == "b");
        assert_eq!(part.cases.len(), 1);
        assert!(part.case("a").is_none() && part.case("b").is_some());
        assert_ne!(part.digest, whole.digest);
    }

    /// The same value with the keys of every table turned round.
    fn turned(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(turned).collect(),
            Value::Object(table) => {
                let entries = table.iter().rev();
                Value::Object(entries.map(|(key, it)| (key.clone(), turned(it))).collect())
            }
            other => other.clone(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z\"{}:, ]{0,5}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 10, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from);
            let table = proptest::collection::btree_map("[a-d]", inner, 0..3);
            prop_oneof![list, table.prop_map(|map| map.into_iter().collect())]
        })
    }

    proptest! {
        #[test]
        fn what_is_equal_has_one_id_and_what_is_not_has_two(one in value(), other in value(), expected in value()) {
            let id = |input: &Value| content_id(input, &expected);
            prop_assert_eq!(id(&one), id(&turned(&one)));
            prop_assert_eq!(id(&one) == id(&other), one == other);
            let moved = content_id(&expected, &one);
            prop_assert_eq!(moved == id(&one), one == expected);
        }

        #[test]
        fn a_digest_is_of_all_cases_in_their_order(inputs in proptest::collection::vec(value(), 1..5)) {
            let of = |inputs: &[Value]| {
                let cases = inputs.iter().enumerate();
                let cases = cases.map(|(at, input)| case(&format!("q{at}"), input.clone()));
                GoldenSet::new("g".into(), cases.collect()).digest
            };
            let same: Vec<Value> = inputs.iter().map(turned).collect();
            prop_assert_eq!(of(&inputs), of(&same));
            let mut other = inputs.clone();
            other.reverse();
            prop_assert_eq!(of(&inputs) == of(&other), inputs == other);
            prop_assert_ne!(of(&inputs), of(&inputs[1..]));
        }
    }
}
