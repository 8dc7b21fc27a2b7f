//! Reads a golden set from JSONL, line by line, and says for each line that is wrong where it
//! stands and why.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::case::{Case, GoldenSet, content_id};
use super::error::{GoldenError, LineError};
use super::relevance::grades;
use crate::intake;
use crate::registry::did_you_mean;

/// The keys of a case.
const KEYS: [&str; 6] = ["id", "input", "expected", "tags", "group", "weight"];

/// Lines shown before giving up: a file of another format is wrong on every line.
const SHOWN: usize = 10;

/// Some editors write it at the start of a file; it is not part of the first line.
const BOM: &[u8] = b"\xef\xbb\xbf";

impl GoldenSet {
    /// Reads `path`, which messages name as it is written, relative to `root`.
    pub(crate) fn read(root: &Path, path: &Path) -> Result<Self, GoldenError> {
        let shown = path.display().to_string();
        match intake::open(&root.join(path)) {
            Ok(file) => read_lines(BufReader::new(file), shown),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(GoldenError::Missing { path: shown })
            }
            Err(reason) => Err(GoldenError::Unreadable {
                path: shown,
                reason,
            }),
        }
    }

    /// Reads a set from bytes.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, GoldenError> {
        read_lines(bytes, "golden.jsonl".to_owned())
    }
}

/// What is wrong with a line, before it is known which.
struct Wrong {
    message: String,
    help: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

fn read_lines(mut from: impl BufRead, path: String) -> Result<GoldenSet, GoldenError> {
    let mut cases = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        match intake::read_line(&mut from, &mut bytes, &intake::GOLDEN_LINE) {
            Ok(0) => break,
            Ok(_) => {}
            Err(reason) => return Err(GoldenError::Unreadable { path, reason }),
        }
        let text = if line == 1 {
            bytes.strip_prefix(BOM).unwrap_or(&bytes)
        } else {
            &bytes
        };
        if let Some((looks, help)) =
            first_of_another_format(text).filter(|_| cases.is_empty() && count == 0)
        {
            return Err(GoldenError::Foreign { path, looks, help });
        }
        match parse_line(text).and_then(|case| unique(case, line, &mut seen)) {
            Ok(case) => cases.extend(case),
            Err(Wrong { message, help }) => {
                count += 1;
                if wrong.len() < SHOWN {
                    wrong.push(LineError {
                        path: path.clone(),
                        line,
                        message,
                        help,
                    });
                }
            }
        }
    }
    match (count, wrong.pop()) {
        (_, None) if cases.is_empty() => Err(GoldenError::Empty { path }),
        (_, None) => Ok(GoldenSet::new(path, cases)),
        (1, Some(only)) => Err(GoldenError::Line(only)),
        (_, Some(last)) => {
            wrong.push(last);
            Err(GoldenError::Lines {
                path,
                count,
                lines: wrong,
            })
        }
    }
}

/// Tells the first line of another format, which would be wrong on every line: what it looks like,
/// and what to do.
fn first_of_another_format(line: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    if text.is_empty() || is_json(text) {
        return None;
    }
    // A carriage return inside a line: between the cases there is no line feed.
    if text.contains('\r') {
        let looks = "its line ends are CR alone";
        return Some((looks, "Save the file with the line ends of Unix (LF)."));
    }
    if text == "[" || text.starts_with("[{") {
        let looks = "it looks like one JSON array";
        return Some((looks, "Write one case a line, without brackets and commas."));
    }
    if text == "{" {
        let looks = "it looks like JSON over several lines";
        return Some((looks, "Write each case on one line."));
    }
    let names = [',', ';', '\t'].map(|mark| text.split(mark).collect::<Vec<_>>());
    let is_header = |names: &Vec<&str>| names.len() > 1 && names.iter().all(|it| is_column(it));
    names.iter().any(is_header).then_some((
        "it looks like CSV",
        "Write one case a line, for instance {\"id\": \"q1\", \"input\": \"…\", \"expected\": \"…\"}.",
    ))
}

