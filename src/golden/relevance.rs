//! `expected.ids`: which documents answer a case, and how well each does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How relevant each document is, by id; a grade of zero or less is not relevant.
pub(crate) type Grades = BTreeMap<String, f64>;

/// Returns an id as text: `1` and `1.0` are one id.
pub(crate) fn id_text(id: &Value) -> String {
    let is_whole = |number: &f64| number.trunc() == *number && number.abs() < 2_f64.powi(127);
    match id {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(is_whole) {
            Some(whole) if number.is_f64() => (whole as i128).to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Reads `"a"`, `["a", "b"]`, `{"a": 3, "b": "1"}`, or `[{"id": "a", "grade": 3}]`; ids without a
/// grade have grade 1. The error names the value that is something else.
pub(crate) fn grades(value: &Value) -> Result<Grades, String> {
    let mut grades = Grades::new();
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for item in items {
                let (id, grade) = match item {
                    Value::Object(fields) => document(fields)?,
                    id => (plain_id(id)?, 1.0),
                };
                add(&mut grades, id, grade)?;
            }
        }
        Value::Object(fields) if fields.contains_key("id") && fields.contains_key("grade") => {
            let (id, grade) = document(fields)?;
            add(&mut grades, id, grade)?;
        }
        Value::Object(fields) => {
            for (id, value) in fields {
                add(&mut grades, id.clone(), grade(id, value)?)?;
            }
        }
        id => add(&mut grades, plain_id(id)?, 1.0)?,
    }
    Ok(grades)
}

fn add(grades: &mut Grades, id: String, grade: f64) -> Result<(), String> {
    match grades.get(&id) {
        Some(other) if *other != grade => {
            Err(format!("`{id}` has two grades, {other} and {grade}"))
        }
        _ => {
            grades.insert(id, grade);
            Ok(())
        }
    }
}

fn plain_id(id: &Value) -> Result<String, String> {
    match id {
        Value::String(_) | Value::Number(_) => Ok(id_text(id)),
        other => Err(format!(
            "{other} is no id; write a text, a number, or {{\"id\": …, \"grade\": …}}"
        )),
    }
}

/// Reads `{"id": "a", "grade": 3}`.
fn document(fields: &Map<String, Value>) -> Result<(String, f64), String> {
    let only = |key: &String| matches!(key.as_str(), "id" | "grade");
    let Some(id) = fields.get("id").filter(|_| fields.keys().all(only)) else {
        let written = Value::Object(fields.clone());
        return Err(format!(
            "{written} is no id; a document in an array is {{\"id\": …, \"grade\": …}}"
        ));
    };
    let id = plain_id(id)?;
    let grade = fields.get("grade").map_or(Ok(1.0), |it| grade(&id, it))?;
    Ok((id, grade))
}

/// Reads a grade, also one that is written as text.
fn grade(id: &str, value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("the grade of `{id}` is {value}, which is no number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// field 11
    #[test]
    fn grades_are_read_in_every_form() {
        let two = Grades::from([("a".to_owned(), 3.0), ("b".to_owned(), 1.0)]);
        for written in [
            json!({"a": 3, "b": "1"}),
            json!({"a": "3", "b": " 1.0 "}),
            json!([{"id": "a", "grade": 3}, {"id": "b"}]),
            json!([{"id": "a", "grade": "3"}, "b"]),
        ] {
            assert_eq!(grades(&written).as_ref(), Ok(&two), "{written}");
        }
        let one = Grades::from([("7".to_owned(), 1.0)]);
        for written in [json!("7"), json!(7), json!([7.0]), json!(["7", 7])] {
            assert_eq!(grades(&written).as_ref(), Ok(&one), "{written}");
        }
        let single = json!({"id": "a", "grade": 3});
        assert_eq!(grades(&single), Ok(Grades::from([("a".to_owned(), 3.0)])));
        assert_eq!(grades(&json!([])), Ok(Grades::new()));
    }

    /// field 11
    #[test]
    fn what_is_no_grade_is_named() {
        let error = |written: Value| grades(&written).unwrap_err();
        insta::assert_snapshot!(
            [
                json!({"a": 3, "b": "high"}),
                json!({"a": null}),
                json!({"a": "nan"}),
                json!([{"id": "a", "text": "…"}]),
                json!([{"a": 3}]),
                json!([{"grade": 3}]),
                json!([["a", "b"]]),
                json!(["a", null]),
                json!(true),
                json!([{"id": "a", "grade": 3}, "a"]),
            ]
            .map(error)
            .join("\n"),
            @r#"
        the grade of `b` is "high", which is no number
        the grade of `a` is null, which is no number
        the grade of `a` is "nan", which is no number
        {"id":"a","text":"…"} is no id; a document in an array is {"id": …, "grade": …}
        {"a":3} is no id; a document in an array is {"id": …, "grade": …}
        {"grade":3} is no id; a document in an array is {"id": …, "grade": …}
        ["a","b"] is no id; write a text, a number, or {"id": …, "grade": …}
        null is no id; write a text, a number, or {"id": …, "grade": …}
        true is no id; write a text, a number, or {"id": …, "grade": …}
        `a` has two grades, 3 and 1
        "#
        );
    }

    /// field 10
    #[test]
    fn ids_are_the_same_however_the_number_is_written() {
        let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        for (written, text) in [
            ("1", "1"),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("0.5", "0.5"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("\"1.0\"", "1.0"),
        ] {
            assert_eq!(id_text(&parse(written)), text);
        }
    }

    proptest! {
        #[test]
        fn a_list_of_ids_is_a_table_of_ones(ids in proptest::collection::vec("[a-c0-9]{1,3}", 0..6)) {
            let of_list = grades(&json!(ids)).unwrap();
            let table: serde_json::Map<String, Value> =
                ids.iter().map(|id| (id.clone(), json!(1))).collect();
            // `{"id": …, "grade": …}` is one document, and no id here is such a word.
            prop_assert_eq!(&grades(&Value::Object(table)).unwrap(), &of_list);
            let documents: Vec<Value> = ids.iter().map(|id| json!({"id": id, "grade": "1"})).collect();
            prop_assert_eq!(&grades(&Value::Array(documents)).unwrap(), &of_list);
            prop_assert!(of_list.values().all(|grade| *grade == 1.0));
        }

        #[test]
        fn grades_are_read_again_as_they_were_read(table in proptest::collection::btree_map("[a-z]{3,5}", -9.0..9.0_f64, 0..6)) {
            let read = grades(&json!(table)).unwrap();
            prop_assert_eq!(&read, &table);
            prop_assert_eq!(grades(&json!(read)).unwrap(), table);
        }

        #[test]
        fn a_whole_number_is_one_id_however_it_is_written(number in -1_000_000_i64..1_000_000) {
            let text = number.to_string();
            prop_assert_eq!(id_text(&json!(number)), text.clone());
            prop_assert_eq!(id_text(&json!(number as f64)), text.clone());
            prop_assert_eq!(id_text(&json!(text)), text);
        }

        #[test]
        fn any_json_is_grades_or_refused(text in "[\\[\\]{}\",:a-d0-9ig ]{0,24}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text)
                && let Ok(read) = grades(&value)
            {
                prop_assert!(read.values().all(|grade| grade.is_finite()));
            }
        }
    }
}