/// Returns whether a text may be the name of a column.
fn is_column(text: &str) -> bool {
    let name = text.trim().trim_matches('"');
    let may_stand = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(may_stand)
}

/// Refuses a case whose id was seen, and remembers where it stands.
fn unique(
    case: Option<(Case, bool)>,
    line: usize,
    seen: &mut HashMap<String, usize>,
) -> Result<Option<Case>, Wrong> {
    let Some((case, named)) = case else {
        return Ok(None);
    };
    match seen.insert(case.id.clone(), line) {
        None => Ok(Some(case)),
        Some(first) => {
            seen.insert(case.id.clone(), first);
            Err(if named {
                Wrong::new(format!(
                    "case id `{}` is already used on line {first}",
                    case.id
                ))
                .help("Give every case an id of its own.")
            } else {
                Wrong::new(format!("the same case stands on line {first}"))
                    .help("Remove one of them, or give each an `id`.")
            })
        }
    }
}

/// Returns the case of a line and whether it has a written id; `None` for a blank line.
fn parse_line(bytes: &[u8]) -> Result<Option<(Case, bool)>, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Wrong::new(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1))
            .help("Save the file as UTF-8.")
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let exact = intake::with_long_integers_as_texts(text.as_bytes());
    let value = match serde_json::from_slice(&exact) {
        Ok(value) => value,
        // With the columns of what is written.
        Err(_) => serde_json::from_str(text).map_err(|error| broken_json(&error))?,
    };
    if let Cow::Owned(_) = exact {
        check_input(text, &value)?;
    }
    let Value::Object(table) = value else {
        return Err(Wrong::new(format!(
            "a case is a JSON object, this is {}",
            describe(&value)
        )));
    };
    parse_case(table).map(Some)
}

/// Refuses an input that would not be sent as it is written: as a text in place of a number.
fn check_input(text: &str, exact: &Value) -> Result<(), Wrong> {
    let rounded: Value = serde_json::from_str(text).map_err(|error| broken_json(&error))?;
    if rounded.get("input") == exact.get("input") {
        return Ok(());
    }
    Err(Wrong::new(
        "`input` holds an integer of more than 64 bits, which cannot be sent as a number",
    )
    .help("Write it in quotes, as a text."))
}

fn broken_json(error: &serde_json::Error) -> Wrong {
    if error.is_eof() {
        return Wrong::new("the line ends in the middle of a JSON object")
            .help("Write each case on one line; the file may have been cut off.");
    }
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    Wrong::new(format!(
        "not JSON: {reason} at column {}",
        error.column().max(1)
    ))
}

fn parse_case(mut table: Map<String, Value>) -> Result<(Case, bool), Wrong> {
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let wrong = Wrong::new(format!("unknown key `{unknown}`"));
        return Err(match did_you_mean(unknown, KEYS) {
            Some(near) => wrong.help(format!("Did you mean `{near}`?")),
            None => wrong.help(format!(
                "A case has the keys `{}`; what else belongs to it goes into `input`, `expected`, or `tags`.",
                KEYS.join("`, `")
            )),
        });
    }
    let id = optional_text(&mut table, "id")?;
    let group = optional_text(&mut table, "group")?;
    let weight = weight(&mut table)?;
    let tags = match table.remove("tags") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(tags)) => tags
            .into_iter()
            .map(|(key, value)| tag_text(&key, value).map(|text| (key, text)))
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(Wrong::new(format!(
                "`tags` must be an object, this is {}",
                describe(&other)
            )));
        }
    };
    let expected = table.remove("expected").unwrap_or(Value::Null);
    check_ids(&expected)?;
    let input = match table.remove("input") {
        None | Some(Value::Null) => {
            return Err(Wrong::new("the case has no `input`")
                .help("Write what is sent to the stage as `input`, a text or an object."));
        }
        Some(input) => input,
    };
    let named = id.is_some();
    let case = Case {
        id: id.unwrap_or_else(|| content_id(&input, &expected)),
        input,
        expected,
        tags,
        group,
        weight,
    };
    Ok((case, named))
}

/// `expected.ids` names documents; what is something else would be a case that no ranking can be
/// held against.
fn check_ids(expected: &Value) -> Result<(), Wrong> {
    let ids = expected.get("ids").unwrap_or(&Value::Null);
    let relevant = grades(ids).map_err(|reason| {
        Wrong::new(format!("`expected.ids`: {reason}"))
            .help("Write `[\"a\", \"b\"]`, or grades as in `{\"a\": 3, \"b\": 1}`.")
    })?;
    let steep = relevant
        .iter()
        .find(|(_, grade)| intake::GRADE.is_passed_by(grade.abs().ceil() as u64));
    if let Some((id, grade)) = steep {
        let most = intake::GRADE;
        return Err(Wrong::new(format!(
            "`expected.ids`: the grade of `{id}` is {grade}, and grades are at most {most}"
        ))
        .help("Grades are steps of relevance, such as 0 to 4: nDCG may take 2 to their power."));
    }
    match expected.get("none") {
        Some(Value::Bool(true)) if relevant.values().any(|grade| *grade > 0.0) => Err(Wrong::new(
            "`expected.none` is true and `expected.ids` names documents",
        )),
        _ => Ok(()),
    }
}

/// Takes a text, or a number as its text.
fn optional_text(table: &mut Map<String, Value>, key: &str) -> Result<Option<String>, Wrong> {
    match table.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => {
            Err(Wrong::new(format!("`{key}` must not be empty")))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(Wrong::new(format!(
            "`{key}` must be a text, this is {}",
            describe(&other)
        ))),
    }
}

fn weight(table: &mut Map<String, Value>) -> Result<Option<f64>, Wrong> {
    let written = match table.remove("weight") {
        None | Some(Value::Null) => return Ok(None),
        Some(written) => written,
    };
    match written.as_f64().filter(|it| it.is_finite() && *it > 0.0) {
        Some(weight) => Ok(Some(weight)),
        None => Err(Wrong::new(format!(
            "`weight` must be a number above 0, this is {written}"
        ))),
    }
}

fn tag_text(key: &str, value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Wrong::new(format!(
            "tag `{key}` must be a text, a number, or a boolean, this is {}",
            describe(&value)
        ))),
    }
}

const fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use miette::Diagnostic as _;

    use super::*;
    use crate::error::{Classify as _, Kind};

    fn read(text: impl AsRef<[u8]>) -> Result<GoldenSet, GoldenError> {
        read_lines(text.as_ref(), "golden/a.jsonl".to_owned())
    }

    /// The error as a person reads it: message, related lines, help, and kind.
    fn shown(text: impl AsRef<[u8]>) -> String {
        show(&read(text).unwrap_err())
    }

    fn show(error: &GoldenError) -> String {
        let mut out = format!("{error} [{:?}]", error.kind());
        for line in error.related().into_iter().flatten() {
            write!(out, "\n  {line}").unwrap();
        }
        if let Some(help) = error.help() {
            write!(out, "\nhelp: {help}").unwrap();
        }
        out
    }

    #[test]
    fn cases_are_read_in_order_with_their_tags_and_groups() {
        let text = "\u{feff}{\"id\":\"q1\",\"input\":{\"question\":\"a\"},\"expected\":{\"ids\":[\"d1\"]},\
                    \"tags\":{\"lang\":\"en\",\"hops\":2,\"hard\":true},\"group\":\"c1\",\"weight\":2.5}\r\n\n  \n{\"input\":\"b\"}";
        let set = read(text).unwrap();
        assert_eq!(set.cases.len(), 2);
        assert_eq!(
            set.cases[0],
            Case {
                id: "q1".into(),
                input: json!({"question": "a"}),
                expected: json!({"ids": ["d1"]}),
                tags: [("hard", "true"), ("hops", "2"), ("lang", "en")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                group: Some("c1".into()),
                weight: Some(2.5),
            }
        );
        assert_eq!(set.cases[1].id, content_id(&json!("b"), &Value::Null));
    }

    #[test]
    fn layout_does_not_change_the_digest() {
        let one = read("{\"id\":\"1\",\"input\":{\"a\":1,\"b\":2}}\n").unwrap();
        let other = read("\u{feff}\n{ \"input\": {\"b\":2, \"a\":1}, \"id\": 1 }").unwrap();
        assert_eq!(one.digest, other.digest);
        assert!(one.digest.starts_with("blake3:"));
    }

    /// field 10: beyond 64 bits too
    #[test]
    fn long_integers_stay_apart_and_are_not_sent_as_something_else() {
        let set = read(
            "{\"id\":12345678901234567890123,\"input\":\"a\",\"expected\":{\"ids\":[12345678901234567890123],\"n\":1e22}}\n\
             {\"id\":12345678901234567890124,\"input\":\"a\",\"expected\":{\"ids\":{\"x\":1}},\"tags\":{\"n\":18446744073709551616}}\n\
             {\"input\":\"a\",\"expected\":100000000000000000000}\n{\"input\":\"a\",\"expected\":100000000000000000001}",
        )
        .unwrap();
        let ids: Vec<&str> = set.cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(
            ids[..2],
            ["12345678901234567890123", "12345678901234567890124"]
        );
        assert_ne!(ids[2], ids[3]);
        assert_eq!(
            set.cases[0].expected,
            json!({"ids": ["12345678901234567890123"], "n": 1e22})
        );
        assert_eq!(set.cases[1].tags["n"], "18446744073709551616");
        insta::assert_snapshot!(shown("{\"input\": {\"id\": 12345678901234567890123}}\n"), @"
        golden/a.jsonl:1: `input` holds an integer of more than 64 bits, which cannot be sent as a number [Manifest]
        help: Write it in quotes, as a text.
        ");
        insta::assert_snapshot!(shown("{\"id\": 12345678901234567890123, \"input\": }\n"), @"golden/a.jsonl:1: not JSON: expected value at column 42 [Manifest]");
    }

    #[test]
    fn a_broken_line_is_named() {
        insta::assert_snapshot!(shown("{\"input\": \"a\"}\n{\"input\": \"b\n"), @"
        golden/a.jsonl:2: the line ends in the middle of a JSON object [Manifest]
        help: Write each case on one line; the file may have been cut off.
        ");
        insta::assert_snapshot!(shown("{\"input\": }\n"), @"golden/a.jsonl:1: not JSON: expected value at column 11 [Manifest]");
        insta::assert_snapshot!(shown("{\"input\": \"a\"} x\n"), @"golden/a.jsonl:1: not JSON: trailing characters at column 16 [Manifest]");
        insta::assert_snapshot!(shown("[1]\n"), @"golden/a.jsonl:1: a case is a JSON object, this is an array [Manifest]");
        insta::assert_snapshot!(shown(b"{\"input\": \"a\xff\"}\n"), @"
        golden/a.jsonl:1: invalid UTF-8 at byte 13 [Manifest]
        help: Save the file as UTF-8.
        ");
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        insta::assert_snapshot!(shown("{\"input\": \"a\", \"expcted\": \"b\"}"), @"
        golden/a.jsonl:1: unknown key `expcted` [Manifest]
        help: Did you mean `expected`?
        ");
        insta::assert_snapshot!(shown("{\"input\": \"a\", \"difficulty\": 2}"), @"
        golden/a.jsonl:1: unknown key `difficulty` [Manifest]
        help: A case has the keys `id`, `input`, `expected`, `tags`, `group`, `weight`; what else belongs to it goes into `input`, `expected`, or `tags`.
        ");
        insta::assert_snapshot!(shown("{\"input\": \"a\", \"weight\": 0}"), @"golden/a.jsonl:1: `weight` must be a number above 0, this is 0 [Manifest]");
        insta::assert_snapshot!(shown("{\"id\": \"q1\"}"), @"
        golden/a.jsonl:1: the case has no `input` [Manifest]
        help: Write what is sent to the stage as `input`, a text or an object.
        ");
        insta::assert_snapshot!(shown("{\"id\": [], \"input\": \"a\"}"), @"golden/a.jsonl:1: `id` must be a text, this is an array [Manifest]");
        insta::assert_snapshot!(shown("{\"id\": \"\", \"input\": \"a\"}"), @"golden/a.jsonl:1: `id` must not be empty [Manifest]");
        insta::assert_snapshot!(shown("{\"input\": \"a\", \"tags\": [\"x\"]}"), @"golden/a.jsonl:1: `tags` must be an object, this is an array [Manifest]");
        insta::assert_snapshot!(shown("{\"input\": \"a\", \"tags\": {\"x\": {}}}"), @"golden/a.jsonl:1: tag `x` must be a text, a number, or a boolean, this is an object [Manifest]");
    }

    /// field 11, 26
    #[test]
    fn relevant_ids_that_are_none_are_named() {
        let line = |expected: &str| format!("{{\"input\": \"a\", \"expected\": {expected}}}\n");
        insta::assert_snapshot!(shown(line("\"x\"") + &line(r#"{"ids": {"a": 3, "b": "high"}}"#)), @r#"
        golden/a.jsonl:2: `expected.ids`: the grade of `b` is "high", which is no number [Manifest]
        help: Write `["a", "b"]`, or grades as in `{"a": 3, "b": 1}`.
        "#);
        insta::assert_snapshot!(shown(line(r#"{"ids": [{"id": "a", "score": 3}]}"#)), @r#"
        golden/a.jsonl:1: `expected.ids`: {"id":"a","score":3} is no id; a document in an array is {"id": …, "grade": …} [Manifest]
        help: Write `["a", "b"]`, or grades as in `{"a": 3, "b": 1}`.
        "#);
        insta::assert_snapshot!(shown(line(r#"{"ids": ["a"], "none": true}"#)), @"golden/a.jsonl:1: `expected.none` is true and `expected.ids` names documents [Manifest]");
        for legal in [
            r#"{"ids": {"a": "3"}}"#,
            r#"{"ids": [{"id": "a", "grade": 3}, "b", 7]}"#,
            r#"{"ids": [], "none": true}"#,
            r#"{"ids": null}"#,
            "[1, 2]",
        ] {
            assert!(read(line(legal)).is_ok(), "{legal}");
        }
    }

    /// field 29
    #[test]
    fn files_of_other_formats_are_told() {
        insta::assert_snapshot!(shown("id,input,expected\nq1,hello,hello\n"), @r#"
        golden set `golden/a.jsonl` is not JSONL: it looks like CSV [Manifest]
        help: Write one case a line, for instance {"id": "q1", "input": "…", "expected": "…"}.
        "#);
        insta::assert_snapshot!(shown("{\"input\":\"a\"}\r{\"input\":\"b\"}\r"), @"
        golden set `golden/a.jsonl` is not JSONL: its line ends are CR alone [Manifest]
        help: Save the file with the line ends of Unix (LF).
        ");
        for (text, looks) in [
            ("\u{feff}\"id\";\"Frage\"\n", "CSV"),
            ("question\tanswer\n", "CSV"),
            ("\n\nid,input.question\n", "CSV"),
            ("[\n{\"input\": 1}\n]", "array"),
            ("[{\"input\": 1},\n", "array"),
            ("{\n\"input\": 1\n}", "several lines"),
            ("id,input\rq1,x\r", "CR"),
        ] {
            assert!(shown(text).contains(looks), "{text}: {}", shown(text));
        }
        // Lines of a golden set that are wrong in themselves.
        for text in [
            "{\"input\": \"a\"\n",
            "hello\n",
            "{\"input\": 1}\nid,input\n",
            "[1]\n",
        ] {
            assert!(!shown(text).contains("is not JSONL"), "{text}");
        }
        assert!(read("{\"input\": 1}\r\n{\"input\": 2}\r\n").is_ok());
    }

    #[test]
    fn duplicates_name_the_first_line() {
        insta::assert_snapshot!(
            shown("{\"id\":\"a\",\"input\":1}\n\n{\"id\":\"a\",\"input\":2}\n"), @"
        golden/a.jsonl:3: case id `a` is already used on line 1 [Manifest]
        help: Give every case an id of its own.
        ");
        insta::assert_snapshot!(shown("{\"input\":1}\n{\"input\":1}\n"), @"
        golden/a.jsonl:2: the same case stands on line 1 [Manifest]
        help: Remove one of them, or give each an `id`.
        ");
    }

    #[test]
    fn every_wrong_line_is_shown_up_to_a_limit() {
        insta::assert_snapshot!(shown("{}\n{\"input\": 1}\n7\n"), @"
        golden set `golden/a.jsonl` has 2 wrong lines: [Manifest]
          golden/a.jsonl:1: the case has no `input`
          golden/a.jsonl:3: a case is a JSON object, this is a number
        ");
        let many = "{}\n".repeat(500);
        let Err(GoldenError::Lines { count, lines, .. }) = read(many) else {
            panic!("500 wrong lines must be an error");
        };
        assert_eq!((count, lines.len()), (500, SHOWN));
    }

    #[test]
    fn nothing_to_ask_and_nothing_there_are_different_errors() {
        insta::assert_snapshot!(shown(""), @r#"
        golden set `golden/a.jsonl` holds no cases [Manifest]
        help: Write one case a line, for instance {"id": "q1", "input": "…", "expected": "…"}.
        "#);
        insta::assert_snapshot!(shown("\n\u{20}\n"), @r#"
        golden set `golden/a.jsonl` holds no cases [Manifest]
        help: Write one case a line, for instance {"id": "q1", "input": "…", "expected": "…"}.
        "#);
        let dir = tempfile::tempdir().unwrap();
        let missing = GoldenSet::read(dir.path(), Path::new("golden/none.jsonl")).unwrap_err();
        insta::assert_snapshot!(show(&missing), @"
        golden set `golden/none.jsonl` does not exist [Environment]
        help: Create the file, or correct `golden` or `data` in the manifest.
        ");
        let folder = GoldenSet::read(dir.path(), Path::new(".")).unwrap_err();
        assert_eq!(folder.kind(), Kind::Environment);
    }

    #[test]
    fn a_hundred_thousand_lines_are_read_in_one_pass() {
        let mut text = String::new();
        for at in 0..100_000 {
            writeln!(
                text,
                "{{\"id\":\"q{at}\",\"input\":{{\"question\":\"number {at}\"}}}}"
            )
            .unwrap();
        }
        let set = read(text).unwrap();
        assert_eq!(set.cases.len(), 100_000);
        assert_eq!(set.cases[99_999].id, "q99999");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ignored = read(bytes).map(|set| set.cases.len());
        }
    }

    // security 9
    #[test]
    fn grades_that_no_gain_can_hold_are_refused() {
        for grade in ["1024", "65", "-65", "1e308", "\"64.5\""] {
            let text =
                format!("{{\"input\":\"a\",\"expected\":{{\"ids\":{{\"d1\":{grade},\"d2\":1}}}}}}");
            let said = shown(&text);
            assert!(said.contains("the grade of `d1` is"), "{said}");
            assert!(said.contains("grades are at most 64"), "{said}");
        }
        let fine = "{\"input\":\"a\",\"expected\":{\"ids\":{\"d1\":64,\"d2\":0.5}}}";
        assert_eq!(read(fine).unwrap().cases.len(), 1);
    }

    // security 11
    #[test]
    fn a_line_has_a_limit() {
        let most = intake::GOLDEN_LINE.most() as usize;
        let said = shown(vec![b' '; most + 1]);
        assert!(said.contains("it has a line larger than 64 MiB"), "{said}");
        assert!(said.ends_with("[Environment]"), "{said}");
    }
}
